// SPDX-License-Identifier: MIT
//
// lagoon: Go's runtime as a C library. This header is the manual of the core.
//
// A *runtime* owns a scheduler: G (goroutine), M (OS thread), P (the right to
// run; a runtime has `procs` of them). Goroutines are of two kinds. A *native*
// one is a C function on a stack of its own; any P runs it and any other may
// steal it. A *scripted* one belongs to a *strand*, a serial executor that an
// interpreter fills in: it has no C stack, the scheduler resumes it through
// `lg_strand_ops`. Both wait on the same channels, locks and timers.
//
// How calls wait. A function marked "Blocks: the goroutine" blocks a native
// goroutine until it is done. Called by a scripted one, it returns LG_WAIT
// when it would have to wait: the wait is armed, and the interpreter either
// returns LG_WAIT from its `resume` (and calls lg_wait_finish() when it is
// resumed), or calls lg_wait(), which keeps the C stack it stands on and lets
// the scheduler go on on another one. Nothing else may be called in between.
//
// Deadlines are moments on lg_now()'s clock in nanoseconds: LG_NEVER waits
// for ever, 0 does not wait at all (and never returns LG_WAIT, so such a call
// may stand anywhere, an FFI call from compiled code included).
//
// Errors are negative LG_E* codes; results come through out-parameters, which
// are untouched on failure unless a call says otherwise. Misuse that no caller
// can handle ends in the runtime's `on_fatal` and then abort().
//
// C++. The header is one of C++11, too. Exceptions may be thrown and caught inside a
// goroutine, whichever threads it runs on; one that leaves a function which lagoon calls
// ends the program (std::terminate). Between a throw and the end of its handler nothing
// may wait: what has been caught is kept by thread. So are thread_local variables: no
// reference to one outlives a call that may wait, nor does what pthread_self() said.
#ifndef LAGOON_H
#define LAGOON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LG_API __attribute__((visibility("default")))

#define LG_VERSION "0.1.0"

// The binary interface: the N of liblagoon.so.N and of the symbols' version LAGOON_N. A
// program goes on with any library that has its number.
#define LG_ABI 0

// ---------------------------------------------------------------------------
// Codes
// ---------------------------------------------------------------------------

enum {
    LG_WAIT = 1, // armed: a scripted goroutine must yield, or lg_wait()
    LG_OK = 0,
    LG_ENOMEM = -1,      // out of memory or of address space
    LG_EINVAL = -2,      // an argument is out of range
    LG_EAGAIN = -3,      // would have to wait, and deadline 0 said not to
    LG_ETIMEDOUT = -4,   // the deadline passed first
    LG_ECANCELED = -5,   // the goroutine was canceled before or while waiting
    LG_ECLOSED = -6,     // the channel is closed (and, receiving, drained)
    LG_EPERM = -7,       // not held, or held by somebody else
    LG_EDEADLOCK = -8,   // every goroutine waits and nothing can wake one
    LG_ETHREAD = -9,     // the system refused a thread
    LG_ESRCH = -10,      // no such goroutine any more
    LG_EOF = -11,        // the stream has ended
    LG_EBUSY = -12,      // another goroutine is at it
    LG_EBROKEN = -13,    // a write was cut in two: nothing may follow
    LG_ECERT = -14,      // the other side's certificate is not to be trusted
    LG_ETLS = -15,       // the other side, or a certificate of ours, is not fit for TLS
    LG_EDIVERGED = -16,  // a replay has taken another course than what was recorded
    LG_ESYSTEM = -10000, // and below: what the outside world says (lg_error_name())
};

#define LG_NEVER INT64_MAX

// The name of a code as a short English phrase: "timed out".
//
// code  any int; one that is not ours gives "unknown error"
//
// Returns: a static string.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      error.Error
LG_API const char *lg_strerror(int code);

// The version of the library that is linked, as against LG_VERSION.
//
// Returns: a static string.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.Version
LG_API const char *lg_version(void);

// ---------------------------------------------------------------------------
// Runtime
// ---------------------------------------------------------------------------

typedef struct lg_runtime lg_runtime;
typedef struct lg_g lg_g;
typedef struct lg_strand lg_strand;
typedef struct lg_chan lg_chan;
typedef struct lg_clock lg_clock;

// What a host decides about its runtime. Zero means the default everywhere;
// fill it with lg_options_init(), which also sets `size_bytes`.
typedef struct lg_options {
    size_t size_bytes; // sizeof(lg_options) that the host was compiled with
    int procs;         // Ps, 1 to LG_PROCS_MAX; 0: as many as CPUs
    uint64_t seed;     // of select and stealing; 0: from the clock
    // Memory: like realloc; nsize 0 frees. NULL: lagoon's own allocator. What is
    // collected, and stacks, always come from the system in large pieces.
    void *(*alloc)(void *ud, void *ptr, size_t osize, size_t nsize);
    void *alloc_ud;
    // Time in nanoseconds, never going back. NULL: the system's monotonic
    // clock. A host that drives its own calls lg_clock_moved() after each step.
    int64_t (*clock)(void *ud);
    void *clock_ud;
    // A line about something worth knowing; without a newline. NULL: nothing but what
    // was asked for by lg_watchdog() and lg_log().
    void (*on_log)(void *ud, const char *line);
    // The last words before abort(). NULL: written to file descriptor 2.
    void (*on_fatal)(void *ud, const char *message);
    void *ud; // handed to on_log, on_fatal and on_wake
    // The process's signals are ours: install a SIGSEGV handler that names a
    // goroutine whose stack overflows, and let our threads take signals as the
    // one that opened the runtime does. Else our threads block all that they do
    // not cause themselves, and so do the children that goroutines start there.
    bool signals;
    size_t stack_size_bytes; // of native goroutines; 0: LG_STACK_DEFAULT
    int gc_percent;          // as lg_gc_percent(); 0: 100
    int64_t mem_limit_bytes; // as lg_mem_limit(); 0: none
    bool gctrace;            // a line to on_log for each cycle, in Go's form
    bool gc_stress;          // a cycle before every allocation: finds lost roots, slow
    // How long a goroutine computes before it makes room for others; 0: 10 ms.
    // Negative: until it waits. With a clock of the host's: always so.
    int64_t slice_ns;
    int schedtrace_ms;   // a line about the scheduler to on_log this often; 0: none
    bool scheddetail;    // with it a line for each P, M and goroutine
    int64_t watchdog_ns; // as lg_watchdog(); 0: off
    // Something waits for the host's thread, which is in no lg_update(): call it, or have
    // it called. Comes from any thread, at most once from one update to the next; one
    // that began before an update may end after it. Must be brief (set an event, write
    // to a pipe) and call nothing of lagoon. NULL: the host calls lg_update() anyway.
    void (*on_wake)(void *ud);
    // The same inputs give the same run: one P, no preemption, `seed` (0: 1) for all that
    // is chosen, and unless `clock` is set a clock of the runtime's own, which stands still
    // while anything can run and moves to the next timer when everything waits. An update
    // never moves it: a host that calls lg_update() gives `clock`.
    bool deterministic;
    int64_t mem_cap_bytes; // as lg_mem_cap(); 0: none
} lg_options;

enum {
    LG_PROCS_MAX = 256,
    LG_STACK_DEFAULT = 64 * 1024,
    LG_STACK_MAX = 64 * 1024 * 1024,
    LG_CHAN_CASES_MAX = 65535,
    LG_SLICE_NS = 10 * 1000 * 1000,
};

// Fills an options record with the defaults.
//
// out  written; yours
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_options_init(lg_options *out);

// Applies the environment to options: LAGOON_PROCS, LAGOON_GC, LAGOON_MEMLIMIT
// and LAGOON_DEBUG, which are what GOMAXPROCS, GOGC, GOMEMLIMIT and GODEBUG
// are to Go, and LAGOON_MEMCAP. LAGOON_GC is a percentage (0 counts as 1) or "off",
// LAGOON_MEMLIMIT (lg_mem_limit) and LAGOON_MEMCAP (lg_mem_cap) are as in
// lg_mem_limit_parse(), LAGOON_DEBUG a list as "gctrace=1,...", of which
// names that are not known change nothing, and why names them.
//
// opts  changed; fields that no variable names stay as they are
// why   receives a sentence that names the variable and its value, at most
//       why_size bytes with the final zero; without an error it is empty, or a
//       warning; may be NULL
// why_size  bytes at why
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, a variable's value is not what it must be.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      GOMAXPROCS, GOGC, GOMEMLIMIT, GODEBUG
LG_API int lg_options_env(lg_options *opts, char *why, size_t why_size);

// Makes a runtime. Threads start when there is work for them.
//
// opts  borrowed for the call; NULL for defaults
// out   the runtime; yours, for lg_close()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, an option is out of range; LG_ENOMEM; LG_ETHREAD.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      what happens before main
LG_API int lg_open(const lg_options *opts, lg_runtime **out);

// Ends a runtime: stops its threads at their next scheduling point and frees
// everything. Goroutines that were left are dropped where they stand, their
// stacks are not unwound.
//
// rt  ended; no lg_ call on its objects may follow. NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  from one of its goroutines, or while lg_drive() runs: fatal.
// Blocks:  the thread, until running goroutines reach a scheduling point.
// Call from: a thread that is not inside the runtime.
// Go:      the end of main
LG_API void lg_close(lg_runtime *rt);

// The first half of lg_close(): stops the runtime's threads at their next
// scheduling point. Nothing of it runs from then on, but its memory is there to
// be used and freed: by a host whose interpreter still has something to tidy up.
//
// rt  stopped; of what concerns goroutines nothing may be called any more
//
// Returns: none.   Errors: none.
// Misuse:  as lg_close().
// Blocks:  as lg_close().   Call from: as lg_close().
// Go:      none
LG_API void lg_stop(lg_runtime *rt);

// As lg_stop(), but not for longer than until a moment: a thread may be inside a
// long computation. What has stopped stays stopped; call again, or let the process
// end.
//
// rt           the runtime
// deadline_ns  on the system's monotonic clock, whatever the runtime's is
//
// Returns: LG_OK, nothing runs any more.
// Errors:  LG_ETIMEDOUT, some thread still does.
// Misuse:  as lg_stop().   Blocks: the thread.   Call from: as lg_stop().
// Go:      none
LG_API int lg_stop_until(lg_runtime *rt, int64_t deadline_ns);

// A goroutine's name that may outlive it: a weak reference, free to copy and
// forget. Calls on a goroutine that has ended say LG_ESRCH.
typedef struct lg_ref {
    lg_g *g;
    uint64_t id; // never used twice in a runtime; 0 in no reference
} lg_ref;

// Lends the calling thread to the runtime as an M until a goroutine ends.
// Other goroutines keep running on the other threads afterwards, if there are.
//
// rt     the runtime
// until  return when this goroutine has ended
//
// Returns: LG_OK, it has ended.
// Errors:  LG_EDEADLOCK, every goroutine waits and nothing can wake one: no
//          timer runs and nothing is held by lg_hold(). Nothing is undone, so
//          that lg_dump() can tell; LG_ENOMEM.
// Misuse:  from a goroutine, or two threads at once on one runtime: fatal.
// Blocks:  the thread.   Call from: a thread outside the runtime.
// Go:      the runtime's main
LG_API int lg_drive(lg_runtime *rt, lg_ref until);

// Runs fn(arg) as a goroutine and lg_drive()s until it returns: Go's main.
//
// rt   the runtime
// fn   the function
// arg  handed to it
//
// Returns: LG_OK, fn has returned.
// Errors:  LG_ENOMEM; LG_EDEADLOCK as lg_drive(). fn may run all the same, on
//          another thread, or later when somebody drives.
// Misuse:  as lg_drive().   Blocks: the thread.
// Call from: a thread outside the runtime.
// Go:      func main
LG_API int lg_run(lg_runtime *rt, void (*fn)(void *arg), void *arg);

// What an update has done, and what the host does next.
typedef struct lg_update_report {
    size_t size_bytes;  // sizeof(lg_update_report) that the caller was compiled with
    uint64_t steps;     // how often a goroutine, or a call, was let run
    int64_t spent_ns;   // all that the update took
    int64_t over_ns;    // of that, past the budget: the rest of the last step; or 0
    int64_t longest_ns; // the longest step
    lg_ref longest;     // whose it was; id 0: none, or a call's
    uint64_t ready;     // goroutines and calls that the budget was not enough for
    // Call again at this moment of the system's monotonic clock, or before: it has come
    // if something is ready. LG_NEVER: on_wake will tell.
    int64_t next_ns;
} lg_update_report;

// Lends the calling thread to the runtime until a budget is spent, or until nothing is
// left that is ready for it: for hosts that have a loop of their own, once a frame. Runs
// what is pinned to the host's thread (lg_strand_pin(), lg_go_options.pinned), due
// timers, and what has come in from the outside and from other threads. With one of procs
// it runs everything. Never sleeps. What it leaves is first in the next update.
//
// rt         the runtime; "hosted" from here on: with more than one of procs other
//            threads, one less than that, run all that is not pinned, at any time
// budget_ns  after so long no other step begins, but for the first: a step is what a
//            goroutine does until it waits or yields. Negative: no end but that nothing
//            is ready, which never comes if a goroutine does nothing but yield
// out        written up to its size_bytes, which the caller sets; may be NULL
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM, nothing has run; LG_EINVAL, out's size.
// Misuse:  from a goroutine, while another thread drives, or while a goroutine keeps the
//          thread for itself (lg_lock_thread() in lg_drive()): fatal.
// Blocks:  no, unless a goroutine blocks the thread it runs on.
// Call from: a thread outside the runtime, the same one each time for what needs that.
// Go:      none
LG_API int lg_update(lg_runtime *rt, int64_t budget_ns, lg_update_report *out);

// The runtime that the calling thread works for at this moment.
//
// Returns: the runtime, or NULL outside one.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_runtime *lg_current(void);

// How many Ps there are.
//
// rt  the runtime
//
// Returns: 1 to LG_PROCS_MAX.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.GOMAXPROCS(0)
LG_API int lg_procs(lg_runtime *rt);

// Changes how many Ps there are. Ps in excess stop at their next scheduling
// point and their work moves to the others.
//
// rt     the runtime
// procs  1 to LG_PROCS_MAX
//
// Returns: LG_OK.
// Errors:  LG_EINVAL; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.GOMAXPROCS
LG_API int lg_set_procs(lg_runtime *rt, int procs);

// How many CPUs this process may use.
//
// Returns: at least 1.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.NumCPU
LG_API int lg_num_cpu(void);

// How many goroutines exist that have not ended.
//
// rt  the runtime
//
// Returns: the number; a moment later it may be another.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.NumGoroutine
LG_API size_t lg_num_goroutine(lg_runtime *rt);

// The runtime's clock.
//
// rt  the runtime
//
// Returns: nanoseconds since some fixed moment.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.nanotime
LG_API int64_t lg_now(lg_runtime *rt);

// Tells a runtime whose clock the host drives (lg_options.clock) that it has moved.
//
// rt  the runtime
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_clock_moved(lg_runtime *rt);

// Says that something outside the runtime (a thread of the host, a device)
// will wake a goroutine later: no deadlock is reported meanwhile.
//
// rt  the runtime
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none (a pending netpoll does this)
LG_API void lg_hold(lg_runtime *rt);

// Takes one lg_hold() back.
//
// rt  the runtime
//
// Returns: none.   Errors: none.
// Misuse:  more releases than holds: fatal.   Blocks: no.
// Call from: anywhere.
// Go:      none
LG_API void lg_release(lg_runtime *rt);

// What memory is for: lg_get_stats() counts each use by itself.
typedef enum lg_use {
    LG_USE_OTHER,   // records of the runtime, and what hosts ask for
    LG_USE_STATES,  // heaps of interpreters
    LG_USE_CHANS,   // channels with their buffers
    LG_USE_GS,      // records of goroutines
    LG_USE_BUFFERS, // of input and output
    LG_NUSES,
} lg_use;

// Figures of a runtime, taken without stopping it: each is true at some
// moment of the call.
typedef struct lg_stats {
    size_t size_bytes;        // sizeof(lg_stats) that the caller was compiled with
    int procs;                // Ps
    int procs_idle;           // Ps without an M
    int threads;              // Ms, running, spinning and idle
    int threads_idle;         // Ms asleep
    size_t goroutines;        // alive
    size_t goroutines_cached; // records kept for reuse
    size_t stacks;            // C stacks in use: native, scheduler, donated
    size_t stacks_cached;
    size_t channels;    // made and not freed
    size_t timers;      // pending
    uint64_t spawned;   // goroutines ever started
    uint64_t switches;  // scheduling decisions; sampled
    uint64_t steals;    // successful
    uint64_t donations; // waits that kept their C stack
    uint64_t wakeups;   // of sleeping threads
    // Memory, in bytes. All but `mem_released` are backed by memory; together they
    // are what the system counts for the runtime, to about 2 %.
    size_t mem_objects;        // in blocks that are in use, slack of classes included
    size_t mem_unused;         // free blocks in spans and caches: fragmentation
    size_t mem_idle;           // free pages that are still backed
    size_t mem_released;       // address space whose pages were given back
    size_t mem_meta;           // the allocator's own tables
    size_t mem_stacks;         // C stacks, free ones that are kept warm included
    size_t mem_uses[LG_NUSES]; // of mem_objects, as they were asked for
    size_t mem_collected;      // of mem_objects, by the collector
    size_t global_queued;      // what stands in the global run queue
} lg_stats;

// Reads the figures.
//
// rt   the runtime
// out  written up to its size_bytes, which the caller sets
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime/metrics
LG_API void lg_get_stats(lg_runtime *rt, lg_stats *out);

// Figures of one size class of the allocator.
typedef struct lg_class_stats {
    size_t block_bytes;     // of a block; 0: large ones, of all sizes
    size_t span_bytes;      // of a span, whole pages
    size_t spans;           // of blocks that their owners free
    size_t blocks;          // in use in them
    size_t collected_spans; // of collected objects
    size_t collected_blocks;
    size_t cached_blocks; // free, and at hand in the caches of the Ps
} lg_class_stats;

