// SPDX-License-Identifier: MIT
//
// Sockets for datagrams. One goroutine receives at a time; any number may send.
//
// A datagram that was taken from the system for a receiver who did not get it, since its
// deadline came first, is held for the next one.
#ifndef LG_IO_UDP_H
#define LG_IO_UDP_H

#include "base/base.h"
#include "base/list.h"
#include "io/address.h"
#include "io/watch.h"
#include "lagoon.h"

struct waiter;

// One that has come in.
struct datagram {
    struct socket_address from;
    size_t size;
    char bytes[];
};

struct lg_udp {
    struct io_watch watch;
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: its loop is closed
    enum network network;     // whose addresses it knows: NETWORK_TCP, both families
    bool is_wide;             // an IPv6 socket that knows both
    // -- inside the strand --
    struct waiter *receiver;
    struct list senders;   // waiters, oldest first
    struct list aims;      // theirs
    struct datagram *held; // has come in; NULL: none
    bool is_peeked;        // its receiver has seen it
    bool is_watched;       // for datagrams: somebody has waited for one
    bool is_full;          // the system took no more
    // -- any thread, relaxed --
    _Atomic int64_t deadline_ns; // lg_udp_set_deadline()
};

// Watches for what somebody waits for.
int lg__udp_watch(lg_udp *u);

// The deadline that its owner has set.
int64_t lg__udp_limit(struct waiter *w);

// Forgets the datagram that is held.
void lg__udp_drop_held(lg_udp *u);

// Calls fn for each waiter in `senders`, which may leave.
void lg__udp_each_sender(lg_udp *u, void (*fn)(struct waiter *w));

// Drops what is looked up for them.
void lg__udp_drop_aims(lg_udp *u);

#endif // LG_IO_UDP_H
