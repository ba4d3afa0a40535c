// SPDX-License-Identifier: MIT
#include "course.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "listener.h"
#include "outfile.h"
#include "profile.h"
#include "seeds.h"
#include "sigterm.h"
#include "timeline.h"

enum { LINE_SIZE = 256 };

static const struct option {
    const char *name;
    size_t path; // where its path goes in struct course; 0: it has none
} options[] = {
    {"--deterministic", 0},
    {"--record", offsetof(struct course, record_path)},
    {"--replay", offsetof(struct course, replay_path)},
    {"--trace", offsetof(struct course, trace_path)},
    {"--profile", offsetof(struct course, profile_path)},
    {"--html", offsetof(struct course, html_path)},
    {"--profile-value", offsetof(struct course, profile_value)},
};

enum { NOPTIONS = sizeof options / sizeof *options };

// What follows a name: "" for nothing, "=..." for a value; NULL: it is another option.
static const char *after_name(const char *arg, const char *name)
{
    size_t length = strlen(name);
    bool is_name = strncmp(arg, name, length) == 0;
    return is_name && (arg[length] == '\0' || arg[length] == '=') ? arg + length : NULL;
}

static bool parse_seed(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out != 0;
}

static bool parse_one(const char *arg, struct course *out, char *why, size_t why_size)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *o = &options[i];
        const char *rest = after_name(arg, o->name);
        if (rest == NULL) {
            continue;
        }
        if (o->path == 0) {
            out->is_deterministic = true;
            if (*rest != '\0' && !parse_seed(rest + 1, &out->seed)) {
                snprintf(why, why_size, "%s: the seed must be a whole number from 1 on",
                         arg);
                return false;
            }
        } else if (rest[0] == '\0' || rest[1] == '\0') {
            bool is_value = o->path == offsetof(struct course, profile_value);
            snprintf(why, why_size, "option '%s' needs a %s: %s=%s", o->name,
                     is_value ? "value" : "file", o->name, is_value ? "wall" : "FILE");
            return false;
        } else {
            *(const char **)(void *)((char *)out + o->path) = rest + 1;
        }
    }
    return true; // program.lua knows what there is
}

bool lagoon__course_parse(char **argv, struct course *out, char *why, size_t why_size)
{
    memset(out, 0, sizeof *out);
    out->argv = argv;
    for (int i = 1; argv[i] != NULL && argv[i][0] == '-'; i++) {
        bool has_value = strchr("elj", argv[i][1]) && argv[i][2] == '\0';
        if (strcmp(argv[i], "--") == 0 || argv[i][1] == '\0' || argv[i][1] == 'b' ||
            (has_value && argv[++i] == NULL)) {
            break;
        }
        if (!has_value && !parse_one(argv[i], out, why, why_size)) {
            return false;
        }
    }
    if (out->record_path && out->replay_path) {
        snprintf(why, why_size, "a run is recorded or replayed, not both");
        return false;
    }
    if (out->replay_path && out->seed) {
        snprintf(why, why_size, "the seed of a replay is that of the recording");
        return false;
    }
    if (out->html_path && out->trace_path && !lagoon__is_timeline(out->trace_path)) {
        snprintf(why, why_size, "a page needs a trace in JSON: --trace=FILE.json");
        return false;
    }
    if (out->profile_value && !out->profile_path) {
        snprintf(why, why_size,
                 "--profile-value=%s needs a profile: --profile=FILE.folded",
                 out->profile_value);
        return false;
    }
    enum column_kind column;
    if (out->profile_value && !lagoon__profile_column(out->profile_value, &column)) {
        snprintf(why, why_size,
                 "--profile-value=%s: there are samples, cpu, wall, contentions, delay, "
                 "mutex_contentions, mutex_delay",
                 out->profile_value);
        return false;
    }
    return true;
}

void lagoon__course_options(struct course *course, lg_options *opts)
{
    if (course->is_deterministic || course->record_path || course->replay_path) {
        opts->deterministic = true;
        opts->procs = 1;
    }
    if (course->seed) {
        opts->seed = course->seed;
    }
    if (opts->deterministic) {
        lagoon__seeds_fix();
    }
}

void lagoon__course_settle(char **argv)
{
    const unsigned long ask = 0xffffffffUL;
    int now = personality(ask);
    sigset_t early;
    if (now == -1) {
        return;
    }
    sigemptyset(&early);
    sigaddset(&early, SIGUSR1);
    if (now & ADDR_NO_RANDOMIZE) {
        // It is so; children get what is usual.
        personality((unsigned long)now & ~(unsigned long)ADDR_NO_RANDOMIZE);
        pthread_sigmask(SIG_UNBLOCK, &early, NULL);
    } else if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) != -1) {
        pthread_sigmask(SIG_BLOCK, &early, NULL); // meanwhile nobody handles it
        execv("/proc/self/exe", argv);
        pthread_sigmask(SIG_UNBLOCK, &early, NULL);
        personality((unsigned long)now);
    }
}

