// SPDX-License-Identifier: MIT
//
// The log of what came from outside, as bytes:
//
//   head     "lagoon\x1aR", version: 4 bytes, 0: 4 bytes, the runtime's seed: 8 bytes
//   entries  struct log_head, and as many bytes as that says
//
// An entry says at which place of the run it was taken in: after so many decisions, with
// that sum of the course so far, at that time. `check` is over the entry and the check of
// the one before, so none is changed, lost or exchanged unnoticed. All numbers in the
// host's byte order, little-endian on all systems that we run on. Who reads trusts nothing.
#ifndef LG_SCHED_INPUTLOG_H
#define LG_SCHED_INPUTLOG_H

#include "base/base.h"

enum { LOG_VERSION = 1, LOG_HEAD_BYTES = 24 };

enum log_kind {
    LOG_OPEN = 1, // an input was opened: its name
    LOG_MESSAGE,
    LOG_END, // nothing follows on that input
    LOG_KINDS,
};

struct log_head {
    uint32_t kind;  // enum log_kind
    uint32_t input; // its number
    uint64_t ndecisions;
    uint64_t sum;
    int64_t now_ns;
    uint32_t size_bytes; // of what follows
    uint32_t check;
};

struct log_entry {
    struct log_head head;
    const unsigned char *bytes;
};

// Fills a log's head.
void lg__log_begin(uint64_t seed, unsigned char out[LOG_HEAD_BYTES]);

// Fills in the check of an entry behind one with the check `before`, 0 for the first.
void lg__log_seal(struct log_head *head, const void *bytes, uint32_t before);

// A log that is read.
struct log_reader {
    const unsigned char *at;
    const unsigned char *begin;
    const unsigned char *end;
    uint32_t check; // of the entry before
};

// Reads the head. NULL, or what is wrong with it.
const char *lg__log_open(const void *bytes, size_t size_bytes, uint64_t *out_seed,
                         struct log_reader *out);

// Reads the next entry. False: there is none, or *out_why says what is wrong.
bool lg__log_next(struct log_reader *r, struct log_entry *out, const char **out_why);

#endif // LG_SCHED_INPUTLOG_H
