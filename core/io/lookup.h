// SPDX-License-Identifier: MIT
//
// Looking up the addresses of a name, on a thread of libuv's. Nothing stops one that has
// begun: who does not want it any more drops it, and it ends by itself.
#ifndef LG_IO_LOOKUP_H
#define LG_IO_LOOKUP_H

#include <uv.h>

#include "base/base.h"
#include "base/list.h"
#include "io/address.h"

struct io_loop;
struct lg_strand;

struct io_lookup {
    uv_getaddrinfo_t request;
    struct node node; // in the loop's list, while it is under way
    struct io_loop *loop;
    struct waiter *waiter;  // who is to look; NULL: it was dropped
    struct addrinfo *found; // what came
    const struct addrinfo *next;
    void (*on_orphan)(
        struct waiter *w); // the loop ends: what it is a part of is nobody's
    int rc;                // of the look-up
    bool is_done;          // it has ended
};

// Begins one; for w, whose call is looked at when it has ended.
int lg__lookup_start(struct lg_strand *s, const struct address_text *text,
                     struct waiter *w, void (*on_orphan)(struct waiter *w),
                     struct io_lookup **out);

// The next address that fits; false: there is none.
bool lg__lookup_next(struct io_lookup *lookup, const struct address_text *text,
                     struct socket_address *out);

// Drops it, done or not. May be NULL.
void lg__lookup_drop(struct io_lookup *lookup);

// By the loop that ends.
void lg__lookup_orphan(struct io_lookup *lookup);

#endif // LG_IO_LOOKUP_H