// Reads the figures of a size class.
//
// rt     the runtime
// index  0: large blocks; 1 and up: the classes, by size
// out    written
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, there is no such class; out is untouched.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime.MemStats.BySize
LG_API int lg_get_class_stats(lg_runtime *rt, size_t index, lg_class_stats *out);

typedef enum lg_p_status {
    LG_P_IDLE,
    LG_P_RUNNING, // a thread has it, which runs something or looks for work
    LG_P_BLOCKED, // its thread is in a blocking call, and may lose it
    LG_P_ASIDE,   // in excess: not in use, or given up as soon as its goroutine leaves
} lg_p_status;

// What one P does.
typedef struct lg_p_info {
    size_t size_bytes; // sizeof(lg_p_info) that the caller was compiled with
    int number;        // as in traces
    lg_p_status status;
    uint64_t g;      // the goroutine that it runs; 0: none at this moment
    uint32_t queued; // what stands in its run queue, the next one included
    uint64_t rounds; // scheduling decisions so far
    uint64_t steals; // how often it has taken work from others
} lg_p_info;

// Looks at a P. The others go on meanwhile, and so does this one: an answer is a guess
// of a moment ago.
//
// rt     the runtime
// index  0 and up
// out    written up to its size_bytes, which the caller sets
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, there is no such P; out is untouched.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      GODEBUG=schedtrace,scheddetail
LG_API int lg_get_p_info(lg_runtime *rt, size_t index, lg_p_info *out);

// ---------------------------------------------------------------------------
// Memory that its owner frees
// ---------------------------------------------------------------------------

// Memory of the runtime, uninitialised, aligned to 16 bytes (8 for a size of 8
// or less). Without lock or atomic on a P; a host's threads share one cache.
//
// rt    the runtime
// size  bytes; 0 gives the smallest block there is
//
// Returns: the memory, yours for lg_free(); NULL when there is none or the
//          size is more than the address space.
// Errors:  NULL.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      mallocgc, without the collector
LG_API void *lg_malloc(lg_runtime *rt, size_t size);

// As lg_malloc() for an array, and zeroed.
//
// rt    the runtime
// n     elements
// size  bytes of an element
//
// Returns: the memory, yours for lg_free(); NULL when there is none or the
//          product overflows.
// Errors:  NULL.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void *lg_calloc(lg_runtime *rt, size_t n, size_t size);

// Changes the size of a block, moving it if need be.
//
// rt    the runtime
// ptr   from lg_malloc() and its kin, ours again when this succeeds; NULL
//       asks for a new block
// size  bytes; 0 frees
//
// Returns: the block, yours; NULL when freed or when there is no memory: then
//          ptr is as it was.
// Errors:  NULL.
// Misuse:  a pointer that is not the start of a live block: fatal in check
//          and debug builds, undefined in release.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API void *lg_realloc(lg_runtime *rt, void *ptr, size_t size);

// Frees a block, wherever it was allocated: any P, any thread.
//
// rt   the runtime that it is from
// ptr  from lg_malloc() and its kin; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  a second free, a foreign or interior pointer: fatal in check and
//          debug builds, undefined in release.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API void lg_free(lg_runtime *rt, void *ptr);

// As lg_free(), for callers who know the size: a little faster.
//
// rt    the runtime that it is from
// ptr   as in lg_free()
// size  bytes, as they were asked for
//
// Returns: none.   Errors: none.
// Misuse:  as lg_free(), and a size that is not the block's.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API void lg_free_sized(lg_runtime *rt, void *ptr, size_t size);

// How many bytes of a block may be used: at least what was asked for.
//
// ptr  a live block of lg_malloc() and its kin
//
// Returns: bytes.   Errors: none.
// Misuse:  as lg_free().   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API size_t lg_malloc_size(const void *ptr);

// All of the above in the shape that interpreters want, realloc with both sizes,
// counted for a use. With a host's `alloc` hook it is that hook.
//
// rt     the runtime
// use    what it is for: the same in all calls for one block
// ptr    NULL, or from an earlier call; ours again when this succeeds
// osize  bytes at ptr; 0 with NULL
// nsize  bytes wanted; 0 frees
//
// Returns: the memory, yours; NULL when freed or when there is none, ptr is
//          then still valid.
// Errors:  NULL.   Misuse: as lg_free_sized().   Blocks: no.
// Call from: anywhere.
// Go:      none
LG_API void *lg_alloc(lg_runtime *rt, lg_use use, void *ptr, size_t osize, size_t nsize);

// Frees a block of lg_alloc() of which the caller knows only a size that may be too small:
// interpreters that have run out of memory halfway forget what some record would have held.
//
// rt     the runtime
// use    what it was for
// ptr    from lg_alloc(); not NULL
// osize  bytes that it has at least
//
// Returns: none.   Errors: none.
// Misuse:  as lg_free().   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_free_at_least(lg_runtime *rt, lg_use use, void *ptr, size_t osize);

// ---------------------------------------------------------------------------
// Memory that is collected
//
// Objects have a type, which says where their references are. One is kept
// while it can be reached: from the C stack or the registers of a goroutine
// (any word that points into it counts), from a handle, from a root, or through
// the reference fields of another. References may point into an object; they
// may also point elsewhere or be NULL, which is ignored. Objects do not move.
//
// The collector runs beside the program. In exchange every store of a reference
// into an object or a root goes through lg_store(). Loads are plain.
// ---------------------------------------------------------------------------

typedef struct lg_type lg_type;
typedef struct lg_handle lg_handle;
typedef struct lg_weak lg_weak;

typedef enum lg_field_kind {
    LG_FIELD_REF, // references: what the collector follows
    LG_FIELD_INT,
    LG_FIELD_UINT,
    LG_FIELD_FLOAT,
    LG_FIELD_BYTES, // anything else
} lg_field_kind;

// A field: what the collector and reports know of it.
typedef struct lg_field {
    lg_field_kind kind;
    uint32_t offset; // bytes
    uint32_t size;   // bytes of one
    uint32_t count;  // of an array; else 1
    const char *name;
} lg_field;

// A type, as its author describes it. Fields that hold no references may be
// left out; those that do must be told.
typedef struct lg_type_info {
    const char *name;
    size_t size; // bytes
    const lg_field *fields;
    uint32_t nfields;
} lg_type_info;

// A field of one value, and of an array, for tables of lg_field:
//
//     static const lg_field node_fields[] = {
//         LG_FIELD(struct node, next, LG_FIELD_REF),
//         LG_FIELD(struct node, key, LG_FIELD_INT),
//     };
//     static const lg_type_info node_info = LG_TYPE_INFO(struct node, node_fields);
#ifdef __cplusplus
#define LG_MEMBER_(type, member) type::member
#define LG_SIZE_(type, member) sizeof(type::member)
#define LG_COUNT_(n) static_cast<uint32_t>(n)
#else
#define LG_MEMBER_(type, member) ((type *)0)->member
#define LG_SIZE_(type, member) sizeof(__typeof__(((type *)0)->member))
#define LG_COUNT_(n) ((uint32_t)(n))
#endif
#define LG_FIELD(type, member, kind)                                                   \
    {                                                                                  \
        kind, LG_COUNT_(offsetof(type, member)), LG_COUNT_(LG_SIZE_(type, member)), 1, \
            #member                                                                    \
    }
#define LG_FIELD_ARRAY(type, member, kind)                  \
    {                                                       \
        kind, LG_COUNT_(offsetof(type, member)),            \
            LG_COUNT_(sizeof(LG_MEMBER_(type, member)[0])), \
            LG_COUNT_(sizeof(LG_MEMBER_(type, member)) /    \
                      sizeof(LG_MEMBER_(type, member)[0])), \
            #member                                         \
    }
#define LG_TYPE_INFO(type, table)                                                 \
    {                                                                             \
#type, sizeof(type), table, LG_COUNT_(sizeof(table) / sizeof((table)[0])) \
    }

// Makes a type known to a runtime, once: another call with the same info gives
// the same type.
//
// rt    the runtime
// info  borrowed for the runtime's life
// out   the type; the runtime's
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, size 0 or over 2^40, a field that does not lie inside,
//          or a reference that is not a pointer at a multiple of its size;
//          LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      what the compiler does
LG_API int lg_type_register(lg_runtime *rt, const lg_type_info *info, lg_type **out);

// The description that a type was made from.
//
// type  the type
//
// Returns: the info.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      reflect.Type
LG_API const lg_type_info *lg_type_describe(const lg_type *type);

// Makes a zeroed object. May help the collector in proportion to what it
// allocates.
//
// type  its type
//
// Returns: the object; NULL when there is no memory.
// Errors:  NULL.   Misuse: outside a goroutine: fatal; hosts have
//          lg_handle_new_object().
// Blocks:  no; but the world may stop here.   Call from: a goroutine.
// Go:      new(T)
LG_API void *lg_new(lg_type *type);

// Makes a zeroed array.
//
// type  of its elements
// n     how many
//
// Returns: the first element; NULL when there is no memory or the size
//          overflows.
// Errors:  NULL.   Misuse: as lg_new().
// Blocks:  as lg_new().   Call from: a goroutine.
// Go:      make([]T, n)
LG_API void *lg_new_array(lg_type *type, size_t n);

// Makes zeroed bytes that hold no references. Several of less than 16 bytes
// share a block.
//
// rt    the runtime
// size  bytes
//
// Returns: the bytes; NULL when there is no memory.
// Errors:  NULL.   Misuse: as lg_new().
// Blocks:  as lg_new().   Call from: a goroutine.
// Go:      make([]byte, n)
LG_API void *lg_new_bytes(lg_runtime *rt, size_t size);

// Stores a reference: *slot = value, and tells the collector if it runs.
//
// slot   a reference field of an object, or a word of a root
// value  may be NULL
//
// Returns: none.   Errors: none.
// Misuse:  outside a goroutine: fatal; hosts have lg_handle_set().
// Blocks:  no.   Call from: a goroutine.
// Go:      *slot = value, as the compiler translates it
LG_API void lg_store(void *slot, void *value);

// Moves n references, as memmove() does.
//
// dst  n words of objects or of a root
// src  n words of any memory; may overlap dst
// n    how many
//
// Returns: none.   Errors: none.
// Misuse:  as lg_store().   Blocks: no.   Call from: a goroutine.
// Go:      copy(dst, src)
LG_API void lg_store_n(void *dst, const void *src, size_t n);

// The type of an object, from a pointer to it or into it.
//
// rt       the runtime
// ptr      any pointer
// out_obj  the object's start; may be NULL
//
// Returns: the type; NULL if ptr is not in a live object of this runtime, or
//          in bytes without one.
// Errors:  none.   Misuse: none.   Blocks: no.   Call from: a goroutine.
// Go:      reflect.TypeOf
LG_API lg_type *lg_type_of(lg_runtime *rt, const void *ptr, void **out_obj);

// Keeps an object alive up to this line, for compilers that see no more use
// of the pointer.
#define lg_keep_alive(ptr) __asm__ volatile("" : : "g"(ptr) : "memory")

// A strong reference from outside: from a host's memory, from an interpreter.
//
// rt   the runtime
// obj  the object; NULL is allowed
// out  the handle; yours, for lg_handle_free()
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: none.   Blocks: no.   Call from: a goroutine.
// Go:      cgo.NewHandle
LG_API int lg_handle_new(lg_runtime *rt, void *obj, lg_handle **out);

// Makes an object and a handle to it, for threads of the host.
//
// rt    the runtime
// type  of the object
// n     elements of an array; 1 for a plain object
// out   the handle; yours, for lg_handle_free()
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_handle_new_object(lg_runtime *rt, lg_type *type, size_t n, lg_handle **out);

// What a handle holds.
//
// handle  the handle
//
// Returns: the object or NULL; borrowed as long as the handle holds it.
// Errors:  none.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      cgo.Handle.Value
LG_API void *lg_handle_get(const lg_handle *handle);

// Lets a handle hold something else.
//
// handle  the handle
// obj     what another handle, or the stack of the calling goroutine, keeps
//         alive; or NULL
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_handle_set(lg_handle *handle, void *obj);

// Frees a handle; what it holds may then be collected.
//
// handle  freed; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      cgo.Handle.Delete
LG_API void lg_handle_free(lg_handle *handle);

// A reference that keeps nothing alive.
//
// rt   the runtime
// obj  a live object, or a pointer into one
// out  the reference; yours, for lg_weak_free()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, obj is no object of this runtime; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      weak.Make
LG_API int lg_weak_new(lg_runtime *rt, void *obj, lg_weak **out);

// The object of a weak reference, alive from here on as any other.
//
// weak  the reference
//
// Returns: the pointer it was made from; NULL, it has been collected. An
//          object whose finalizer has been queued counts as collected.
// Errors:  none.   Misuse: none.   Blocks: no.   Call from: a goroutine.
// Go:      weak.Pointer.Value
LG_API void *lg_weak_get(lg_weak *weak);

// Frees a weak reference.
//
// weak  freed; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_weak_free(lg_weak *weak);

// Has fn(obj, ud) called by a goroutine of the runtime after the object can no
// longer be reached, once. What it refers to is alive then, and it may be stored
// anywhere: it is collected when it is unreachable again. Not called for what
// is left when the runtime closes.
//
// rt   the runtime
// obj  the start of an object
// fn   NULL: none any more
// ud   handed to fn; keeps no object alive
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, obj is no object's start; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      runtime.SetFinalizer
LG_API int lg_set_finalizer(lg_runtime *rt, void *obj, void (*fn)(void *obj, void *ud),
                            void *ud);

// Makes words outside of the heap roots: a C global, a table.
//
// rt     the runtime
// name   static string, for dumps
// words  zero or references; to be written with lg_store() from here on
// n      how many
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      a package's variables
LG_API int lg_root_add(lg_runtime *rt, const char *name, void **words, size_t n);

// Takes roots back.
//
// rt     the runtime
// words  as they were added
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, they were not.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_root_remove(lg_runtime *rt, void **words);

enum { LG_GC_OFF = -1 };
#define LG_MEM_NO_LIMIT INT64_MAX

// Collects: returns when a whole cycle that began after the call is over, swept.
//
// rt  the runtime
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM, the collector's goroutines could not be started.
// Misuse:  outside a goroutine: fatal.
// Blocks:  the goroutine; scripted ones keep their C stack meanwhile.
// Call from: a goroutine.
// Go:      runtime.GC
LG_API int lg_gc(lg_runtime *rt);

// What lg_gc_step() has done.
typedef struct lg_gc_report {
    size_t size_bytes;   // sizeof(lg_gc_report) that the caller was compiled with
    int64_t spent_ns;    // more than the budget if the last piece of work took longer
    int64_t longest_ns;  // of pieces of work, which are not divided
    size_t marked_bytes; // by this call
    size_t swept_bytes;  // by this call, or by others meanwhile
    uint64_t cycles;     // that have ended meanwhile
    bool is_cycling;     // one is under way, or wanted
} lg_gc_report;

// Does the collector's work for about so long, in time that a host has between two frames:
// moves a cycle on that is under way, and begins one when half of what would make one begin
// by itself has been allocated. Where none does (LG_GC_OFF and no limit) half of what would at
// 100 %, and nothing but further calls moves that cycle on. No goroutine runs
// on the calling thread meanwhile.
//
// rt         the runtime
// budget_ns  on the system's clock; LG_NEVER: until nothing is left; 0 does nothing
// out        written up to its size_bytes, which the caller sets; may be NULL
//
// Returns: LG_OK, no cycle is under way; LG_EAGAIN, one is, and the budget is spent or others
//          are at what is left.
// Errors:  LG_EINVAL, the budget is negative; LG_EBUSY, another thread drives the runtime,
//          or all Ps are busy, or the caller is in a timer's function, a blocking call or
//          another runtime; LG_ENOMEM. Nothing was done.
// Misuse:  none.   Blocks: the thread, for about the budget.
// Call from: a goroutine, or a thread that is not inside any runtime.
// Go:      none
LG_API int lg_gc_step(lg_runtime *rt, int64_t budget_ns, lg_gc_report *out);

// By how much the heap may grow over what was alive, stacks and roots included,
// before the next cycle is over.
//
// rt       the runtime
// percent  0 or more; LG_GC_OFF: only the memory limit starts cycles
//
// Returns: the former percentage, or LG_GC_OFF.
// Errors:  LG_EINVAL, any other negative number; nothing is changed.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      debug.SetGCPercent
LG_API int lg_gc_percent(lg_runtime *rt, int percent);

// The percentage in force.
//
// rt  the runtime
//
// Returns: it, or LG_GC_OFF.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_gc_percent_get(lg_runtime *rt);

// A soft limit for all memory that the runtime holds: heap, states, stacks. The
// nearer it is, the more often is collected and the sooner idle pages go back,
// but never with more than half of the CPU time; it may be exceeded when what
// is alive needs more.
//
// rt           the runtime
// limit_bytes  LG_MEM_NO_LIMIT for none; may be less than what is used
//
// Returns: the former limit.
// Errors:  LG_EINVAL, 0 or negative; nothing is changed.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      debug.SetMemoryLimit
LG_API int64_t lg_mem_limit(lg_runtime *rt, int64_t limit_bytes);

// A hard cap for the same memory: a request that would exceed it finds none, LG_ENOMEM or
// NULL, though the system has some. Where the caller can wait for it the core's garbage is
// collected first, and the request is tried again. A soft limit of seven eighths of the cap
// counts with it, so that the collectors begin before it is reached. Stacks that scripted
// goroutines keep while they wait are granted beyond it. Memory of a host's `alloc` hook does
// not count: the hook may refuse by itself.
//
// rt         the runtime
// cap_bytes  LG_MEM_NO_LIMIT for none; may be less than what is used: then nothing more is
//            granted until enough was freed
//
// Returns: the former cap.
// Errors:  LG_EINVAL, 0 or negative; nothing is changed.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_mem_cap(lg_runtime *rt, int64_t cap_bytes);

