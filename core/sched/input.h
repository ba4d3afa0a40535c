// SPDX-License-Identifier: MIT
//
// Inputs: what other threads send into a runtime, bytes in order.
//
//   any thread               who has the P, between decisions     goroutines
//   ----------               ------------------------------------  ----------
//   lg_input_send() --> arrived --> written to the log, --> messages --> lg_input_peek()
//                                   with its place in the run
//
// Where no order is kept the sender goes the whole way itself. In a replay what is sent is
// dropped, and the log's entries are taken in at their places; if the run is elsewhere then,
// it has diverged: no more is taken in, and who waits for an input is told.
#ifndef LG_SCHED_INPUT_H
#define LG_SCHED_INPUT_H

#include "base/base.h"
#include "base/list.h"
#include "lagoon.h"
#include "os/lock.h"
#include "sched/inputlog.h"

struct lg_runtime;
struct message;

struct inputs {
    struct lock lock;
    // -- lock --
    struct list all; // struct lg_input
    uint32_t nopened;
    struct message *arrived;
    struct message *arrived_last;
    // -- any thread, written with the lock --
    _Atomic size_t narrived; // seq_cst, as nglobal (idle.h)
    _Atomic bool is_replaying;
    _Atomic bool has_diverged; // `why` is written
    // -- who has the P; before the first goroutine, who sets it up --
    bool (*record)(void *ud, const void *bytes, size_t size_bytes);
    void *record_ud;
    bool has_record_failed;
    uint32_t check; // of the last entry that was written
    struct log_reader reader;
    struct log_entry next; // of a replay
    bool has_next;
    char why[192];
};

// Takes in what has arrived, or what the log has for this place.
void lg__input_look(struct lg_runtime *rt);

// When the next entry of a replay is due, if that is at this place of the run; LG_NEVER:
// none is. is_still: nothing else will come, and if the log expects more the run has
// diverged.
int64_t lg__input_next(struct lg_runtime *rt, bool is_still);

LG_INLINE bool lg__input_has_arrived(const struct inputs *in)
{
    // seq_cst: see idle.h
    return atomic_load_explicit(&in->narrived, memory_order_seq_cst) > 0;
}

bool lg__input_is_replaying(struct lg_runtime *rt);

void lg__inputs_fini(struct lg_runtime *rt);

#endif // LG_SCHED_INPUT_H
