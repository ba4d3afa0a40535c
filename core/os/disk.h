// SPDX-License-Identifier: MIT
//
// Open files. What fails returns the negative errno of the system. All of it may block the
// thread.
#ifndef LG_OS_DISK_H
#define LG_OS_DISK_H

#include <sys/types.h>

#include "base/base.h"
#include "lagoon.h"

// Opens what is no directory, by lg_open_flags: the descriptor. *out_is_stream: it has no
// position, and can be watched: a fifo, a terminal.
int lg__disk_open(const char *path, uint32_t flags, bool *out_is_stream);

// Reads or writes some bytes, where the file stands. 0 of a read: the end.
ssize_t lg__disk_read(int fd, void *buffer, size_t size_bytes);
ssize_t lg__disk_write(int fd, const void *data, size_t size_bytes);

// Moves there; the new position from the start.
int64_t lg__disk_seek(int fd, int64_t offset, lg_whence whence);

int lg__disk_sync(int fd);
int lg__disk_stat(int fd, lg_stat *out);

// Closes: the descriptor is gone, also where that fails.
int lg__disk_close(int fd);

#endif // LG_OS_DISK_H