// The hard cap.
//
// rt  the runtime
//
// Returns: it, or LG_MEM_NO_LIMIT.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_mem_cap_get(lg_runtime *rt);

// Reads a limit as LAGOON_MEMLIMIT has it: a whole number of bytes, which may
// have one of the units B, KiB, MiB, GiB and TiB, or "off".
//
// text  "512MiB"
// out   bytes, at least 1; LG_MEM_NO_LIMIT for "off"
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, anything else, 0 and more than 2^63 - 1 bytes.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      what reads GOMEMLIMIT
LG_API int lg_mem_limit_parse(const char *text, int64_t *out);

// The limit in force.
//
// rt  the runtime
//
// Returns: bytes, or LG_MEM_NO_LIMIT.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_mem_limit_get(lg_runtime *rt);

// Gives all idle pages back to the system now.
//
// rt  the runtime
//
// Returns: bytes given back.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      debug.FreeOSMemory, its second half
LG_API size_t lg_mem_release(lg_runtime *rt);

// Has fn called now and then (about every 100 ms) while the runtime is up and not
// everything sleeps, and a few times after everything fell asleep, for as long as
// fn returns true: there is something left to be tidied up. Waiting for that is no
// reason to live on: it hides no deadlock.
//
// rt  the runtime
// fn  called as a job's is (lg_job_start), never twice at a time; may start
//     goroutines and post to strands; NULL: none any more, but for a call that
//     has begun
// ud  handed to it
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere, before lg_drive() at best.
// Go:      none
LG_API void lg_on_tidy(lg_runtime *rt, bool (*fn)(void *ud), void *ud);

// Begins a call that may block its thread (a read, a lock of a library's, a wait for
// another process): until lg_block_leave() the P belongs to whoever needs it, at once if
// somebody does. Pairs may be nested. In between no other function of lagoon's may be
// called but lg_ready() and lg_strand_post(), no object of the collector be touched, and
// no new reference to one be kept: the collector runs on. The value of errno is kept.
//
// Without it a thread that blocks is noticed after 10 to 15 ms, and its place taken by
// another (not in a runtime of one P without signals). Outside a goroutine it does nothing.
//
// Returns: none.   Errors: none.
// Misuse:  a blocking call of lagoon's before the leave: fatal.
// Blocks:  no.   Call from: anywhere.
// Go:      runtime.entersyscall
LG_API void lg_block_enter(void);

// Ends what lg_block_enter() began.
//
// Returns: none.   Errors: none.
// Misuse:  without its enter: fatal.
// Blocks:  the thread, until a P is free.
// Call from: anywhere; outside a goroutine it does nothing.
// Go:      runtime.exitsyscall
LG_API void lg_block_leave(void);

// The calling goroutine is about to block its thread, or to compute for long, in calls
// that may enter the runtime in between: another P takes its place and its P's other
// work at once. It goes on, beside those that lg_procs() allows, until it next waits,
// yields, or is preempted.
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere; outside a goroutine it does nothing.
// Go:      none
LG_API void lg_stand_aside(void);

// Has the watchdog tell, as lg_log() does, who holds a P for longer than that: the
// goroutine's number, name and birthplace, and, where the host allows signals, the C
// functions that it is in. Once for each time. A goroutine that makes room when it is
// asked, or has before (lg_block_enter(), lg_stand_aside()), is not told.
//
// rt        the runtime
// after_ns  nanoseconds; 0, LG_NEVER: off
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, a negative time; LG_ETHREAD.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_watchdog(lg_runtime *rt, int64_t after_ns);

// What lg_watchdog() has set.
//
// rt  the runtime
//
// Returns: nanoseconds; 0: off.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_watchdog_get(lg_runtime *rt);

// Tells on_log; without one it writes to file descriptor 2.
//
// rt    the runtime
// line  borrowed; without a newline
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: as on_log does.   Call from: anywhere.
// Go:      none
LG_API void lg_log(lg_runtime *rt, const char *line);

// An error that has left a goroutine of an interpreter, and that nobody there handles.
// All texts are borrowed for the call.
typedef struct lg_error_info {
    uint64_t goroutine;     // its number; 0: of a task that failed, and nobody asked
    uint64_t parent;        // of the goroutine that started it; 0: none did
    const char *name;       // of the goroutine; NULL: it has none
    const char *message;    // words for the error, never NULL
    const char *traceback;  // lines; NULL: the message has them
    const char *created_by; // where it was started, as "file:12"; NULL: unknown
} lg_error_info;

// Has fn called for errors that leave goroutines of interpreters: those that a handler of
// the script's (lagoon.on_error) has not got. Without it they go to standard error.
//
// rt  the runtime
// fn  called on the thread that ran the goroutine, which is any of the runtime's; must
//     not enter the runtime or its interpreters; NULL: none any more, but for a call that
//     has begun
// ud  handed to it
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_on_error(lg_runtime *rt, void (*fn)(void *ud, const lg_error_info *info),
                        void *ud);

// For interpreters: tells the host of an error.
//
// rt    the runtime
// info  borrowed
//
// Returns: whether there was somebody to be told.   Errors: none.
// Misuse:  none.   Blocks: as the host's function does.   Call from: anywhere.
// Go:      none
LG_API bool lg_tell_error(lg_runtime *rt, const lg_error_info *info);

// Whether the watchdog has told of the calling goroutine since it was last asked: an
// interpreter can then add what it knows of the place.
//
// Returns: true, it has.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_watchdog_take(void);

// Wires the calling goroutine to its thread: it runs on this one only, and nothing else
// does, until it has called lg_unlock_thread() as often, or ends. For libraries that keep
// state by thread. A scripted goroutine wires its whole strand. In a host with one P and
// without signals everything runs on one thread anyway, for as long as it has one P: a
// later lg_set_procs() may move it. Each wait of a wired goroutine
// costs two changes of threads.
//
// Returns: none.   Errors: none.
// Misuse:  outside a goroutine: fatal.
// Blocks:  no.   Call from: a goroutine.
// Go:      runtime.LockOSThread
LG_API void lg_lock_thread(void);

// Takes back one lg_lock_thread() of the calling goroutine.
//
// Returns: LG_OK.
// Errors:  LG_EPERM, there is none.
// Misuse:  outside a goroutine: fatal.
// Blocks:  no.   Call from: a goroutine.
// Go:      runtime.UnlockOSThread
LG_API int lg_unlock_thread(void);

// Calls fn(arg) on the host's thread, in lg_update() or lg_drive(): the calling goroutine
// moves there, and back when fn has returned. For what belongs to that thread (OpenGL, a
// window, the host's state). fn may wait, and is on that thread whenever it runs. Who is
// pinned there (lg_go_options.pinned) stands there already. For scripted goroutines, and
// those wired to another thread, a native goroutine does it meanwhile. The runtime is
// hosted from here on, as after lg_update().
//
// fn   the function
// arg  handed to it
//
// Returns: LG_OK, fn has returned.
// Errors:  LG_ECANCELED, it was canceled before; LG_ENOMEM. fn was not called. While it
//          waits for the host's thread a cancellation stays pending.
// Misuse:  outside a goroutine: fatal.
// Blocks:  the goroutine, until the host drives; scripted ones keep their C stack.
// Call from: a goroutine.
// Go:      none; LockOSThread in main and a channel of functions
LG_API int lg_call_on_host(void (*fn)(void *arg), void *arg);

// A look up from long computations: if the collector or the scheduler wants
// this thread, it is heard here. A load and a branch.
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: the goroutine, while the world is stopped.
// Call from: anywhere.
// Go:      what the compiler puts into loops' prologues
LG_API void lg_checkpoint(void);

// How long a goroutine of a strand computes before the strand's `interrupt` is called.
//
// rt  the runtime
//
// Returns: nanoseconds; LG_NEVER if it never is: lg_options.slice_ns says so, or the
//          runtime takes no signals.
// Errors:  none.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_slice_ns(const lg_runtime *rt);

enum { LG_GC_PAUSE_BUCKETS = 24 };

// Figures of the collector.
typedef struct lg_gc_stats {
    size_t size_bytes;        // sizeof(lg_gc_stats) that the caller was compiled with
    uint64_t cycles;          // that are over
    uint64_t forced;          // of them, by lg_gc()
    size_t live_bytes;        // marked by the last cycle
    size_t heap_bytes;        // objects alive or not yet swept
    size_t goal_bytes;        // of heap_bytes, for the end of the next cycle
    size_t stack_bytes;       // scanned by the last cycle
    size_t root_bytes;        // the same
    uint64_t allocated_bytes; // ever
    uint64_t allocated;       // objects, ever
    uint64_t freed_bytes;     // ever
    uint64_t freed;           // objects, ever
    int64_t pause_total_ns;   // the world was stopped
    int64_t pause_last_ns;    // the longer of the last cycle's two
    int64_t pause_max_ns;
    // How often the world was stopped for up to 2^(10+i) ns; the last counts
    // the rest.
    uint64_t pauses[LG_GC_PAUSE_BUCKETS];
    int64_t mark_cpu_ns; // all markers, assists included
    int64_t assist_cpu_ns;
    int64_t idle_cpu_ns;
    double cpu_share;         // of all CPU time of the Ps since the start, 0 to 1
    size_t finalizers_queued; // not run yet
    size_t handles;
    size_t weaks;
    bool is_cycling; // a cycle goes on: it marks, or sweeps
    bool is_marking;
    uint64_t marked_bytes; // of objects that were turned black, ever
    size_t grey;           // objects that wait to be looked at; not those in the hands of
                           // a marker
} lg_gc_stats;

// Reads the collector's figures.
//
// rt   the runtime
// out  written up to its size_bytes, which the caller sets
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      debug.ReadGCStats
LG_API void lg_get_gc_stats(lg_runtime *rt, lg_gc_stats *out);

enum { LG_FRAME_NS = 16666667 }; // of 60 frames a second

// What the frames of a host have cost: each is one lg_update().
typedef struct lg_frame_stats {
    size_t size_bytes; // sizeof(lg_frame_stats) that the caller was compiled with
    uint64_t count;    // frames
    uint64_t over;     // of them, those that cost more than LG_FRAME_NS
    int64_t total_ns;
    int64_t last_ns;
    int64_t max_ns;
    // So much, at most, half of them have cost, or 90 or 99 of 100; up to an eighth
    // too high. 0: there were none.
    int64_t p50_ns;
    int64_t p90_ns;
    int64_t p99_ns;
} lg_frame_stats;

// Reads what frames have cost since the runtime was opened.
//
// rt   the runtime
// out  written up to its size_bytes, which the caller sets
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_get_frame_stats(lg_runtime *rt, lg_frame_stats *out);

// Writes every live object, with its type, its fields and a shortest path from
// a root that keeps it, as lines of text. Collects first, and stops the world
// meanwhile.
//
// rt     the runtime
// write  called with each line, without its newline; must not call the runtime
// ud     handed to it
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: outside a goroutine: fatal.
// Blocks:  the goroutine, and then the world.   Call from: a goroutine.
// Go:      debug.WriteHeapDump
LG_API int lg_heap_dump(lg_runtime *rt, void (*write)(void *ud, const char *line),
                        void *ud);

// ---------------------------------------------------------------------------
// Goroutines
// ---------------------------------------------------------------------------

typedef struct lg_go_options {
    const char *name;        // as of lg_set_name(); may be NULL
    size_t stack_size_bytes; // 0: the runtime's default; at most LG_STACK_MAX
    bool pinned;             // runs on the host's thread only, as lg_strand_pin()
} lg_go_options;

// Starts fn(arg) as a native goroutine. It takes a stack when it first runs.
//
// rt    the runtime
// fn    the function; its return ends the goroutine
// arg   handed to it; if it is an object of the collector, alive as long
// opts  borrowed for the call; NULL for defaults
// out   its name; may be NULL
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM; LG_EINVAL, the stack size.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      go fn(arg)
LG_API int lg_go(lg_runtime *rt, void (*fn)(void *arg), void *arg,
                 const lg_go_options *opts, lg_ref *out);

// Lets the other runnable goroutines run first.
//
// Returns: LG_OK.
// Errors:  none; it is no blocking call and does not notice a cancellation.
// Misuse:  outside a goroutine: fatal.
// Blocks:  the goroutine, briefly (LG_WAIT for scripted ones).
// Call from: a goroutine.
// Go:      runtime.Gosched
LG_API int lg_yield(void);

// Waits until a moment.
//
// deadline_ns  on lg_now()'s clock; LG_NEVER sleeps until canceled
//
// Returns: LG_OK, the moment has come.
// Errors:  LG_ECANCELED.
// Misuse:  outside a goroutine: fatal.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      time.Sleep
LG_API int lg_sleep_until(int64_t deadline_ns);

// The calling goroutine.
//
// Returns: its name; id 0 outside a goroutine.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_ref lg_self(void);

// Renames the calling goroutine, for dumps.
//
// name  copied, its first LG_NAME_SIZE - 1 bytes, and no part of a character; NULL for none
//
// Returns: none.   Errors: none.
// Misuse:  outside a goroutine: fatal.   Blocks: no.
// Call from: a goroutine.
// Go:      pprof.SetGoroutineLabels
LG_API void lg_set_name(const char *name);

// Cancels a goroutine: the blocking call it waits in, or else its next one,
// whether that would have to wait or not, ends with LG_ECANCELED and has done
// nothing. Later ones are ordinary again. A call with deadline 0 is none.
//
// ref  the goroutine
//
// Returns: LG_OK, it was alive.
// Errors:  LG_ESRCH, it has ended.
// Misuse:  none.   Blocks: no.   Call from: anywhere inside the runtime, or
//          a thread of the host.
// Go:      context.CancelFunc
LG_API int lg_cancel(lg_ref ref);

// Whether a cancellation waits for the calling goroutine's next blocking call.
// For those who compute: stop, if so.
//
// Returns: false outside a goroutine.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      ctx.Err() != nil
LG_API bool lg_is_canceled(void);

typedef enum lg_status {
    LG_RUNNABLE, // in a queue
    LG_RUNNING,
    LG_WAITING,
    LG_DEAD,
} lg_status;

// One goroutine in a snapshot.
enum { LG_NAME_SIZE = 32 }; // bytes of a name, with the zero behind it

typedef struct lg_g_info {
    lg_ref ref;
    uint64_t parent;         // id of the goroutine that started it; 0: a host
    char name[LG_NAME_SIZE]; // "" if it has none
    lg_status status;
    const char *wait_reason; // "chan receive"; NULL unless it waits
    int64_t wait_since_ns;   // on lg_now()'s clock, to about 10 ms
    lg_strand *strand;       // NULL for a native one
    void *extra;             // the strand's area; NULL for a native one
} lg_g_info;

// Visits every live goroutine, oldest record first. Other Ps go on meanwhile:
// an answer may be out of date when it is looked at.
//
// rt     the runtime
// visit  called for each; false stops
// ud     handed to it
//
// Returns: none.   Errors: none.
// Misuse:  visit must not start, end or wait for goroutines.
// Blocks:  no.   Call from: anywhere.
// Go:      runtime.Stack(buf, true)
LG_API void lg_goroutines(lg_runtime *rt, bool (*visit)(void *ud, const lg_g_info *info),
                          void *ud);

// The same for the runtime's own goroutines, which nothing else counts or shows: those of
// the collector, mostly.
//
// rt     the runtime
// visit  called for each; false stops
// ud     handed to it
//
// Returns: none.   Errors: none.
// Misuse:  as lg_goroutines().   Blocks: no.   Call from: anywhere.
// Go:      GOTRACEBACK=system
LG_API void lg_system_goroutines(lg_runtime *rt,
                                 bool (*visit)(void *ud, const lg_g_info *info),
                                 void *ud);

// Looks at one goroutine, as lg_goroutines() does at each.
//
// ref  the goroutine
// out  written; yours
//
// Returns: LG_OK.
// Errors:  LG_ESRCH, it has ended.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_get_info(lg_ref ref, lg_g_info *out);

// The goroutines that run at this moment, without the runtime's own; those in a
// blocking call do not run.
//
// rt   the runtime
// ids  room for their ids; yours
// cap  how many
//
// Returns: how many it has written.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API size_t lg_running(lg_runtime *rt, uint64_t *ids, size_t cap);

// ---------------------------------------------------------------------------
// Park and ready: for authors of waiting things of their own
// ---------------------------------------------------------------------------

// One wait of one goroutine. May be copied and kept for ever; readying a wait
// that is over does nothing.
typedef struct lg_ticket {
    lg_g *g;
    uint64_t wait; // which of its waits
} lg_ticket;

// Arms a wait. From here on lg_ready() may fire it, even before lg_park().
//
// Returns: the ticket, to be published to whoever will wake us.
// Errors:  none.   Misuse: outside a goroutine: fatal.   Blocks: no.
// Call from: a goroutine, which must call lg_park() next.
// Go:      none (runtime.gopark's lock hand-over)
LG_API lg_ticket lg_park_arm(void);

// Waits until the armed ticket is readied.
//
// reason       static string for dumps: "job wait"
// deadline_ns  as everywhere
//
// Returns: LG_OK, readied.
// Errors:  LG_ETIMEDOUT, LG_ECANCELED; LG_EAGAIN with deadline 0. In each
//          case the ticket is dead: a later lg_ready() says false.
// Misuse:  without lg_park_arm(): fatal.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      runtime.gopark
LG_API int lg_park(const char *reason, int64_t deadline_ns);

// Fires a ticket.
//
// ticket  from lg_park_arm()
//
// Returns: true, this call ended the wait; false, something else had.
// Errors:  none.   Misuse: none.   Blocks: no.
// Call from: anywhere, threads of the host included.
// Go:      runtime.goready
LG_API bool lg_ready(lg_ticket ticket);

// Names the reason of the caller's next wait in dumps, in place of the
// primitive's own word.
//
// reason  static string
//
// Returns: none.   Errors: none.
// Misuse:  outside a goroutine: fatal.   Blocks: no.   Call from: a goroutine.
// Go:      runtime.waitReason
LG_API void lg_wait_reason(const char *reason);

