// SPDX-License-Identifier: MIT
//
// Runs one spec: its watchdog, its checks, its waiting for a state.
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#ifndef HAS_TSAN
#define HAS_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifndef HAS_ASAN
#define HAS_ASAN 0
#endif

#ifdef LG_CHECK
#define HAS_CHECK 1
#else
#define HAS_CHECK 0
#endif

enum {
    BASE = 4, // rounds are written down for the hurried
    SLOWNESS = HAS_TSAN    ? 20
               : HAS_ASAN  ? 6
               : HAS_CHECK ? 4
                           : 1,
    LIMIT_S = 10,
};

static const struct spec *running;

// ---------------------------------------------------------------------------
// Checks
// ---------------------------------------------------------------------------

_Noreturn static void fail_exit(void)
{
    fflush(NULL);
    _exit(SPEC_EXIT_FAILED);
}

void spec_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "  %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fail_exit();
}

void spec_check_int(const char *file, int line, const char *what, int64_t got,
                    int64_t want)
{
    if (got != want) {
        spec_fail(file, line, "%s: got %" PRId64 ", want %" PRId64, what, got, want);
    }
}

void spec_check_code(const char *file, int line, const char *what, int got, int want)
{
    if (got != want) {
        spec_fail(file, line, "%s: got %d (%s), want %d (%s)", what, got,
                  lg_strerror(got), want, lg_strerror(want));
    }
}

void spec_check_str(const char *file, int line, const char *what, const char *got,
                    const char *want)
{
    if (got == want || (got && want && !strcmp(got, want))) {
        return;
    }
    spec_fail(file, line, "%s: got \"%s\", want \"%s\"", what, got ? got : "(NULL)",
              want ? want : "(NULL)");
}

void spec_check_has(const char *file, int line, const char *what, const char *got,
                    const char *part)
{
    if (!got || !strstr(got, part)) {
        spec_fail(file, line, "%s: \"%s\" is not in \"%s\"", what, part,
                  got ? got : "(NULL)");
    }
}

// ---------------------------------------------------------------------------
// Settling
// ---------------------------------------------------------------------------

int64_t spec_host_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

// A little before the watchdog, which would not know what was waited for.
static int64_t settle_s(void)
{
    return spec_limit_s(running) - 2;
}

int64_t spec_settle_end(void)
{
    return spec_host_now_ns() + settle_s() * 1000000000;
}

void spec_settle(int64_t end_ns, const char *what, const char *file, int line)
{
    if (spec_host_now_ns() > end_ns) {
        spec_runtimes_dump();
        spec_fail(file, line, "did not settle within %d s: %s", (int)settle_s(), what);
    }
    if (lg_self().id) {
        CHECK_OK(lg_yield());
    } else {
        sched_yield();
    }
}

struct waiting {
    const char *reason;
    lg_ref ref;
    size_t count;
};

static bool waiting_visit(void *ud, const lg_g_info *info)
{
    struct waiting *waiting = ud;
    if (info->status != LG_WAITING) {
        return true;
    }
    bool is_reason = !waiting->reason ||
                     (info->wait_reason && !strcmp(info->wait_reason, waiting->reason));
    bool is_ref = !waiting->ref.id || waiting->ref.id == info->ref.id;
    waiting->count += is_reason && is_ref;
    return true;
}

size_t spec_waiting(lg_runtime *rt, const char *reason)
{
    struct waiting waiting = {.reason = reason};
    lg_goroutines(rt, waiting_visit, &waiting);
    return waiting.count;
}

bool spec_is_waiting(lg_runtime *rt, lg_ref ref)
{
    struct waiting waiting = {.ref = ref};
    lg_goroutines(rt, waiting_visit, &waiting);
    return waiting.count > 0;
}

// ---------------------------------------------------------------------------
// Load and luck
// ---------------------------------------------------------------------------

bool spec_is_stress(void)
{
    return spec_settings()->is_stress;
}

bool spec_has_tsan(void)
{
    return HAS_TSAN;
}

int spec_rounds(int rounds)
{
    int scaled = rounds / SLOWNESS * (spec_is_stress() ? 10 : 1);
    return scaled > 0 ? scaled * BASE : BASE;
}

struct spec_random spec_random_new(uint64_t salt)
{
    struct spec_random random = {spec_settings()->seed * 0x9E3779B97F4A7C15u + salt};
    spec_random_next(&random);
    return random;
}

// splitmix64
uint64_t spec_random_next(struct spec_random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t spec_random_below(struct spec_random *random, uint32_t limit)
{
    return (uint32_t)(spec_random_next(random) % limit);
}

int64_t spec_resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file);
    CHECK_INT(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

bool spec_resident_is_ours(void)
{
    bool is_sanitized = HAS_ASAN + HAS_TSAN > 0;
    return !is_sanitized && !spec_is_emulated();
}

bool spec_is_emulated(void)
{
    return getenv("LAGOON_SPEC_EMULATED") != NULL;
}

// ---------------------------------------------------------------------------
// One spec
// ---------------------------------------------------------------------------

int spec_limit_s(const struct spec *spec)
{
    int limit = spec->limit_s ? spec->limit_s : LIMIT_S;
    limit *= HAS_TSAN ? 6 : HAS_ASAN || HAS_CHECK ? 3 : 1;
    limit *= spec_is_emulated() ? 4 : 1;
    return spec_is_stress() ? limit * 10 : limit;
}

static void *watchdog(void *arg)
{
    const struct spec *spec = arg;
    struct timespec ts = {.tv_sec = spec_limit_s(spec)};
    while (nanosleep(&ts, &ts) != 0) {
    }
    fprintf(stderr, "  still running after %d s\n", spec_limit_s(spec));
    fflush(NULL);
    spec_runtimes_dump();
    fflush(NULL);
    _exit(SPEC_EXIT_LATE);
}

static void body(void *arg)
{
    const struct spec *spec = arg;
    spec->run(lg_current());
}

void spec_run(struct spec *spec)
{
    running = spec;
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, watchdog, spec), 0);
    pthread_detach(thread);
    if (spec->procs) {
        spec_main(spec_open(spec->procs), body, spec);
    } else {
        spec->run(NULL);
    }
    spec_runtimes_close();
}
