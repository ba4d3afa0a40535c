// SPDX-License-Identifier: MIT
//
// What is gathered is of the C library's memory: states, and the runtime, may end before it.
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "folded.h"
#include "luastack.h"
#include "outfile.h"
#include "pprof.h"
#include "state.h"

enum { WHY_SIZE = 512, HZ_DEFAULT = 100 };

static const double NS_PER_S = 1e9;
static const double WAIT_SECONDS = 1e-5;

struct output {
    char *path; // NULL: there is none
    FILE *file;
    bool is_fresh; // there was no such file
};

struct session {
    struct output own;     // what was asked for
    struct output columns; // for the report
    enum column_kind column;
    struct pprof_times times;
    pthread_mutex_t lock;
    // -- lock --
    struct samples samples;
};

static const char *const column_names[NCOLUMNS] = {
    [COLUMN_SAMPLES] = "samples",
    [COLUMN_CPU] = "cpu",
    [COLUMN_WALL] = "wall",
    [COLUMN_WAITS] = "contentions",
    [COLUMN_DELAY] = "delay",
    [COLUMN_MUTEX_WAITS] = "mutex_contentions",
    [COLUMN_MUTEX_DELAY] = "mutex_delay",
};

void lagoon__profile_options(struct profile_options *out, const char *path)
{
    *out = (struct profile_options){.path = path,
                                    .column = COLUMN_CPU,
                                    .hz = HZ_DEFAULT,
                                    .wait_ns = (int64_t)(WAIT_SECONDS * NS_PER_S)};
}

bool lagoon__profile_column(const char *name, enum column_kind *out)
{
    for (int i = 0; i < NCOLUMNS; i++) {
        if (strcmp(name, column_names[i]) == 0) {
            *out = (enum column_kind)i;
            return true;
        }
    }
    return false;
}

// -- gathering --

static bool is_mutex(const char *reason)
{
    return reason != NULL && strstr(reason, "mutex") != NULL;
}

static void fill_columns(const lg_profile_sample *sample, int64_t columns[NCOLUMNS])
{
    memset(columns, 0, NCOLUMNS * sizeof columns[0]);
    columns[COLUMN_WALL] = sample->wall_ns;
    if (sample->kind == LG_PROFILE_RAN) {
        columns[COLUMN_SAMPLES] = sample->count;
        columns[COLUMN_CPU] = sample->cpu_ns;
    } else if (sample->kind == LG_PROFILE_WAITED) {
        columns[COLUMN_WAITS] = sample->count;
        columns[COLUMN_DELAY] = sample->wall_ns;
        if (is_mutex(sample->wait_reason)) {
            columns[COLUMN_MUTEX_WAITS] = sample->count;
            columns[COLUMN_MUTEX_DELAY] = sample->wall_ns;
        }
    }
}

static void write_sample(void *ud, const lg_profile_sample *sample)
{
    struct session *session = ud;
    struct stack_draft draft;
    int64_t columns[NCOLUMNS];
    fill_columns(sample, columns);
    pthread_mutex_lock(&session->lock);
    lagoon__draft_init(&draft, &session->samples);
    lagoon__luastack_draft(&draft, sample);
    lagoon__draft_count(&draft, columns);
    pthread_mutex_unlock(&session->lock);
}

// -- start --

static void output_fini(struct output *out)
{
    if (out->file != NULL) {
        fclose(out->file);
    }
    free(out->path);
}

static void session_free(struct session *session)
{
    output_fini(&session->own);
    output_fini(&session->columns);
    lagoon__samples_fini(&session->samples);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool copy_path(const char *path, struct output *out)
{
    out->path = path ? strdup(path) : NULL;
    return path == NULL || out->path != NULL;
}

// A file stays as it is until there is something to be written: another profile may write
// to it.
static bool open_output(struct output *out, char *why, size_t why_size)
{
    if (out->path == NULL) {
        return true;
    }
    int fd = lagoon__outfile_open(out->path, O_EXCL);
    out->is_fresh = fd >= 0;
    if (fd < 0 && errno == EEXIST) {
        fd = lagoon__outfile_open(out->path, 0);
    }
    out->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (out->file == NULL) {
        int saved_errno = errno;
        if (fd >= 0) {
            close(fd);
        }
        snprintf(why, why_size, "cannot write %s: %s", out->path, strerror(saved_errno));
        errno = saved_errno;
    }
    return out->file != NULL;
}

// What was opened for nothing.
static void discard_output(const struct output *out)
{
    if (out->is_fresh) {
        unlink(out->path);
    }
}

static struct session *session_new(const struct profile_options *options)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    pthread_mutex_init(&session->lock, NULL);
    bool has_paths = copy_path(options->path, &session->own) &&
                     copy_path(options->columns_path, &session->columns);
    session->column = options->column;
    session->times.begun_ns = clock_ns(CLOCK_REALTIME);
    session->times.period_ns = 1000000000 / options->hz;
    if (!has_paths || !lagoon__samples_init(&session->samples)) {
        session_free(session);
        return NULL;
    }
    return session;
}

// The profile is begun last: from then on anybody may end it.
static bool begin(struct session *session, lg_runtime *rt,
                  const struct profile_options *options, char *why, size_t why_size)
{
    if (!open_output(&session->own, why, why_size) ||
        !open_output(&session->columns, why, why_size)) {
        return false;
    }
    session->times.duration_ns = -clock_ns(CLOCK_MONOTONIC);
    int err = lg_profile_start(rt, options->hz, options->wait_ns, write_sample, session);
    if (err) {
        snprintf(why, why_size, "cannot take a profile: %s",
                 err == LG_EBUSY ? "there is one already" : lg_strerror(err));
        errno = 0;
    }
    return !err;
}

