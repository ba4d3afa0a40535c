// SPDX-License-Identifier: MIT
//
// Where in a message something stands: "argument #1.conf.log[3], upvalue 'n'". Nothing
// is noted for it while a message is written. From what was mentioned the way leads to
// the body that mentioned it, and that one is searched for the child.
#include <ctype.h>
#include <stdio.h>

#include "closure.h"
#include "code.h"
#include "encode.h"
#include "fail.h"

enum {
    LEG_SIZE = 48,
    NAME_MAX = 36,   // bytes of a name that are told
    LEGS_FIRST = 3,  // legs that are told, where there are many
    LEGS_LAST = 5,   //
    PATH_SIZE = 440, // of all
};

struct leg {
    char text[LEG_SIZE];
};

// -- one leg --

static bool is_identifier(const char *name, size_t length)
{
    if (length == 0 || length > NAME_MAX || isdigit((unsigned char)name[0])) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] != '_' && !isalnum((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

static void write_key(lua_State *L, int key, struct leg *out)
{
    size_t length;
    switch (lua_type(L, key)) {
    case LUA_TSTRING: {
        const char *name = lua_tolstring(L, key, &length);
        const char *format = is_identifier(name, length) ? ".%.*s%s" : "[\"%.*s%s\"]";
        snprintf(out->text, LEG_SIZE, format, length > NAME_MAX ? NAME_MAX : (int)length,
                 name, length > NAME_MAX ? "..." : "");
        break;
    }
    case LUA_TNUMBER:
        snprintf(out->text, LEG_SIZE, "[%.14g]", lua_tonumber(L, key));
        break;
    case LUA_TBOOLEAN:
        snprintf(out->text, LEG_SIZE, "[%s]", lua_toboolean(L, key) ? "true" : "false");
        break;
    default:
        snprintf(out->text, LEG_SIZE, "[%s]", lagoon__type_name(L, key));
        break;
    }
}

static void write_name(const char *what, const char *name, struct leg *out)
{
    snprintf(out->text, LEG_SIZE, "%s '%.*s'", what, NAME_MAX, name);
}

static bool find_in_table(lua_State *L, int table, int child, struct leg *out)
{
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_rawequal(L, -1, child) || lua_rawequal(L, -2, child)) {
            write_key(L, lua_gettop(L) - 1, out);
            return true;
        }
        lua_pop(L, 1);
    }
    return false;
}

static bool find_upvalue(lua_State *L, int function, int child, struct leg *out)
{
    const char *name;
    for (int i = 1; (name = lua_getupvalue(L, function, i)) != NULL; i++) {
        if (lua_rawequal(L, -1, child)) {
            write_name("upvalue", name, out);
            return true;
        }
        lua_pop(L, 1);
    }
    return false;
}

static bool find_global(struct encoder *e, const struct node *node, int function,
                        int child, struct leg *out)
{
    size_t length;
    const char *name;
    for (size_t i = 0; (name = lagoon__code_global(node->shared, i, &length)); i++) {
        lagoon__closure_push_global(e, function, name, length);
        if (lua_rawequal(e->L, -1, child)) {
            write_name("global", name, out);
            return true;
        }
        lua_pop(e->L, 1);
    }
    return false;
}

// Tells how a child is reached from its parent, which is put in its place.
static void write_leg(struct encoder *e, uint32_t parent, int child, struct leg *out)
{
    lua_State *L = e->L;
    const struct node *node = &e->scratch->nodes[parent];
    lagoon__kept_push(&e->kept, parent);
    int index = lua_gettop(L);
    bool is_found = false;
    if (node->kind == NODE_TABLE) {
        is_found = find_in_table(L, index, child, out);
    } else if (node->kind == NODE_FUNCTION) {
        is_found = find_upvalue(L, index, child, out) ||
                   find_global(e, node, index, child, out);
    }
    if (!is_found) {
        snprintf(out->text, LEG_SIZE, "%s",
                 node->kind == NODE_REBUILT ? "__transfer" : "environment");
    }
    lua_settop(L, index);
    lua_replace(L, child);
}

// -- the way --

static void write_root(const struct encoder *e, uint32_t root, struct leg *out)
{
    uint32_t i = root & ~PARENT_ROOT;
    out->text[0] = '\0';
    switch (e->route) {
    case ROUTE_VALUE: break;
    case ROUTE_CALL:
        if (i > 0) {
            snprintf(out->text, LEG_SIZE, "argument #%u", i);
        }
        break;
    case ROUTE_RESULTS: snprintf(out->text, LEG_SIZE, "result #%u", i + 1); break;
    case ROUTE_ERROR: snprintf(out->text, LEG_SIZE, "error"); break;
    }
}

static void append(char *path, const char *leg)
{
    size_t length = strlen(path);
    const char *comma = length > 0 && (isalpha((unsigned char)leg[0]) || leg[0] == '_');
    snprintf(path + length, PATH_SIZE - length, "%s%s", comma ? ", " : "", leg);
}

// Writes the path of what is on top, popping it.
static void write_path(struct encoder *e, char *path)
{
    struct leg last[LEGS_LAST];
    struct leg first[LEGS_FIRST];
    size_t n = 0;
    size_t at = 0;
    uint32_t body = e->body;
    for (uint32_t up = body; !(up & PARENT_ROOT); up = e->scratch->nodes[up].parent) {
        n++;
    }
    int child = lua_gettop(e->L);
    for (; !(body & PARENT_ROOT); body = e->scratch->nodes[body].parent) {
        if (at < LEGS_LAST) {
            write_leg(e, body, child, &last[at]);
        } else if (at >= n - LEGS_FIRST) {
            write_leg(e, body, child, &first[n - 1 - at]);
        }
        at++;
    }
}
