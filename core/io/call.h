// SPDX-License-Identifier: MIT
//
// Blocking calls into a loop, of goroutines of both kinds. The waiter and what else a call
// must remember stand in the goroutine's record (g->op); a kind of call is a struct of functions,
// all of which run on the loop's strand:
//
//    a goroutine of that strand           one without a strand
//    --------------------------           --------------------
//    hook, is_ready                       nobody is there: goes there, and does the same
//      yes: take                          else posts the call; waits
//      no:  await; waits                    hook, is_ready      (on the strand)
//                                             yes: take, fires it
//                                             no:  await
//    something has happened: lg__call_look()
//      is_ready: claims the wait, take, fires it
//    its wait is over: unhook
//
// A wait is claimed before anything is taken, so what a deadline or a cancellation has come
// before stays where it is. Who has waited in vain unhooks before it goes on: one without a
// strand has that done on the strand, and waits for it.
#ifndef LG_IO_CALL_H
#define LG_IO_CALL_H

#include "base/base.h"
#include "lagoon.h"
#include "sched/g.h"

struct call_kind {
    const char *reason; // for dumps: "io wait"
    bool is_firm;       // neither a deadline nor a cancellation ends it once it has begun
    bool is_sure;       // nor does a cancellation keep it from beginning

    // Puts the waiter where it is found; LG_OK, or why not (LG_EBUSY).
    int (*hook)(struct waiter *w);
    void (*unhook)(struct waiter *w);

    // Whether the call has an outcome. May do part of the work. False, with rc = LG_OK.
    bool (*is_ready)(struct waiter *w);

    // Takes the outcome: rc, and what goes to `out`.
    void (*take)(struct waiter *w);

    // It has to wait: sees to it that something comes. LG_OK, or why nothing will.
    int (*await)(struct waiter *w);

    // It was cut short, by this code: what the call returns.
    int (*cut)(struct waiter *w, int rc);

    // The moment that its owner has set for it, and one when it is worth looking again;
    // NULL: never.
    int64_t (*limit)(struct waiter *w);
    int64_t (*retry)(struct waiter *w);
};

// What of the record is the call's.
LG_INLINE struct call_op *lg__call_op(struct waiter *w)
{
    return &LG_CONTAINER_OF(w, struct lg_g, op.waiter)->op.call;
}

// Whether somebody waits there whose call has no outcome yet.
LG_INLINE bool lg__call_is_waiting(struct waiter *w)
{
    return w && !lg__call_op(w)->is_over;
}

// Prepares the calling goroutine's record; NULL: there is none.
struct waiter *lg__call_prepare(const struct call_kind *kind, void *owner);

// Makes the call on a strand. LG_EPERM: the caller is another strand's.
int lg__call(struct waiter *w, struct lg_strand *home, int64_t deadline_ns);

// Has fn called on a strand: at once if the caller is inside it, or if nobody can be: the
// strand is closed (NULL), or no runtime is running here. Neither a deadline nor a cancellation comes between.
int lg__call_at_once(struct lg_strand *home, int (*fn)(void *owner, int64_t amount),
                     void *owner, int64_t amount);

// Something has happened that may be what w waits for; or it is over with a code. w may
// be NULL. True: its wait is over, and the record is its goroutine's again.
bool lg__call_look(struct waiter *w);
void lg__call_end(struct waiter *w, int rc);

// Has it look at its moments anew.
void lg__call_again(struct waiter *w);

#endif // LG_IO_CALL_H
