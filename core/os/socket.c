// SPDX-License-Identifier: MIT
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "os/pipe.h"

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

static void set_on(int fd, int level, int option)
{
    int on = 1;
    setsockopt(fd, level, option, &on, sizeof on);
}

int lg__socket_open(int family)
{
    return result(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void lg__socket_close(int fd)
{
    close(fd);
}

int lg__socket_unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return result(flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

bool lg__socket_is(int fd)
{
    int type;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

bool lg__socket_blocks(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && !(flags & O_NONBLOCK);
}

void lg__socket_block(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) {
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
}

int lg__socket_connect(int fd, const struct socket_address *address)
{
    int rc;
    do {
        rc = result(connect(fd, &address->any, address->length));
    } while (rc == -EINTR);
    return rc;
}

int lg__socket_listen(int fd, const struct socket_address *address, int backlog,
                      uint32_t flags)
{
    if (address->any.sa_family != AF_UNIX) {
        set_on(fd, SOL_SOCKET, SO_REUSEADDR);
    }
    if (flags & SOCKET_SHARED_PORT) {
        set_on(fd, SOL_SOCKET, SO_REUSEPORT);
    }
    if (address->any.sa_family == AF_INET6) {
        int is_alone = (flags & SOCKET_BOTH_FAMILIES) == 0;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_alone, sizeof is_alone);
    }
    int rc = result(bind(fd, &address->any, address->length));
    if (rc == 0 && flags & SOCKET_RESERVED) {
        set_on(fd, SOL_SOCKET, SO_REUSEPORT);
        return 0;
    }
    return rc < 0 ? rc : result(listen(fd, backlog));
}

int lg__socket_accept(int fd)
{
    int rc;
    do {
        rc = result(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    } while (rc == -EINTR || rc == -ECONNABORTED);
    return rc;
}

ssize_t lg__socket_recv(int fd, void *buffer, size_t size_bytes)
{
    ssize_t n;
    do {
        n = recv(fd, buffer, size_bytes, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ENOTSOCK) {
        return lg__pipe_read(fd, buffer, size_bytes);
    }
    return n < 0 ? -errno : n;
}

ssize_t lg__socket_send(int fd, const void *data, size_t size_bytes)
{
    ssize_t n;
    do {
        n = send(fd, data, size_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ENOTSOCK) {
        return lg__pipe_write(fd, data, size_bytes);
    }
    return n < 0 ? -errno : n;
}

int lg__socket_shutdown(int fd)
{
    return result(shutdown(fd, SHUT_WR));
}

int lg__socket_error(int fd)
{
    int err = 0;
    socklen_t length = sizeof err;
    int rc = result(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length));
    return rc < 0 ? rc : -err;
}

int lg__socket_name(int fd, struct socket_address *out)
{
    out->length = sizeof out->storage;
    return result(getsockname(fd, &out->any, &out->length));
}

int lg__socket_peer(int fd, struct socket_address *out)
{
    out->length = sizeof out->storage;
    return result(getpeername(fd, &out->any, &out->length));
}

void lg__socket_set_nodelay(int fd)
{
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

void lg__socket_unlink(const struct socket_address *address)
{
    if (address->any.sa_family == AF_UNIX && address->unix_path.sun_path[0] != '\0') {
        unlink(address->unix_path.sun_path);
    }
}
