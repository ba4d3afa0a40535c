// SPDX-License-Identifier: MIT
#include "os/moment.h"

#include <errno.h>
#include <sys/timerfd.h>

static const int64_t NS_PER_S = 1000 * 1000 * 1000;

int lg__moment_open(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void set(int fd, int64_t delay_ns)
{
    struct itimerspec spec = {0};
    spec.it_value.tv_sec = (time_t)(delay_ns / NS_PER_S);
    spec.it_value.tv_nsec = (long)(delay_ns % NS_PER_S);
    timerfd_settime(fd, 0, &spec, NULL); // makes it silent until then
}

// A value of 0 would take it back.
void lg__moment_set(int fd, int64_t delay_ns)
{
    set(fd, delay_ns > 0 ? delay_ns : 1);
}

void lg__moment_unset(int fd)
{
    set(fd, 0);
}
