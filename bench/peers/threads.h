// SPDX-License-Identifier: MIT
//
// Threads instead of goroutines, for heaps of the C kind: as many as LAGOON_PROCS says, for
// the whole life of the process, the first of them main.
#ifndef LAGOON_BENCH_THREADS_H
#define LAGOON_BENCH_THREADS_H

#include "resident.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { CREW_MAX = 64 };

// The lock guards all but next; a shift is what one heap_together() wants done.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t shift;
    int64_t working; // of the others, in this shift
    size_t n;
    void (*fn)(void *arg);
    char *args;
    size_t size;
    atomic_size_t next; // the first argument that nobody has taken
} crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline int64_t heap_procs(void)
{
    int64_t procs = meter_setting("LAGOON_PROCS", sysconf(_SC_NPROCESSORS_ONLN));
    return procs < CREW_MAX ? procs : CREW_MAX;
}

static inline void heap_relax(void)
{
    sched_yield();
}

// The argument of its own number first: in shifts that are alike, a thread does the same.
static void crew_work(size_t self)
{
    for (size_t i = self; i < crew.n;) {
        crew.fn(crew.args + i * crew.size);
        // relaxed: only the number counts, the lock publishes the rest
        i = atomic_fetch_add_explicit(&crew.next, 1, memory_order_relaxed);
    }
}

static void *crew_member(void *self)
{
    int64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&crew.lock);
        while (crew.shift == seen) {
            pthread_cond_wait(&crew.changed, &crew.lock);
        }
        seen = crew.shift;
        pthread_mutex_unlock(&crew.lock);
        crew_work((size_t)self);
        pthread_mutex_lock(&crew.lock);
        crew.working--;
        pthread_cond_broadcast(&crew.changed);
        pthread_mutex_unlock(&crew.lock);
    }
    return NULL;
}

static inline void heap_together(size_t n, void (*fn)(void *arg), void *args, size_t size)
{
    pthread_mutex_lock(&crew.lock);
    crew.n = n;
    crew.fn = fn;
    crew.args = args;
    crew.size = size;
    crew.working = heap_procs() - 1;
    // relaxed: as in crew_work()
    atomic_store_explicit(&crew.next, (size_t)heap_procs(), memory_order_relaxed);
    crew.shift++;
    pthread_cond_broadcast(&crew.changed);
    pthread_mutex_unlock(&crew.lock);
    crew_work(0);
    pthread_mutex_lock(&crew.lock);
    while (crew.working > 0) {
        pthread_cond_wait(&crew.changed, &crew.lock);
    }
    pthread_mutex_unlock(&crew.lock);
}

// Runs bench(size); size is the program's first argument, or otherwise.
static inline int heap_main(int argc, char **argv, int64_t otherwise,
                            void (*bench)(int64_t size))
{
    for (int64_t i = 1; i < heap_procs(); i++) {
        pthread_t thread;
        meter_check(pthread_create(&thread, NULL, crew_member, (void *)i) == 0,
                    "no thread");
        pthread_detach(thread);
    }
    bench(meter_size(argc, argv, otherwise));
    return 0;
}

#endif // LAGOON_BENCH_THREADS_H
