// SPDX-License-Identifier: MIT
#include "net.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "state.h"
#include "stream.h"
#include "tls.h"
#include "wait.h"
#include "worldly.h"

enum { RESOLVED_MAX = 32 };

// -- arguments --

static struct listener *check_listener(lua_State *L, const char *method)
{
    struct listener *listener = lagoon__self(L, KIND_LISTENER, method);
    if (listener->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead listener", method);
    }
    return listener;
}

struct conn *lagoon__check_conn(lua_State *L, const char *method)
{
    struct conn *conn = lagoon__self(L, KIND_CONN, method);
    if (conn->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead connection", method);
    }
    return conn;
}

struct script_g *lagoon__check_opener(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s) {
        lagoon__raise(L, "cannot open a socket outside a goroutine: " LAGOON_HOW_TO_WAIT);
    }
    return sg;
}

// -- listeners --

// listen(network, address, backlog, shares_port, tls)
static int listen(lua_State *L)
{
    const char *network = lagoon__check_text(L, 1, 1, "listen");
    const char *address = lagoon__check_text(L, 2, 2, "listen");
    lg_listen_options opts = {.backlog = (int)luaL_optinteger(L, 3, 0),
                              .shares_port = lua_toboolean(L, 4),
                              .tls = lagoon__tls_at(L, 5)};
    struct script *s = lagoon__check_opener(L)->script;
    struct listener *listener = lagoon__object_new(L, s, KIND_LISTENER, sizeof *listener);
    int rc = lg_listen(network, address, &opts, &listener->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

// reserve(network, address): a listener that does not listen
static int reserve(lua_State *L)
{
    static const lg_listen_options opts = {.reserves = true};
    const char *network = lagoon__check_text(L, 1, 1, "reserve");
    const char *address = lagoon__check_text(L, 2, 2, "reserve");
    struct script *s = lagoon__check_opener(L)->script;
    struct listener *listener = lagoon__object_new(L, s, KIND_LISTENER, sizeof *listener);
    int rc = lg_listen(network, address, &opts, &listener->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

static int listener_free(lua_State *L)
{
    struct listener *listener = lagoon__object_at(L, 1, KIND_LISTENER);
    if (listener == NULL) {
        return 0; // a script has called it
    }
    if (listener->core != NULL && lagoon__rt_of_ends(listener->object.script) != NULL) {
        lg_listener_free(listener->core);
    }
    listener->core = NULL;
    lagoon__object_end(&listener->object);
    return 0;
}

// Where a goroutine's call leaves the connection that it makes.
static lg_conn **place_of(struct script_g *sg)
{
    sg->parked_on = PARKED_TO_OPEN;
    sg->value.ptr = NULL;
    return (lg_conn **)(void *)&sg->value.ptr;
}

// The object was made before the wait and is on top: here nobody catches an error.
static int finish_conn(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    struct conn *conn = lua_touserdata(L, -1);
    conn->core = *(lg_conn **)(void *)&sg->value.ptr;
    sg->value.ptr = NULL;
    lua_pushinteger(L, WAIT_OK);
    lua_pushvalue(L, -2);
    return 2;
}

static int accept(lua_State *L)
{
    struct listener *listener = check_listener(L, "accept");
    lagoon__object_new(L, lagoon__script(L), KIND_CONN, sizeof(struct conn));
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_accept(listener->core, place_of(sg), deadline_ns);
    return lagoon__settle(L, sg, rc, finish_conn);
}

static int listener_addr(lua_State *L)
{
    struct listener *listener = check_listener(L, "addr");
    char address[LG_ADDRESS_SIZE];
    int rc = lg_listener_local(listener->core, address, sizeof address);
    return lagoon__return_text(L, rc, address);
}

static int listener_close(lua_State *L)
{
    return lagoon__return_code(L, lg_listener_close(check_listener(L, "close")->core));
}

static int listener_set_deadline(lua_State *L)
{
    struct listener *listener = check_listener(L, "set_deadline");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "set_deadline");
    return lagoon__return_code(L, lg_listener_set_deadline(listener->core, deadline_ns));
}

// -- connections --

// dial(network, address, seconds)
static int dial(lua_State *L)
{
    const char *network = lagoon__check_text(L, 1, 1, "dial");
    const char *address = lagoon__check_text(L, 2, 2, "dial");
    int64_t deadline_ns = lagoon__io_deadline(L, 3, 3, "dial");
    lagoon__object_new(L, lagoon__script(L), KIND_CONN, sizeof(struct conn));
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_dial(network, address, place_of(sg), deadline_ns);
    return lagoon__settle(L, sg, rc, finish_conn);
}

static int conn_free(lua_State *L)
{
    struct conn *conn = lagoon__object_at(L, 1, KIND_CONN);
    if (conn == NULL) {
        return 0; // a script has called it
    }
    if (conn->core != NULL && lagoon__rt_of_ends(conn->object.script) != NULL) {
        lg_conn_free(conn->core);
    }
    conn->core = NULL;
    lagoon__object_end(&conn->object);
    return 0;
}

static size_t peek(const void *core, const void **out)
{
    return lg_conn_peek(core, out);
}

static void skip(void *core, size_t n)
{
    lg_conn_skip(core, n);
}

static const struct stream_ops conn_bytes = {.peek = peek, .skip = skip};

bool lagoon__conn_has_lost(const struct conn *conn)
{
    const void *bytes;
    return conn->nread > 0 && lg_conn_peek(conn->core, &bytes) == 0;
}

static int finish_read(lua_State *L, struct script_g *sg, int rc)
{
    struct conn *conn = lua_touserdata(L, 1);
    struct format format;
    lagoon__read_format(L, &format);
    if (rc == LG_OK && lagoon__conn_has_lost(conn)) {
        rc = LG_ECLOSED;
    }
    if (rc == LG_OK) {
        lua_pushinteger(L, WAIT_OK);
        lagoon__push_taken(L, &conn_bytes, conn->core, conn->nread, format.chopped);
        return 2;
    }
    int n = lagoon__finish_conn_failed(L, sg, conn, rc);
    bool is_cut = rc <= LG_ESYSTEM || rc == LG_ETLS;
    if (format.want == LG_WANT_ALL && is_cut && conn->nread > 0 &&
        !lagoon__conn_has_lost(conn)) {
        lua_settop(L, lua_gettop(L) + 4 - n);
        lagoon__push_taken(L, &conn_bytes, conn->core, conn->nread, 0);
        n = 5;
    }
    return n;
}

static int read(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "read");
    struct format format;
    if (!lagoon__read_format(L, &format)) {
        lagoon__raise_argument(L, 1, "read", "invalid format");
    }
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_conn_await(conn->core, format.want, format.n, &conn->nread, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_read);
}

static int finish_write(lua_State *L, struct script_g *sg, int rc)
{
    struct conn *conn = lua_touserdata(L, 1);
    if (rc == LG_OK) {
        lua_pushinteger(L, WAIT_OK);
        lua_pushnumber(L, (double)conn->nwritten);
        return 2;
    }
    return lagoon__add_count(L, lagoon__finish_conn_failed(L, sg, conn, rc),
                             conn->nwritten);
}

int lagoon__conn_write(lua_State *L, struct conn *conn, int index)
{
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_conn_write(conn->core, text, length, &conn->nwritten, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_write);
}

static int write(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "write");
    lagoon__join_arguments(L);
    return lagoon__conn_write(L, conn, 2);
}

static int conn_close(lua_State *L)
{
    return lagoon__return_code(L, lg_conn_close(lagoon__check_conn(L, "close")->core));
}

static int finish_close_write(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_conn_failed(L, sg, lua_touserdata(L, 1), rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, 1);
    return 2;
}

static int conn_close_write(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "close_write");
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    bool must_not_wait = deadline_ns == 0 && lg_conn_is_tls(conn->core);
    int rc = must_not_wait ? LG_EAGAIN : lg_conn_close_write(conn->core);
    return lagoon__settle(L, sg, rc, finish_close_write);
}

