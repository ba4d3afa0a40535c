// SPDX-License-Identifier: MIT
//
// The program: a Lua state on a runtime, and goroutine 1 in it, which is
// program.lua. What the options mean stands there.
#include <lagoon.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "collect.h"
#include "course.h"
#include "ctrlc.h"
#include "dump.h"
#include "dumpsignal.h"
#include "failed.h"
#include "hub.h"
#include "listener.h"
#include "open.h"
#include "report.h"
#include "sampler.h"
#include "state.h"
#include "task.h"
#include "terminal.h"
#include "timed.h"

enum {
    STATUS_ERROR = 1, // of goroutine 1, or of usage
    STATUS_DEADLOCK = 2,
    WHY_SIZE = 256,
    PATIENCE_NS = 100 * 1000 * 1000, // with tasks that compute when the program ends
    FLUSH_PATIENCE_NS = 1000 * 1000 * 1000,
};

struct program {
    char **argv;
    int argc;
    struct course course;
    lg_runtime *rt;
    struct script *script;
    struct task *task; // goroutine 1
    int task_ref;      // keeps it, in the registry
    int status;
    bool has_trace; // of the collectors, on stderr
    lua_State *L;
    lg_timer patience;       // with a driver that does not come back
    _Atomic bool is_leaving; // by one thread only
};

// With -E no environment variable counts, also none of those that the
// libraries read while they are opened.
static bool ignores_environment(char **argv)
{
    for (int i = 1; argv[i] != NULL && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-E") == 0) {
            return true;
        }
        bool has_value = strchr("elj", argv[i][1]) && argv[i][2] == '\0';
        if (strcmp(argv[i], "--") == 0 || argv[i][1] == '\0' || argv[i][1] == 'b' ||
            (has_value && argv[++i] == NULL)) {
            break;
        }
    }
    return false;
}

static void log_line(void *ud, const char *line)
{
    (void)ud;
    fprintf(stderr, "%s\n", line);
}

static int open_runtime(bool is_env_ignored, struct program *program)
{
    char why[WHY_SIZE] = "";
    if (!lagoon__course_parse(program->argv, &program->course, why, sizeof why)) {
        lagoon__print_error(why);
        return LG_EINVAL;
    }
    lg_options options;
    lg_options_init(&options);
    options.signals = true;
    int err = is_env_ignored ? LG_OK : lg_options_env(&options, why, sizeof why);
    if (err) {
        lagoon__print_error(why);
        return err;
    }
    lagoon__course_options(&program->course, &options);
    if (options.deterministic) {
        lagoon__course_settle(program->argv);
    }
    if (why[0] != '\0') {
        lagoon__print_error(why);
    }
    program->has_trace = options.gctrace;
    bool has_log =
        options.gctrace || options.schedtrace_ms > 0 || options.watchdog_ns > 0;
    options.on_log = has_log ? log_line : NULL;
    err = lg_open(&options, &program->rt);
    if (err) {
        snprintf(why, sizeof why, "cannot start: %s", lg_strerror(err));
        lagoon__print_error(why);
    } else if (!lagoon__course_start(&program->course, program->rt, why, sizeof why)) {
        lagoon__print_error(why);
        lagoon__course_free(&program->course); // nothing runs in which it is borrowed
        err = LG_EINVAL;                       // and the process ends
    }
    return err;
}

static void push_argv(lua_State *L, struct program *program)
{
    lua_createtable(L, program->argc, 1);
    for (int i = 0; i < program->argc; i++) {
        lua_pushstring(L, program->argv[i]);
        lua_rawseti(L, -2, i);
    }
}

static int take_outcome(lua_State *L)
{
    struct program *program = lua_touserdata(L, 1);
    program->task->is_taken = true;
    lua_rawgeti(L, LUA_REGISTRYINDEX, program->task_ref);
    int task = lua_gettop(L);
    if (program->task->state == TASK_DONE) {
        lagoon__push_task_entry(L, task, 1);
        program->status = (int)lua_tointeger(L, -1);
    } else {
        lagoon__push_task_entry(L, task, TASK_ERROR);
        lagoon__push_task_entry(L, task, TASK_TRACE);
        lagoon__report(L, NULL, "");
        program->status = STATUS_ERROR;
    }
    return 0;
}

// Calls a function with the program, and says so if there was an error in it.
static bool call(lua_State *L, lua_CFunction function, struct program *program)
{
    if (lua_cpcall(L, function, program) == 0) {
        return true;
    }
    const char *message = lua_tostring(L, -1);
    lagoon__print_error(message ? message : "an error that is not a string");
    lua_pop(L, 1);
    return false;
}

// Writes out what was printed; the status that the process ends with.
static int flush(int status)
{
    bool is_lost = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || is_lost) && status == 0) {
        fprintf(stderr, "lagoon: cannot write to standard output\n");
        status = STATUS_ERROR;
    }
    return status;
}

// The thread that drives is inside a long computation of a task, and goroutine 1 has
// ended on another: as in Go, nobody waits for that.
static void leave_without_driver(void *arg)
{
    struct program *program = arg;
    // acq_rel: who comes first sees what goroutine 1 has left
    if (atomic_exchange_explicit(&program->is_leaving, true, memory_order_acq_rel)) {
        return;
    }
    bool is_told = call(program->L, take_outcome, program);
    int status = is_told ? program->status : STATUS_ERROR;
    lagoon__failed_report(program->script->hub);
    lagoon__course_leave(status);
    _exit(flush(status));
}

static void on_over(struct script *s)
{
    struct program *program = s->program;
    lg_timer_start(&program->patience, lg_now(s->rt) + PATIENCE_NS, 0);
}

