// SPDX-License-Identifier: MIT
#include "hostend.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "collect.h"
#include "failed.h"
#include "hub.h"

// What most tasks need to come to their next scheduling point.
enum { PATIENCE_NS = 100 * 1000 * 1000 };

// What is left of a runtime. From the C library: the runtime's memory ends before it.
struct rest {
    lg_runtime *rt;
    struct hub *hub;
};

static void finish(lg_runtime *rt, struct hub *hub)
{
    lg_stop(rt);
    lagoon__failed_report(hub);
    lagoon__hub_close(hub);
    lg_close(rt);
}

static void *wait_and_finish(void *arg)
{
    struct rest rest = *(struct rest *)arg;
    free(arg);
    finish(rest.rt, rest.hub);
    return NULL;
}

// False: there is no thread to be had.
static bool leave_to_thread(struct rest *rest)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all;
    sigset_t old;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all); // signals are for the host's threads
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool is_started = pthread_create(&thread, &attr, wait_and_finish, rest) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return is_started;
}

void lagoon__hostend(lg_runtime *rt, struct hub *hub)
{
    if (lg_stop_until(rt, lagoon__clock_ns() + PATIENCE_NS) == LG_OK) {
        finish(rt, hub);
        return;
    }
    lg_on_error(rt, NULL, NULL); // the host may not be there to be told
    struct rest *rest = malloc(sizeof *rest);
    if (rest != NULL) {
        *rest = (struct rest){rt, hub};
    }
    if (rest == NULL || !leave_to_thread(rest)) {
        free(rest);
        finish(rt, hub);
    }
}