int lagoon__conn_limit(lua_State *L, struct conn *conn, int index, int n,
                       const char *method)
{
    int64_t deadline_ns = lagoon__io_deadline(L, index, n, method);
    if (deadline_ns == 0) {
        deadline_ns = 1; // long past; 0 stands for "do not wait"
    }
    return lg_conn_set_deadline(conn->core, deadline_ns);
}

static int conn_set_deadline(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "set_deadline");
    return lagoon__return_code(L, lagoon__conn_limit(L, conn, 2, 1, "set_deadline"));
}

static int local_addr(lua_State *L)
{
    char address[LG_ADDRESS_SIZE];
    int rc =
        lg_conn_local(lagoon__check_conn(L, "local_addr")->core, address, sizeof address);
    return lagoon__return_text(L, rc, address);
}

static int remote_addr(lua_State *L)
{
    char address[LG_ADDRESS_SIZE];
    int rc = lg_conn_remote(lagoon__check_conn(L, "remote_addr")->core, address,
                            sizeof address);
    return lagoon__return_text(L, rc, address);
}

// -- names --

struct resolved {
    size_t n;
    char hosts[RESOLVED_MAX][LG_ADDRESS_SIZE];
};

static int finish_resolve(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    const struct resolved *resolved = lua_touserdata(L, 2);
    lua_pushinteger(L, WAIT_OK);
    lua_createtable(L, (int)resolved->n, 0);
    for (size_t i = 0; i < resolved->n; i++) {
        lua_pushstring(L, resolved->hosts[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 2;
}

// resolve(name)
static int resolve(lua_State *L)
{
    const char *name = lagoon__check_text(L, 1, 1, "resolve");
    lua_settop(L, 1);
    struct resolved *resolved = lua_newuserdata(L, sizeof *resolved);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_resolve(name, resolved->hosts, RESOLVED_MAX, &resolved->n, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_resolve);
}

void lagoon__open_net(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"net_listen", listen},
                                         {"net_reserve", reserve},
                                         {"net_dial", dial},
                                         {"net_resolve", resolve},
                                         {"listener_accept", accept},
                                         {"listener_addr", listener_addr},
                                         {"listener_close", listener_close},
                                         {"listener_set_deadline", listener_set_deadline},
                                         {"conn_read", read},
                                         {"conn_write", write},
                                         {"conn_close", conn_close},
                                         {"conn_close_write", conn_close_write},
                                         {"conn_set_deadline", conn_set_deadline},
                                         {"conn_local_addr", local_addr},
                                         {"conn_remote_addr", remote_addr},
                                         {NULL, NULL}};
    static const luaL_Reg listener_meta[] = {{"__gc", listener_free}, {NULL, NULL}};
    static const luaL_Reg conn_meta[] = {{"__gc", conn_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_LISTENER);
    lagoon__register(L, s, listener_meta);
    lua_pop(L, 1);
    lagoon__class(L, KIND_CONN);
    lagoon__register(L, s, conn_meta);
    lua_pop(L, 1);
}