// Waits out a wait that a call armed by returning LG_WAIT, on the C stack that
// the caller stands on (a scripted goroutine donates it: see strands).
//
// Returns: what the call that armed it would have returned.
// Errors:  that call's.   Misuse: nothing armed: fatal.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_wait(void);

// Ends a wait after the strand has resumed its goroutine.
//
// g  the goroutine that `resume` was called for
//
// Returns: what the call that armed it would have returned.
// Errors:  that call's.   Misuse: nothing armed: fatal.   Blocks: no.
// Call from: `resume`.
// Go:      none
LG_API int lg_wait_finish(lg_g *g);

// ---------------------------------------------------------------------------
// Strands: goroutines of an interpreter
// ---------------------------------------------------------------------------

enum { LG_EXTRA_SIZE = 176 }; // bytes of a scripted goroutine for its strand

enum { LG_PLACE_SIZE = 64 }; // bytes of a place, with the zero behind it

// Who a goroutine is, for people; both may be "".
typedef struct lg_label {
    char name[LG_NAME_SIZE];
    char place[LG_PLACE_SIZE]; // where it was started: "crawl:12"
} lg_label;

// What an interpreter provides. All are called by the M that is inside the
// strand; never two at a time.
typedef struct lg_strand_ops {
    // Runs a goroutine until it waits or ends. If has_wait, a wait of it is
    // over and lg_wait_finish() tells its result. Returns LG_WAIT after a
    // call armed a wait, LG_OK when the goroutine has ended.
    int (*resume)(lg_strand *strand, lg_g *g, void *extra, bool has_wait);
    // The C stack of a goroutine that stood in lg_wait() is the current one
    // again, perhaps on another thread: restore the interpreter's idea of what
    // runs. May be NULL.
    void (*returned)(lg_strand *strand, lg_g *g, void *extra);
    // A goroutine that resume() runs has had its slice, or should be gone for another
    // reason: makes it call lg_yield() or the like soon. Called in a signal handler, on
    // the thread that runs it and that was interrupted at the instruction pc; so it may
    // do what a handler may. False: not here; it is asked again soon. May be NULL:
    // goroutines of the strand are not interrupted.
    bool (*interrupt)(lg_strand *strand, lg_g *g, void *extra, const void *pc);
    // What the goroutine that resume() runs has used is to be told of in a profile: makes
    // it call lg_profile_look() soon, where its stack can be read. Called as `interrupt`
    // is. May be NULL: it is told of when it waits or ends.
    void (*sample)(lg_strand *strand, lg_g *g, void *extra, const void *pc);
    // Says who a goroutine is, for timelines: fills in what it knows better than what
    // stands there, which is the name that the core knows. Called before or after one of
    // its steps, for each goroutine once. May be NULL.
    void (*describe)(lg_strand *strand, lg_g *g, void *extra, lg_label *label);
} lg_strand_ops;

// Makes a strand: a serial executor. At most one M is inside at any time;
// when runnable it stands in run queues and is stolen whole.
//
// rt    the runtime
// ops   borrowed for the strand's life
// ud    for lg_strand_data()
// out   the strand; yours, for lg_strand_close() or until lg_close()
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_strand_open(lg_runtime *rt, const lg_strand_ops *ops, void *ud,
                          lg_strand **out);

// Gives up the C stack that a goroutine of the strand keeps in lg_wait(), now or the next
// time: it is not unwound and not gone back to. When the wait is over `resume` is called
// for the goroutine, as if it had yielded; it is up to that to end it.
//
// ref  a goroutine of the calling strand that has not ended
//
// Returns: none.   Errors: none.
// Misuse:  from outside of the strand while it may run, or of who has ended: fatal.
// Blocks:  no.   Call from: inside the strand, or while nothing drives the runtime.
// Go:      none
LG_API void lg_strand_abandon(lg_ref ref);

// Ends a strand and drops its goroutines.
//
// strand  ended
//
// Returns: none.   Errors: none.
// Misuse:  from inside the strand, or while something posted waits: fatal.
// Blocks:  the thread, until the M that is inside has left.
// Call from: anywhere outside the strand.
// Go:      none
LG_API void lg_strand_close(lg_strand *strand);

// Pins a strand to the host's thread: its goroutines run in lg_update() and lg_drive()
// only. For what belongs to the host, as its interpreter. The runtime is hosted from here
// on, as after lg_update().
//
// strand  has no goroutine and no post yet; pinned for good
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.
// Misuse:  of a strand that is in use: fatal.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API int lg_strand_pin(lg_strand *strand);

// Whether a strand has nothing to do: no goroutine of it is runnable, nothing posted
// waits, and no M is inside. May change at once, if anybody can give it work.
//
// strand  the strand
//
// Returns: true, it is idle.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_strand_is_idle(const lg_strand *strand);

// The data that lg_strand_open() was given.
//
// strand  the strand
//
// Returns: ud.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void *lg_strand_data(lg_strand *strand);

// The strand that the calling thread is inside of.
//
// Returns: the strand, or NULL.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_strand *lg_strand_self(void);

// Starts a scripted goroutine. It runs after those that are runnable. One that
// is started from outside the strand stands still until lg_drive() begins, so
// that its area can be filled.
//
// strand  its strand
// name    as of lg_set_name(); may be NULL
// out     its name; not NULL
// extra   its area of LG_EXTRA_SIZE zeroed bytes, to be filled before the
//         strand's next resume; stays in place until the goroutine ends
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM.   Misuse: none.   Blocks: no.
// Call from: inside the strand, or one thread before lg_drive().
// Go:      go
LG_API int lg_strand_go(lg_strand *strand, const char *name, lg_ref *out, void **extra);

// The area of the calling scripted goroutine.
//
// Returns: its extra, or NULL for anything else.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void *lg_extra_self(void);

// Something to be done inside a strand. Yours; it stays in place until fn is
// called. Zero it before its first use.
typedef struct lg_post {
    struct lg_post *next; // the strand's
    void (*fn)(struct lg_post *post);
    bool is_queued; // the strand's
} lg_post;

// Has post->fn called inside the strand, between two goroutines, soon. A post
// that is still queued is not queued twice.
//
// strand  where
// post    what; borrowed until fn is called
//
// Returns: none.   Errors: none.
// Misuse:  fn must not wait.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_strand_post(lg_strand *strand, lg_post *post);

// ---------------------------------------------------------------------------
// Jobs: work that any P may begin
// ---------------------------------------------------------------------------

// Calls fn(arg, begin, end) for chunks of the numbers 0 to n - 1, on as many Ps as have
// nothing else to do, and returns when all is done. The caller works, too; chunks come in
// any order, several at once, and may block: on channels, locks, loops of their own. They
// must not wait for each other: there may be one at a time.
//
// A cancellation of the caller begins no further chunk; those that have begun end first.
// A chunk that runs in the caller may take it, in a blocking call of its own, as any
// function would.
//
// rt     the runtime
// n      how many numbers; 0 does nothing
// grain  how many a chunk has: they begin at multiples of it, and all but the last are as
//        long, so that begin / grain numbers them. 0: n in so many parts that the Ps can
//        even out. Then nobody is woken before the loop has lasted for some microseconds:
//        a loop of a few long ones wants 1
// fn     called by native goroutines, on C stacks of the runtime's usual size
// arg    handed to it; if it is an object of the collector, alive as long
//
// Returns: LG_OK, all chunks are done.
// Errors:  LG_ECANCELED; LG_ENOMEM, nothing was done: of a native goroutine never, with no
//          memory for more it does all by itself. From a host's thread LG_EDEADLOCK as
//          lg_run(): chunks may follow when somebody drives.
// Misuse:  in a timer's function, a job's or a post's; of another runtime: fatal.
// Blocks:  the goroutine; scripted ones keep their C stack meanwhile. The thread of a host,
//          which works as in lg_run().
// Call from: a goroutine, or a thread outside the runtime.
// Go:      none
LG_API int lg_parallel_for(lg_runtime *rt, size_t n, size_t grain,
                           void (*fn)(void *arg, size_t begin, size_t end), void *arg);

// A piece of work that has not begun and belongs to no strand yet. It stands in
// the ordinary run queues, and is stolen there like a goroutine. Yours; it stays
// in place until fn is called. Zero it before its first use.
typedef struct lg_job {
    uint64_t opaque[2]; // the scheduler's
    void (*fn)(struct lg_job *job);
} lg_job;

// Queues a job: the P that comes to it calls job->fn once, outside of any
// goroutine and strand. fn places the work: it may post to strands, and the
// first strand that becomes runnable by that runs next on that P. The job is
// yours again when fn is called, or when lg_stop() has returned: then it is not
// called any more.
//
// rt   the runtime
// job  what; borrowed until fn is called; in no queue yet
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM, the global queue cannot grow.
// Misuse:  one that is in a queue: fatal. fn must not wait, nor allocate from the
//          collector.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API int lg_job_start(lg_runtime *rt, lg_job *job);

// ---------------------------------------------------------------------------
// Channels
// ---------------------------------------------------------------------------

// Makes a channel of elements of one size. Objects of the collector that buffered
// elements refer to are alive, unless it is a strand's.
//
// rt         the runtime
// strand     NULL; or the only strand that will ever use it, which then pays
//            for no lock
// elem_size  bytes of an element; 0 to 65535
// cap        elements it holds with nobody receiving; 0: sender and receiver
//            meet
// out        the channel; yours, for lg_chan_free()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, elem_size or a cap over 2^31 - 1; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      make(chan T, cap)
LG_API int lg_chan_new(lg_runtime *rt, lg_strand *strand, size_t elem_size, size_t cap,
                       lg_chan **out);

// Frees a channel and the elements in it.
//
// ch  freed; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine waits on it: fatal. One that a select has woken
//          waits on all its channels until it runs.
// Blocks:  no.   Call from: anywhere.
// Go:      the garbage collector
LG_API void lg_chan_free(lg_chan *ch);

// Sends one element: hands it to a waiting receiver, or queues it, or waits.
//
// ch           borrowed; stays alive while any goroutine waits on it
// elem         copied in; must stay valid until the call is done (for a
//              scripted goroutine, until its wait is finished)
// deadline_ns  as everywhere
//
// Returns: LG_OK, the element is with the channel or its receiver.
// Errors:  LG_ECLOSED; LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: not sent.
// Misuse:  a channel of another strand: fatal in the check build.
// Blocks:  the goroutine.   Call from: a goroutine; with deadline 0 anywhere.
// Go:      ch <- v
LG_API int lg_chan_send(lg_chan *ch, const void *elem, int64_t deadline_ns);

// Receives one element, first come, first served.
//
// ch           as in lg_chan_send()
// elem         written; must stay valid until the call is done; NULL drops it
// deadline_ns  as everywhere
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, closed and drained: elem is filled with zero bytes;
//          LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: nothing was taken.
// Misuse:  as lg_chan_send().
// Blocks:  the goroutine.   Call from: a goroutine; with deadline 0 anywhere.
// Go:      v, ok := <-ch
LG_API int lg_chan_recv(lg_chan *ch, void *elem, int64_t deadline_ns);

// Closes a channel: waiting senders fail, waiting receivers and later ones
// first drain it.
//
// ch  the channel
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already.
// Misuse:  none.   Blocks: no.   Call from: anywhere inside the runtime.
// Go:      close(ch)
LG_API int lg_chan_close(lg_chan *ch);

// Elements in the buffer.
//
// ch  the channel
//
// Returns: 0 to the capacity.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      len(ch)
LG_API size_t lg_chan_len(const lg_chan *ch);

// The capacity it was made with.
//
// ch  the channel
//
// Returns: the capacity.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      cap(ch)
LG_API size_t lg_chan_cap(const lg_chan *ch);

// Whether it has been closed.
//
// ch  the channel
//
// Returns: true, closed.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_chan_is_closed(const lg_chan *ch);

// ---------------------------------------------------------------------------
// Channels between strands
// ---------------------------------------------------------------------------

// Visits the elements that a strand's channel holds, oldest first: those in its
// buffer, and then those of the senders that wait. They may be changed in place.
//
// ch     a channel of the calling strand
// visit  called for each; must not use the channel
// ud     handed to it
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: inside the strand, or where nothing
//          runs.
// Go:      none
LG_API void lg_chan_each(lg_chan *ch, void (*visit)(void *ud, void *elem), void *ud);

// Lets all strands use a channel that was one strand's, from here on. Who waits
// on it goes on waiting, and what it holds stays.
//
// ch     a channel of the calling strand that no other knows yet
// slots  cap elements in an object of the collector, to which the buffer moves:
//        whoever keeps the channel keeps that object alive; NULL if cap is 0
//
// Returns: none.   Errors: none.
// Misuse:  a channel that is no strand's, or with elements that are not of whole
//          words: fatal.
// Blocks:  no.   Call from: inside the strand, or where nothing runs.
// Go:      none
LG_API void lg_chan_share(lg_chan *ch, void *slots);

enum { LG_CHAN_WAITERS = 16 }; // so many goroutines are named of those that wait

typedef struct lg_chan_info {
    uint32_t number;   // as in traces; it is given at the first time; 0: none
    lg_strand *strand; // whose it is; NULL: everybody's
    size_t len;
    size_t cap;
    bool is_closed;
    bool has_waiters; // the rest is known
    size_t nreceivers;
    size_t nsenders;
    size_t nlisted;
    uint64_t waiters[LG_CHAN_WAITERS]; // ids of nlisted goroutines, receivers first
} lg_chan_info;

// Visits every channel, oldest first. Other Ps go on meanwhile: an answer may be out
// of date when it is looked at. Who waits is not known of the channels of strands that
// the caller is not inside of, and of one that is in use just then.
//
// rt     the runtime
// visit  called for each; false stops
// ud     handed to it
//
// Returns: none.   Errors: none.
// Misuse:  visit must call nothing of the runtime's: nobody makes or frees a channel
//          meanwhile.
// Blocks:  no.   Call from: anywhere.
// Go:      none
LG_API void lg_channels(lg_runtime *rt, bool (*visit)(void *ud, const lg_chan_info *info),
                        void *ud);

// Looks at one channel, as lg_channels() does at each; who waits is always known.
//
// ch   borrowed
// out  written; yours
//
// Returns: none.   Errors: none.
// Misuse:  as lg_chan_send().   Blocks: no.
// Call from: as lg_chan_len(); of a strand's channel, inside the strand.
// Go:      none
LG_API void lg_chan_get_info(lg_chan *ch, lg_chan_info *out);

// ---------------------------------------------------------------------------
// Select
// ---------------------------------------------------------------------------

typedef enum lg_op { LG_RECV, LG_SEND } lg_op;

// One case of a select. For a scripted goroutine that waits, the array must
// stay valid until its wait is finished.
typedef struct lg_case {
    lg_chan *ch; // NULL: never ready
    void *elem;  // as in send and receive
    lg_op op;
} lg_case;

// Waits until one of several operations can go on and does that one; among
// several ready ones the choice is uniformly random.
//
// cases        ncases of them; one channel may stand in several
// ncases       0 to LG_CHAN_CASES_MAX; 0 waits for the deadline
// deadline_ns  as everywhere; 0 is Go's default case
// out_index    which case was done; must stay valid until the call is done
//
// Returns: LG_OK, that operation succeeded.
// Errors:  LG_ECLOSED, *out_index tells the case that met a closed channel;
//          LG_EINVAL; LG_ENOMEM; LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED:
//          nothing was done.
// Misuse:  as lg_chan_send().
// Blocks:  the goroutine.   Call from: a goroutine; with deadline 0 anywhere
//          inside the runtime.
// Go:      select
LG_API int lg_select(const lg_case *cases, size_t ncases, int64_t deadline_ns,
                     size_t *out_index);

// ---------------------------------------------------------------------------
// Locks and their kin. Each is yours to place; zero bytes are a fresh one, and
// nothing needs freeing. All waiters are served first come, first served, and nobody
// who comes along is faster; but for a mutex, where that would cost too much.
// ---------------------------------------------------------------------------

typedef struct lg_mutex {
    uint64_t opaque[4];
} lg_mutex;

typedef struct lg_rwmutex {
    uint64_t opaque[6];
} lg_rwmutex;

typedef struct lg_cond {
    uint64_t opaque[3];
} lg_cond;

typedef struct lg_event {
    uint64_t opaque[3];
} lg_event;

typedef struct lg_waitgroup {
    uint64_t opaque[4];
} lg_waitgroup;

typedef struct lg_once {
    uint64_t opaque[4];
} lg_once;

typedef struct lg_semaphore {
    uint64_t opaque[4];
} lg_semaphore;

// Locks a mutex. As in Go one that is woken to lock it competes with those who come
// along, and is soon in front of them: a waiter that was beaten four times, or has
// waited for a millisecond when it is beaten, is handed the mutex, before everybody.
// Scripted goroutines are always handed it, and so are all with a clock that the host
// drives, without slices, or with one P in a host that keeps its signals: who holds it
// might never make room there.
//
// m            the mutex
// deadline_ns  as everywhere
//
// Returns: LG_OK, the calling goroutine holds it.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: not locked.
// Misuse:  none; locking it twice waits for oneself, as in Go.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      sync.Mutex.Lock, TryLock
LG_API int lg_mutex_lock(lg_mutex *m, int64_t deadline_ns);

// Unlocks a mutex. The first in line is woken to lock it, or has it already: see
// lg_mutex_lock(). The caller goes on.
//
// m  the mutex
//
// Returns: LG_OK.
// Errors:  LG_EPERM, nobody holds it. Any goroutine may unlock, as in Go.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      sync.Mutex.Unlock
LG_API int lg_mutex_unlock(lg_mutex *m);

// Whether somebody holds a mutex.
//
// m  the mutex
//
// Returns: true, held.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_mutex_is_locked(const lg_mutex *m);

