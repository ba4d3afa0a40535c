// SPDX-License-Identifier: MIT
//
// Pipes to other processes. What fails returns the negative errno of the system.
#ifndef LG_OS_PIPE_H
#define LG_OS_PIPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/base.h"

// The two ends of a pipe: of ours, which never blocks, and of another process's, which does.
// Both are above 2.
struct pipe_ends {
    int ours;
    int theirs;
};

// Opens one from us to them, or from them to us.
int lg__pipe_open_out(struct pipe_ends *out);
int lg__pipe_open_in(struct pipe_ends *out);

// A descriptor of /dev/null, above 2, for both directions.
int lg__pipe_open_null(void);

// Reads. 0: the end; -EAGAIN: it would wait.
ssize_t lg__pipe_read(int fd, void *buffer, size_t size_bytes);

// Whether a read would not wait.
bool lg__pipe_is_ready(int fd);

// A descriptor that is readable while another one is, so that who watches it may do with it what it
// likes; above 2, to be closed. Negative: there is none.
int lg__pipe_open_watcher(int fd);

// Writes into a pipe, and keeps its SIGPIPE from the host. -EAGAIN: it would wait.
ssize_t lg__pipe_write(int fd, const void *data, size_t size_bytes);

#endif // LG_OS_PIPE_H
