// SPDX-License-Identifier: MIT
//
// The harness of the core's specs. A spec is a fact about a thing:
//
//     it("chan.send with a receiver waiting", "skips the buffer", .procs = 1)
//     {
//         CHECK_OK(lg_chan_send(ch, &v, LG_NEVER));
//     }
//
// With .procs the body runs as goroutine 1 of a runtime `rt` of its own; without
// it the body runs on the host's thread and rt is NULL. Each runs in a child
// process under a watchdog, so that a crash or a hang is a failure with a name.
// Every runtime made by spec_open() is closed at the end and must have nothing
// left: no goroutine, channel, timer or stack, and no byte of its allocator's.
// A failed check ends the child, from whatever thread or goroutine it is in.
#ifndef SPEC_H
#define SPEC_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lagoon.h>

struct spec {
    const char *thing;
    const char *fact;
    const char *file;
    int line;
    void (*run)(lg_runtime *rt);
    int procs;        // 0: on the host's thread, without a runtime
    int limit_s;      // 0: the usual limit
    const char *dies; // abort() is expected, and this text on descriptor 2
    bool is_stress;   // only with --stress
    struct spec *next;
};

#define SPEC_CAT_(a, b) a##b
#define SPEC_CAT(a, b) SPEC_CAT_(a, b)
#define it(thing_, fact_, ...)                                                     \
    static void SPEC_CAT(spec_run_, __LINE__)(lg_runtime * rt);                    \
    static struct spec SPEC_CAT(spec_,                                             \
                                __LINE__) = {.thing = (thing_),                    \
                                             .fact = (fact_),                      \
                                             .file = __FILE__,                     \
                                             .line = __LINE__,                     \
                                             .run = SPEC_CAT(spec_run_, __LINE__), \
                                             __VA_ARGS__};                         \
    __attribute__((constructor)) static void SPEC_CAT(spec_add_, __LINE__)(void)   \
    {                                                                              \
        spec_add(&SPEC_CAT(spec_, __LINE__));                                      \
    }                                                                              \
    static void SPEC_CAT(spec_run_, __LINE__)(__attribute__((unused)) lg_runtime * rt)

void spec_add(struct spec *spec);

// ---------------------------------------------------------------------------
// Checks: each prints both sides
// ---------------------------------------------------------------------------

#define SPEC_HERE __FILE__, __LINE__

_Noreturn void spec_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void spec_check_int(const char *file, int line, const char *what, int64_t got,
                    int64_t want);
void spec_check_code(const char *file, int line, const char *what, int got, int want);
void spec_check_str(const char *file, int line, const char *what, const char *got,
                    const char *want);
void spec_check_has(const char *file, int line, const char *what, const char *got,
                    const char *part);

#define CHECK(cond)                                      \
    do {                                                 \
        if (!(cond)) {                                   \
            spec_fail(SPEC_HERE, "not true: %s", #cond); \
        }                                                \
    } while (0)
#define CHECK_INT(got, want) \
    spec_check_int(SPEC_HERE, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_CODE(got, want) spec_check_code(SPEC_HERE, #got, (got), (want))
#define CHECK_OK(got) spec_check_code(SPEC_HERE, #got, (got), LG_OK)
#define CHECK_STR(got, want) spec_check_str(SPEC_HERE, #got, (got), (want))
#define CHECK_HAS(got, part) spec_check_has(SPEC_HERE, #got, (got), (part))
#define CHECK_BETWEEN(got, low, high)                                                 \
    do {                                                                              \
        int64_t spec_got_ = (int64_t)(got);                                           \
        int64_t spec_low_ = (int64_t)(low);                                           \
        int64_t spec_high_ = (int64_t)(high);                                         \
        if (spec_got_ < spec_low_ || spec_got_ > spec_high_) {                        \
            spec_fail(SPEC_HERE, "%s: got %" PRId64 ", want %" PRId64 " to %" PRId64, \
                      #got, spec_got_, spec_low_, spec_high_);                        \
        }                                                                             \
    } while (0)

// ---------------------------------------------------------------------------
// Runtimes
// ---------------------------------------------------------------------------

enum { SPEC_RUNTIMES_MAX = 8 };

// An allocator hook that knows every block's size and can be told to fail.
struct spec_memory {
    _Atomic int64_t blocks;
    _Atomic int64_t bytes;
    _Atomic int64_t calls;      // that asked for memory
    _Atomic int64_t fail_at;    // fail the n-th such call from now; 0: none
    _Atomic bool is_fail_after; // ... and all that follow
};

void *spec_realloc(void *ud, void *ptr, size_t osize, size_t nsize);

// Opens a runtime that the end of the spec checks and closes. NULL: defaults.
lg_runtime *spec_open_with(const lg_options *opts);
lg_runtime *spec_open(int procs);

// Checks and closes it now.
void spec_close(lg_runtime *rt);

// Says that goroutines and what they hold are left on purpose: only the bytes
// are checked.
void spec_leave(lg_runtime *rt);

// lg_run() that must return LG_OK.
void spec_main(lg_runtime *rt, void (*fn)(void *arg), void *arg);

lg_ref spec_go(lg_runtime *rt, void (*fn)(void *arg), void *arg);
lg_stats spec_stats(lg_runtime *rt);
lg_chan *spec_chan(lg_runtime *rt, size_t elem_size, size_t cap);

// A moment after so many milliseconds on the runtime's clock.
int64_t spec_ms(lg_runtime *rt, int64_t ms);

// ---------------------------------------------------------------------------
// Waiting for a state, never for a time
// ---------------------------------------------------------------------------

int64_t spec_host_now_ns(void); // CLOCK_MONOTONIC
int64_t spec_settle_end(void);
void spec_settle(int64_t end_ns, const char *what, const char *file, int line);

// Lets the others run until the condition holds; fails if it never does.
#define SETTLE(cond)                                      \
    for (int64_t spec_end_ = spec_settle_end(); !(cond);) \
    spec_settle(spec_end_, #cond, SPEC_HERE)

// How many goroutines wait; with a reason: how many wait for that one.
size_t spec_waiting(lg_runtime *rt, const char *reason);

// Whether this goroutine waits.
bool spec_is_waiting(lg_runtime *rt, lg_ref ref);

// ---------------------------------------------------------------------------
// Load and luck
// ---------------------------------------------------------------------------

struct spec_random {
    uint64_t state;
};

bool spec_is_stress(void);
bool spec_has_tsan(void);

// Rounds in this proportion: all in the release build, fewer in the slow ones, ten times as
// many under --stress.
int spec_rounds(int rounds);

// Repeatable by --seed; the salt tells the users within one spec apart.
struct spec_random spec_random_new(uint64_t salt);
uint64_t spec_random_next(struct spec_random *random);
uint32_t spec_random_below(struct spec_random *random, uint32_t limit);

// Resident memory of this process, and whether that is ours alone: a sanitizer
// keeps what was freed, and an emulator is in there too.
int64_t spec_resident_bytes(void);
bool spec_resident_is_ours(void);

// Whether the specs run in an emulator (LAGOON_SPEC_EMULATED).
bool spec_is_emulated(void);

#endif // SPEC_H
