// SPDX-License-Identifier: MIT
#include "os/note.h"

#include "os/clock.h"
#include "os/futex.h"

bool lg__note_sleep(struct note *note, int64_t timeout_ns)
{
    int64_t until_ns = -1;
    if (timeout_ns >= 0 &&
        __builtin_add_overflow(lg__clock_now(), timeout_ns, &until_ns)) {
        until_ns = -1; // in 292 years: never
    }
    // acquire: pairs with the release in lg__note_wake(); what the waker did
    // before is visible to the sleeper after.
    while (atomic_exchange_explicit(&note->is_set, 0, memory_order_acquire) == 0) {
        int64_t left_ns = -1;
        if (until_ns >= 0) {
            left_ns = until_ns - lg__clock_now();
            if (left_ns <= 0) {
                return false;
            }
        }
        lg__futex_wait(&note->is_set, 0, left_ns);
    }
    return true;
}

bool lg__note_set(struct note *note)
{
    // release: pairs with the acquire in lg__note_sleep(); seq_cst: the waker then looks
    // where the sleeper is
    return atomic_exchange_explicit(&note->is_set, 1, memory_order_seq_cst) == 0;
}

void lg__note_rouse(struct note *note)
{
    lg__futex_wake(&note->is_set);
}

bool lg__note_take(struct note *note)
{
    // acquire: as in lg__note_sleep(); seq_cst: the sleeper has said where it is
    return atomic_exchange_explicit(&note->is_set, 0, memory_order_seq_cst) != 0;
}

void lg__note_wake(struct note *note)
{
    // release: pairs with the acquire in lg__note_sleep().
    if (atomic_exchange_explicit(&note->is_set, 1, memory_order_release) == 0) {
        lg__futex_wake(&note->is_set);
    }
}
