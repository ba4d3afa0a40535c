// SPDX-License-Identifier: MIT
//
// Recording inputs, and feeding them back at the same places (sched/input.h).
#ifndef LG_SCHED_REPLAY_H
#define LG_SCHED_REPLAY_H

#include "sched/input.h"
#include "sched/runtime.h"

// Bytes on their way to an input, or there.
struct message {
    struct message *next;
    lg_input *in;
    uint32_t size_bytes;
    bool is_end; // nothing follows
    unsigned char bytes[];
};

struct lg_input {
    // -- fixed --
    struct lg_runtime *rt;
    uint32_t number; // the first is 1
    char name[LG_NAME_SIZE];
    // -- the inputs' lock --
    struct node node;
    struct message *messages; // taken in, oldest first
    struct message *messages_last;
    lg_ticket waiter;
    bool has_waiter;
    bool is_sent_whole; // its end was sent
};

// An input was opened: written to the log, or compared with it.
void lg__replay_open(lg_input *in);

// Writes an entry for this place of the run, if it is recorded.
void lg__replay_record(lg_input *in, enum log_kind kind, const void *bytes,
                       size_t size_bytes);

// Takes in the log's entries for this place, if it is replayed.
void lg__replay_look(struct lg_runtime *rt);

// Of input.c: a message for an input, or NULL; taking one in; having all look who wait.
struct message *lg__input_message(lg_input *in, const void *bytes, size_t size_bytes);
void lg__input_deliver(struct message *m);
void lg__input_wake_all(struct lg_runtime *rt);

#endif // LG_SCHED_REPLAY_H