// Locks for writing: alone. Writers do so in the order in which they came; readers that
// come while one waits are behind it.
//
// m            the lock
// deadline_ns  as everywhere
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: not locked.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      sync.RWMutex.Lock
LG_API int lg_rwmutex_lock(lg_rwmutex *m, int64_t deadline_ns);

// Unlocks from writing: the readers that wait go first, then a writer.
//
// m  the lock
//
// Returns: LG_OK.
// Errors:  LG_EPERM, no writer holds it.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      sync.RWMutex.Unlock
LG_API int lg_rwmutex_unlock(lg_rwmutex *m);

// Locks for reading: with other readers, behind a writer that waits.
//
// m            the lock
// deadline_ns  as everywhere
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: not locked.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      sync.RWMutex.RLock
LG_API int lg_rwmutex_rlock(lg_rwmutex *m, int64_t deadline_ns);

// Unlocks from reading.
//
// m  the lock
//
// Returns: LG_OK.
// Errors:  LG_EPERM, no reader holds it.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      sync.RWMutex.RUnlock
LG_API int lg_rwmutex_runlock(lg_rwmutex *m);

// Unlocks a mutex, waits to be signalled, and locks it again. The mutex is
// held on every return but LG_EPERM, whatever ended the wait.
//
// c            the condition
// m            its mutex, held by the caller
// deadline_ns  as everywhere, for the signal; locking again has none
//
// Returns: LG_OK, signalled.
// Errors:  LG_EPERM, m is not held; LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      sync.Cond.Wait
LG_API int lg_cond_wait(lg_cond *c, lg_mutex *m, int64_t deadline_ns);

// Wakes the first waiter, if there is one. Locking the mutex again is as everybody's.
//
// c  the condition
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere inside the runtime.
// Go:      sync.Cond.Signal
LG_API void lg_cond_signal(lg_cond *c);

// Wakes all that wait at this moment.
//
// c  the condition
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere inside the runtime.
// Go:      sync.Cond.Broadcast
LG_API void lg_cond_broadcast(lg_cond *c);

// Waits for the next emission of an event. Those before it are not remembered.
//
// e            the event
// deadline_ns  as everywhere
//
// Returns: LG_OK, it was emitted.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_event_wait(lg_event *e, int64_t deadline_ns);

// Wakes all that wait for an event at this moment, each once, in the order in which
// they came.
//
// e  the event
//
// Returns: how many it has woken.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API size_t lg_event_emit(lg_event *e);

// Adds to a wait group's counter; waiters are released when it has come down to what they
// wait for. The group is not touched any more once a waiter has returned, so that it may
// stand in that one's frame.
//
// wg     the group
// delta  may be negative
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, the counter would be negative or over 2^31 - 1; it is
//          unchanged.
// Misuse:  none.   Blocks: no.   Call from: anywhere, threads of the host included.
// Go:      sync.WaitGroup.Add, Done
LG_API int lg_waitgroup_add(lg_waitgroup *wg, int64_t delta);

// Waits until the counter is zero.
//
// wg           the group
// deadline_ns  as everywhere
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      sync.WaitGroup.Wait
LG_API int lg_waitgroup_wait(lg_waitgroup *wg, int64_t deadline_ns);

// Waits until the counter is at most so much, or has been since the call: the counter of a
// job system. A stage may begin while the rest of the one before is still at it.
//
// wg           the group
// at_most      0 is lg_waitgroup_wait()
// deadline_ns  as everywhere; with 0 a host's frame loop may ask, too
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, at_most is negative; LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine; with deadline 0 anywhere.
// Go:      none
LG_API int lg_waitgroup_wait_for(lg_waitgroup *wg, int64_t at_most, int64_t deadline_ns);

// Starts fn(arg) as a native goroutine that counts in a wait group from now until fn has
// returned.
//
// rt    the runtime
// wg    the group; in place until the goroutine has counted down
// fn    the function
// arg   as in lg_go()
// opts  as in lg_go()
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM, LG_EINVAL as lg_go() and lg_waitgroup_add(): nothing is counted.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      sync.WaitGroup.Go
LG_API int lg_waitgroup_go(lg_runtime *rt, lg_waitgroup *wg, void (*fn)(void *arg),
                           void *arg, const lg_go_options *opts);

// Begins a once: exactly one caller is told to do the thing, the others wait
// until that one has called lg_once_end().
//
// once       the once
// out_first  true: do it, then call lg_once_end(); false: it is done. Must
//            stay valid until the call is done
//
// Returns: LG_OK.
// Errors:  LG_ECANCELED while waiting for the one who does it.
// Misuse:  none; beginning it again inside waits for oneself, as in Go.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      sync.Once.Do
LG_API int lg_once_begin(lg_once *once, bool *out_first);

// Ends what lg_once_begin() began.
//
// once  the once
//
// Returns: none.   Errors: none.
// Misuse:  without having begun it: fatal.   Blocks: no.
// Call from: the goroutine that began it.
// Go:      sync.Once.Do
LG_API void lg_once_end(lg_once *once);

// Gives a semaphore its units; only before its first use.
//
// s      the semaphore
// units  0 to 2^31 - 1
//
// Returns: LG_OK.
// Errors:  LG_EINVAL.   Misuse: none.   Blocks: no.   Call from: anywhere.
// Go:      semaphore.NewWeighted
LG_API int lg_semaphore_init(lg_semaphore *s, int64_t units);

// Takes units. Nobody overtakes: a small request waits behind a large one.
//
// s            the semaphore
// units        1 to what it was made with
// deadline_ns  as everywhere
//
// Returns: LG_OK.
// Errors:  LG_EINVAL; LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED: none taken.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      semaphore.Weighted.Acquire, TryAcquire
LG_API int lg_semaphore_acquire(lg_semaphore *s, int64_t units, int64_t deadline_ns);

// Gives units back.
//
// s      the semaphore
// units  at least 1
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, more than were taken; nothing is changed.
// Misuse:  none.   Blocks: no.   Call from: anywhere inside the runtime.
// Go:      semaphore.Weighted.Release
LG_API int lg_semaphore_release(lg_semaphore *s, int64_t units);

// ---------------------------------------------------------------------------
// Maps
// ---------------------------------------------------------------------------

// A word of data, and a reference to an object of the collector, or NULL.
typedef struct lg_cell {
    uint64_t bits;
    void *ref;
} lg_cell;

// A hash table from strings of bytes to cells that all goroutines may use at
// once, in stripes, each with a lock for those who store. An object of the collector:
// what it holds is alive as long as the map is, and it needs no freeing.
typedef struct lg_map lg_map;

// Makes an empty map.
//
// rt  the runtime
//
// Returns: the map; NULL when there is no memory.
// Errors:  NULL.   Misuse: outside a goroutine: fatal.
// Blocks:  as lg_new().   Call from: a goroutine.
// Go:      new(sync.Map)
LG_API lg_map *lg_map_new(lg_runtime *rt);

// Looks a key up. Waits for no other that looks, and for one that stores under a key
// of the same stripe at most.
//
// map       the map
// key       key_size bytes
// key_size  0 to 2^31 - 1
// out       the cell; its ref is alive from here on as any object
//
// Returns: LG_OK.
// Errors:  LG_ESRCH, it is not there: out is untouched.
// Misuse:  outside a goroutine: fatal.   Blocks: no.   Call from: a goroutine.
// Go:      sync.Map.Load
LG_API int lg_map_get(lg_map *map, const void *key, size_t key_size, lg_cell *out);

// Stores a cell under a key, or takes the key out.
//
// map       the map
// key       copied; as in lg_map_get()
// key_size  its bytes
// cell      the new one; NULL takes the key out
// out_old   what was there before; may be NULL
//
// Returns: LG_OK, there was one before.
// Errors:  LG_ESRCH, there was none, and cell is stored all the same: out_old is
//          untouched; LG_ENOMEM, nothing has changed; LG_EINVAL, the key's size.
// Misuse:  as lg_map_get().   Blocks: as lg_new().   Call from: a goroutine.
// Go:      sync.Map.Swap, sync.Map.LoadAndDelete
LG_API int lg_map_set(lg_map *map, const void *key, size_t key_size, const lg_cell *cell,
                      lg_cell *out_old);

// Stores a cell, or takes the key out, if what is there is as expected.
//
// map       the map
// key       as in lg_map_set()
// key_size  its bytes
// expected  NULL: the key is not there
// cell      as in lg_map_set()
//
// Returns: LG_OK, done.
// Errors:  LG_EAGAIN, it is not as expected: nothing has changed; LG_ENOMEM and
//          LG_EINVAL as lg_map_set().
// Misuse:  as lg_map_get().   Blocks: as lg_new().   Call from: a goroutine.
// Go:      sync.Map.CompareAndSwap
LG_API int lg_map_replace(lg_map *map, const void *key, size_t key_size,
                          const lg_cell *expected, const lg_cell *cell);

// How many keys there are at some moment.
//
// map  the map
//
// Returns: the number.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API size_t lg_map_len(const lg_map *map);

// Where a walk through a map stands; zero it to begin. On the stack of a goroutine,
// or in an object whose type tells of refs.
typedef struct lg_map_cursor {
    void *refs[2];
    uint64_t opaque[2];
} lg_map_cursor;

// Goes through a map, one entry a call. What is there all the time is met once;
// what comes or goes meanwhile, at most once. The map may change between the calls.
//
// map           the map
// cursor        of this map; behind its last entry it stays there
// out_key       the key's bytes, alive as any object
// out_key_size  how many
// out           its cell
//
// Returns: LG_OK.
// Errors:  LG_ESRCH, that was the last.
// Misuse:  as lg_map_get().   Blocks: no.   Call from: a goroutine.
// Go:      sync.Map.Range
LG_API int lg_map_next(lg_map *map, lg_map_cursor *cursor, const void **out_key,
                       size_t *out_key_size, lg_cell *out);

// ---------------------------------------------------------------------------
// Timers
// ---------------------------------------------------------------------------

// A moment at which a function is called. Yours to place; zero it, then
// lg_timer_init().
typedef struct lg_timer {
    uint64_t opaque[16];
} lg_timer;

// Prepares a timer.
//
// t       the timer
// rt      the runtime
// strand  where fn is called; NULL: by whichever M sees the moment first
// fn      called with arg; must not wait, may start goroutines, send with
//         deadline 0, make objects, and start or stop timers
// arg     handed to it; keeps no object of the collector alive
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      time.AfterFunc
LG_API void lg_timer_init(lg_timer *t, lg_runtime *rt, lg_strand *strand,
                          void (*fn)(void *arg), void *arg);

// Puts a timer that is not pending on a clock: its moments and its period are that one's.
//
// t      an initialised timer
// clock  borrowed; stays alive until the timer is used no more
//
// Returns: none.   Errors: none.
// Misuse:  a clock of another runtime.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_timer_use(lg_timer *t, lg_clock *clock);

// Starts a timer, or restarts it with other figures if it is pending.
//
// t          an initialised timer; stays in place until it has fired or was
//            stopped
// when_ns    the moment; in the past means at once
// period_ns  0: once; else again every so often after when_ns, moments that
//            were missed are skipped
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, a negative period; LG_ENOMEM: not started.
// Misuse:  none.   Blocks: no.
// Call from: inside the runtime; inside its strand if it has one.
// Go:      time.Timer.Reset
LG_API int lg_timer_start(lg_timer *t, int64_t when_ns, int64_t period_ns);

// Stops a timer. When this returns, fn is not running on another thread and
// will not be called.
//
// t  an initialised timer
//
// Returns: true, it was pending and will not fire; false, it had fired or was
//          not started.
// Errors:  none.   Misuse: none.   Blocks: no.
// Call from: as lg_timer_start().
// Go:      time.Timer.Stop
LG_API bool lg_timer_stop(lg_timer *t);

// ---------------------------------------------------------------------------
// Clocks
// ---------------------------------------------------------------------------
//
// A clock can be paused, scaled and stepped. The runtime's stands over the system's, or
// over lg_options.clock; each other one over its parent: a paused parent pauses its
// children, and scales multiply. Time-outs of goroutines and timers are on the runtime's
// clock, unless they use another: of a game, the world's may stand while the menu's goes
// on. None ever goes back.
//
// Always on the runtime's clock are deadlines of input and output, whoever calls; always
// on the system's are slices of goroutines that compute, the watchdog, and figures.

enum { LG_CLOCK_DEPTH_MAX = 32, LG_CLOCK_SCALE_MAX = 1000 };

// The clock of a runtime, which lg_now() reads.
//
// rt  the runtime
//
// Returns: the clock, which lives as long as the runtime.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_clock *lg_clock_of(lg_runtime *rt);

// Makes a clock that shows what its parent shows, until it is changed.
//
// parent  any clock; kept alive
// out     the clock, with one reference: yours, for lg_clock_release()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, LG_CLOCK_DEPTH_MAX clocks already stand over each other; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_clock_new(lg_clock *parent, lg_clock **out);

// Takes another reference to a clock.
//
// clock  one that is referred to
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_clock_retain(lg_clock *clock);

// Gives a reference back; the last one frees the clock. Goroutines that use it and
// clocks over it have references of their own, timers have none.
//
// clock  the clock; NULL and a runtime's do nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a timer that uses it is pending.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_clock_release(lg_clock *clock);

// What a clock shows.
//
// clock  the clock
//
// Returns: nanoseconds; never less than before.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int64_t lg_clock_now(lg_clock *clock);

// Stops a clock where it is. What sleeps on it, sleeps on. A thread outside of the
// runtime that pauses a clock is expected to resume it, so that no deadlock is reported
// meanwhile; with one that a goroutine has paused, sleepers are asleep for good when all
// others wait.
//
// clock  the clock; paused again it stays as it is
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_clock_pause(lg_clock *clock);

// Lets a clock go on from where it stands.
//
// clock  the clock; one that is not paused stays as it is
//
// Returns: LG_OK.
// Errors:  LG_ENOMEM: it goes on, but sleepers may be late. Call again.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_clock_resume(lg_clock *clock);

// Whether a clock is paused itself; its parent may be besides.
//
// clock  the clock
//
// Returns: as told.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_clock_is_paused(lg_clock *clock);

// Sets how fast a clock goes, against its parent.
//
// clock  the clock; a paused one goes so when it is resumed
// scale  0 (it stands) to LG_CLOCK_SCALE_MAX; 1 at first
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, the scale; LG_ENOMEM as lg_clock_resume().
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_clock_set_scale(lg_clock *clock, double scale);

// How fast a clock goes when it is not paused.
//
// clock  the clock
//
// Returns: the scale.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API double lg_clock_scale(lg_clock *clock);

// Moves a clock forward at once, whether it is paused or not: whoever sleeps until a
// moment in between is woken, in the order of moments; and is runnable on return, if it is
// a goroutine that calls.
//
// clock    the clock
// step_ns  nanoseconds of this clock, at least 0
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, it would go back; LG_ENOMEM as lg_clock_resume().
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_clock_step(lg_clock *clock, int64_t step_ns);

// Puts the calling goroutine on a clock: from now on all its deadlines but those of input
// and output are that one's moments. What it starts begins on the runtime's.
//
// clock  kept alive; NULL: the runtime's
//
// Returns: none.   Errors: none.
// Misuse:  outside a goroutine, or with a wait armed: fatal; a clock of another runtime:
//          fatal.
// Blocks:  no.   Call from: a goroutine.
// Go:      none
LG_API void lg_clock_use(lg_clock *clock);

// The clock that the calling goroutine is on.
//
// Returns: the clock, borrowed; outside of goroutines the runtime's that the thread works
//          for, NULL outside of any.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_clock *lg_clock_self(void);

// ---------------------------------------------------------------------------
// Frames
// ---------------------------------------------------------------------------

// A frame, as one goroutine sees it.
typedef struct lg_frame {
    uint64_t number; // of the frame; 1 is the first
    // From the beginning of the frame in which the goroutine asked to that of this one, on
    // the goroutine's clock: the sum over all is the time that has passed.
    int64_t dt_ns;
} lg_frame;

// Begins a frame: wakes all that wait for it, each once, in the order in which they came.
// lg_update() does so. Costs some nanoseconds for each clock there is.
//
// rt  the runtime
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_frame_begin(lg_runtime *rt);

// Waits for the next frame; during a frame, for the one after it. In a runtime in which
// nobody has begun one yet, they come 60 times a second of its clock.
//
// out          written when the frame has come; NULL: it is not wanted. Stays valid until
//              the call is done
// deadline_ns  as everywhere, on the goroutine's clock
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, LG_ETIMEDOUT, LG_ECANCELED, LG_ENOMEM.
// Misuse:  outside a goroutine: fatal.
// Blocks:  the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_next_frame(lg_frame *out, int64_t deadline_ns);

// ---------------------------------------------------------------------------
// Input and output
// ---------------------------------------------------------------------------
//
// A connection or listener belongs to the strand of the goroutine that made it, and a
// goroutine of another strand gets LG_EPERM. Those that native goroutines have made are any
// native goroutine's; so are a strand's, for them. Calls on one are made one after the other:
// at a time one goroutine may read from a connection and one may write, a second gets LG_EBUSY.
//
// What the outside world refuses is told by codes from LG_ESYSTEM down, an errno of the system
// below it: LG_ESYSTEM - ECONNREFUSED.

typedef struct lg_conn lg_conn;
typedef struct lg_listener lg_listener;
typedef struct lg_tls lg_tls;

enum {
    LG_ADDRESS_SIZE = 128, // bytes of an address as text, with the zero behind it
    LG_WHY_SIZE = 128,     // and of a reason
};

// The name of a code of the outside world: "ECONNREFUSED", "ECERT".
//
// code  any int
//
// Returns: a static string; NULL: it is no such code.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API const char *lg_error_name(int code);

// Connects. A name's addresses are tried one after the other.
//
// network      "tcp", "tcp4", "tcp6" or "unix"
// address      "host:port", the host a name, "127.0.0.1", "[::1]" or "", which is this
//              machine; for "unix" a path
// out          the connection; yours, for lg_conn_free(). In place until the call is over
// deadline_ns  over all of it; 0 gets no further than the system does at once
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, no such network, or the address is none; LG_ETIMEDOUT; LG_ECANCELED;
//          LG_ENOMEM; from LG_ESYSTEM down, the last address's: ECONNREFUSED, EAI_NONAME, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.Dialer.DialContext
LG_API int lg_dial(const char *network, const char *address, lg_conn **out,
                   int64_t deadline_ns);

