// SPDX-License-Identifier: MIT
#include "http.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "httpchunk.h"
#include "httphead.h"
#include "object.h"
#include "state.h"

// What the results say of a body that is not a number of bytes.
enum { BODY_CHUNKED = -1, BODY_UNTIL_CLOSE = -2 };

enum { REQUEST_RESULTS = 9 };

struct chunks {
    struct object object;
    struct http_chunks core;
};

// What is left of the string at index 1 from the place at index 2 on, which counts from 1.
static const char *rest_of(lua_State *L, int index, size_t *out_n)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);
    lua_Integer at = luaL_checkinteger(L, index + 1);
    luaL_argcheck(L, at >= 1 && (size_t)at <= length + 1, index + 1,
                  "no place in the text");
    *out_n = length - (size_t)(at - 1);
    return text + (at - 1);
}

static void push_slice(lua_State *L, const char *bytes, struct http_slice slice)
{
    lua_pushlstring(L, bytes + slice.at, slice.length);
}

// The fields as one list: name, value, name, value.
static void push_fields(lua_State *L, const char *bytes, const struct http_head *head)
{
    lua_createtable(L, (int)head->nfields * 2, 0);
    for (uint32_t i = 0; i < head->nfields; i++) {
        push_slice(L, bytes, head->fields[i].name);
        lua_rawseti(L, -2, (int)i * 2 + 1);
        push_slice(L, bytes, head->fields[i].value);
        lua_rawseti(L, -2, (int)i * 2 + 2);
    }
}

static void push_body(lua_State *L, const struct http_head *head)
{
    if (head->framing == HTTP_CHUNKED) {
        lua_pushinteger(L, BODY_CHUNKED);
    } else if (head->framing == HTTP_UNTIL_CLOSE) {
        lua_pushinteger(L, BODY_UNTIL_CLOSE);
    } else {
        lua_pushnumber(L,
                       head->framing == HTTP_LENGTH ? (double)head->content_length : 0);
    }
}

// Whether there is nothing to be decoded or to be taken apart.
static bool is_plain_path(const char *bytes, struct http_slice target)
{
    const char *text = bytes + target.at;
    return text[0] == '/' && memchr(text, '%', target.length) == NULL &&
           memchr(text, '?', target.length) == NULL;
}

static int return_more(lua_State *L, size_t scanned)
{
    lua_pushnil(L);
    lua_pushnumber(L, (double)scanned);
    return 2;
}

static int return_fault(lua_State *L, const struct http_fault *fault)
{
    lua_pushboolean(L, 0);
    lua_pushinteger(L, fault->status);
    lua_pushstring(L, fault->message);
    return 3;
}

static size_t check_max(lua_State *L, int index)
{
    lua_Number max = luaL_checknumber(L, index);
    luaL_argcheck(L, max >= 1 && max <= HTTP_HEAD_MAX, index, "no limit of a head");
    return (size_t)max;
}

int lagoon__http_push_request(lua_State *L, const char *bytes, size_t n, size_t scanned,
                              size_t max_bytes, size_t *out_size)
{
    struct http_head head;
    struct http_fault fault;
    *out_size = 0;
    switch (lagoon__http_request(bytes, n, &scanned, max_bytes, &head, &fault)) {
    case HTTP_MORE: return return_more(L, scanned);
    case HTTP_FAULT: return return_fault(L, &fault);
    case HTTP_DONE: break;
    }
    lagoon__check_room(L, REQUEST_RESULTS, "a request");
    lua_pushnumber(L, (double)head.size_bytes);
    push_slice(L, bytes, head.method);
    push_slice(L, bytes, head.target);
    lua_pushinteger(L, head.minor);
    lua_pushlstring(L, bytes + head.fields_at, head.size_bytes - head.fields_at);
    push_body(L, &head);
    lua_pushboolean(L, head.keeps_alive);
    lua_pushboolean(L, head.expects_continue);
    lua_pushboolean(L, is_plain_path(bytes, head.target));
    *out_size = head.size_bytes;
    return REQUEST_RESULTS;
}

// request(text, at, scanned, max): its size in bytes, method, target, minor version, the text of
// its fields, body, whether the connection goes on, whether "100 Continue" is expected, and whether
// the target is a path and nothing else; or nil and how much was scanned, for the next call; or
// false, a status and a message.
static int request(lua_State *L)
{
    size_t n;
    size_t size;
    const char *bytes = rest_of(L, 1, &n);
    size_t scanned = (size_t)luaL_checkinteger(L, 3);
    return lagoon__http_push_request(L, bytes, n, scanned, check_max(L, 4), &size);
}

// fields(text): of what request() gave, as one list: name, value, name, value
static int fields(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    struct http_head head;
    luaL_argcheck(L, lagoon__http_fields(bytes, n, &head), 1, "no fields");
    push_fields(L, bytes, &head);
    return 1;
}

// response(text, at, scanned, max): size, status, reason, minor version, fields, body, and whether
// the connection goes on; else as request().
static int response(lua_State *L)
{
    size_t n;
    const char *bytes = rest_of(L, 1, &n);
    size_t scanned = (size_t)luaL_checkinteger(L, 3);
    struct http_head head;
    struct http_fault fault;
    switch (lagoon__http_response(bytes, n, &scanned, check_max(L, 4), &head, &fault)) {
    case HTTP_MORE: return return_more(L, scanned);
    case HTTP_FAULT: return return_fault(L, &fault);
    case HTTP_DONE: break;
    }
    lua_pushnumber(L, (double)head.size_bytes);
    lua_pushinteger(L, head.status);
    push_slice(L, bytes, head.reason);
    lua_pushinteger(L, head.minor);
    push_fields(L, bytes, &head);
    push_body(L, &head);
    lua_pushboolean(L, head.keeps_alive);
    return 7;
}

// A decoder, at the beginning of a chunked body.
static int chunks(lua_State *L)
{
    lagoon__object_new(L, lagoon__script(L), KIND_CHUNKS, sizeof(struct chunks));
    return 1;
}

// chunk(decoder, text, at): what is next, and the place behind it. Some data; true at the end of
// the body; nil where more text is needed; or false and a message.
static int chunk(lua_State *L)
{
    struct chunks *self = lagoon__self(L, KIND_CHUNKS, "chunk");
    size_t n;
    size_t ntaken;
    size_t ndata;
    const char *bytes = rest_of(L, 2, &n);
    switch (lagoon__http_chunks(&self->core, bytes, n, &ntaken, &ndata)) {
    case HTTP_FAULT:
        lua_pushboolean(L, 0);
        lua_pushstring(L, self->core.message);
        return 2;
    case HTTP_DONE: lua_pushboolean(L, 1); break;
    case HTTP_MORE:
        if (ndata > 0) {
            lua_pushlstring(L, bytes + ntaken - ndata, ndata);
        } else {
            lua_pushnil(L);
        }
        break;
    }
    lua_pushnumber(L, lua_tonumber(L, 3) + (double)ntaken);
    return 2;
}

void lagoon__open_http(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"http_request", request}, {"http_response", response}, {"http_fields", fields},
        {"http_chunks", chunks},   {"http_chunk", chunk},       {NULL, NULL}};
    lagoon__register(L, s, functions);
}