static int prepare(lua_State *L)
{
    struct program *program = lua_touserdata(L, 1);
    if (ignores_environment(program->argv)) {
        lua_pushboolean(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    }
    lua_gc(L, LUA_GCSTOP, 0);
    luaL_openlibs(L);
    lua_gc(L, LUA_GCRESTART, -1);
    struct script *s = lagoon__open_program(L, program->rt);
    lagoon__collect_trace(L, s, program->has_trace ? log_line : NULL);
    push_argv(L, program);
    lua_pushboolean(L, isatty(STDIN_FILENO));
    lagoon__push_terminal(L, s);
    program->script = s;
    s->program = program;
    program->task = lagoon__async(L, s, 3);
    program->task->sg->is_main = true;
    s->main_ref = program->task->ref;
    s->main_id = s->main_ref.id;
    s->on_over = on_over;
    lg_timer_init(&program->patience, program->rt, NULL, leave_without_driver, program);
    program->task_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int report_deadlock(lua_State *L)
{
    struct program *program = lua_touserdata(L, 1);
    lagoon__push_dump(L, program->script, DUMP_ALL_STILL);
    fprintf(stderr, "\n%s\n", lua_tostring(L, -1));
    return 0;
}

static void tell_deadlock(lua_State *L, struct program *program)
{
    fflush(stdout);
    fputs("fatal error: all goroutines are asleep - deadlock!\n", stderr);
    if (lg_clock_is_paused(lg_clock_of(program->rt))) {
        fputs("the clock is paused: who sleeps on it is not woken\n", stderr);
    }
    call(L, report_deadlock, program);
}

// Until goroutine 1 has ended; behind a deadlock, too, if somebody wants to look at it.
static int drive_to_end(lua_State *L, struct program *program)
{
    int err = lg_drive(program->rt, program->task->ref);
    if (err == LG_EDEADLOCK && lagoon__attach_stays()) {
        tell_deadlock(L, program);
        fprintf(stderr, "\nlagoon attach %d looks at it\n", getpid());
        lg_hold(program->rt);
        err = lg_drive(program->rt, program->task->ref);
    }
    return err;
}

static int drive(lua_State *L, struct program *program)
{
    lagoon__ctrlc_start(program->script);
    lagoon__dumpsignal_start(program->script, &program->is_leaving);
    int err = drive_to_end(L, program);
    lagoon__ctrlc_stop();
    lagoon__dumpsignal_stop();
    lagoon__attach_stop();
    if (atomic_exchange_explicit(&program->is_leaving, true, memory_order_acq_rel)) {
        for (;;) {
            pause(); // another thread ends the process
        }
    }
    if (err == LG_EDEADLOCK && lg_replay_error(program->rt) != NULL) {
        return STATUS_ERROR; // which is why, and is told in the end
    }
    if (err == LG_EDEADLOCK) {
        tell_deadlock(L, program);
        return STATUS_DEADLOCK;
    }
    if (err != LG_OK) {
        lagoon__print_error(lg_strerror(err));
        return STATUS_ERROR;
    }
    return call(L, take_outcome, program) ? program->status : STATUS_ERROR;
}

// A task computes on another thread, and the program is over: as in Go, nobody waits. It may be in
// the program's state, which is left alone.
static _Noreturn void leave_running(struct program *program, int status)
{
    if (program->script != NULL) {
        lagoon__failed_report(program->script->hub);
    }
    lagoon__course_leave(status);
    _exit(flush(status));
}

static int report_failed(lua_State *L)
{
    struct program *program = lua_touserdata(L, 1);
    lagoon__report_failed_tasks(L, program->script);
    return 0;
}

static int run(struct program *program)
{
    lua_State *L = lagoon__new_state(program->rt);
    if (L == NULL) {
        lagoon__print_error("cannot create a Lua state: not enough memory");
        return STATUS_ERROR;
    }
    program->L = L;
    int status = call(L, prepare, program) ? drive(L, program) : STATUS_ERROR;
    lagoon__sampler_end();
    if (lg_stop_until(program->rt, lagoon__clock_ns() + PATIENCE_NS) != LG_OK) {
        leave_running(program, status);
    }
    if (!lagoon__course_stop(&program->course, program->rt, status) && status == 0) {
        status = STATUS_ERROR;
    }
    // From here on no other thread is in any state.
    if (program->script != NULL) {
        lagoon__failed_report(program->script->hub);
        lagoon__hub_close(program->script->hub);
        lagoon__script_close(program->script);
        call(L, report_failed, program);
    }
    lua_close(L);
    lg_close(program->rt);
    lagoon__course_free(&program->course);
    return status;
}

static sem_t is_flushed;

static void *flush_all(void *arg)
{
    fflush(NULL);
    sem_post(&is_flushed);
    return arg;
}

// The last of exit()'s handlers. Behind it libuv waits for its threads, one of which may be in a
// system call that does not return; and so may be who has a stream locked.
static void end_at_once(int status, void *unused)
{
    (void)unused;
    if (!lg_has_left_work()) {
        return;
    }
    const struct timespec end = lagoon__timed_end(FLUSH_PATIENCE_NS);
    if (sem_init(&is_flushed, 0, 0) == 0 && lagoon__start_thread(flush_all, NULL)) {
        lagoon__timed_sem(&is_flushed, &end);
    }
    _exit(status);
}

int main(int argc, char **argv)
{
    lagoon__dumpsignal_begin();
    struct program program = {.argv = argv, .argc = argc};
    on_exit(end_at_once, NULL);
    if (open_runtime(ignores_environment(argv), &program) != LG_OK) {
        return STATUS_ERROR;
    }
    return flush(run(&program));
}