typedef struct lg_listen_options {
    int backlog; // connections that may wait to be accepted; 0: as many as the system has
    bool shares_port; // with other listeners there: the system deals out (SO_REUSEPORT)
    bool reserves; // only takes the address, where nobody is, for listeners that share it
                   // later: nothing is accepted here
    lg_tls *tls; // a server's, for what is accepted; held as long as need be. NULL: none
} lg_listen_options;

// Listens for connections.
//
// network  as lg_dial()
// address  as lg_dial(), but the host is no name other than "localhost"; "" is every address
//          of this machine, of both families for "tcp". Port 0: a free one
// opts     NULL for defaults
// out      the listener; yours, for lg_listener_free()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL as lg_dial(), or a client's TLS; LG_ENOMEM; from LG_ESYSTEM down:
//          EADDRINUSE, ...
// Misuse:  outside a goroutine: fatal.   Blocks: no.   Call from: a goroutine.
// Go:      net.Listen
LG_API int lg_listen(const char *network, const char *address,
                     const lg_listen_options *opts, lg_listener **out);

// Takes the next connection that comes in. Several goroutines may wait: first come, first
// served.
//
// l            borrowed
// out          the connection; yours, for lg_conn_free(). In place until the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, the listener is closed; LG_ENOMEM;
//          from LG_ESYSTEM down: with EMFILE and its like the next call waits for a moment
//          before it tries again, longer each time, up to a second.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.Listener.Accept
LG_API int lg_accept(lg_listener *l, lg_conn **out, int64_t deadline_ns);

// The address that a listener has, in the form that lg_dial() takes.
//
// l     borrowed
// out   receives it, size bytes at most with the final zero
// size  bytes at out; LG_ADDRESS_SIZE are enough
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED; from LG_ESYSTEM down.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of its strand.
// Go:      net.Listener.Addr
LG_API int lg_listener_local(lg_listener *l, char *out, size_t size);

// Sets a moment after which lg_accept() gives LG_ETIMEDOUT, also for those who wait now.
//
// l            borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER: none
//
// Returns: LG_OK.
// Errors:  LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      net.TCPListener.SetDeadline
LG_API int lg_listener_set_deadline(lg_listener *l, int64_t deadline_ns);

// Stops listening. Who waits in lg_accept() gets LG_ECLOSED.
//
// l  still yours to be freed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already; LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.
// Call from: a goroutine; any thread while nothing drives the runtime.
// Go:      net.Listener.Close
LG_API int lg_listener_close(lg_listener *l);

// Frees a listener, and closes it if it is open.
//
// l  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_listener_close().
// Go:      none
LG_API void lg_listener_free(lg_listener *l);

// Reads what has arrived, a byte at least.
//
// c            borrowed
// buffer       receives it; in place until the call is over
// size         how many bytes at most; not 0
// out_n        receives how many; in place until the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EOF, the other side has ended its stream; LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED;
//          LG_ECLOSED, it was closed here; LG_EBUSY, LG_EPERM, see above; LG_EINVAL;
//          LG_ENOMEM; LG_ECERT, LG_ETLS; from LG_ESYSTEM down: ECONNRESET, ... What came
//          before is read first.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.Conn.Read
LG_API int lg_conn_read(lg_conn *c, void *buffer, size_t size, size_t *out_n,
                        int64_t deadline_ns);

// Reads so many bytes, fewer only where the stream ends. With a deadline or a cancellation
// nothing is taken: what has come is read by the next call.
//
// c            borrowed
// buffer       receives them; in place until the call is over
// size         how many; not 0
// out_n        receives how many it were; in place until the call is over
// deadline_ns  as lg_conn_read()
//
// Returns: LG_OK.   Errors: as lg_conn_read().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      io.ReadFull
LG_API int lg_conn_read_full(lg_conn *c, void *buffer, size_t size, size_t *out_n,
                             int64_t deadline_ns);

// What lg_conn_await() waits for.
typedef enum lg_want {
    LG_WANT_SOME,  // a byte at least
    LG_WANT_EXACT, // so many, fewer only where the stream ends
    LG_WANT_LINE,  // up to and with the next newline, or to the end of the stream
    LG_WANT_ALL,   // up to the end of the stream
} lg_want;

// The first half of a read without a buffer, for interpreters: waits until what is wanted
// is there, for lg_conn_peek() and lg_conn_skip() before anything else runs in the strand.
//
// c            borrowed
// want         what
// n            for LG_WANT_EXACT: how many
// out_n        receives how many bytes are the caller's, or with an error of LG_WANT_ALL have
//              come before that; in place until the call is over
// deadline_ns  as lg_conn_read()
//
// Returns: LG_OK; for LG_WANT_ALL also with 0 bytes.
// Errors:  as lg_conn_read().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine of the connection's strand.
// Go:      bufio.Reader.Peek
LG_API int lg_conn_await(lg_conn *c, lg_want want, size_t n, size_t *out_n,
                         int64_t deadline_ns);

// The oldest bytes that have come and stand together.
//
// c    borrowed
// out  receives where they are, until the next call on the connection
//
// Returns: how many; 0: there are none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of the connection's strand.
// Go:      bufio.Reader.Peek
LG_API size_t lg_conn_peek(const lg_conn *c, const void **out);

// Takes the first of those.
//
// c  borrowed
// n  how many, not more than lg_conn_peek() gave
//
// Returns: none.   Errors: none.
// Misuse:  more than there are: fatal.   Blocks: no.
// Call from: a goroutine of the connection's strand.
// Go:      bufio.Reader.Discard
LG_API void lg_conn_skip(lg_conn *c, size_t n);

// Writes all of it, waiting where the other side is slow. When a deadline or a cancellation
// has cut a write in two nothing may be written any more, for it would follow the half.
//
// c            borrowed
// data         borrowed; in place and unchanged until the call is over
// size         bytes
// out_n        receives how many the system has taken, whatever the result, with TLS those in
//              whole records; in place until the call is over
// deadline_ns  as lg_conn_read()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, it or its writing side was closed
//          here; LG_EBROKEN, an earlier write was cut; LG_EBUSY, LG_EPERM; LG_ENOMEM;
//          LG_ECERT, LG_ETLS; from LG_ESYSTEM down: EPIPE, ECONNRESET, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.Conn.Write
LG_API int lg_conn_write(lg_conn *c, const void *data, size_t size, size_t *out_n,
                         int64_t deadline_ns);

// Ends the stream that the other side reads; reading goes on. With TLS it says goodbye, and
// waits until that is gone, which the connection's deadline ends.
//
// c  borrowed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED; LG_EBUSY, somebody is writing; LG_EPERM; from LG_ESYSTEM down. With TLS
//          also LG_ETIMEDOUT; LG_ECANCELED; LG_ECERT; LG_ETLS; LG_EBROKEN, a write was cut.
// Misuse:  none.   Blocks: a native goroutine, shortly; with TLS any.   Call from: a goroutine.
// Go:      net.TCPConn.CloseWrite
LG_API int lg_conn_close_write(lg_conn *c);

// Sets a moment after which reads and writes give LG_ETIMEDOUT, also those that wait now.
//
// c            borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER: none
//
// Returns: LG_OK.
// Errors:  LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      net.Conn.SetDeadline
LG_API int lg_conn_set_deadline(lg_conn *c, int64_t deadline_ns);

// The address of this side, or of the other, in the form that lg_dial() takes; "" for a Unix
// socket without a path.
//
// c     borrowed
// out   receives it, size bytes at most with the final zero
// size  bytes at out; LG_ADDRESS_SIZE are enough
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED; from LG_ESYSTEM down.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of its strand.
// Go:      net.Conn.LocalAddr
LG_API int lg_conn_local(lg_conn *c, char *out, size_t size);

// The other side's: as lg_conn_local().
//
// c     borrowed
// out   receives it, size bytes at most with the final zero
// size  bytes at out; LG_ADDRESS_SIZE are enough
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED; from LG_ESYSTEM down: ENOTCONN, ...
// Misuse:  none.   Blocks: no.   Call from: a goroutine of its strand.
// Go:      net.Conn.RemoteAddr
LG_API int lg_conn_remote(lg_conn *c, char *out, size_t size);

// Makes a connection of a descriptor that can be watched: a pipe's, a terminal's, a socket's.
//
// fd   the connection's from here on, also on errors; does not block any more
// out  the connection; yours, for lg_conn_free()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ENOMEM; from LG_ESYSTEM down: EBADF.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      net.FileConn
LG_API int lg_conn_adopt(int fd, lg_conn **out);

// The same of a descriptor that others use as well, as standard input: it is read only while
// somebody waits for something, and never further than one piece; who reads behind its end asks
// the system again. Whether it blocks stays as it is; a read of one that does, and is no socket, waits
// with its thread if somebody else takes what is there at that moment.
//
// fd   the connection's from here on, also on errors
// out  the connection; yours, for lg_conn_free()
//
// Returns: LG_OK.   Errors: as lg_conn_adopt().
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      none
LG_API int lg_conn_adopt_shared(int fd, lg_conn **out);

// Closes a connection. Who waits in it gets LG_ECLOSED; what has not been read is lost. With
// TLS the other side is told that the stream ends here, unless a write was cut.
//
// c  still yours to be freed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already; LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.
// Call from: a goroutine; any thread while nothing drives the runtime.
// Go:      net.Conn.Close
LG_API int lg_conn_close(lg_conn *c);

// Frees a connection, and closes it if it is open: with TLS without a word, so that the other
// side takes its stream for cut.
//
// c  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_conn_close().
// Go:      none
LG_API void lg_conn_free(lg_conn *c);

// ---------------------------------------------------------------------------
// TLS
// ---------------------------------------------------------------------------
//
// A connection gets TLS by lg_conn_tls(), or from a listener that has it; then reads, writes
// and ends are as before, in records. Whoever comes first shakes hands: lg_conn_handshake(), a
// read or a write. A stream that ends without a goodbye is cut: LG_ETLS, never LG_EOF.
//
// OpenSSL is loaded by the first lg_tls_new(). TLS 1.2 and 1.3, nothing older.

typedef enum lg_tls_role { LG_TLS_CLIENT, LG_TLS_SERVER } lg_tls_role;
typedef enum lg_tls_version { LG_TLS_1_2, LG_TLS_1_3 } lg_tls_version;
typedef enum lg_tls_trust {
    LG_TLS_VERIFY,    // a server shows a certificate for the name that was asked for
    LG_TLS_TRUST_ANY, // for tests: whoever answers may be anybody
} lg_tls_trust;

// What one side has and asks for. Texts are in PEM.
typedef struct lg_tls_options {
    lg_tls_role role;
    const char *cert; // its certificate, and those up to a root; a server has one
    const char *key;  // its private key, without a password; NULL: stands in cert, too
    // Whose certificates the other side may have. NULL: a client trusts whom the system
    // trusts (SSL_CERT_FILE, SSL_CERT_DIR), a server asks for none; else clients need one.
    const char *ca;
    const char *alpn; // protocols, best first: "h2,http/1.1"; NULL: none is spoken about
    lg_tls_version min_version;
    lg_tls_trust trust; // of a client
} lg_tls_options;

// Makes one side's part of TLS connections, for any number of them, in any strand.
//
// opts  borrowed
// out   yours, for lg_tls_free()
// why   receives words for LG_ETLS, LG_WHY_SIZE bytes at most with the final zero
//
// Returns: LG_OK.
// Errors:  LG_ETLS, a text is not usable, or OpenSSL is not there; LG_EINVAL, a server without a
//          certificate, or alpn is no list; LG_ENOMEM.
// Misuse:  none.
// Blocks:  the thread, for milliseconds: a goroutine has lg_work() call it.
// Call from: anywhere.
// Go:      tls.Config
LG_API int lg_tls_new(const lg_tls_options *opts, lg_tls **out, char *why);

// Lets go of it. Connections and listeners that have it keep it.
//
// tls  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_tls_free(lg_tls *tls);

// Gives a connection TLS, before anything is read from it or written to it, or at a place where
// both sides have agreed on that. Nothing is sent yet.
//
// c     borrowed
// tls   held as long as need be
// name  of a client: whose certificate the server must show, a host's name, which the server is
//       told, or an address; NULL only with LG_TLS_TRUST_ANY. A server's is not looked at
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, no name; LG_EBUSY, it has TLS, or somebody is at it, or something is unread;
//          LG_ECLOSED; LG_EPERM; LG_ENOMEM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      tls.Client, tls.Server
LG_API int lg_conn_tls(lg_conn *c, lg_tls *tls, const char *name);

// Shakes hands, if that is not done yet. Without TLS there is nothing to do.
//
// c            borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_ECERT, LG_ETLS, see lg_conn_why(); LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED;
//          LG_ECLOSED; LG_EBUSY, another goroutine is in this call; LG_EPERM; from LG_ESYSTEM
//          down.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      tls.Conn.HandshakeContext
LG_API int lg_conn_handshake(lg_conn *c, int64_t deadline_ns);

// Whether a connection has TLS.
//
// c  borrowed
//
// Returns: whether; false when it is closed.   Errors: none.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      none
LG_API bool lg_conn_is_tls(lg_conn *c);

// Words for a connection's LG_ECERT or LG_ETLS: "certificate verify failed: self-signed
// certificate".
//
// c    borrowed
// out  receives them, LG_WHY_SIZE bytes at most with the final zero; "" if there are none, or it
//      is closed
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      error.Error
LG_API void lg_conn_why(lg_conn *c, char *out);

// What both sides have agreed on.
typedef struct lg_tls_info {
    char version[16];      // "TLSv1.3"
    char cipher[64];       // "TLS_AES_256_GCM_SHA384"
    char alpn[256];        // "": no protocol was spoken about
    char server_name[256]; // that the client has asked for; ""
    char peer[256];        // whom the other side's certificate names: "/CN=localhost"; ""
} lg_tls_info;

// Tells about it.
//
// c    borrowed
// out  written
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, they have not shaken hands yet; LG_EINVAL, it has no TLS, or is closed;
//          LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      tls.Conn.ConnectionState
LG_API int lg_conn_tls_info(lg_conn *c, lg_tls_info *out);

// ---------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------

// Looks up the addresses of a name.
//
// name         of a machine
// out          receives them as text, without a port; in place until the call is over
// cap          how many at most
// out_n        receives how many; in place until the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, the name is too long; LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ENOMEM; from
//          LG_ESYSTEM down: EAI_NONAME, EAI_AGAIN, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.Resolver.LookupHost
LG_API int lg_resolve(const char *name, char (*out)[LG_ADDRESS_SIZE], size_t cap,
                      size_t *out_n, int64_t deadline_ns);

// Has fn called on a thread of a pool while the goroutine waits: for system calls that no
// descriptor announces, such as those on files. Neither a deadline nor a cancellation ends it.
//
// fn    called with arg on a thread outside of the runtime; must not call the runtime
// drop  called with arg if the goroutine was dropped with its strand or runtime meanwhile and
//       lg_work() does not return: when fn is through, or never if the runtime's end did not wait
//       so long. NULL: that waits, however long
// arg   handed to them; in place until then
//
// Returns: LG_OK, fn has returned.
// Errors:  LG_ECANCELED, the goroutine was canceled before: fn is not called; LG_EAGAIN, outside a
//          goroutine; LG_ENOMEM.
// Misuse:  none.   Blocks: the goroutine.
// Call from: a goroutine.
// Go:      what a system call is there
LG_API int lg_work(void (*fn)(void *arg), void (*drop)(void *arg), void *arg);

// Whether some thread of the pool may be at work, or looking up a name, for any runtime or strand,
// also for one that was closed meanwhile. exit() waits for it, _exit() does not. Of what was closed
// a few descriptors stay open as long; they are closed by the next call, or with the next runtime.
//
// Returns: true while there is such work in this process.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_has_left_work(void);

// ---------------------------------------------------------------------------
// Files
// ---------------------------------------------------------------------------
//
// Calls on a file are done one after the other, in the order in which they came, on threads
// that they may block. One that has begun, or stands in line, is ended by its end only: neither
// by a deadline nor by a cancellation. A file belongs to a strand, as a connection does.
//
// A fifo or a terminal is a file without a position: a connection, with all that is said of
// those. It takes no thread but while it is opened.

typedef struct lg_file lg_file;

// How a file is opened: a sum of these.
typedef enum lg_open_flags {
    LG_OPEN_READ = 1,
    LG_OPEN_WRITE = 2,
    LG_OPEN_APPEND = 4,     // writes go to the end, whoever else writes there
    LG_OPEN_CREATE = 8,     // if there is none
    LG_OPEN_TRUNCATE = 16,  // forgets what stands in it
    LG_OPEN_EXCLUSIVE = 32, // with LG_OPEN_CREATE: only if there is none
} lg_open_flags;

// Where a position counts from.
typedef enum lg_whence { LG_FROM_START, LG_FROM_HERE, LG_FROM_END } lg_whence;

typedef struct lg_stat {
    uint32_t mode; // what it is, and its permissions, as the system has them
    int64_t size_bytes;
    int64_t mtime_ns; // of the last change, since 1970
} lg_stat;

// Opens a file that is no directory. A fifo waits for its other end, on a thread of the pool.
//
// path   copied
// flags  of lg_open_flags; LG_OPEN_READ or LG_OPEN_WRITE or LG_OPEN_APPEND at least
// out    the file; yours, for lg_file_free(). In place until the call is over
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ECANCELED, the goroutine was canceled before;
//          LG_ENOMEM; from LG_ESYSTEM down: ENOENT, EACCES, EISDIR, EEXIST, EMFILE, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.OpenFile
LG_API int lg_file_open(const char *path, uint32_t flags, lg_file **out);

