// SPDX-License-Identifier: MIT
//
// Addresses as text: "127.0.0.1:80", "[::1]:80", "example.org:80", ":80"; a path for Unix
// sockets.
#ifndef LG_IO_ADDRESS_H
#define LG_IO_ADDRESS_H

#include "base/base.h"
#include "os/socket.h"

enum network { NETWORK_TCP, NETWORK_TCP4, NETWORK_TCP6, NETWORK_UNIX };

enum { HOST_SIZE = 256 };

// An address before its name is looked up.
struct address_text {
    enum network network;
    char host[HOST_SIZE]; // "": every address of this machine; of NETWORK_UNIX the path
    uint16_t port;
};

// Reads a network's name and an address. LG_EINVAL: it is none.
int lg__address_parse(const char *network, const char *address, struct address_text *out);

// Turns a host that is numbers, or a path, into an address. False: it is a name. LG_EINVAL in
// *out_err: it is of the other family.
bool lg__address_is_number(const struct address_text *text, struct socket_address *out,
                           int *out_err);

// Whether an address may be used for a network, and gives it a port.
bool lg__address_fits(enum network network, struct socket_address *address,
                      uint16_t port);

// Where to listen for an address: "" is every one of this machine, of both families if
// there are both, "localhost" itself. LG_EINVAL: it is another name.
int lg__address_of_place(const struct address_text *text, struct socket_address *out);

// An IPv4 address as sockets of both families know it, and back; others stay as they are.
void lg__address_widen(struct socket_address *address);
void lg__address_narrow(struct socket_address *address);

// Writes an address as text; size bytes at out are enough if LG_ADDRESS_SIZE.
void lg__address_format(const struct socket_address *address, char *out, size_t size);

#endif // LG_IO_ADDRESS_H
