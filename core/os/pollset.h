// SPDX-License-Identifier: MIT
//
// A set of descriptors that one thread at a time sleeps on, and that others look at
// meanwhile. Each descriptor tells once that it is readable, to whoever looks or sleeps,
// and is silent until it is armed again. The set has a bell, too, to wake the sleeper.
#ifndef LG_OS_POLLSET_H
#define LG_OS_POLLSET_H

#include "base/base.h"

struct pollset {
    int fd;
    int bell; // readable from a ring until the sleeper has heard it
};

// LG_OK, LG_ENOMEM, or LG_EINVAL if the system gives no descriptor.
int lg__pollset_init(struct pollset *set);

void lg__pollset_fini(struct pollset *set);

// Adds a descriptor, silent, and takes one out. The tag is what is told of it, not 0.
int lg__pollset_add(struct pollset *set, int fd, uint64_t tag);
void lg__pollset_remove(struct pollset *set, int fd);

// Has it tell the next time that it is readable, now perhaps; or not.
void lg__pollset_arm(struct pollset *set, int fd, uint64_t tag);
void lg__pollset_disarm(struct pollset *set, int fd, uint64_t tag);

// Waits for at most timeout_ns (negative: for ever) until somebody tells, or the bell is
// rung. Returns how many tags stand in out; may be 0 without a reason.
int lg__pollset_wait(struct pollset *set, int64_t timeout_ns, uint64_t *out, int cap);

// Wakes who waits, or the next one who does.
void lg__pollset_ring(struct pollset *set);

#endif // LG_OS_POLLSET_H
