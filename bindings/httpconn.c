// SPDX-License-Identifier: MIT
#include "httpconn.h"

#include <lauxlib.h>

#include "http.h"
#include "net.h"
#include "state.h"
#include "tls.h"
#include "wait.h"

static int finish_next(lua_State *L, struct script_g *sg, int rc)
{
    struct conn *conn = lua_touserdata(L, 1);
    if (rc == LG_OK && lagoon__conn_has_lost(conn)) {
        rc = LG_ECLOSED;
    }
    if (rc != LG_OK) {
        return lagoon__finish_conn_failed(L, sg, conn, rc);
    }
    const void *bytes = NULL;
    size_t size;
    size_t n = lg_conn_peek(conn->core, &bytes);
    lua_pushinteger(L, WAIT_OK);
    int nresults =
        lagoon__http_push_request(L, bytes, n, 0, (size_t)lua_tonumber(L, 2), &size);
    if (size > 0) {
        lg_conn_skip(conn->core, size);
    }
    return nresults + 1;
}

// next(conn, max, seconds): waits until something has come, no longer than so many seconds, and
// takes it apart as core.http_request does. What is no whole request at once, in one piece, stays
// where it is: nil and a number.
static int next(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "read");
    luaL_argcheck(L, lua_tonumber(L, 2) >= 1, 2, "no limit of a head");
    int rc = lagoon__conn_limit(L, conn, 3, 3, "read");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    if (rc == LG_OK) {
        rc = lg_conn_await(conn->core, LG_WANT_SOME, 0, &conn->nread, deadline_ns);
    }
    return lagoon__settle_making(L, sg, rc, finish_next);
}

// send(conn, seconds, text): as conn:write(text), with a deadline of its own
static int send(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "write");
    luaL_checkstring(L, 3);
    lagoon__conn_limit(L, conn, 2, 2, "write"); // a closed one is for the write to tell
    return lagoon__conn_write(L, conn, 3);
}

// has_input(conn): whether something has come that has not been read
static int has_input(lua_State *L)
{
    const void *bytes;
    lua_pushboolean(L, lg_conn_peek(lagoon__check_conn(L, "read")->core, &bytes) > 0);
    return 1;
}

void lagoon__open_httpconn(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"http_next", next},
                                         {"http_send", send},
                                         {"http_has_input", has_input},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
}
