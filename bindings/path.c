// SPDX-License-Identifier: MIT
//
// Where in a message something stands: "argument #1.conf.log[3], upvalue 'n'". Nothing
// is noted for it while a message is written. From what was mentioned the way leads to
// the body that mentioned it, and that one is searched for the child.
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>

#include "closure.h"
#include "code.h"
#include "encode.h"
#include "fail.h"
#include "leg.h"

// -- one leg --

static void write_name(const char *what, const char *name, struct leg *out)
{
    snprintf(out->text, LEG_SIZE, "%s '%.*s'", what, LEG_NAME_MAX, name);
}

static bool find_in_table(lua_State *L, int table, int child, struct leg *out)
{
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_rawequal(L, -1, child) || lua_rawequal(L, -2, child)) {
            lagoon__leg_of_key(L, lua_gettop(L) - 1, out);
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

// Tells how a child is reached from its parent.
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
        is_found =
            find_upvalue(L, index, child, out) || find_global(e, node, index, child, out);
    }
    if (!is_found) {
        snprintf(out->text, LEG_SIZE, "%s",
                 node->kind == NODE_REBUILT ? "__transfer" : "environment");
    }
    lua_settop(L, index - 1);
}

// -- the way --

static void write_root(const struct encoder *e, uint32_t root, struct leg *out)
{
    uint32_t i = root & ~PARENT_ROOT;
    out->text[0] = '\0';
    switch (e->route) {
    case ROUTE_VALUE: break;
    case ROUTE_HELD: snprintf(out->text, LEG_SIZE, "channel's value"); break;
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
    bool is_word = isalpha((unsigned char)leg[0]) || leg[0] == '_';
    snprintf(path + length, LEGS_SIZE - length, "%s%s", length > 0 && is_word ? ", " : "",
             leg);
}

static size_t count_legs(const struct encoder *e)
{
    size_t n = 0;
    for (uint32_t node = e->body; !(node & PARENT_ROOT);
         node = e->scratch->nodes[node].parent) {
        n++;
    }
    return n;
}

// Fills the legs from the last one on, of which the middle ones are passed over; what
// is on top is at their end. Returns the root.
static uint32_t write_legs(struct encoder *e, size_t n, struct leg *legs)
{
    lua_State *L = e->L;
    uint32_t node = e->body;
    for (size_t i = 0; i < n; i++) {
        bool is_last = i < LEGS_LAST;
        if (is_last || i >= n - LEGS_FIRST) {
            size_t at = is_last ? i : LEGS_LAST + (i - (n - LEGS_FIRST));
            write_leg(e, node, lua_gettop(L), &legs[at]);
        }
        lua_pop(L, 1);
        lagoon__kept_push(&e->kept, node);
        node = e->scratch->nodes[node].parent;
    }
    return node;
}

// Writes the path of what is on top.
static void write_path(struct encoder *e, char *path)
{
    struct leg legs[LEGS_LAST + LEGS_FIRST];
    struct leg root;
    size_t n = count_legs(e);
    lua_pushvalue(e->L, -1);
    write_root(e, write_legs(e, n, legs), &root);
    lua_pop(e->L, 1);
    path[0] = '\0';
    append(path, root.text);
    size_t ntold = n < LEGS_LAST + LEGS_FIRST ? n : LEGS_LAST + LEGS_FIRST;
    for (size_t i = ntold; i > 0; i--) {
        append(path, legs[i - 1].text);
        if (n > ntold && i - 1 == LEGS_LAST) {
            append(path, "...");
        }
    }
}

_Noreturn void lagoon__encode_refuse(struct encoder *e, const char *what, const char *why)
{
    char path[LEGS_SIZE];
    lagoon__check_room(e->L, ENCODE_ROOM, "no room to send a message");
    write_path(e, path);
    lagoon__scratch_put(e->scratch);
    if (path[0] == '\0') {
        lagoon__raise(e->L, "cannot send a %s to another Lua state%s", what, why);
    }
    lagoon__raise(e->L, "cannot send a %s (at %s) to another Lua state%s", what, path,
                  why);
}
