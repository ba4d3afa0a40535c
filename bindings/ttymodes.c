// SPDX-License-Identifier: MIT
#include "ttymodes.h"

#include <lauxlib.h>
#include <unistd.h>

void lagoon__modes_make(const struct termios *before, struct termios *out_editing,
                        struct termios *out_running)
{
    *out_editing = *before;
    cfmakeraw(out_editing);
    *out_running = *out_editing;
    out_running->c_lflag |= ISIG;
    out_running->c_iflag |= before->c_iflag & IXON;
}

void lagoon__modes_lend(int tty, int slave, const struct termios *before)
{
    struct termios modes;
    if (tcgetattr(slave, &modes) == 0) {
        modes.c_iflag |= before->c_iflag & IXON;
        tcsetattr(tty, TCSADRAIN, &modes);
    }
}

void lagoon__modes_keep(int tty, int slave)
{
    struct termios modes;
    if (tcgetattr(tty, &modes) == 0) {
        modes.c_iflag &= ~(tcflag_t)IXON; // or Ctrl-S would stop our marks, too
        tcsetattr(slave, TCSANOW, &modes);
    }
}

void lagoon__modes_push_unread(lua_State *L, int fd)
{
    luaL_Buffer buffer;
    struct termios now;
    luaL_buffinit(L, &buffer);
    if (tcgetattr(fd, &now) == 0) {
        struct termios at_once = now;
        at_once.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        at_once.c_cc[VMIN] = 0;
        at_once.c_cc[VTIME] = 0;
        tcsetattr(fd, TCSANOW, &at_once);
        ssize_t n;
        while ((n = read(fd, luaL_prepbuffer(&buffer), LUAL_BUFFERSIZE)) > 0) {
            luaL_addsize(&buffer, (size_t)n);
        }
        tcsetattr(fd, TCSANOW, &now);
    }
    luaL_pushresult(&buffer);
}
