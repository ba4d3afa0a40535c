// SPDX-License-Identifier: MIT
//
// Connections: streams of bytes in both directions.
//
// Reading goes on while nobody reads, by one piece: a request that comes while the last one
// is answered is there when it is asked for, and the system need not be told to stop and to
// begin again. With a piece unread the connection is no longer watched (is_paused), and what
// comes then stays with the system, which slows the other side down. One that others read, too
// (watch.is_shared), is paused whenever nobody waits.
//
// Writing is done at once as far as it goes; for the rest the caller's bytes stay where they
// are, and are written from there when there is room.
#ifndef LG_IO_CONN_H
#define LG_IO_CONN_H

#include "base/base.h"
#include "io/inbuf.h"
#include "io/watch.h"
#include "lagoon.h"

struct conn_tls;
struct dial;
struct waiter;

struct lg_conn {
    struct io_watch watch;
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: closed
    // -- inside the strand --
    struct inbuf in;
    int in_status;  // what comes after the bytes of in: LG_OK, more; LG_EOF or an error
    int out_status; // LG_OK, or why nothing can be written any more
    bool is_paused; // has unread bytes, and is not watched for more
    bool is_read;   // somebody has read from it
    union {
        struct waiter *reader;
        struct dial *dial; // while it is being connected (io/dial.c)
    };
    struct waiter *writer;
    bool is_dialed;       // it is
    struct conn_tls *tls; // NULL: none, its bytes are the socket's (io/conntls.h)
    // -- any thread, relaxed --
    _Atomic int64_t deadline_ns; // lg_conn_set_deadline()
};

// A record for a strand's connection, inside, without a socket yet; NULL: no memory.
lg_conn *lg__conn_new(struct lg_runtime *rt, struct lg_strand *s);

// It has one now, which is connected.
void lg__conn_adopt(lg_conn *c, int fd);

// Closes it, on the strand; who waits in it hears of it.
void lg__conn_close(lg_conn *c);

// The loop ends, and with it what connects a connection.
void lg__dial_orphan(struct dial *d);

// Has the loop watch for what somebody waits for, and for reading once that has begun.
int lg__conn_watch(lg_conn *c);

// The deadline that its owner has set.
int64_t lg__conn_limit(struct waiter *w);

// The loop says that there is something to read, or an error.
void lg__conn_on_readable(lg_conn *c);

#endif // LG_IO_CONN_H
