// SPDX-License-Identifier: MIT
#include "websocket.h"

#include <lauxlib.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>
#include <sys/random.h>

#include "fail.h"
#include "object.h"
#include "state.h"
#include "utf8.h"
#include "wsframes.h"

// RFC 6455, 1.3
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum { KEY_BYTES = 16 };

struct frames {
    struct object object;
    bool is_open;
    struct ws_frames core;
};

static struct ws_frames *check_frames(lua_State *L, const char *function)
{
    struct frames *self = lagoon__self(L, KIND_FRAMES, function);
    luaL_argcheck(L, self->is_open, 1, "dead frames");
    return &self->core;
}

// frames(is_server, max_bytes): those of a connection, at its beginning.
static int frames(lua_State *L)
{
    enum ws_role role = lua_toboolean(L, 1) ? WS_SERVER : WS_CLIENT;
    lua_Number max_bytes = luaL_checknumber(L, 2);
    luaL_argcheck(L, max_bytes >= 1 && max_bytes <= 1 << 30, 2, "no limit of a message");
    struct frames *self =
        lagoon__object_new(L, lagoon__script(L), KIND_FRAMES, sizeof *self);
    if (lagoon__ws_init(&self->core, role, (size_t)max_bytes) != LG_OK) {
        lagoon__raise_memory(L);
    }
    self->is_open = true;
    return 1;
}

static int frames_free(lua_State *L)
{
    struct frames *self = lagoon__object_at(L, 1, KIND_FRAMES);
    if (self != NULL && self->is_open) {
        self->is_open = false;
        lagoon__ws_fini(&self->core);
    }
    return 0;
}

// next(frames, text, at): the place behind what has been used of the text, and what is next: its
// kind, its bytes and, of "close" and "fault", the code. Only the place: more text is needed.
static int next(lua_State *L)
{
    static const char *const kinds[] = {
        [WS_TEXT] = "text",   [WS_BINARY] = "binary", [WS_PONG] = "pong",
        [WS_CLOSE] = "close", [WS_FAULT] = "fault",
    };
    struct ws_frames *self = check_frames(L, "next");
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    lua_Integer at = luaL_checkinteger(L, 3);
    luaL_argcheck(L, at >= 1 && (size_t)at <= length + 1, 3, "no place in the text");
    size_t ntaken;
    struct ws_event event;
    enum ws_found found = lagoon__ws_next(self, text + (at - 1),
                                          length - (size_t)(at - 1), &ntaken, &event);
    lua_pushnumber(L, (double)at + (double)ntaken);
    if (found == WS_MORE) {
        return 1;
    }
    lua_pushstring(L, kinds[found]);
    lua_pushlstring(L, event.n > 0 ? event.bytes : "", event.n);
    lua_pushinteger(L, event.code);
    return 4;
}

static int push_out(lua_State *L, struct ws_frames *self, int rc)
{
    if (rc == LG_ENOMEM) {
        lagoon__raise_memory(L);
    } else if (rc != LG_OK) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushlstring(L, self->out.n > 0 ? (const char *)self->out.at : "", self->out.n);
    lagoon__ws_drop_out(self);
    return 1;
}

// frame(frames, kind, data): "text", "binary" or "ping" as a frame; nil behind a close.
static int frame(lua_State *L)
{
    static const char *const names[] = {"text", "binary", "ping", NULL};
    static const uint8_t opcodes[] = {WSLAY_TEXT_FRAME, WSLAY_BINARY_FRAME, WSLAY_PING};
    struct ws_frames *self = check_frames(L, "frame");
    uint8_t opcode = opcodes[luaL_checkoption(L, 2, NULL, names)];
    size_t n;
    const char *data = luaL_checklstring(L, 3, &n);
    lagoon__ws_drop_out(self);
    return push_out(L, self, lagoon__ws_put(self, opcode, data, n));
}

// owes(frames): whether there is an answer for the other side.
static int owes(lua_State *L)
{
    lua_pushboolean(L, lagoon__ws_owes(check_frames(L, "owes")));
    return 1;
}

// owed(frames): that answer, as frames; it is owed no more.
static int owed(lua_State *L)
{
    struct ws_frames *self = check_frames(L, "owed");
    lagoon__ws_drop_out(self);
    return push_out(L, self, lagoon__ws_put_owed(self));
}

// owe_close(frames, code, reason): from now on a close is owed.
static int owe_close(lua_State *L)
{
    struct ws_frames *self = check_frames(L, "owe_close");
    int code = (int)luaL_checkinteger(L, 2);
    size_t n;
    const char *reason = luaL_checklstring(L, 3, &n);
    luaL_argcheck(L, lagoon__ws_is_code(code), 2, "not a code");
    luaL_argcheck(L, n <= WS_REASON_MAX, 3, "too long");
    lagoon__ws_close(self, code, reason, n);
    return 0;
}

static int is_code(lua_State *L)
{
    lua_Number code = luaL_checknumber(L, 1);
    lua_pushboolean(L, code == (int)code && lagoon__ws_is_code((int)code));
    return 1;
}

static int is_utf8(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    struct utf8 text = {0};
    lua_pushboolean(L, lagoon__utf8_add(&text, bytes, n) && lagoon__utf8_is_whole(&text));
    return 1;
}

static int push_base64(lua_State *L, const uint8_t *bytes, size_t n)
{
    char text[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)];
    base64_encode_raw(text, n, bytes);
    lua_pushlstring(L, text, BASE64_ENCODE_RAW_LENGTH(n));
    return 1;
}

// accept(key): what a server answers to a client's key (RFC 6455, 4.2.2).
static int accept(lua_State *L)
{
    size_t n;
    const char *key = luaL_checklstring(L, 1, &n);
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init(&sha1);
    sha1_update(&sha1, n, (const uint8_t *)key);
    sha1_update(&sha1, strlen(GUID), (const uint8_t *)GUID);
    sha1_digest(&sha1, sizeof digest, digest);
    return push_base64(L, digest, sizeof digest);
}

// key(): a client's key, which nobody has had before.
static int key(lua_State *L)
{
    uint8_t bytes[KEY_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        lagoon__raise(L, "the system has no random bytes");
    }
    return push_base64(L, bytes, sizeof bytes);
}

void lagoon__open_websocket(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"websocket_frames", frames},
                                         {"websocket_next", next},
                                         {"websocket_frame", frame},
                                         {"websocket_owes", owes},
                                         {"websocket_owed", owed},
                                         {"websocket_owe_close", owe_close},
                                         {"websocket_is_code", is_code},
                                         {"websocket_is_utf8", is_utf8},
                                         {"websocket_accept", accept},
                                         {"websocket_key", key},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", frames_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_FRAMES);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
