// SPDX-License-Identifier: MIT
#include "sampler.h"

#include <lagoon.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fail.h"
#include "state.h"
#include "timed.h"

enum {
    PERIOD_NS = 1000 * 1000,
    COUNTS = 4096, // goroutines that are told apart; a power of two
    PROBES = 16,
    RUNNING_MAX = 256,
};

struct count {
    uint64_t id; // 0: none
    uint32_t nlooks;
};

// A process has one.
static struct {
    pthread_t thread;
    lg_runtime *rt;
    int nusers; // of who starts and stops it: the program's first state, or its end

    pthread_mutex_t lock;
    // -- lock --
    bool must_stop;
    pthread_cond_t stop; // must_stop has been set
    uint32_t session;    // counts how often it has begun anew
    uint64_t nlooks;
    struct count counts[COUNTS];
} sampler = {.lock = PTHREAD_MUTEX_INITIALIZER, .stop = PTHREAD_COND_INITIALIZER};

// -- the thread --

static void begin_anew_locked(void)
{
    sampler.session++;
    sampler.nlooks = 0;
    memset(sampler.counts, 0, sizeof sampler.counts);
}

// False: there is no place for the goroutine's count.
static bool add_locked(uint64_t id)
{
    uint64_t at = id * 0x9e3779b97f4a7c15ULL >> 32;
    for (uint64_t i = 0; i < PROBES; i++) {
        struct count *count = &sampler.counts[(at + i) % COUNTS];
        if (count->id == id || count->id == 0) {
            count->id = id;
            count->nlooks++;
            return true;
        }
    }
    return false;
}

static void look_locked(void)
{
    uint64_t ids[RUNNING_MAX];
    size_t n = lg_running(sampler.rt, ids, RUNNING_MAX);
    bool is_full = false;
    for (size_t i = 0; i < n; i++) {
        is_full = !add_locked(ids[i]) || is_full;
    }
    sampler.nlooks++;
    if (is_full) { // of those that have ended
        begin_anew_locked();
    }
}

// Half a period to one and a half: in step with nothing.
static void sleep_locked(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    const struct timespec end =
        lagoon__timed_end(PERIOD_NS / 2 + (int64_t)(*random >> 12) % PERIOD_NS);
    lagoon__timed_cond(&sampler.stop, &sampler.lock, &end);
}

static void *look_again_and_again(void *arg)
{
    (void)arg;
    uint32_t random = 1;
    pthread_mutex_lock(&sampler.lock);
    while (!sampler.must_stop) {
        look_locked();
        sleep_locked(&random);
    }
    pthread_mutex_unlock(&sampler.lock);
    return NULL;
}

// -- started and stopped --

static bool start(lg_runtime *rt)
{
    sigset_t all;
    sigset_t old;
    sampler.rt = rt;
    sampler.must_stop = false;
    begin_anew_locked(); // nobody else is there
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&sampler.thread, NULL, look_again_and_again, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err == 0;
}

static void stop(void)
{
    pthread_mutex_lock(&sampler.lock);
    sampler.must_stop = true;
    pthread_cond_signal(&sampler.stop);
    pthread_mutex_unlock(&sampler.lock);
    pthread_join(sampler.thread, NULL);
}

void lagoon__sampler_end(void)
{
    if (sampler.nusers > 0) {
        sampler.nusers = 0;
        stop();
    }
}

// start(): true; false: there is no thread for it. As often as stop().
static int sampler_start(lua_State *L)
{
    struct script *s = lagoon__script(L);
    bool is_on = sampler.nusers > 0 || start(lagoon__rt(L, s));
    sampler.nusers += is_on;
    lua_pushboolean(L, is_on);
    return 1;
}

static int sampler_stop(lua_State *L)
{
    (void)L;
    if (sampler.nusers > 0 && --sampler.nusers == 0) {
        stop();
    }
    return 0;
}

// read() -> session, nlooks, counts: how often it has looked since the session began,
// and, by goroutines' numbers, how often each of them ran then.
static int sampler_read(lua_State *L)
{
    static struct count counts[COUNTS];
    pthread_mutex_lock(&sampler.lock);
    uint32_t session = sampler.session;
    uint64_t nlooks = sampler.nlooks;
    memcpy(counts, sampler.counts, sizeof counts);
    pthread_mutex_unlock(&sampler.lock);
    lua_pushnumber(L, (double)session);
    lua_pushnumber(L, (double)nlooks);
    lua_newtable(L);
    for (size_t i = 0; i < COUNTS; i++) {
        if (counts[i].id != 0) {
            lua_pushnumber(L, (double)counts[i].id);
            lua_pushnumber(L, (double)counts[i].nlooks);
            lua_rawset(L, -3);
        }
    }
    return 3;
}

const struct luaL_Reg lagoon__sampler_functions[] = {{"sampler_start", sampler_start},
                                                     {"sampler_read", sampler_read},
                                                     {"sampler_stop", sampler_stop},
                                                     {NULL, NULL}};
