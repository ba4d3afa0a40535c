// SPDX-License-Identifier: MIT
#include "attachdial.h"

#include <lauxlib.h>

#include "attachplace.h"
#include "fail.h"
#include "net.h"
#include "state.h"

enum { PROGRAMS_MAX = 256 };

// attach_dial(pid) -> connection; or nil, why.
static int dial(lua_State *L)
{
    struct script *s = lagoon__script(L);
    char why[PLACE_WHY_SIZE];
    int pid = luaL_checkint(L, 1);
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    int fd = lagoon__place_dial(pid, why);
    if (fd >= 0) {
        int err = lg_conn_adopt(fd, &conn->core);
        if (err == LG_OK) {
            return 1;
        }
        lua_pushnil(L);
        lua_pushstring(L, lg_strerror(err));
        return 2;
    }
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

struct programs {
    int n;
    int pids[PROGRAMS_MAX];
};

static void add(void *ud, int pid)
{
    struct programs *programs = ud;
    for (int i = 0; i < programs->n; i++) {
        if (programs->pids[i] == pid) {
            return;
        }
    }
    if (programs->n < PROGRAMS_MAX) {
        programs->pids[programs->n++] = pid;
    }
}

// attach_list() -> the numbers of the programs that can be attached to.
static int list(lua_State *L)
{
    struct programs programs = {0};
    lagoon__place_each(add, &programs);
    lua_createtable(L, programs.n, 0);
    for (int i = 0; i < programs.n; i++) {
        lua_pushinteger(L, programs.pids[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

void lagoon__open_dial(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"attach_dial", dial}, {"attach_list", list}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
