// SPDX-License-Identifier: MIT
//
// Sockets that never block. What fails returns the negative errno of the system.
#ifndef LG_OS_SOCKET_H
#define LG_OS_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"

// An address of any family, and how much of it counts.
struct socket_address {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un unix_path;
    };
};

// Opens a stream socket of an address family.
int lg__socket_open(int family);

void lg__socket_close(int fd);

// Has any descriptor never block.
int lg__socket_unblock(int fd);

bool lg__socket_is(int fd);

// Whether it blocks, and to have it block again.
bool lg__socket_blocks(int fd);
void lg__socket_block(int fd);

// Begins to connect: 0, it is; -EINPROGRESS, lg__socket_error() tells how it ended when
// the socket is writable.
int lg__socket_connect(int fd, const struct socket_address *address);

// Binds and listens.
//
// SOCKET_RESERVED shares its port only from when it has it: who is there already, sharing or
// not, is EADDRINUSE. Those who come later have to share.
enum {
    SOCKET_SHARED_PORT = 1U << 0,   // others may listen there, too: the system deals out
    SOCKET_BOTH_FAMILIES = 1U << 1, // an IPv6 socket for IPv4, too
    SOCKET_RESERVED = 1U << 2, // only binds, where nobody is; others may listen there
};
int lg__socket_listen(int fd, const struct socket_address *address, int backlog,
                      uint32_t flags);

// The next connection that has come in; -EAGAIN: none has.
int lg__socket_accept(int fd);

// How many bytes: 0 from recv is the end of the stream; -EAGAIN: it would wait. Of pipes, too.
ssize_t lg__socket_recv(int fd, void *buffer, size_t size_bytes);
ssize_t lg__socket_send(int fd, const void *data, size_t size_bytes);

// Ends the stream of what is sent. -ENOTSOCK: a pipe, which only ends by being closed.
int lg__socket_shutdown(int fd);

// The error that is pending, and takes it away; 0: none is.
int lg__socket_error(int fd);

// Its own name, and that of the other side.
int lg__socket_name(int fd, struct socket_address *out);
int lg__socket_peer(int fd, struct socket_address *out);

// Small packets leave at once: what Go does, and what is written in one piece is whole.
void lg__socket_set_nodelay(int fd);

// A Unix socket's name in the file system goes away with who listens there.
void lg__socket_unlink(const struct socket_address *address);

#endif // LG_OS_SOCKET_H
