// SPDX-License-Identifier: MIT
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int lagoon__outfile_open(const char *path, int flags)
{
    int fd =
        open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    int bits = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    if (bits >= 0) {
        fcntl(fd, F_SETFL, bits & ~O_NONBLOCK); // only while it is opened
    }
    return fd;
}

FILE *lagoon__outfile_stream(const char *path)
{
    int fd = lagoon__outfile_open(path, O_TRUNC);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (fd >= 0 && file == NULL) {
        int saved_errno = errno;
        close(fd);
        errno = saved_errno;
    }
    return file;
}
