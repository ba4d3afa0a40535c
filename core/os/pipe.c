// SPDX-License-Identifier: MIT
#include "os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_OTHER_FD = 3 };

// Descriptors of a host that has closed its own 0 to 2 would be lost where a child's are set.
static int above_standard(int fd)
{
    if (fd < 0 || fd >= FIRST_OTHER_FD) {
        return fd < 0 ? -errno : fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
    int err = errno;
    close(fd);
    return moved < 0 ? -err : moved;
}

static int open_between(int *out_read, int *out_write)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    int from = above_standard(fds[0]);
    int into = above_standard(fds[1]);
    if (from < 0 || into < 0) {
        if (from >= 0) {
            close(from);
        }
        if (into >= 0) {
            close(into);
        }
        return from < 0 ? from : into;
    }
    *out_read = from;
    *out_write = into;
    return 0;
}

static int keep_from_blocking(int err, const struct pipe_ends *ends,
                              struct pipe_ends *out)
{
    if (!err) {
        fcntl(ends->ours, F_SETFL, O_NONBLOCK);
        *out = *ends;
    }
    return err;
}

int lg__pipe_open_out(struct pipe_ends *out)
{
    struct pipe_ends ends = {-1, -1};
    return keep_from_blocking(open_between(&ends.theirs, &ends.ours), &ends, out);
}

int lg__pipe_open_in(struct pipe_ends *out)
{
    struct pipe_ends ends = {-1, -1};
    return keep_from_blocking(open_between(&ends.ours, &ends.theirs), &ends, out);
}

int lg__pipe_open_null(void)
{
    return above_standard(open("/dev/null", O_RDWR | O_CLOEXEC));
}

ssize_t lg__pipe_read(int fd, void *buffer, size_t size_bytes)
{
    ssize_t n;
    do {
        n = read(fd, buffer, size_bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

bool lg__pipe_is_ready(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

int lg__pipe_open_watcher(int fd)
{
    int watcher = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (watcher < 0) {
        return -errno;
    }
    if (epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event) != 0) {
        int err = errno;
        close(watcher);
        return -err;
    }
    return above_standard(watcher);
}

static ssize_t write_once(int fd, const void *data, size_t size_bytes)
{
    ssize_t n;
    do {
        n = write(fd, data, size_bytes);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// A write that finds nobody raises the signal for its own thread: held back there, it is taken
// away again. One that was pending before would not be told from it, and stays.
ssize_t lg__pipe_write(int fd, const void *data, size_t size_bytes)
{
    sigset_t pending;
    sigset_t pipes;
    sigset_t old;
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE)) {
        return write_once(fd, data, size_bytes); // held back already
    }
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipes, &old);
    ssize_t n = write_once(fd, data, size_bytes);
    if (n == -EPIPE) {
        static const struct timespec at_once = {0};
        while (sigtimedwait(&pipes, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return n;
}
