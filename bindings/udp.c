// SPDX-License-Identifier: MIT
#include "udp.h"

#include <lauxlib.h>

#include "fail.h"
#include "net.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

struct udp {
    struct object object;
    lg_udp *core;   // NULL: finalised
    lg_datagram in; // that was received last: one goroutine does at a time
};

static struct udp *check_udp(lua_State *L, const char *method)
{
    struct udp *udp = lagoon__self(L, KIND_UDP, method);
    if (udp->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead datagram socket", method);
    }
    return udp;
}

// udp_open(network, address, shares_port)
static int udp_open(lua_State *L)
{
    const char *network = lagoon__check_text(L, 1, 1, "udp");
    const char *address = lagoon__check_text(L, 2, 1, "udp");
    lg_udp_options opts = {.shares_port = lua_toboolean(L, 3)};
    struct script *s = lagoon__check_opener(L)->script;
    struct udp *udp = lagoon__object_new(L, s, KIND_UDP, sizeof *udp);
    int rc = lg_udp_open(network, address, &opts, &udp->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

static int udp_free(lua_State *L)
{
    struct udp *udp = lagoon__object_at(L, 1, KIND_UDP);
    if (udp == NULL) {
        return 0; // a script has called it
    }
    if (udp->core != NULL && lagoon__rt_of_ends(udp->object.script) != NULL) {
        lg_udp_free(udp->core);
    }
    udp->core = NULL;
    lagoon__object_end(&udp->object);
    return 0;
}

static int finish_send(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushnumber(L, (double)lua_objlen(L, 2));
    return 2;
}

// udp_send(self, data, address)
static int udp_send(lua_State *L)
{
    struct udp *udp = check_udp(L, "send_to");
    if (!lua_isstring(L, 2)) {
        lagoon__raise_argument(L, 1, "send_to", "a string expected, got %s",
                               lagoon__type_name(L, 2));
    }
    const char *address =
        lua_isnoneornil(L, 3) ? NULL : lagoon__check_text(L, 3, 2, "send_to");
    size_t length;
    const char *text = lua_tolstring(L, 2, &length); // stays: it is an argument
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_udp_send_to(udp->core, text, length, address, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_send);
}

static int finish_recv(lua_State *L, struct script_g *sg, int rc)
{
    struct udp *udp = lua_touserdata(L, 1);
    const char *bytes = rc == LG_OK ? lg_udp_peek(udp->core) : NULL;
    if (bytes == NULL) { // closed since it was woken
        return lagoon__finish_failed(L, sg, rc == LG_OK ? LG_ECLOSED : rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushlstring(L, bytes, udp->in.size);
    lua_pushstring(L, udp->in.from);
    return 3;
}

// udp_recv(self)
static int udp_recv(lua_State *L)
{
    struct udp *udp = check_udp(L, "recv_from");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_udp_await(udp->core, &udp->in, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_recv);
}

static int finish_connect(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, 1);
    return 2;
}

// udp_connect(self, address)
static int udp_connect(lua_State *L)
{
    struct udp *udp = check_udp(L, "connect");
    const char *address = lagoon__check_text(L, 2, 1, "connect");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_udp_connect(udp->core, address, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_connect);
}

static int udp_addr(lua_State *L)
{
    char address[LG_ADDRESS_SIZE];
    int rc = lg_udp_local(check_udp(L, "addr")->core, address, sizeof address);
    return lagoon__return_text(L, rc, address);
}

static int udp_close(lua_State *L)
{
    return lagoon__return_code(L, lg_udp_close(check_udp(L, "close")->core));
}

static int udp_set_deadline(lua_State *L)
{
    struct udp *udp = check_udp(L, "set_deadline");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "set_deadline");
    if (deadline_ns == 0) {
        deadline_ns = 1; // long past; 0 stands for "do not wait"
    }
    return lagoon__return_code(L, lg_udp_set_deadline(udp->core, deadline_ns));
}

void lagoon__open_udp(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"udp_open", udp_open},
                                         {"udp_send", udp_send},
                                         {"udp_recv", udp_recv},
                                         {"udp_connect", udp_connect},
                                         {"udp_addr", udp_addr},
                                         {"udp_close", udp_close},
                                         {"udp_set_deadline", udp_set_deadline},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", udp_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_UDP);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