// Reads what is there, a byte at least.
//
// f            borrowed
// buffer       receives it; in place until the call is over
// size         how many bytes at most; not 0
// out_n        receives how many; in place until the call is over
// deadline_ns  as lg_conn_read(), of a fifo or terminal; a file's are not looked at
//
// Returns: LG_OK.
// Errors:  LG_EOF, it ends here; LG_EAGAIN, outside a goroutine; LG_ECANCELED before it has begun;
//          LG_ECLOSED, it was closed here; LG_EPERM; LG_EINVAL; LG_ENOMEM; from LG_ESYSTEM down:
//          EIO, EBADF, it was not opened for that, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Read
LG_API int lg_file_read(lg_file *f, void *buffer, size_t size, size_t *out_n,
                        int64_t deadline_ns);

// The first half of a read without a buffer, as lg_conn_await(). Whoever else wants something of
// the file waits until lg_file_skip().
//
// f            borrowed
// want         what
// n            for LG_WANT_EXACT: how many
// out_n        receives how many bytes are the caller's, or with an error of LG_WANT_ALL have
//              come before that; in place until the call is over
// deadline_ns  as lg_file_read()
//
// Returns: LG_OK; for LG_WANT_ALL also with 0 bytes.
// Errors:  as lg_file_read().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine of the file's strand.
// Go:      bufio.Reader.Peek
LG_API int lg_file_await(lg_file *f, lg_want want, size_t n, size_t *out_n,
                         int64_t deadline_ns);

// What has been read and not taken, as lg_conn_peek().
//
// f    borrowed
// out  receives where it is, until the next call on the file
//
// Returns: how many bytes; 0: there are none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of the file's strand.
// Go:      bufio.Reader.Peek
LG_API size_t lg_file_peek(const lg_file *f, const void **out);

// Takes the first of that, as lg_conn_skip().
//
// f  borrowed
// n  how many, not more than lg_file_peek() gave
//
// Returns: none.   Errors: none.
// Misuse:  more than there are: fatal.   Blocks: no.
// Call from: a goroutine of the file's strand.
// Go:      bufio.Reader.Discard
LG_API void lg_file_skip(lg_file *f, size_t n);

// Writes all of it, where the file stands or at its end.
//
// f            borrowed
// data         copied
// size         bytes
// out_n        receives how many the system has taken, whatever the result; in place until the
//              call is over
// deadline_ns  as lg_file_read()
//
// Returns: LG_OK.
// Errors:  as lg_file_read(), but for LG_EOF: ENOSPC, EBADF, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Write
LG_API int lg_file_write(lg_file *f, const void *data, size_t size, size_t *out_n,
                         int64_t deadline_ns);

// Moves to a position, for the next read or write.
//
// f       borrowed
// offset  bytes from there
// whence  from where
// out     receives the position, from the start; in place until the call is over
//
// Returns: LG_OK.
// Errors:  as lg_file_read(): EINVAL, before the start; ESPIPE, it has no position.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Seek
LG_API int lg_file_seek(lg_file *f, int64_t offset, lg_whence whence, int64_t *out);

// Waits until what was written is on the disk.
//
// f  borrowed
//
// Returns: LG_OK.
// Errors:  as lg_file_read(): EINVAL, there is no disk; EIO, some of it is lost.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Sync
LG_API int lg_file_sync(lg_file *f);

// What the file is.
//
// f    borrowed
// out  receives it; in place until the call is over
//
// Returns: LG_OK.   Errors: as lg_file_read().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Stat
LG_API int lg_file_stat(lg_file *f, lg_stat *out);

// Closes a file, behind the call that is being worked for; those in line get LG_ECLOSED. No
// cancellation keeps it from that.
//
// f  still yours to be freed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already; LG_EPERM; LG_EAGAIN, outside a goroutine; LG_ENOMEM:
//          it is open; from LG_ESYSTEM down: EIO, some of what was written is lost. It is closed.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      os.File.Close
LG_API int lg_file_close(lg_file *f);

// Frees a file, and closes it if it is open.
//
// f  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_conn_free().
// Go:      none
LG_API void lg_file_free(lg_file *f);

typedef struct lg_fswatch lg_fswatch;

enum { LG_FS_NAME_SIZE = 256 }; // bytes of a name in a directory, with the zero behind it

typedef enum lg_fs_kind {
    LG_FS_CHANGE, // something was written, or a mode or time has changed
    LG_FS_RENAME, // a name has come or gone
    LG_FS_LOST,   // more has happened than was kept
} lg_fs_kind;

typedef struct lg_fs_event {
    lg_fs_kind kind;
    char name[LG_FS_NAME_SIZE]; // in the directory, or of the file; "": unknown
} lg_fs_event;

// Watches a file, or a directory and what is in it, but not what is in that. A file that was
// replaced by another one of its name is not seen any more: watch the directory.
//
// path  borrowed
// out   what tells; yours, for lg_fswatch_free()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ENOMEM; from LG_ESYSTEM down: ENOENT, EACCES,
//          ENOSPC, the system's limit of what is watched; EMFILE, ...
// Misuse:  none.   Blocks: the thread, until the path has been found.
// Call from: a goroutine.
// Go:      none
LG_API int lg_fswatch_open(const char *path, lg_fswatch **out);

// The next thing that has happened. Some 1,000 are kept until they are asked for; one that follows
// its like is not told again.
//
// w            borrowed
// out          receives it; in place until the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED; LG_EBUSY, another goroutine waits;
//          LG_EPERM.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_fswatch_next(lg_fswatch *w, lg_fs_event *out, int64_t deadline_ns);

// Watches no more. Who waits gets LG_ECLOSED; what was not asked for is lost.
//
// w  still yours to be freed
//
// Returns: LG_OK.   Errors: LG_ECLOSED, it was closed already; LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: as lg_conn_close().
// Go:      none
LG_API int lg_fswatch_close(lg_fswatch *w);

// Frees it, and closes it if it is open.
//
// w  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_conn_free().
// Go:      none
LG_API void lg_fswatch_free(lg_fswatch *w);

// ---------------------------------------------------------------------------
// Datagrams
// ---------------------------------------------------------------------------
//
// A socket belongs to a strand, or to all native goroutines, as a connection does. At a time one
// goroutine may receive; any number may send.

typedef struct lg_udp lg_udp;

typedef struct lg_udp_options {
    bool shares_port; // with other sockets there: the system deals out (SO_REUSEPORT)
} lg_udp_options;

// What lg_udp_recv_from() tells of a datagram.
typedef struct lg_datagram {
    size_t size;                // bytes of all of it; 0 is one without any
    char from[LG_ADDRESS_SIZE]; // in the form that lg_udp_send_to() takes
} lg_datagram;

// Opens a socket for datagrams. It may send to all of a network at once (broadcast).
//
// network  "udp", "udp4" or "udp6"
// address  where it receives, as for lg_listen(): "127.0.0.1:0" is a free port
// opts     NULL for defaults
// out      the socket; yours, for lg_udp_free()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, no such network, or the address is none; LG_EAGAIN, outside a goroutine;
//          LG_ENOMEM; from LG_ESYSTEM down: EADDRINUSE, ...
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      net.ListenPacket
LG_API int lg_udp_open(const char *network, const char *address,
                       const lg_udp_options *opts, lg_udp **out);

// Sends one datagram. A name is looked up, for each datagram anew.
//
// u            borrowed
// data         borrowed; in place and unchanged until the call is over
// size         bytes; may be 0
// address      where to, as for lg_dial(); NULL: where lg_udp_connect() has said. In place until
//              the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK, the system has taken all of it.
// Errors:  LG_EINVAL, the address is none; LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, it
//          was closed here; LG_EPERM; LG_ENOMEM; from LG_ESYSTEM down: EMSGSIZE, it is too
//          long; ECONNREFUSED, see lg_udp_connect(); EDESTADDRREQ; EAI_NONAME, ...
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.PacketConn.WriteTo
LG_API int lg_udp_send_to(lg_udp *u, const void *data, size_t size, const char *address,
                          int64_t deadline_ns);

// Receives one datagram. With a deadline or a cancellation none is lost.
//
// u            borrowed
// buffer       receives it; in place until the call is over
// size         bytes at buffer; 65536 are enough for any
// out          receives its size and its sender; in place until the call is over
// deadline_ns  as lg_udp_send_to()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, it was closed here; LG_EBUSY, another
//          goroutine receives; LG_EPERM; LG_EINVAL, buffer is NULL; LG_ENOMEM; from LG_ESYSTEM
//          down: EMSGSIZE, only its beginning had room, `out` is filled; ECONNREFUSED, see
//          lg_udp_connect().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      net.PacketConn.ReadFrom
LG_API int lg_udp_recv_from(lg_udp *u, void *buffer, size_t size, lg_datagram *out,
                            int64_t deadline_ns);

// The same without a buffer, for interpreters: the datagram stays for lg_udp_peek(), until the
// next call that receives.
//
// u            borrowed
// out          as lg_udp_recv_from()
// deadline_ns  as lg_udp_send_to()
//
// Returns: LG_OK.   Errors: as lg_udp_recv_from(), but EMSGSIZE.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine of the socket's strand.
// Go:      none
LG_API int lg_udp_await(lg_udp *u, lg_datagram *out, int64_t deadline_ns);

// The bytes of the datagram that lg_udp_await() has waited for.
//
// u  borrowed
//
// Returns: them; NULL: there is none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of the socket's strand.
// Go:      none
LG_API const void *lg_udp_peek(const lg_udp *u);

// From here on only datagrams of one address are received, and lg_udp_send_to() needs none. What
// the other machine says by ICMP is told to the next call: ECONNREFUSED, nobody is there.
//
// u            borrowed
// address      as lg_udp_send_to()
// deadline_ns  as lg_udp_send_to()
//
// Returns: LG_OK.   Errors: as lg_udp_send_to().
// Misuse:  none.   Blocks: the goroutine, for a name.   Call from: a goroutine.
// Go:      net.DialUDP
LG_API int lg_udp_connect(lg_udp *u, const char *address, int64_t deadline_ns);

// The address that a socket has, in the form that lg_udp_send_to() takes.
//
// u     borrowed
// out   receives it, size bytes at most with the final zero
// size  bytes at out; LG_ADDRESS_SIZE are enough
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED; from LG_ESYSTEM down.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of its strand.
// Go:      net.PacketConn.LocalAddr
LG_API int lg_udp_local(lg_udp *u, char *out, size_t size);

// Sets a moment after which calls give LG_ETIMEDOUT, also those that wait now.
//
// u            borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER: none
//
// Returns: LG_OK.
// Errors:  LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      net.PacketConn.SetDeadline
LG_API int lg_udp_set_deadline(lg_udp *u, int64_t deadline_ns);

// Closes a socket. Who waits in it gets LG_ECLOSED.
//
// u  still yours to be freed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already; LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.
// Call from: a goroutine; any thread while nothing drives the runtime.
// Go:      net.PacketConn.Close
LG_API int lg_udp_close(lg_udp *u);

// Frees a socket, and closes it if it is open.
//
// u  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_udp_close().
// Go:      none
LG_API void lg_udp_free(lg_udp *u);

// ---------------------------------------------------------------------------
// Child processes
// ---------------------------------------------------------------------------
//
// No signal handler of the host's is touched, SIGCHLD's neither; a host that ignores SIGCHLD,
// or waits for any child, takes their ends away. A process belongs to a strand, as a
// connection does. The end of a strand or a runtime leaves its processes alone.

typedef struct lg_process lg_process;

// What one of a child's descriptors 0 to 2 is.
typedef enum lg_stream {
    LG_STREAM_PIPE,    // a connection's other end
    LG_STREAM_INHERIT, // the host's own
    LG_STREAM_NULL,    // /dev/null
} lg_stream;

typedef struct lg_spawn_options {
    const char *cwd; // NULL: the host's
    const char *const
        *env; // "NAME=value", NULL at the end, and nothing else; NULL: the host's
    lg_stream streams[3]; // stdin, stdout, stderr
} lg_spawn_options;

// Starts a program: with no signal blocked, ignored or handled, and no descriptor but 0 to 2.
//
// file     a path, or a name that the host's PATH is searched for
// argv     the arguments with the program's name in front, NULL at the end; borrowed
// opts     borrowed; NULL for defaults: three pipes
// streams  receives three connections, of which the first can only be written to, the others
//          only read from; yours, for lg_conn_free(). NULL for what is no pipe
// out      the process; yours, for lg_process_free()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ENOMEM; from LG_ESYSTEM down: ENOENT, no such
//          program or directory, EACCES, EMFILE, ...
// Misuse:  none.   Blocks: the thread, until the program has been loaded.
// Call from: a goroutine.
// Go:      exec.Cmd.Start
LG_API int lg_spawn(const char *file, const char *const *argv,
                    const lg_spawn_options *opts, lg_conn *streams[3], lg_process **out);

typedef struct lg_exit {
    int code;   // exit status; 0 if a signal has ended it
    int signal; // the number of that; 0: none has
} lg_exit;

// Waits for the end of a process. Any number of goroutines may, before and after it.
//
// p            borrowed
// out          receives how it has ended; in place until the call is over
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED: the process goes on; LG_ECLOSED, its strand
//          is; LG_EPERM; LG_ENOMEM; from LG_ESYSTEM down: ECHILD, the host has taken its end.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      exec.Cmd.Wait
LG_API int lg_process_wait(lg_process *p, lg_exit *out, int64_t deadline_ns);

// Sends a signal, never to a process that has got the number of one that has ended.
//
// p      borrowed
// signo  the signal's number
//
// Returns: LG_OK.
// Errors:  LG_EPERM; from LG_ESYSTEM down: ESRCH, it has ended; EINVAL, no such signal; EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      os.Process.Signal
LG_API int lg_process_kill(lg_process *p, int signo);

// The number that the system has given a process.
//
// p  borrowed
//
// Returns: that, also when it has ended.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      os.Process.Pid
LG_API int lg_process_pid(const lg_process *p);

// Frees a process's record. It goes on if it has not ended, and leaves no zombie if its strand
// is still there at its end.
//
// p  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_conn_free().
// Go:      os.Process.Release
LG_API void lg_process_free(lg_process *p);

// ---------------------------------------------------------------------------
// Asking servers over HTTP
// ---------------------------------------------------------------------------

// A request and its response, over HTTP/1.1 or HTTP/2, with TLS or without. libcurl does it: the
// library is loaded when lg_fetch_load() is first called. Connections are kept for further
// requests of the same strand.
typedef struct lg_fetch lg_fetch;

typedef enum lg_body {
    LG_BODY_NONE,
    LG_BODY_WHOLE,  // body_bytes
    LG_BODY_STREAM, // lg_fetch_write() and lg_fetch_finish(); its length is not told
} lg_body;

// Zeroed, but for the URL, it asks for a page. All is borrowed until lg_fetch_open() is over,
// but for body_bytes.
typedef struct lg_fetch_options {
    const char *url;    // http or https, as it goes: without blanks, in ASCII
    const char *method; // NULL: "GET"
    const char *const
        *fields; // "Name: value", or "Name;" without a value; NULL at the end
    lg_body body;
    const void
        *body_bytes; // in place until the transfer is closed, freed, or read to its end
    size_t body_size_bytes;
    size_t max_head_bytes; // of the response; 0: 64 KB
    const char
        *proxy; // its URL; "": none; NULL: what the environment says (http_proxy, ...)
    const char *ca_file; // certificates to trust, in PEM, instead of the system's
    const char *ca_text; // the same as text
    bool is_unverified;  // any certificate will do
    bool is_http1;       // HTTP/2 is not spoken
    bool is_compressed;  // a compressed body is asked for, and unpacked
} lg_fetch_options;

// Loads libcurl if that has not been done, and waits for it. Whether it was there is told by
// lg_fetch_missing().
//
// Returns: LG_OK.
// Errors:  as lg_work().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_fetch_load(void);

// Why there is no libcurl.
//
// Returns: words, for good; NULL: it is there.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API const char *lg_fetch_missing(void);

// Begins a transfer, on the caller's strand. Redirects are not followed.
//
// opts  what is asked for
// out   the transfer; yours, for lg_fetch_free()
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ENOMEM; from LG_ESYSTEM down: ENOSYS, no
//          libcurl, or one that lacks an option; EINVAL, it has something against one; EMFILE.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      http.Client.Do
LG_API int lg_fetch_open(const lg_fetch_options *opts, lg_fetch **out);

// Waits for the head of the response.
//
// f            borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, it was closed here; LG_EBUSY, another
//          goroutine waits for head or body; LG_EPERM; LG_ENOMEM; LG_ECERT, LG_ETLS; from
//          LG_ESYSTEM down: ECONNREFUSED, EAI_NONAME, ECONNRESET, EOF for half a response, EPROTO
//          for none of HTTP.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      http.Client.Do
LG_API int lg_fetch_await_head(lg_fetch *f, int64_t deadline_ns);

// The head, as it came: the status line, fields, and an empty line, with their line ends; of one
// beyond max_head_bytes as much as is allowed.
//
// f    borrowed
// out  receives where it is, until the transfer is freed
//
// Returns: its size in bytes; 0: it has not come.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine, after lg_fetch_await_head().
// Go:      http.Response
LG_API size_t lg_fetch_head(const lg_fetch *f, const char **out);

// Reads what has come of the body, a byte at least.
//
// f            borrowed
// buffer       receives it; in place until the call is over
// size         bytes at buffer, not 0
// out_n        receives how many; in place until the call is over
// deadline_ns  as lg_fetch_await_head()
//
// Returns: LG_OK.
// Errors:  LG_EOF, the body has ended; LG_EINVAL; else as lg_fetch_await_head(). What came before an
//          error is read first.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      http.Response.Body.Read
LG_API int lg_fetch_read(lg_fetch *f, void *buffer, size_t size, size_t *out_n,
                         int64_t deadline_ns);

