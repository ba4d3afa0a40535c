// SPDX-License-Identifier: MIT
#include "htmlreport.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "badend.h"
#include "embedded.h"
#include "outfile.h"

enum { NONCE_BYTES = 16 };

// What stands there until the program ends.
static const char UNFINISHED[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<title>lagoon report</title>\n"
    "<p>The program has not ended yet, or it was killed, or the disk was full: then no "
    "report was written. What it did is in the file beside this one whose name ends in "
    "<code>.trace.json</code>, which ui.perfetto.dev shows.</p>\n";

// ---------------------------------------------------------------------------
// Making the page
// ---------------------------------------------------------------------------

struct order {
    const struct html_report *report;
    int status;
};

// A loader of package.loaders, the first one: no file may take the place of our modules.
static int search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct lagoon_script *script = lagoon__find_embedded(name);
    if (script == NULL) {
        lua_pushfstring(L, "\n\tno module '%s' inside lagoon", name);
    } else {
        lagoon__load_embedded(L, script);
    }
    return 1;
}

static void set_loader(lua_State *L)
{
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "loaders");
    lua_pushcfunction(L, search);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 2);
}

static void push_nonce(lua_State *L)
{
    unsigned char bytes[NONCE_BYTES];
    char text[2 * NONCE_BYTES + 1];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        luaL_error(L, "no random numbers");
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    lua_pushstring(L, text);
}

static void push_argv(lua_State *L, char **argv)
{
    lua_newtable(L);
    for (int i = 0; argv[i] != NULL; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static void set_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

// require("lagoon.report").write(path, run)
static int write_page(lua_State *L)
{
    const struct order *order = lua_touserdata(L, 1);
    luaL_openlibs(L);
    set_loader(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "lagoon.report");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "write");
    lua_pushstring(L, order->report->path);
    lua_newtable(L);
    push_argv(L, order->report->argv);
    lua_setfield(L, -2, "argv");
    set_string(L, "trace_path", order->report->trace_path);
    set_string(L, "stacks_path", order->report->stacks_path);
    lua_pushinteger(L, order->status);
    lua_setfield(L, -2, "status");
    push_nonce(L);
    lua_setfield(L, -2, "nonce");
    lagoon__badends_push(L);
    lua_setfield(L, -2, "bad_ends");
    lua_call(L, 2, 2);
    return lua_toboolean(L, -2) ? 0 : lua_error(L);
}

static bool make_page(const struct html_report *report, int status, char *why,
                      size_t why_size)
{
    struct order order = {.report = report, .status = status};
    lua_State *L = luaL_newstate();
    bool is_made = L != NULL && lua_cpcall(L, write_page, &order) == 0;
    if (!is_made) {
        const char *what = L ? lua_tostring(L, -1) : NULL;
        snprintf(why, why_size, "cannot write %s: %s", report->path,
                 what ? what : "not enough memory");
    }
    if (L != NULL) {
        lua_close(L);
    }
    return is_made;
}

// ---------------------------------------------------------------------------
// Its files
// ---------------------------------------------------------------------------

static char *with_ending(const char *path, const char *ending)
{
    size_t size = strlen(path) + strlen(ending) + 1;
    char *both = malloc(size);
    if (both != NULL) {
        snprintf(both, size, "%s%s", path, ending);
    }
    return both;
}

static bool write_unfinished(const char *path)
{
    FILE *file = lagoon__outfile_stream(path);
    if (file == NULL) {
        return false;
    }
    bool is_written = fputs(UNFINISHED, file) >= 0;
    return fclose(file) == 0 && is_written;
}

bool lagoon__html_begin(struct html_report *report, const char *path,
                        const char *trace_path, char **argv, char *why, size_t why_size)
{
    *report = (struct html_report){.path = path, .argv = argv};
    report->has_own_trace = trace_path == NULL;
    report->trace_path =
        trace_path ? strdup(trace_path) : with_ending(path, ".trace.json");
    report->stacks_path = with_ending(path, ".stacks");
    errno = ENOMEM;
    if (report->trace_path && report->stacks_path && lagoon__badends_keep() &&
        write_unfinished(path)) {
        return true;
    }
    snprintf(why, why_size, "cannot write %s: %s", path, strerror(errno));
    free(report->trace_path);
    free(report->stacks_path);
    *report = (struct html_report){0};
    return false;
}

// Instead of a page of which only a part could be written. The two files stay, with all that
// it would have shown.
static void leave_files(const struct html_report *report, char *why, size_t why_size)
{
    write_unfinished(report->path);
    if (access(report->trace_path, F_OK) == 0) {
        size_t n = strlen(why);
        snprintf(why + n, why_size - n, "; what it would show is in %s and %s",
                 report->trace_path, report->stacks_path);
    }
}

static void remove_files(const struct html_report *report)
{
    if (report->has_own_trace) {
        unlink(report->trace_path);
    }
    unlink(report->stacks_path);
}

static void forget(struct html_report *report)
{
    free(report->trace_path);
    free(report->stacks_path);
    *report = (struct html_report){0};
}

void lagoon__html_abandon(struct html_report *report)
{
    struct stat found;
    if (report->path == NULL) {
        return;
    }
    if (lstat(report->path, &found) == 0 && S_ISREG(found.st_mode)) {
        unlink(report->path);
    }
    remove_files(report);
    forget(report);
}

bool lagoon__html_end(struct html_report *report, int status, char *why, size_t why_size)
{
    if (report->path == NULL) {
        return true;
    }
    bool is_made = make_page(report, status, why, why_size);
    if (is_made) {
        remove_files(report);
    } else {
        leave_files(report, why, why_size);
    }
    forget(report);
    return is_made;
}