bool lagoon__profile_start(lg_runtime *rt, const struct profile_options *options,
                           char *why, size_t why_size)
{
    struct session *session = session_new(options);
    errno = 0;
    if (session == NULL) {
        snprintf(why, why_size, "cannot take a profile: %s", lg_strerror(LG_ENOMEM));
        return false;
    }
    bool has_begun = begin(session, rt, options, why, why_size);
    if (!has_begun) {
        int saved_errno = errno;
        discard_output(&session->own);
        discard_output(&session->columns);
        session_free(session);
        errno = saved_errno;
    }
    return has_begun;
}

// -- stop --

static bool has_ending(const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t size = strlen(ending);
    return length >= size && strcmp(path + length - size, ending) == 0;
}

static bool is_folded(const char *path)
{
    return has_ending(path, ".folded") || has_ending(path, ".collapsed") ||
           has_ending(path, ".txt");
}

static bool write_own(struct session *session)
{
    const char *path = session->own.path;
    FILE *file = session->own.file;
    if (is_folded(path)) {
        return lagoon__folded_write(file, &session->samples, session->column);
    }
    return lagoon__pprof_write(file, &session->samples, &session->times,
                               has_ending(path, ".pb") ? PPROF_PLAIN : PPROF_GZIP);
}

static bool write_columns(struct session *session)
{
    static const enum column_kind shown[] = {COLUMN_CPU, COLUMN_WALL, COLUMN_DELAY,
                                             COLUMN_MUTEX_DELAY};
    bool is_whole = true;
    for (size_t i = 0; i < sizeof shown / sizeof *shown && is_whole; i++) {
        fprintf(session->columns.file, "# %s\n", column_names[shown[i]]);
        is_whole =
            lagoon__folded_write(session->columns.file, &session->samples, shown[i]);
    }
    return is_whole;
}

// Writes one file, if it is asked for. False: *why says why not.
static bool write_output(struct session *session, struct output *out,
                         bool (*write)(struct session *session), char *why,
                         size_t why_size)
{
    if (out->path == NULL) {
        return true;
    }
    bool is_empty = ftruncate(fileno(out->file), 0) == 0 || errno == EINVAL; // no file
    errno = is_empty ? 0 : errno;
    bool is_written = is_empty && write(session);
    is_written = ferror(out->file) == 0 && is_written;
    is_written = fclose(out->file) == 0 && is_written;
    out->file = NULL;
    if (!is_written) {
        snprintf(why, why_size, "cannot write %s: %s", out->path,
                 strerror(errno ? errno : ENOMEM));
    }
    return is_written;
}

enum profile_result lagoon__profile_stop(lg_runtime *rt, enum profile_scope scope,
                                         char *why, size_t why_size)
{
    lg_strand *own = lg_strand_self();
    if (scope == PROFILE_ALL || own != NULL) {
        lg_profile_settle(rt, scope == PROFILE_ALL ? NULL : own);
    }
    struct session *session = lg_profile_stop(rt);
    if (session == NULL) {
        return PROFILE_NONE;
    }
    session->times.duration_ns += clock_ns(CLOCK_MONOTONIC);
    bool is_written = write_output(session, &session->own, write_own, why, why_size);
    is_written = write_output(session, &session->columns, write_columns, why, why_size) &&
                 is_written;
    session_free(session);
    return is_written ? PROFILE_WRITTEN : PROFILE_FAILED;
}

// -- Lua functions --

static int push_failure(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

// A number in a range, at an index; nil is what is usual.
static double number_between(lua_State *L, int index, double usual, double low,
                             double high, const char *what)
{
    if (lua_isnil(L, index)) {
        return usual;
    }
    double number = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : -1;
    if (!(number >= low && number <= high)) {
        lagoon__raise(L, "bad argument #2 to 'profile_start' (%s)", what);
    }
    return number;
}

// profile_start(path, value, hz, wait_seconds)
static int profile_start(lua_State *L)
{
    struct profile_options options;
    char why[WHY_SIZE];
    lua_settop(L, 4);
    lagoon__profile_options(&options, lagoon__check_path(L, 1, "profile_start"));
    const char *value = lua_tostring(L, 2);
    if (!lua_isnil(L, 2) &&
        (value == NULL || !lagoon__profile_column(value, &options.column))) {
        lagoon__raise(L, "bad argument #2 to 'profile_start' (there is no value '%s')",
                      value ? value : lagoon__type_name(L, 2));
    }
    options.hz =
        (int)number_between(L, 3, options.hz, 1, 10000, "hz must be from 1 to 10000");
    options.wait_ns =
        (int64_t)(NS_PER_S *
                  number_between(L, 4, WAIT_SECONDS, 1e-9, 1,
                                 "wait_seconds must be above 0 and at most 1"));
    lg_runtime *rt = lagoon__rt(L, lagoon__script(L));
    if (!lagoon__profile_start(rt, &options, why, sizeof why)) {
        return push_failure(L, why);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int profile_stop(lua_State *L)
{
    struct script *s = lagoon__script(L);
    char why[WHY_SIZE];
    switch (lagoon__profile_stop(lagoon__rt(L, s), PROFILE_OWN, why, sizeof why)) {
    case PROFILE_NONE: return push_failure(L, "there is no profile");
    case PROFILE_FAILED: return push_failure(L, why);
    case PROFILE_WRITTEN: break;
    }
    lua_pushboolean(L, 1);
    return 1;
}

void lagoon__open_profile(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"profile_start", profile_start}, {"profile_stop", profile_stop}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
