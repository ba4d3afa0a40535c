// SPDX-License-Identifier: MIT
//
// libcurl's multi handle of a loop, made for its first transfer: with it a pool of connections.
//
// libcurl says which sockets it wants to be told of, and when it wants to be called without
// any news. The loop watches both, and calls it:
//
//    goroutine                              the loop's turn
//    ---------                              ---------------
//    begins a transfer, makes room, ...
//    lg__multi_nudge()                      is told of a socket, or of the moment
//    waits (io/call.h)                      has libcurl work: its callbacks touch transfers
//                                           takes leave of transfers that have ended
//                                           looks at the calls of those that were touched
//
// So libcurl is never called from within one of its callbacks, and no call is looked at before
// it waits. After lg__multi_retire() new transfers get another one, and this one goes with
// its last transfer.
#ifndef LG_IO_MULTI_H
#define LG_IO_MULTI_H

#include "base/base.h"
#include "base/list.h"
#include "io/curl.h"
#include "io/watch.h"

struct io_loop;
struct lg_fetch;
struct lg_runtime;
struct lg_strand;

struct multi {
    struct io_watch moment; // when libcurl wants to be called without any news
    struct node node;       // in the loop's list
    struct lg_runtime *rt;
    struct io_loop *loop;
    CURLM *handle;
    struct list sockets; // that libcurl wants to be told of
    struct list touched; // transfers whose calls are to be looked at
    uint32_t nfetches;   // under way
    bool is_due;         // libcurl wants to be called at once
    bool is_retired;     // takes no more transfers
};

// The one of a strand's loop that takes transfers, made if there is none. Inside it.
int lg__multi_of(struct lg_strand *s, struct multi **out);

// Has it work on a transfer, and no more. LG_OK or LG_ENOMEM.
int lg__multi_add(struct multi *m, struct lg_fetch *f);
void lg__multi_remove(struct lg_fetch *f);

// Something has happened to a transfer: its calls are to be looked at.
void lg__multi_touch(struct lg_fetch *f);

// Has the loop see to what was begun outside of its turn.
void lg__multi_nudge(struct multi *m);

// The same after a transfer was taken away: a retired one may be gone afterwards.
void lg__multi_leave(struct multi *m);

// Closes the connections that no transfer has, now or when the last transfer ends.
void lg__multi_retire(struct io_loop *loop);

// By the loop that ends, when no transfer is under way any more.
void lg__multi_end_all(struct io_loop *loop);

#endif // LG_IO_MULTI_H
