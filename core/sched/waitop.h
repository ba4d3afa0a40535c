// SPDX-License-Identifier: MIT
//
// What a goroutine's record has for its blocking calls: one at a time.
#ifndef LG_SCHED_WAITOP_H
#define LG_SCHED_WAITOP_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "sched/wait.h"

struct call_kind;
struct lg_g;

// The second half of a blocking call, run by the goroutine itself when its
// wait is over: unhooks its waiters and says what the call returns. LG_WAIT:
// it has armed another wait, by lg__wait_again().
typedef int wait_finish(struct lg_g *g, enum wake wake);

// One goroutine in one queue of something that it waits for (sched/waiter.h).
struct waiter {
    struct node node; // in queue, guarded by the lock of what owns that
    struct lg_g *g;
    struct list *queue;  // where it stands; NULL: in none
    void *owner;         // the channel, mutex, ... whose queue that is
    void *elem;          // from where, or where to, an element is copied
    uint32_t number;     // of the wait
    uint16_t which_case; // of a select
    uint16_t mode;       // the owner's: reader or writer, ...
    int64_t amount;      // the owner's: units, since when
};

// What a call into a loop must remember besides (io/call.h).
struct call_op {
    const struct call_kind *kind;
    lg_post post;           // on its way to the loop's strand
    struct lg_strand *home; // that one
    size_t done;            // how far it has come
    union {
        void *out;                                   // where the result goes
        int (*at_once)(void *owner, int64_t amount); // all that it does
    };
    int64_t deadline_ns;
    int rc;
    bool is_try;     // it must not wait
    bool has_begun;  // the strand has heard of it
    bool is_hooked;  // its waiter stands where it waits
    bool is_counted; // among those who wait in the loop
    bool is_over;    // has its result
};

// What a blocking call must remember until its wait is over.
struct wait_op {
    struct waiter waiter;   // for all that wait in one queue
    struct waiter *waiters; // a select's, ncases of them; NULL outside of one
    uint32_t ncases;
    union {
        struct {
            const lg_case *cases;
            size_t *out_index;
            bool *out_flag;
            struct lg_mutex *relock; // a condition's; NULL in lg_mutex_lock()
            int relock_result;
            int64_t deadline_ns; // of who may have to wait for a mutex again
        };
        struct call_op call;
    };
};

#endif // LG_SCHED_WAITOP_H