// -- files --

static bool write_log(void *ud, const void *bytes, size_t size)
{
    return fwrite(bytes, 1, size, ud) == size && fflush(ud) == 0;
}

static void write_trace(void *ud, const lg_trace_event *events, size_t nevents)
{
    for (size_t i = 0; i < nevents; i++) {
        char line[LINE_SIZE];
        lg_trace_line(&events[i], line, sizeof line);
        fputs(line, ud);
        fputc('\n', ud);
    }
}

// What is left to be written when a run ends. Any thread may end it, SIGTERM has one of its
// own: whoever is first does it, and others wait for that.
static struct {
    pid_t
        beginner; // fixed from the start on; a process that it has forked has no part in it
    pthread_mutex_t lock;
    // -- lock --
    struct course *course; // NULL: it has not begun, or all is written
    lg_runtime *rt;
} run = {.lock = PTHREAD_MUTEX_INITIALIZER};

// The script may have begun a profile, too.
static bool stop_profile(lg_runtime *rt, enum profile_scope scope)
{
    char why[LINE_SIZE];
    bool is_failed = lagoon__profile_stop(rt, scope, why, sizeof why) == PROFILE_FAILED;
    if (is_failed) {
        fprintf(stderr, "lagoon: %s\n", why);
    }
    return !is_failed;
}

static bool stop_trace(lg_runtime *rt, const struct course *course)
{
    lg_trace_stop(rt);
    if (course->trace != NULL) {
        fflush(course->trace); // failed: ferror() tells
    }
    int err = lg_timeline_stop(rt);
    if (err != LG_OK) {
        fprintf(stderr, "lagoon: cannot write %s: %s\n",
                course->trace_path ? course->trace_path : "the trace",
                lagoon__timeline_error(err));
    }
    return err == LG_OK;
}

static bool write_page(struct html_report *report, int status)
{
    char why[4 * LINE_SIZE]; // with three paths
    bool is_written = lagoon__html_end(report, status, why, sizeof why);
    if (!is_written) {
        fprintf(stderr, "lagoon: %s\n", why);
    }
    return is_written;
}

static bool finish_run(enum profile_scope scope, int status)
{
    bool is_done = true;
    pthread_mutex_lock(&run.lock);
    if (run.course != NULL) {
        is_done = stop_profile(run.rt, scope);
        is_done = stop_trace(run.rt, run.course) && is_done;
        is_done = write_page(&run.course->html, status) && is_done;
        run.course = NULL;
    }
    pthread_mutex_unlock(&run.lock);
    return is_done;
}

void lagoon__course_leave(int status)
{
    if (getpid() == run.beginner) {
        finish_run(PROFILE_OWN, status);
    }
}

static void leave_by_sigterm(void)
{
    lagoon__course_leave(128 + SIGTERM);
}

static void leave_at_exit(int status, void *unused)
{
    (void)unused;
    lagoon__course_leave(status);
}

static bool refuse(const char *verb, const char *path, const char *what, char *why,
                   size_t why_size)
{
    snprintf(why, why_size, "cannot %s %s: %s", verb, path, what);
    return false;
}

static bool open_file(const char *path, FILE **out, char *why, size_t why_size)
{
    *out = lagoon__outfile_stream(path);
    return *out != NULL || refuse("write", path, strerror(errno), why, why_size);
}

static bool read_all(FILE *file, struct course *course)
{
    size_t cap = 0;
    for (;;) {
        if (cap - course->log_size < 4096) {
            cap = cap * 2 + 65536;
            char *more = realloc(course->log, cap);
            if (more == NULL) {
                errno = ENOMEM;
                return false;
            }
            course->log = more;
        }
        size_t n = fread(course->log + course->log_size, 1, cap - course->log_size, file);
        course->log_size += n;
        if (n == 0) {
            return ferror(file) == 0;
        }
    }
}

static bool read_log(struct course *course, char *why, size_t why_size)
{
    FILE *file = fopen(course->replay_path, "rbe");
    bool is_read = file != NULL && read_all(file, course);
    int err = errno;
    if (file != NULL) {
        fclose(file);
    }
    return is_read || refuse("read", course->replay_path, strerror(err), why, why_size);
}

