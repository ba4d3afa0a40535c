// SPDX-License-Identifier: MIT
//
// Datagram sockets that never block. What fails returns the negative errno of the system.
// Connected, closed and asked for their names as others are (os/socket.h).
#ifndef LG_OS_DATAGRAM_H
#define LG_OS_DATAGRAM_H

#include "os/socket.h"

enum { DATAGRAM_MAX = 65536 }; // no datagram is longer

// Opens one, bound to an address, which may send to all of a network at once. SOCKET_* flags as
// for lg__socket_listen().
int lg__datagram_open(const struct socket_address *address, uint32_t flags);

// Sends one. To NULL: to whom it is connected.
ssize_t lg__datagram_send(int fd, const void *data, size_t size_bytes,
                          const struct socket_address *to);

// Receives one: how many bytes, all of it if there is room for DATAGRAM_MAX.
ssize_t lg__datagram_recv(int fd, void *buffer, size_t size_bytes,
                          struct socket_address *from);

#endif // LG_OS_DATAGRAM_H
