// SPDX-License-Identifier: MIT
//
// TLS between a connection and its socket.
//
// Whoever comes first shakes hands: lg_conn_handshake(), a read or a write. So each of the
// three may have to wait for either direction of the socket, and says which (`wants`); the watch
// follows. When one of them has brought the handshake to its end, or has learnt that there is nothing
// more to hope for, the others have the socket's next readiness tell them.
//
// OpenSSL takes one record at a time from the socket: what it has decrypted and nobody has
// taken is all that the system does not know of (lg__conntls_has_more()).
#ifndef LG_IO_CONNTLS_H
#define LG_IO_CONNTLS_H

#include <openssl/types.h>

#include "base/base.h"
#include "lagoon.h"

struct waiter;

enum tls_op { TLS_START, TLS_READ, TLS_WRITE, NTLS_OPS };

enum tls_end { END_NONE, END_BEGUN, END_SAID };

// Inside the strand.
struct conn_tls {
    SSL *ssl;
    lg_tls *config;
    struct waiter *starter;  // who waits for the handshake
    int status;              // LG_OK, or what it has failed with, for good
    int socket_err;          // the socket's last error, a negative errno
    bool is_at_end;          // the socket has no more to read
    bool has_half;           // a part of a record may be on its way: who gives up cuts it
    enum tls_end end;        // whether we have said that no more will be written
    uint8_t wants[NTLS_OPS]; // which readiness each waits for
    char why[LG_WHY_SIZE];   // words for status
};

// Gives a connection that has a socket a TLS side. The name is whom a client expects, a host's or
// an address; NULL: anybody. LG_OK or LG_ENOMEM.
int lg__conntls_open(lg_conn *c, lg_tls *config, const char *name);

// Says goodbye, if it goes out at once, without which the other side takes the stream for cut.
void lg__conntls_part(lg_conn *c);

// Forgets it; the connection may have none.
void lg__conntls_free(lg_conn *c);

// LG_OK and how many bytes; LG_EAGAIN; LG_EOF, the other side has said goodbye; or an error.
int lg__conntls_recv(lg_conn *c, void *buffer, size_t size, size_t *out_n);
int lg__conntls_send(lg_conn *c, const void *data, size_t size, size_t *out_n);

// Says that no more will be written, and tells the system. LG_OK, LG_EAGAIN or an error.
int lg__conntls_end(lg_conn *c);

// Whether recv would get something without the system.
bool lg__conntls_has_more(const lg_conn *c);

// What the watch is to wait for. `reads`: for readers, too.
int lg__conntls_interest(const lg_conn *c, bool reads);

// Shakes hands as far as it goes, for whom it is done. LG_OK, LG_EAGAIN or an error.
int lg__conntls_start(lg_conn *c, enum tls_op op);

#endif // LG_IO_CONNTLS_H
