// SPDX-License-Identifier: MIT
//
// Stopping goroutines that do not come to the runtime: by a signal, where the
// host allows signals. The thread sanitizer and emulators deliver those late.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "load.h"
#include "sched/scan.h"
#include "sched/world.h"
#include "script.h"

static _Atomic bool must_end;
static _Atomic int nended;
static _Atomic uint64_t count;

static void end_hog(void)
{
    atomic_store(&must_end, true);
    SETTLE(atomic_load(&nended) == 1);
}

static void count_for_ever(__attribute__((unused)) void *arg)
{
    errno = 1234;
    while (!atomic_load_explicit(&must_end, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        CHECK_INT(errno, 1234);
    }
    atomic_fetch_add(&nended, 1);
}

static void stop_hog(void *rt)
{
    SETTLE(atomic_load(&count) > 0);
    for (int i = 0; i < spec_rounds(400); i++) {
        lg__world_stop(rt);
        uint64_t before = atomic_load_explicit(&count, memory_order_relaxed);
        for (volatile int j = 0; j < 20000; j++) {
        }
        CHECK_INT(atomic_load_explicit(&count, memory_order_relaxed), before);
        lg__world_start(rt);
        if (i % 8 == 0) {
            SETTLE(atomic_load(&count) > before);
        }
    }
    end_hog();
}

it("world.stop with a goroutine that only computes", "suspends it, errno and all")
{
    load_beside(count_for_ever, stop_hog);
}

static void load_mixed(void *rt)
{
    stop_under_load(rt, spec_rounds(1000));
    end_hog();
}

it("world.stop by signals with two Ps under load", "lets nobody move")
{
    load_beside(count_for_ever, load_mixed);
}

static void stop_load(void *rt)
{
    stop_under_load(rt, spec_rounds(1000));
}

it("world.stop by signals with four Ps under load", "lets nobody move")
{
    if (load_has_signals()) {
        lg_runtime *rt2 = load_open(4);
        spec_main(rt2, stop_load, rt2);
    }
}

static struct loads none;
static _Atomic int nstoppers;

static void stop_too(void *rt)
{
    stop_rounds(rt, &none, spec_rounds(1000));
    atomic_fetch_sub(&nstoppers, 1);
}

static void stop_by_three(void *rt)
{
    atomic_store(&nstoppers, 3);
    spec_go(rt, count_for_ever, rt);
    for (int i = 0; i < 3; i++) {
        spec_go(rt, stop_too, rt);
    }
    SETTLE(atomic_load(&nstoppers) == 0);
    end_hog();
}

it("world.stop by signals by three goroutines", "gives each its turn")
{
    if (load_has_signals()) {
        lg_runtime *rt2 = load_open(4);
        spec_main(rt2, stop_by_three, rt2);
    }
}

// ---------------------------------------------------------------------------
// What a suspended goroutine holds
// ---------------------------------------------------------------------------

#if defined(__x86_64__)
static const uint64_t secret = 0x5ec2e75ec2e75ec2;
static _Atomic int nfound;

__attribute__((no_sanitize("address", "thread"))) static void
seek(__attribute__((unused)) void *ud, const void *lo, const void *hi)
{
    for (const volatile uint64_t *at = lo; at < (const volatile uint64_t *)hi; at++) {
        if (*at == ~secret) {
            atomic_fetch_add(&nfound, 1);
        }
    }
}

static void seek_in_hog(void *rt)
{
    SETTLE(atomic_load(&count) > 0);
    lg__world_stop(rt);
    lg__scan_begin(rt, seek, NULL);
    CHECK(atomic_load(&nfound) > 0);
    lg__world_start(rt);
    while (lg__scan_some(rt)) {
    }
    SETTLE(lg__scan_is_done(rt));
    lg__world_stop(rt);
    lg__scan_end(rt);
    lg__world_start(rt);
    end_hog();
}

// The complement of the secret is nowhere else.
static void hide_in_register(__attribute__((unused)) void *arg)
{
    atomic_store(&count, 1);
    __asm__ volatile("movq %0, %%r12\n\t"
                     "notq %%r12\n"
                     "1: pause\n\t"
                     "cmpb $0, (%1)\n\t"
                     "je 1b\n\t"
                     "xorl %%r12d, %%r12d"
                     :
                     : "r"(secret), "r"(&must_end)
                     : "r12", "memory", "cc");
    atomic_fetch_add(&nended, 1);
}

static void hide_in_vector(__attribute__((unused)) void *arg)
{
    atomic_store(&count, 1);
    __asm__ volatile("movq %0, %%r12\n\t"
                     "notq %%r12\n\t"
                     "movq %%r12, %%xmm7\n\t"
                     "xorl %%r12d, %%r12d\n"
                     "1: pause\n\t"
                     "cmpb $0, (%1)\n\t"
                     "je 1b\n\t"
                     "pxor %%xmm7, %%xmm7"
                     :
                     : "r"(secret), "r"(&must_end)
                     : "r12", "xmm7", "memory", "cc");
    atomic_fetch_add(&nended, 1);
}

static void hide_in_red_zone(__attribute__((unused)) void *arg)
{
    atomic_store(&count, 1);
    __asm__ volatile("movq %0, %%r12\n\t"
                     "notq %%r12\n\t"
                     "movq %%r12, -120(%%rsp)\n\t"
                     "xorl %%r12d, %%r12d\n"
                     "1: pause\n\t"
                     "cmpb $0, (%1)\n\t"
                     "je 1b\n\t"
                     "movq $0, -120(%%rsp)"
                     :
                     : "r"(secret), "r"(&must_end)
                     : "r12", "memory", "cc");
    atomic_fetch_add(&nended, 1);
}

it("scan of a suspended goroutine", "finds what is only in a register")
{
    load_beside(hide_in_register, seek_in_hog);
}

it("scan of a suspended goroutine", "finds what is only in a vector register")
{
    load_beside(hide_in_vector, seek_in_hog);
}

it("scan of a suspended goroutine", "finds what is below its stack pointer")
{
    load_beside(hide_in_red_zone, seek_in_hog);
}
#endif

// ---------------------------------------------------------------------------
// The host's side
// ---------------------------------------------------------------------------

static _Atomic int nheard;

static void hear(__attribute__((unused)) int signo)
{
    atomic_fetch_add(&nheard, 1);
}

it("world.stop with a handler of the host for the signal", "lets it hear of each")
{
    signal(SIGURG, hear);
    load_beside(count_for_ever, stop_hog);
    CHECK(!load_has_signals() || atomic_load(&nheard) > 0);
}

static int pipe_of_host[2];

static void read_from_host(__attribute__((unused)) void *arg)
{
    char byte;
    atomic_store(&count, 1);
    CHECK_INT(read(pipe_of_host[0], &byte, 1), 1);
    atomic_fetch_add(&nended, 1);
}

static void stop_reader(void *rt)
{
    SETTLE(atomic_load(&count) > 0);
    for (int i = 0; i < 20; i++) {
        lg__world_stop(rt);
        lg__world_start(rt);
    }
    CHECK_INT(write(pipe_of_host[1], "x", 1), 1);
    end_hog();
}

it("world.stop with a goroutine in a system call", "suspends it; the call goes on")
{
    CHECK_INT(pipe(pipe_of_host), 0);
    load_beside(read_from_host, stop_reader);
}

static char logged[256];

static void take_line(__attribute__((unused)) void *ud, const char *line)
{
    strncpy(logged, line, sizeof logged - 1);
}

// From the moment on in which the stop begins.
static void compute_50_ms(void *rt)
{
    atomic_store(&count, 1);
    while (!lg__world_is_wanted(rt)) {
    }
    for (int64_t end_ns = spec_host_now_ns() + 50000000; spec_host_now_ns() < end_ns;) {
    }
    atomic_fetch_add(&nended, 1);
}

static void stop_late(void *arg)
{
    lg_go_options opts = {.name = "the thinker"};
    CHECK_OK(lg_go(arg, compute_50_ms, arg, &opts, NULL));
    SETTLE(atomic_load(&count) > 0);
    lg__world_stop(arg);
    lg__world_start(arg);
    CHECK_INT(atomic_load(&nended), 1);
    CHECK_HAS(logged, "goroutine 2 [the thinker]");
    CHECK_HAS(logged, "lg_checkpoint()");
}

it("world.stop without signals", "names who keeps it waiting")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 2;
    opts.on_log = take_line;
    lg_runtime *rt2 = spec_open_with(&opts);
    spec_main(rt2, stop_late, rt2);
}
