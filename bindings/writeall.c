// SPDX-License-Identifier: MIT
#include "writeall.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int lagoon__write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return errno;
        } else if (n == 0) {
            return EIO;
        } else if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}