static bool start_log(struct course *course, lg_runtime *rt, char *why, size_t why_size)
{
    char what[128];
    if (course->replay_path) {
        if (!read_log(course, why, why_size)) {
            return false;
        }
        if (lg_replay_start(rt, course->log, course->log_size, what, sizeof what) !=
            LG_OK) {
            return refuse("replay", course->replay_path, what, why, why_size);
        }
    }
    if (course->record_path) {
        if (!open_file(course->record_path, &course->record, why, why_size)) {
            return false;
        }
        int err = lg_record_start(rt, write_log, course->record);
        if (err) {
            return refuse("record", course->record_path, lg_strerror(err), why, why_size);
        }
    }
    return true;
}

static bool start_profile(struct course *course, lg_runtime *rt, char *why,
                          size_t why_size)
{
    struct profile_options how;
    lagoon__profile_options(&how, course->profile_path);
    how.columns_path = course->html.stacks_path;
    if (course->profile_value) {
        lagoon__profile_column(course->profile_value, &how.column);
    }
    return lagoon__profile_start(rt, &how, why, why_size);
}

static bool start_trace(struct course *course, lg_runtime *rt, char *why, size_t why_size)
{
    bool is_for_page = course->trace_path == NULL;
    const char *path = is_for_page ? course->html.trace_path : course->trace_path;
    if (is_for_page || lagoon__is_timeline(path)) {
        int err = lg_timeline_start(rt, path);
        return err == LG_OK ||
               refuse("write", path, lagoon__timeline_error(err), why, why_size);
    }
    if (!open_file(path, &course->trace, why, why_size)) {
        return false;
    }
    int err = lg_trace_start(rt, write_trace, course->trace);
    return err == LG_OK || refuse("trace", path, lg_strerror(err), why, why_size);
}

static bool begin_page(struct course *course, char *why, size_t why_size)
{
    return lagoon__html_begin(&course->html, course->html_path, course->trace_path,
                              course->argv, why, why_size);
}

// Begins what is written besides the log.
static bool start_outputs(struct course *course, lg_runtime *rt, char *why,
                          size_t why_size)
{
    bool has_profile = course->profile_path || course->html_path;
    bool has_trace = course->trace_path || course->html_path;
    if (course->html_path && !begin_page(course, why, why_size)) {
        return false;
    }
    if ((has_profile && !start_profile(course, rt, why, why_size)) ||
        (has_trace && !start_trace(course, rt, why, why_size))) {
        stop_profile(rt, PROFILE_OWN);
        lagoon__html_abandon(&course->html);
        return false;
    }
    return true;
}

static void stay_alive(int signo)
{
    (void)signo; // the write that was one too many fails, which is told in the end
}

// Of a file's size: no reason to end a program that somebody looks at. With a handler, which
// children do not inherit.
static void outlive_limit(void)
{
    struct sigaction old;
    if (sigaction(SIGXFSZ, NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
        lagoon__set_handler(SIGXFSZ, stay_alive);
    }
}

bool lagoon__course_start(struct course *course, lg_runtime *rt, char *why,
                          size_t why_size)
{
    if (course->record_path || course->profile_path || course->trace_path ||
        course->html_path) {
        outlive_limit();
    }
    if (!start_log(course, rt, why, why_size) ||
        !start_outputs(course, rt, why, why_size)) {
        return false;
    }
    pthread_mutex_lock(&run.lock);
    run.course = course;
    run.rt = rt;
    run.beginner = getpid();
    pthread_mutex_unlock(&run.lock);
    on_exit(leave_at_exit, NULL);
    if (course->profile_path || course->trace_path || course->html_path) {
        lagoon__sigterm_start(leave_by_sigterm);
    }
    return true;
}

// Closes a file that was written to; says so if it has not all of it.
static bool finish(FILE *file, const char *path, bool is_whole)
{
    if (file == NULL) {
        return true;
    }
    is_whole = ferror(file) == 0 && is_whole;
    is_whole = fclose(file) == 0 && is_whole;
    if (!is_whole) {
        fprintf(stderr, "lagoon: cannot write %s\n", path);
    }
    return is_whole;
}

bool lagoon__course_stop(struct course *course, lg_runtime *rt, int status)
{
    bool is_recorded = lg_record_stop(rt) == LG_OK;
    bool is_done = finish_run(PROFILE_ALL, status);
    is_done = finish(course->record, course->record_path, is_recorded) && is_done;
    is_done = finish(course->trace, course->trace_path, true) && is_done;
    if (lg_replay_error(rt) != NULL) {
        fprintf(stderr, "lagoon: replay: %s\n", lg_replay_error(rt));
        is_done = false;
    }
    return is_done;
}

void lagoon__course_free(struct course *course)
{
    free(course->log);
    course->log = NULL;
}
