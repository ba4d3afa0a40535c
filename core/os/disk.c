// SPDX-License-Identifier: MIT
#include "os/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

static int bits_of(uint32_t flags)
{
    bool reads = flags & LG_OPEN_READ;
    bool writes = flags & (LG_OPEN_WRITE | LG_OPEN_APPEND);
    int bits = O_CLOEXEC | O_NOCTTY;
    bits |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
    bits |= flags & LG_OPEN_APPEND ? O_APPEND : 0;
    bits |= flags & LG_OPEN_CREATE ? O_CREAT : 0;
    bits |= flags & LG_OPEN_TRUNCATE ? O_TRUNC : 0;
    bits |= flags & LG_OPEN_EXCLUSIVE ? O_EXCL : 0;
    return bits;
}

int lg__disk_open(const char *path, uint32_t flags, bool *out_is_stream)
{
    int fd;
    struct stat stat;
    do {
        fd = result(open(path, bits_of(flags), 0666));
    } while (fd == -EINTR);
    if (fd < 0) {
        return fd;
    }
    int rc = result(fstat(fd, &stat));
    if (rc == 0 && S_ISDIR(stat.st_mode)) {
        rc = -EISDIR;
    }
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *out_is_stream = S_ISFIFO(stat.st_mode) || (S_ISCHR(stat.st_mode) && isatty(fd));
    return fd;
}

ssize_t lg__disk_read(int fd, void *buffer, size_t size_bytes)
{
    ssize_t n;
    do {
        n = read(fd, buffer, size_bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t lg__disk_write(int fd, const void *data, size_t size_bytes)
{
    ssize_t n;
    do {
        n = write(fd, data, size_bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int64_t lg__disk_seek(int fd, int64_t offset, lg_whence whence)
{
    static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    off_t at = lseek(fd, offset, whences[whence]);
    return at < 0 ? -errno : at;
}

int lg__disk_sync(int fd)
{
    return result(fsync(fd));
}

int lg__disk_stat(int fd, lg_stat *out)
{
    struct stat stat;
    int rc = result(fstat(fd, &stat));
    if (rc == 0) {
        *out = (lg_stat){
            .mode = stat.st_mode,
            .size_bytes = stat.st_size,
            .mtime_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec,
        };
    }
    return rc;
}

int lg__disk_close(int fd)
{
    int rc = result(close(fd));
    return rc == -EINTR ? 0 : rc;
}