// The first half of a read without a buffer, for interpreters, as lg_conn_await().
//
// f            borrowed
// deadline_ns  as lg_fetch_await_head()
//
// Returns: LG_OK, there are bytes.
// Errors:  as lg_fetch_read().
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine of the transfer's strand.
// Go:      bufio.Reader.Peek
LG_API int lg_fetch_await(lg_fetch *f, int64_t deadline_ns);

// The oldest bytes of the body that have come and stand together.
//
// f    borrowed
// out  receives where they are, until the next call on the transfer
//
// Returns: how many; 0: there are none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine of the transfer's strand.
// Go:      bufio.Reader.Peek
LG_API size_t lg_fetch_peek(const lg_fetch *f, const void **out);

// Takes the first of those.
//
// f  borrowed
// n  how many, not more than lg_fetch_peek() gave
//
// Returns: none.   Errors: none.
// Misuse:  more than there are: fatal.   Blocks: no.
// Call from: a goroutine of the transfer's strand.
// Go:      bufio.Reader.Discard
LG_API void lg_fetch_skip(lg_fetch *f, size_t n);

// Sends a piece of a streamed body, and waits until libcurl has taken it. When a deadline or a
// cancellation has cut one in two nothing may follow.
//
// f            borrowed
// data         borrowed; in place and unchanged until the call is over
// size         bytes
// deadline_ns  as lg_fetch_await_head()
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed here, or the response has ended before; LG_EBROKEN, a piece was
//          cut; LG_EBUSY, another goroutine sends; else as lg_fetch_await_head().
// Misuse:  the body is not LG_BODY_STREAM: fatal.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      io.PipeWriter.Write
LG_API int lg_fetch_write(lg_fetch *f, const void *data, size_t size,
                          int64_t deadline_ns);

// Ends a streamed body.
//
// f  borrowed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, LG_EBROKEN, LG_EBUSY as lg_fetch_write(); LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      io.PipeWriter.Close
LG_API int lg_fetch_finish(lg_fetch *f);

// Words for how a transfer has failed: libcurl's, where the code leaves something to be said.
//
// f  borrowed
//
// Returns: words, until it is freed.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a goroutine, after a call that has failed.
// Go:      url.Error
LG_API const char *lg_fetch_message(const lg_fetch *f);

// Breaks a transfer off, unless it has ended: its connection is closed then. Who waits in it
// gets LG_ECLOSED; what has not been read is lost.
//
// f  still yours to be freed
//
// Returns: LG_OK.
// Errors:  LG_ECLOSED, it was closed already; LG_EPERM.
// Misuse:  none.   Blocks: a native goroutine, shortly.
// Call from: a goroutine; any thread while nothing drives the runtime.
// Go:      http.Response.Body.Close
LG_API int lg_fetch_close(lg_fetch *f);

// Frees a transfer, and closes it if it is open.
//
// f  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while a goroutine is in a call on it.
// Blocks:  a native goroutine, shortly.   Call from: as lg_fetch_close().
// Go:      none
LG_API void lg_fetch_free(lg_fetch *f);

// Closes the connections that are kept for further requests of the caller's strand: at once, or
// where transfers are under way when the last of them has ended.
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, outside a goroutine; LG_ENOMEM.
// Misuse:  none.   Blocks: a native goroutine, shortly.   Call from: a goroutine.
// Go:      http.Client.CloseIdleConnections
LG_API int lg_fetch_close_idle(void);

// ---------------------------------------------------------------------------
// Inputs from outside, recorded and replayed
// ---------------------------------------------------------------------------

// Where bytes come into a runtime from other threads: messages in order, which goroutines
// take. In a deterministic runtime each is taken in between two decisions of the scheduler,
// and can be recorded with its place; a replay feeds the same messages in at the same
// places, and what is sent meanwhile is dropped.
typedef struct lg_input lg_input;

enum { LG_INPUT_MAX = 1 << 30 }; // bytes of a message

// Opens an input. The first is number 1. In a replay the log must say the same at this place.
//
// rt    the runtime
// name  for logs and traces: 1 to LG_NAME_SIZE - 1 bytes; copied
// out   the input; yours, for lg_input_close() or until lg_close()
//
// Returns: LG_OK.
// Errors:  LG_EINVAL; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: a goroutine; any thread while nothing runs.
// Go:      none
LG_API int lg_input_open(lg_runtime *rt, const char *name, lg_input **out);

// Ends an input; what was not taken is lost.
//
// in  ended; NULL does nothing
//
// Returns: none.   Errors: none.
// Misuse:  while somebody sends or waits.   Blocks: no.   Call from: as lg_input_open().
// Go:      none
LG_API void lg_input_close(lg_input *in);

// Its number.
//
// in  borrowed
//
// Returns: 1 or more.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API uint32_t lg_input_number(const lg_input *in);

// The input of a number.
//
// rt      the runtime
// number  as lg_input_number() gives it
//
// Returns: it; NULL, there is none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API lg_input *lg_input_find(lg_runtime *rt, uint32_t number);

// Sends a message.
//
// in     borrowed
// bytes  copied
// size   how many; 0 is a message, too
//
// Returns: LG_OK; in a replay always.
// Errors:  LG_ECLOSED, after lg_input_end(); LG_EINVAL, more than LG_INPUT_MAX; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API int lg_input_send(lg_input *in, const void *bytes, size_t size);

// Says that nothing follows.
//
// in  borrowed
//
// Returns: LG_OK.   Errors: as lg_input_send().
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      close
LG_API int lg_input_end(lg_input *in);

// Waits for a message. One goroutine at a time: another that waits takes its place.
//
// in           borrowed
// deadline_ns  moment on lg_now()'s clock; LG_NEVER waits forever, 0 does not wait
//
// Returns: LG_OK, lg_input_peek() tells.
// Errors:  LG_EAGAIN; LG_ETIMEDOUT; LG_ECANCELED; LG_ECLOSED, nothing follows; LG_EDIVERGED.
// Misuse:  none.   Blocks: the goroutine.   Call from: a goroutine.
// Go:      none
LG_API int lg_input_await(lg_input *in, int64_t deadline_ns);

// The oldest message that was not taken.
//
// in        borrowed
// out       receives where it is, until lg_input_skip()
// out_size  receives its bytes
//
// Returns: LG_OK.
// Errors:  LG_EAGAIN, there is none; LG_ECLOSED, nothing follows; LG_EDIVERGED.
// Misuse:  none.   Blocks: no.   Call from: a goroutine.
// Go:      none
LG_API int lg_input_peek(lg_input *in, const void **out, size_t *out_size);

// Takes it.
//
// in  borrowed
//
// Returns: none.   Errors: none.
// Misuse:  there is none: fatal.   Blocks: no.   Call from: a goroutine.
// Go:      none
LG_API void lg_input_skip(lg_input *in);

// A strand is part of the outside: what it does must not matter to the others but for what
// it sends into inputs. In a deterministic runtime it stands beside the order, and its turns
// do not count; in a replay it should not be started. Elsewhere this does nothing.
//
// strand  nothing was posted to it yet
//
// Returns: none.   Errors: none.
// Misuse:  when it has work.   Blocks: no.   Call from: where it was opened.
// Go:      none
LG_API void lg_strand_set_outside(lg_strand *strand);

// The same for a job.
//
// rt   the runtime
// job  not started
//
// Returns: none.   Errors: none.
// Misuse:  when it is started.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API void lg_job_set_outside(lg_runtime *rt, lg_job *job);

// Records the inputs of a deterministic runtime in which nothing has run yet.
//
// rt     the runtime
// write  called with pieces of the log, in order, by one thread at a time; false: it cannot,
//        and is not called again. It calls nothing of lagoon's
// ud     handed to it
//
// Returns: LG_OK.
// Errors:  LG_EINVAL, it is not deterministic, or has begun.
// Misuse:  none.   Blocks: no.   Call from: a thread, while nothing runs.
// Go:      none
LG_API int lg_record_start(lg_runtime *rt,
                           bool (*write)(void *ud, const void *bytes, size_t size),
                           void *ud);

// Ends the recording.
//
// rt  the runtime
//
// Returns: LG_OK.
// Errors:  LG_EBROKEN, something could not be written.
// Misuse:  none.   Blocks: no.   Call from: a thread, while nothing runs.
// Go:      none
LG_API int lg_record_stop(lg_runtime *rt);

// Replays a recording in a deterministic runtime in which nothing has run yet; its seed is
// then the recording's.
//
// rt        the runtime
// log       borrowed until lg_close(); trusted in nothing
// size      bytes at log
// why       receives what is wrong, at most why_size bytes with the final zero
// why_size  bytes at why, not 0
//
// Returns: LG_OK.
// Errors:  LG_EINVAL: it is no log, of another version, damaged or cut off; or the runtime
//          is not fit.
// Misuse:  none.   Blocks: no.   Call from: a thread, while nothing runs.
// Go:      none
LG_API int lg_replay_start(lg_runtime *rt, const void *log, size_t size, char *why,
                           size_t why_size);

// Whether a runtime was opened as a deterministic one.
//
// rt  the runtime
//
// Returns: that.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_is_deterministic(lg_runtime *rt);

// Whether what comes from outside comes from a recording.
//
// rt  the runtime
//
// Returns: that.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API bool lg_is_replaying(lg_runtime *rt);

// How a replay has left the course of the recording.
//
// rt  the runtime
//
// Returns: a sentence, until lg_close(); NULL: it has not.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API const char *lg_replay_error(lg_runtime *rt);

// ---------------------------------------------------------------------------
// Traces
// ---------------------------------------------------------------------------

// What has happened. `g` is the goroutine that it is about.
typedef enum lg_trace_kind {
    LG_TRACE_START,    // made; arg: the goroutine that did it, 0: none
    LG_TRACE_RUN,      // begins to run, or goes on
    LG_TRACE_PARK,     // waits; what: for what
    LG_TRACE_YIELD,    // makes room; what: "preempted" if its slice was over
    LG_TRACE_READY,    // can go on; arg: the goroutine that did it, 0: none
    LG_TRACE_END,      // has ended
    LG_TRACE_SEND,     // has sent without waiting; arg: the channel's number
    LG_TRACE_RECV,     // has received without waiting; arg: as above
    LG_TRACE_CLOSE,    // has closed; arg: as above
    LG_TRACE_SELECT,   // a select has done; arg: which case
    LG_TRACE_TIMER,    // its deadline has come; g 0: a timer's function is called
    LG_TRACE_INPUT,    // a message was taken in; arg: the input's number, what: its name
    LG_TRACE_GC_BEGIN, // the collector marks; arg: the number of the cycle
    LG_TRACE_GC_END,   // that cycle is over
    LG_TRACE_POLL,     // the system has told of I/O; arg: of how many strands
    // A P has taken something from another's run queue; arg: that P. g: the goroutine, or
    // the first one of a strand; 0: work that no goroutine has begun. One event for each.
    LG_TRACE_STEAL,
    LG_TRACE_GC_SWEEP,  // all that is alive is marked; arg: the number of the cycle
    LG_TRACE_JOB,       // queued, for any P to begin; arg: by which goroutine, 0: none
    LG_TRACE_JOB_BEGIN, // a P begins one
} lg_trace_kind;

typedef struct lg_trace_event {
    lg_trace_kind kind;
    int p;            // the number of the P; -1: a thread without one
    int64_t time_ns;  // on lg_now()'s clock
    uint64_t g;       // 0: none
    uint64_t arg;     // as the kind says; else 0
    const char *what; // static words, or an input's name; NULL
} lg_trace_event;

// Begins to tell of what happens. Events are gathered for each P, in order, and handed over
// some hundred at a time; those of several Ps are not in order among each other. In a
// deterministic runtime what stands beside the order is left out, so that the same run gives
// the same events.
//
// rt     the runtime
// write  called by one thread at a time, which others may wait for: it is quick, calls
//        nothing of lagoon's, and keeps no pointer to what is there
// ud     handed to it
//
// Returns: LG_OK.
// Errors:  LG_EBUSY, somebody is told already, or there is a timeline; LG_ENOMEM.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      runtime/trace.Start
LG_API int lg_trace_start(lg_runtime *rt,
                          void (*write)(void *ud, const lg_trace_event *events,
                                        size_t nevents),
                          void *ud);

// Ends it. What was gathered is handed over; write is not called after this.
//
// rt  the runtime
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere. Of two the second does nothing.
// Go:      runtime/trace.Stop
LG_API void lg_trace_stop(lg_runtime *rt);

// What a kind is called in lines and pictures: "gc begin".
//
// kind  of an event
//
// Returns: a static text; "?" for none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API const char *lg_trace_name(lg_trace_kind kind);

// An event as a line: "1.000000000 p0 g3 park chan receive".
//
// event  borrowed
// out    receives it, without a newline, at most size bytes with the final zero
// size   bytes at out
//
// Returns: its length, without the zero.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: anywhere.
// Go:      none
LG_API size_t lg_trace_line(const lg_trace_event *event, char *out, size_t size);

// Begins to write a timeline into a file, as Chrome trace events in JSON, which
// docs/observability.md describes: Ps and goroutines as tracks, hand-overs of channels as
// flows, the collector, counters. The file is valid JSON at any moment, also after the
// process was killed. A thread of its own writes it, which costs at most a few percent of
// a processor; where more happens than it can write down there are gaps.
//
// rt    the runtime
// path  of a plain file, which is made or emptied
//
// Returns: LG_OK.
// Errors:  LG_EBUSY, there is a timeline already, or lg_trace_start() has been called;
//          LG_ENOMEM; LG_ETHREAD; what the system says of the file, LG_ESYSTEM and below.
// Misuse:  none.   Blocks: the thread, for what it takes to make a file.
// Call from: anywhere.
// Go:      runtime/trace.Start
LG_API int lg_timeline_start(lg_runtime *rt, const char *path);

// Ends it: everything that has happened is in the file. lg_close() does that, too.
//
// rt  the runtime
//
// Returns: LG_OK, also if there is no timeline.
// Errors:  what the system said when a part of the file could not be written, LG_ESYSTEM and
//          below: it is valid, and ends before that.
// Misuse:  none.   Blocks: the thread, for what it takes to write the rest.
// Call from: anywhere. Of two the second does nothing.
// Go:      runtime/trace.Stop
LG_API int lg_timeline_stop(lg_runtime *rt);

// ---------------------------------------------------------------------------
// Profiles
// ---------------------------------------------------------------------------

typedef enum lg_profile_kind {
    LG_PROFILE_RAN,    // it has run, or was in a blocking call
    LG_PROFILE_WAITED, // it has waited, and goes on now
    LG_PROFILE_QUEUED, // it could run, and did not
} lg_profile_kind;

typedef struct lg_profile_sample {
    lg_profile_kind kind;
    bool has_ended;          // the goroutine, which has no stack any more
    uint64_t g;              // 0: the scheduler itself
    char name[LG_NAME_SIZE]; // of the goroutine; "" if it has none
    lg_strand *strand;       // NULL for a native one
    void *extra;             // the strand's area; NULL for a native one
    int64_t count;           // how many samples or waits this stands for
    int64_t cpu_ns;          // CPU time that it has used
    int64_t wall_ns;         // how long it has run, waited or stood in a queue
    const char *wait_reason; // of LG_PROFILE_WAITED: "chan receive"; else NULL
} lg_profile_sample;

// Begins a profile: what goroutines use of the CPU, sampled, and how long they wait and
// where. Each sample is about one goroutine. That of a scripted one is handed over inside
// its strand while its interpreter can read its stack, which is the one that the sample is
// about; of a native one nothing but the name is known.
//
// rt       the runtime
// hz       samples a second of what runs, 1 to 10000; 100 is usual
// wait_ns  waits of that length and more are all told of; a shorter one by chance, the longer
//          it is the more often, and then as so many as take that long. 1 to a second;
//          10000 is usual
// write    called by several threads at once; calls nothing of lagoon's that waits
// ud       handed to it
//
// Returns: LG_OK.
// Errors:  LG_EBUSY, there is one already, or it is just being ended; LG_EINVAL, a number is
//          out of range; LG_ETHREAD.
// Misuse:  none.   Blocks: the thread, the first time for 0.1 ms.   Call from: anywhere.
// Go:      pprof.StartCPUProfile, runtime.SetBlockProfileRate
LG_API int lg_profile_start(lg_runtime *rt, int hz, int64_t wait_ns,
                            void (*write)(void *ud, const lg_profile_sample *sample),
                            void *ud);

// Ends it. write is not called after this. Of two the second does nothing.
//
// rt  the runtime
//
// Returns: ud of lg_profile_start(); NULL: there is no profile.   Errors: none.
// Misuse:  from write: never returns.
// Blocks:  the thread, until nobody is in write.   Call from: anywhere.
// Go:      pprof.StopCPUProfile
LG_API void *lg_profile_stop(lg_runtime *rt);

// Tells of goroutines that still wait, as if that were over now.
//
// rt      the runtime
// strand  the strand that the caller is inside of: of its goroutines and of native ones;
//         NULL: of all, and nothing runs, as after lg_stop()
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: see above.
// Go:      none
LG_API void lg_profile_settle(lg_runtime *rt, const lg_strand *strand);

// For interpreters: the stack of the calling goroutine can be read here. If something that
// it has used is to be told of, write is called.
//
// Returns: none.   Errors: none.
// Misuse:  none.   Blocks: no.   Call from: a scripted goroutine, inside its strand.
// Go:      none
LG_API void lg_profile_look(void);

// ---------------------------------------------------------------------------
// Reports
// ---------------------------------------------------------------------------

// Writes what every goroutine does, in Go's form: one line each with id, name,
// wait reason and minutes waited.
//
// rt     the runtime
// write  called with each line, without its newline
// ud     handed to it
//
// Returns: none.   Errors: none.
// Misuse:  as lg_goroutines().   Blocks: no.   Call from: anywhere.
// Go:      GOTRACEBACK=all
LG_API void lg_dump(lg_runtime *rt, void (*write)(void *ud, const char *line), void *ud);

#ifdef __cplusplus
}
#endif

#endif // LAGOON_H
