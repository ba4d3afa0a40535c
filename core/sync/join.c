// SPDX-License-Identifier: MIT
#include "sync/join.h"

#include "os/cpu.h"
#include "sched/park.h"
#include "sched/world.h"

void lg__join_init(struct join *join, struct lg_g *owner)
{
    join->owner = owner;
    join->wait = 0;
    // relaxed: whoever enters is told by a queue
    atomic_store_explicit(&join->left, 1, memory_order_relaxed);
}

void lg__join_enter(struct join *join)
{
    // relaxed: who enters counts already, or has not begun
    atomic_fetch_add_explicit(&join->left, 1, memory_order_relaxed);
}

void lg__join_leave(struct join *join)
{
    // acquire: pairs with the release in lg__join_await(); who is the last sees the wait
    uint32_t left = atomic_load_explicit(&join->left, memory_order_acquire);
    while (left > 1) {
        // release: pairs with the acquire of the last one, and of the owner; what was done
        // is visible. acquire: as above
        if (atomic_compare_exchange_weak_explicit(&join->left, &left, left - 1,
                                                  memory_order_acq_rel,
                                                  memory_order_acquire)) {
            return;
        }
    }
    struct lg_g *owner = join->owner;
    uint64_t wait = join->wait;
    // release: pairs with the acquire in is_alone()
    atomic_store_explicit(&join->left, 0, memory_order_release);
    // Only without a stack to go on with it has given the wait up.
    if (lg__wait_claim(&owner->wait, wait, WAKE_READY, 0)) {
        lg__wait_fire(owner);
    }
}

static bool is_alone(struct join *join, uint32_t alone)
{
    // acquire: pairs with the release of those who have left
    return atomic_load_explicit(&join->left, memory_order_acquire) == alone;
}

// There was no stack for the others of the strand: the thread waits.
static LG_NOINLINE void await_on_thread(struct join *join)
{
    lg_stand_aside();
    while (!is_alone(join, 0)) {
        lg_checkpoint();
        lg__world_pause();
    }
}

void lg__join_await(struct join *join, const char *reason)
{
    if (is_alone(join, 1)) {
        return;
    }
    struct lg_g *g = join->owner;
    lg__wait_begin_uncancelable(g);
    join->wait = lg__wait_number(&g->wait);
    // release: pairs with the acquire in lg__join_leave(); publishes the wait. acquire: if
    // all have left, what they did
    if (atomic_fetch_sub_explicit(&join->left, 1, memory_order_acq_rel) == 1) {
        lg__wait_withdraw(g);
        return;
    }
    int rc = lg__wait_for(g, reason, LG_NEVER, NULL);
    if (rc == LG_WAIT) {
        rc = lg_wait();
    }
    if (LG_UNLIKELY(rc == LG_ENOMEM)) {
        await_on_thread(join);
    }
}
