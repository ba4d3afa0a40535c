// SPDX-License-Identifier: MIT
//
// Scripts do not see a transfer: scripts/lagoon/httpclient.lua checks what it hands down.
#include "fetch.h"

#include <lauxlib.h>

#include "fail.h"
#include "object.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

struct fetch {
    struct object object;
    lg_fetch *core; // NULL: finalised
};

static struct fetch *check_fetch(lua_State *L, const char *method)
{
    struct fetch *fetch = lagoon__self(L, KIND_FETCH, method);
    if (fetch->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead transfer", method);
    }
    return fetch;
}

// -- results --

// nil, a message and the code's name, with libcurl's words.
static int push_words(lua_State *L, const lg_fetch *core, int rc)
{
    lua_pushnil(L);
    lua_pushstring(L, lg_fetch_message(core));
    lua_pushstring(L, lg_error_name(rc));
    return 3;
}

static bool has_words(int rc)
{
    return rc < LG_ESYSTEM || rc == LG_ECERT || rc == LG_ETLS;
}

static int finish_failed(lua_State *L, struct script_g *sg, int rc)
{
    if (!has_words(rc)) {
        return lagoon__finish_failed(L, sg, rc);
    }
    const struct fetch *fetch = lua_touserdata(L, 1);
    lua_pushinteger(L, WAIT_OK);
    return 1 + push_words(L, fetch->core, rc);
}

// -- beginning --

// load(): waits until libcurl is there, or turns out not to be.
static int load(lua_State *L)
{
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    if (deadline_ns == 0) {
        return lagoon__settle(L, sg, LG_EAGAIN, lagoon__finish_plain);
    }
    return lagoon__settle(L, sg, lg_fetch_load(), lagoon__finish_plain);
}

// missing(): why there is no libcurl, or nil.
static int missing(lua_State *L)
{
    lua_pushstring(L, lg_fetch_missing());
    return 1;
}

// The goroutine that begins one; raises where there is none.
static struct script *check_goroutine(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    const struct script_g *sg = lg_extra_self();
    if (sg == NULL || sg->script != s) {
        lagoon__raise(L, "cannot ask a server outside a goroutine: " LAGOON_HOW_TO_WAIT);
    }
    return s;
}

// A field of the table at index 1, which keeps it alive.
static const char *text_of(lua_State *L, const char *name, size_t *out_size)
{
    lua_getfield(L, 1, name);
    const char *text = lua_tolstring(L, -1, out_size);
    lua_pop(L, 1);
    return text;
}

static bool is_set(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

// The list of lines, as C has it. Pushes its memory.
static const char *const *push_fields(lua_State *L)
{
    lua_getfield(L, 1, "fields");
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t n = lua_objlen(L, -1);
    const char **out = lua_newuserdata(L, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, -2, (int)i + 1);
        out[i] = lua_tostring(L, -1); // the list has it, as a string
        lua_pop(L, 1);
    }
    out[n] = NULL;
    lua_remove(L, -2); // the table at index 1 has it
    return out;
}

// `body` is a string, or true for one that comes in pieces. The userdata on top keeps the
// string alive.
static void read_body(lua_State *L, lg_fetch_options *opts)
{
    lua_getfield(L, 1, "body");
    if (lua_type(L, -1) == LUA_TSTRING) {
        opts->body = LG_BODY_WHOLE;
        opts->body_bytes = lua_tolstring(L, -1, &opts->body_size_bytes);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, 1);
        lua_setfenv(L, -3);
    } else if (lua_toboolean(L, -1)) {
        opts->body = LG_BODY_STREAM;
    }
    lua_pop(L, 1);
}

// open(request): a transfer; or nil, a message and a code.
static int open(lua_State *L)
{
    size_t size;
    struct script *s = check_goroutine(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lg_fetch_options opts = {
        .url = text_of(L, "url", &size),
        .method = text_of(L, "method", &size),
        .fields = push_fields(L),
        .proxy = text_of(L, "proxy", &size),
        .ca_file = text_of(L, "ca_file", &size),
        .ca_text = text_of(L, "ca_text", &size),
        .is_unverified = is_set(L, "is_unverified"),
        .is_http1 = is_set(L, "is_http1"),
        .is_compressed = is_set(L, "is_compressed"),
    };
    lua_getfield(L, 1, "max_header_bytes");
    opts.max_head_bytes = (size_t)luaL_checknumber(L, -1);
    struct fetch *fetch = lagoon__object_new(L, s, KIND_FETCH, sizeof *fetch);
    read_body(L, &opts);
    int rc = lg_fetch_open(&opts, &fetch->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

static int fetch_free(lua_State *L)
{
    struct fetch *fetch = lagoon__object_at(L, 1, KIND_FETCH);
    if (fetch == NULL) {
        return 0; // a script has called it
    }
    if (fetch->core != NULL && lagoon__rt_of_ends(fetch->object.script) != NULL) {
        lg_fetch_free(fetch->core);
    }
    fetch->core = NULL;
    lagoon__object_end(&fetch->object);
    return 0;
}

// -- calls --

static int finish_head(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return finish_failed(L, sg, rc);
    }
    const struct fetch *fetch = lua_touserdata(L, 1);
    const char *head;
    size_t size = lg_fetch_head(fetch->core, &head);
    lua_pushinteger(L, WAIT_OK);
    lua_pushlstring(L, head, size);
    return 2;
}

// head(fetch, seconds): its text.
static int head(lua_State *L)
{
    const struct fetch *fetch = check_fetch(L, "head");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "head");
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_fetch_await_head(fetch->core, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_head);
}

static int finish_read(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return finish_failed(L, sg, rc);
    }
    const struct fetch *fetch = lua_touserdata(L, 1);
    const void *bytes;
    lua_pushinteger(L, WAIT_OK);
    size_t n = lg_fetch_peek(fetch->core, &bytes);
    lua_pushlstring(L, bytes, n);
    lg_fetch_skip(fetch->core, n);
    return 2;
}

// read(fetch, seconds): some of the body; nil at its end.
static int read(lua_State *L)
{
    const struct fetch *fetch = check_fetch(L, "read");
    int64_t deadline_ns = lagoon__io_deadline(L, 2, 1, "read");
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_fetch_await(fetch->core, deadline_ns);
    return lagoon__settle_making(L, sg, rc, finish_read);
}

static int finish_write(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, 1);
    return 2;
}

// write(fetch, data, seconds): true.
static int write(lua_State *L)
{
    size_t size;
    const struct fetch *fetch = check_fetch(L, "write");
    const char *data = luaL_checklstring(L, 2, &size); // stays: it is an argument
    int64_t deadline_ns = lagoon__io_deadline(L, 3, 2, "write");
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    int rc = lg_fetch_write(fetch->core, data, size, deadline_ns);
    return lagoon__settle(L, sg, rc, finish_write);
}

static int return_code(lua_State *L, int rc)
{
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int finish(lua_State *L)
{
    return return_code(L, lg_fetch_finish(check_fetch(L, "finish")->core));
}

static int close(lua_State *L)
{
    return return_code(L, lg_fetch_close(check_fetch(L, "close")->core));
}

static int close_idle(lua_State *L)
{
    check_goroutine(L);
    return return_code(L, lg_fetch_close_idle());
}

void lagoon__open_fetch(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"fetch_load", load},
                                         {"fetch_missing", missing},
                                         {"fetch_open", open},
                                         {"fetch_head", head},
                                         {"fetch_read", read},
                                         {"fetch_write", write},
                                         {"fetch_finish", finish},
                                         {"fetch_close", close},
                                         {"fetch_close_idle", close_idle},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", fetch_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_FETCH);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
