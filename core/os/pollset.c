// SPDX-License-Identifier: MIT
#include "os/pollset.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lagoon.h"

enum { EVENTS_MAX = 64, NS_PER_MS = 1000 * 1000 };

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

int lg__pollset_init(struct pollset *set)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    int bell = fd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    if (bell >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, bell, &event) == 0) {
        *set = (struct pollset){.fd = fd, .bell = bell};
        return LG_OK;
    }
    int err = errno == ENOMEM ? LG_ENOMEM : LG_EINVAL;
    if (bell >= 0) {
        close(bell);
    }
    if (fd >= 0) {
        close(fd);
    }
    return err;
}

void lg__pollset_fini(struct pollset *set)
{
    close(set->bell);
    close(set->fd);
}

int lg__pollset_add(struct pollset *set, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = tag};
    return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? LG_OK : LG_ENOMEM;
}

void lg__pollset_remove(struct pollset *set, int fd)
{
    epoll_ctl(set->fd, EPOLL_CTL_DEL, fd, NULL);
}

void lg__pollset_arm(struct pollset *set, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = tag};
    epoll_ctl(set->fd, EPOLL_CTL_MOD, fd, &event);
}

void lg__pollset_disarm(struct pollset *set, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = tag};
    epoll_ctl(set->fd, EPOLL_CTL_MOD, fd, &event);
}

// Whole milliseconds, rounded up: where the kernel is older than epoll_pwait2 (5.11).
static int wait_ms(int fd, struct epoll_event *events, int cap, int64_t timeout_ns)
{
    int64_t ms = (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
    return epoll_wait(fd, events, cap, ms < INT32_MAX ? (int)ms : INT32_MAX);
}

static int wait_ns(int fd, struct epoll_event *events, int cap, int64_t timeout_ns)
{
    if (timeout_ns <= 0) {
        return epoll_wait(fd, events, cap, timeout_ns < 0 ? -1 : 0);
    }
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                               .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    long n = syscall(SYS_epoll_pwait2, fd, events, cap, &timeout, NULL, 0);
    return n < 0 && errno == ENOSYS ? wait_ms(fd, events, cap, timeout_ns) : (int)n;
}

int lg__pollset_wait(struct pollset *set, int64_t timeout_ns, uint64_t *out, int cap)
{
    struct epoll_event events[EVENTS_MAX];
    int n = wait_ns(set->fd, events, cap < EVENTS_MAX ? cap : EVENTS_MAX, timeout_ns);
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 != 0) {
            out[count++] = events[i].data.u64;
        } else if (timeout_ns != 0) {
            // Who only looks leaves the bell to who sleeps.
            uint64_t rings;
            ssize_t got = read(set->bell, &rings, sizeof rings);
            (void)got; // another thread may have heard it
        }
    }
    return count;
}

void lg__pollset_ring(struct pollset *set)
{
    uint64_t one = 1;
    ssize_t put = write(set->bell, &one, sizeof one);
    (void)put; // full: it is rung already
}
