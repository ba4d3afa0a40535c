// SPDX-License-Identifier: MIT
#include "tick.h"

#include <errno.h>
#include <fcntl.h>
#include <lagoon.h>
#include <math.h>
#include <sys/timerfd.h>

#include "net.h"
#include "state.h"
#include "worldly.h"

// A process has one: of the REPL's terminal, of which there is one, too.
static int timer = -1; // never closed; connections have duplicates

// tick_open() -> connection: something can be read from it when a tick has come.
static int tick_open(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    if (timer < 0) {
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    }
    int fd = timer < 0 ? -1 : fcntl(timer, F_DUPFD_CLOEXEC, 0);
    int rc = fd < 0 ? LG_ESYSTEM - errno : lg_conn_adopt(fd, &conn->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

// tick_set(seconds): it comes then, once; one that was to come before does not.
static int tick_set(lua_State *L)
{
    const double most = 1e9;
    double seconds = fmin(fmax(luaL_checknumber(L, 1), 1e-9), most);
    double whole = floor(seconds);
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)whole,
                                           .tv_nsec = (long)((seconds - whole) * 1e9)}};
    if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0) {
        when.it_value.tv_nsec = 1; // zeros would take it back
    }
    timerfd_settime(timer, 0, &when, NULL);
    return 0;
}

const struct luaL_Reg lagoon__tick_functions[] = {
    {"tick_open", tick_open}, {"tick_set", tick_set}, {NULL, NULL}};
