// SPDX-License-Identifier: MIT
//
// Certificates are read and OpenSSL is loaded on a thread of the core's pool: that takes
// milliseconds. What it works on is in memory of the C library's: it may outlive the state.
#include "tls.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "net.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

// The arguments of tls_new(), and where it keeps what it makes.
enum {
    AT_SERVER = 1,
    AT_CA,
    AT_CERT,
    AT_KEY,
    AT_ALPN,
    AT_1_3,
    AT_ANYBODY,
    AT_OBJECT,
    AT_REQUEST,
    NTEXTS = AT_ALPN - AT_CA + 1,
};

struct request {
    lg_tls_options opts;
    char *texts[NTEXTS];
    lg_tls *made;
    int rc;
    char why[LG_WHY_SIZE];
};

// -- making one --

static void run(void *arg)
{
    struct request *r = arg;
    r->rc = lg_tls_new(&r->opts, &r->made, r->why);
}

static void request_free(void *arg)
{
    struct request *r = arg;
    if (r != NULL) {
        lg_tls_free(r->made);
        for (int i = 0; i < NTEXTS; i++) {
            free(r->texts[i]);
        }
        free(r);
    }
}

// NULL: there is no memory for it.
static struct request *request_new(lua_State *L)
{
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    for (int i = 0; i < NTEXTS; i++) {
        const char *text = lua_tostring(L, AT_CA + i);
        r->texts[i] = text != NULL ? strdup(text) : NULL;
        if (text != NULL && r->texts[i] == NULL) {
            request_free(r);
            return NULL;
        }
    }
    r->opts = (lg_tls_options){
        .role = lua_toboolean(L, AT_SERVER) ? LG_TLS_SERVER : LG_TLS_CLIENT,
        .ca = r->texts[0],
        .cert = r->texts[AT_CERT - AT_CA],
        .key = r->texts[AT_KEY - AT_CA],
        .alpn = r->texts[AT_ALPN - AT_CA],
        .min_version = lua_toboolean(L, AT_1_3) ? LG_TLS_1_3 : LG_TLS_1_2,
        .trust = lua_toboolean(L, AT_ANYBODY) ? LG_TLS_TRUST_ANY : LG_TLS_VERIFY,
    };
    return r;
}

static int push_refusal(lua_State *L, const char *why)
{
    lua_pushinteger(L, WAIT_OK);
    lua_pushnil(L);
    lua_pushstring(L, why);
    lua_pushstring(L, lg_error_name(LG_ETLS));
    return 4;
}

// The request is freed before anything can fail for want of memory.
static int finish_new(lua_State *L, struct script_g *sg, int rc)
{
    struct request *r = lua_touserdata(L, AT_REQUEST); // NULL: no memory
    struct tls *tls = lua_touserdata(L, AT_OBJECT);
    char why[LG_WHY_SIZE] = "";
    if (rc == LG_OK && r->rc == LG_OK) {
        tls->core = r->made;
        r->made = NULL;
    } else if (rc == LG_OK) {
        rc = r->rc;
        memcpy(why, r->why, sizeof why);
    }
    request_free(r);
    if (rc == LG_ETLS) {
        return push_refusal(L, why);
    }
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushvalue(L, AT_OBJECT);
    return 2;
}

// tls_new(is_server, ca, cert, key, alpn, is_1_3, is_anybody): PEM, and a list with commas;
// the caller has checked them.
static int tls_new(lua_State *L)
{
    lua_settop(L, AT_OBJECT - 1);
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    if (sg == &sg->script->outside) {
        lua_pushnil(L);
        lua_pushlightuserdata(L, NULL);
        return lagoon__settle_making(L, sg, LG_EAGAIN, finish_new);
    }
    lagoon__object_new(L, sg->script, KIND_TLS, sizeof(struct tls));
    struct request *r = request_new(L);
    lua_pushlightuserdata(L, r);
    int rc = r != NULL ? lg_work(run, request_free, r) : LG_ENOMEM;
    return lagoon__settle_making(L, sg, rc, finish_new);
}

static int tls_free(lua_State *L)
{
    struct tls *tls = lagoon__object_at(L, 1, KIND_TLS);
    if (tls != NULL) {
        lg_tls_free(tls->core);
        tls->core = NULL;
        lagoon__object_end(&tls->object);
    }
    return 0;
}

lg_tls *lagoon__tls_at(lua_State *L, int index)
{
    const struct tls *tls = lagoon__object_at(L, index, KIND_TLS);
    return tls != NULL ? tls->core : NULL;
}

// -- connections that have it --

int lagoon__finish_conn_failed(lua_State *L, struct script_g *sg, struct conn *conn,
                               int rc)
{
    char why[LG_WHY_SIZE];
    int n = lagoon__finish_failed(L, sg, rc);
    if (rc == LG_ECERT || rc == LG_ETLS) { // OK, nil, words, code
        lg_conn_why(conn->core, why);
        if (why[0] != '\0') {
            lua_pushstring(L, why);
            lua_replace(L, -3);
        }
    }
    return n;
}

// conn_tls(conn, tls, name)
static int conn_tls(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "tls");
    lg_tls *tls = lagoon__tls_at(L, 2);
    luaL_argcheck(L, tls != NULL, 2, "none");
    int rc = lg_conn_tls(conn->core, tls, luaL_optstring(L, 3, NULL));
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int finish_handshake(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_conn_failed(L, sg, lua_touserdata(L, 1), rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, 1);
    return 2;
}

// conn_handshake(conn, seconds)
static int conn_handshake(lua_State *L)
{
    struct conn *conn = lagoon__check_conn(L, "handshake");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "handshake");
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_conn_handshake(conn->core, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_handshake);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (*text != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

static int conn_tls_info(lua_State *L)
{
    lg_tls_info info;
    if (lg_conn_tls_info(lagoon__check_conn(L, "tls")->core, &info) != LG_OK) {
        return 0;
    }
    lua_createtable(L, 0, 5);
    set_text(L, "version", info.version);
    set_text(L, "cipher", info.cipher);
    set_text(L, "alpn", info.alpn);
    set_text(L, "server_name", info.server_name);
    set_text(L, "peer", info.peer);
    return 1;
}

void lagoon__open_tls(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"tls_new", tls_new},
                                         {"conn_tls", conn_tls},
                                         {"conn_handshake", conn_handshake},
                                         {"conn_tls_info", conn_tls_info},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", tls_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_TLS);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
