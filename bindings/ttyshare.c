// SPDX-License-Identifier: MIT
#include "ttyshare.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "writeall.h"

enum { FIRST_PRIVATE = 10 };

static struct {
    int tty;
    char path[48]; // for any process of its user's; "": none
    int lent_as;   // which of ours is the terminal; -1: none
} share = {.tty = -1, .lent_as = -1};

static int open_path(int how)
{
    return open(share.path, how | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool can_open(void)
{
    int fd = open_path(O_RDWR);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

void lagoon__ttyshare_init(int tty)
{
    share.tty = tty;
    snprintf(share.path, sizeof share.path, "/proc/%d/fd/%d", (int)getpid(), tty);
    if (can_open()) {
        return;
    }
    snprintf(share.path, sizeof share.path, "/dev/tty");
    if (tcgetsid(tty) != getsid(0) || !can_open()) {
        share.path[0] = '\0';
    }
}

int lagoon__ttyshare_open(void)
{
    int fd = share.path[0] ? open_path(O_RDONLY) : -1;
    return fd >= 0 ? fd : fcntl(share.tty, F_DUPFD_CLOEXEC, FIRST_PRIVATE);
}

// Whether it blocks or not, it is read only where there is something.
void lagoon__ttyshare_pass_pending(int to)
{
    char bytes[256];
    struct pollfd ready = {.fd = share.tty, .events = POLLIN};
    while (poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN)) {
        ssize_t n = read(share.tty, bytes, sizeof bytes);
        if (n <= 0 || lagoon__write_all(to, bytes, (size_t)n) != 0) {
            return;
        }
    }
}

void lagoon__ttyshare_push_path(lua_State *L, int fd)
{
    if (share.path[0]) {
        lua_pushstring(L, share.path);
        return;
    }
    if (dup2(share.tty, fd) == fd) {
        share.lent_as = fd;
    }
    lua_pushnil(L);
}

void lagoon__ttyshare_end(int slave)
{
    if (share.lent_as >= 0) {
        dup2(slave, share.lent_as);
        share.lent_as = -1;
    }
}
