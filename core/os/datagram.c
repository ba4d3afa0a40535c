// SPDX-License-Identifier: MIT
#include "os/datagram.h"

#include <errno.h>
#include <netinet/in.h>

static void set_on(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

int lg__datagram_open(const struct socket_address *address, uint32_t flags)
{
    int family = address->any.sa_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    set_on(fd, SOL_SOCKET, SO_BROADCAST); // as in Go
    if (flags & SOCKET_SHARED_PORT) {
        set_on(fd, SOL_SOCKET, SO_REUSEPORT);
    }
    if (family == AF_INET6) {
        int is_alone = (flags & SOCKET_BOTH_FAMILIES) == 0;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_alone, sizeof is_alone);
    }
    if (bind(fd, &address->any, address->length) < 0) {
        int err = -errno;
        lg__socket_close(fd);
        return err;
    }
    return fd;
}

ssize_t lg__datagram_send(int fd, const void *data, size_t size_bytes,
                          const struct socket_address *to)
{
    ssize_t n;
    do {
        n = sendto(fd, data, size_bytes, MSG_NOSIGNAL, to ? &to->any : NULL,
                   to ? to->length : 0);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t lg__datagram_recv(int fd, void *buffer, size_t size_bytes,
                          struct socket_address *from)
{
    ssize_t n;
    do {
        from->length = sizeof from->storage;
        n = recvfrom(fd, buffer, size_bytes, 0, &from->any, &from->length);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}
