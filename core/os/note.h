// SPDX-License-Identifier: MIT
//
// A note: one thread sleeps on it, others wake it. A wake before the sleep is
// kept, so none is lost; several wakes before one sleep count as one.
#ifndef LG_OS_NOTE_H
#define LG_OS_NOTE_H

#include "base/base.h"

struct note {
    _Atomic uint32_t is_set; // 1 after a wake, taken back by the sleeper
};

// Sleeps until woken or until timeout_ns (negative: for ever) has passed.
// Returns whether it was woken. One thread at a time.
bool lg__note_sleep(struct note *note, int64_t timeout_ns);

void lg__note_wake(struct note *note);

// The two halves of a wake, for a sleeper that may sleep elsewhere (sched/netpoll.h): sets
// it, seq_cst; false: it was set already. And wakes who sleeps on a note that is set.
bool lg__note_set(struct note *note);
void lg__note_rouse(struct note *note);

// Takes a wake back, seq_cst. False: there was none.
bool lg__note_take(struct note *note);

#endif // LG_OS_NOTE_H
