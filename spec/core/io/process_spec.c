// SPDX-License-Identifier: MIT
//
// Child processes, from native goroutines and from a strand's.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "script.h"

static lg_process *process;
static lg_conn *streams[3];
static _Atomic int n_done;

static void spawn_shell(const char *line)
{
    const char *argv[] = {"sh", "-c", line, NULL};
    CHECK_OK(lg_spawn("sh", argv, NULL, streams, &process));
    n_done = 0;
}

static void free_all(void)
{
    for (int i = 0; i < 3; i++) {
        lg_conn_free(streams[i]);
        streams[i] = NULL;
    }
    lg_process_free(process);
    process = NULL;
}

static void expect_exit(int code, int signo)
{
    lg_exit end = {-1, -1};
    CHECK_OK(lg_process_wait(process, &end, LG_NEVER));
    CHECK_INT(end.code, code);
    CHECK_INT(end.signal, signo);
}

static void talk(lg_runtime *rt)
{
    char buffer[16];
    size_t n;
    (void)rt;
    spawn_shell("read word; echo got $word; exit 5");
    CHECK_OK(lg_conn_write(streams[0], "it\n", 3, &n, LG_NEVER));
    CHECK_OK(lg_conn_read_full(streams[1], buffer, 7, &n, LG_NEVER));
    CHECK(memcmp(buffer, "got it\n", 7) == 0);
    CHECK_CODE(lg_conn_read(streams[1], buffer, 1, &n, LG_NEVER), LG_EOF);
    expect_exit(5, 0);
    CHECK_CODE(lg_process_kill(process, SIGTERM), LG_ESYSTEM - ESRCH);
    free_all();
}

static void fail_to_start(lg_runtime *rt)
{
    const char *argv[] = {"none", NULL};
    lg_spawn_options opts = {.cwd = "/no/such/place"};
    (void)rt;
    CHECK_CODE(lg_spawn("/no/such/program", argv, NULL, streams, &process),
               LG_ESYSTEM - ENOENT);
    CHECK_CODE(lg_spawn("sh", argv, &opts, streams, &process), LG_ESYSTEM - ENOENT);
    CHECK(process == NULL);
}

static void wait_in_vain(lg_runtime *rt)
{
    lg_exit end;
    spawn_shell("exec sleep 100");
    CHECK_CODE(lg_process_wait(process, &end, 0), LG_EAGAIN);
    CHECK_CODE(lg_process_wait(process, &end, lg_now(rt) + 1000000), LG_ETIMEDOUT);
    CHECK_OK(lg_process_kill(process, 0));
    CHECK_OK(lg_process_kill(process, SIGKILL));
    expect_exit(0, SIGKILL);
    expect_exit(0, SIGKILL);
    free_all();
}

static void wait_too(void *arg)
{
    (void)arg;
    expect_exit(0, SIGTERM);
    n_done++;
}

static void wait_together(lg_runtime *rt)
{
    enum { WAITERS = 10 };
    spawn_shell("exec sleep 100");
    for (int i = 0; i < WAITERS; i++) {
        spec_go(rt, wait_too, NULL);
    }
    lg_yield();
    CHECK_OK(lg_process_kill(process, SIGTERM));
    wait_too(NULL);
    SETTLE(n_done == WAITERS + 1);
    free_all();
}

static bool is_there(int pid)
{
    return kill(pid, 0) == 0;
}

// The loop keeps the record of one that goes on, until its end.
static void free_while_it_runs(lg_runtime *rt)
{
    (void)rt;
    spawn_shell("read word");
    int pid = lg_process_pid(process);
    lg_conn *in = streams[0];
    streams[0] = NULL;
    free_all();
    CHECK(is_there(pid));
    lg_conn_free(in);
    spawn_shell("exec sleep 100");
    while (is_there(pid)) {
        lg_exit end;
        CHECK_CODE(lg_process_wait(process, &end, lg_now(rt) + 1000000), LG_ETIMEDOUT);
    }
    CHECK_OK(lg_process_kill(process, SIGKILL));
    expect_exit(0, SIGKILL);
    free_all();
}

static int scripted(struct script *script, int result)
{
    static lg_exit end;
    SCRIPT_BEGIN
    spawn_shell("kill -USR1 $$");
    SCRIPT_AWAIT(lg_process_wait(process, &end, LG_NEVER));
    CHECK_OK(result);
    CHECK_INT(end.signal, SIGUSR1);
    SCRIPT_KEEP(lg_process_wait(process, &end, LG_NEVER));
    CHECK_OK(result);
    free_all();
    n_done = 1;
    SCRIPT_END
}

it("a process", "has three streams and an exit status", .procs = 2)
{
    talk(rt);
}

it("a process that cannot start", "says why", .procs = 1)
{
    if (!spec_is_emulated()) { // qemu's vfork is a fork: the parent cannot see why exec failed
        fail_to_start(rt);
    }
}

it("a process", "is waited for until a deadline, and killed", .procs = 2)
{
    wait_in_vain(rt);
}

it("a process", "is waited for by several", .procs = 3)
{
    wait_together(rt);
}

it("a process that is freed before its end", "goes on and leaves no zombie", .procs = 2)
{
    free_while_it_runs(rt);
}

static void leave(void *arg)
{
    (void)arg;
    spawn_shell("exec sleep 100");
    for (int i = 0; i < 3; i++) {
        lg_conn_free(streams[i]);
        streams[i] = NULL;
    }
}

it("a process", "outlives its runtime, which has its record to free")
{
    rt = spec_open(1);
    spec_main(rt, leave, NULL);
    int pid = lg_process_pid(process);
    lg_process_free(process); // goes to the loop, which ends before it
    process = NULL;
    spec_close(rt);
    CHECK(is_there(pid));
    kill(pid, SIGKILL);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
}

static void see_it_done(void *arg)
{
    (void)arg;
    SETTLE(n_done == 1);
}

it("a process of a scripted goroutine", "is waited for in both ways")
{
    rt = spec_open(2);
    static struct interpreter interpreter;
    n_done = 0;
    lg_strand *strand = script_strand(rt, &interpreter);
    script_go(strand, scripted, NULL);
    spec_main(rt, see_it_done, NULL);
    lg_strand_close(strand);
}
