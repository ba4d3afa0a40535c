// SPDX-License-Identifier: MIT
#include "fail.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "out.h"
#include "scope.h"
#include "state.h"
#include "task.h"
#include "wait.h"

enum { MESSAGE_SIZE = 512 };

// As tools/embed.lua names our modules; a script's own file would begin with "@".
bool lagoon__is_ours(const char *source)
{
    static const char prefix[] = "=lagoon/";
    return strncmp(source, prefix, sizeof prefix - 1) == 0;
}

bool lagoon__script_frame(lua_State *L, lua_Debug *ar)
{
    for (int level = 0; lua_getstack(L, level, ar); level++) {
        lua_getinfo(L, "Sl", ar);
        if (ar->currentline >= 0 && !lagoon__is_ours(ar->source)) {
            return true;
        }
    }
    return false;
}

static void push_where(lua_State *L)
{
    lua_Debug ar;
    if (lagoon__script_frame(L, &ar)) {
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    } else {
        lua_pushliteral(L, "");
    }
}

static _Noreturn void raise_top(lua_State *L)
{
    push_where(L);
    lua_insert(L, -2);
    lua_concat(L, 2);
    lua_error(L);
    __builtin_unreachable();
}

void lagoon__raise(lua_State *L, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    lua_pushstring(L, message);
    raise_top(L);
}

void lagoon__raise_argument(lua_State *L, int n, const char *name, const char *format,
                            ...)
{
    char message[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    lagoon__raise(L, "bad argument #%d to '%s' (%s)", n, name, message);
}

static const char *check_plain(lua_State *L, int index, int n, const char *name,
                               const char *what)
{
    size_t length;
    if (lua_type(L, index) != LUA_TSTRING) {
        lagoon__raise_argument(L, n, name, "a string expected, got %s",
                               lagoon__type_name(L, index));
    }
    const char *text = lua_tolstring(L, index, &length);
    if (strlen(text) != length) {
        lagoon__raise_argument(L, n, name, "a %s without zero bytes expected", what);
    }
    return text;
}

const char *lagoon__check_text(lua_State *L, int index, int n, const char *name)
{
    return check_plain(L, index, n, name, "string");
}

const char *lagoon__check_path(lua_State *L, int n, const char *name)
{
    return check_plain(L, n, n, name, "path");
}

void lagoon__raise_memory(lua_State *L)
{
    lagoon__raise(L, "not enough memory");
}

void lagoon__check_room(lua_State *L, int n, const char *message)
{
    if (lua_checkstack(L, n)) {
        return;
    }
    if (n <= LUAI_MAXCSTACK - lua_gettop(L)) {
        lagoon__raise_memory(L);
    }
    luaL_checkstack(L, n, message);
}

const char *lagoon__type_name(lua_State *L, int index)
{
    for (int kind = 0; kind < NKINDS; kind++) {
        if (lagoon__object_at(L, index, (enum kind)kind)) {
            return lagoon__kind_name((enum kind)kind);
        }
    }
    return luaL_typename(L, index);
}

int lagoon__check_whole(lua_State *L, int n, const char *name, int max)
{
    if (lua_type(L, n) != LUA_TNUMBER) {
        lagoon__raise_argument(L, n, name, "a number expected, got %s",
                               lagoon__type_name(L, n));
    }
    double number = lua_tonumber(L, n);
    if (!(number >= 1 && number <= max) || number != (double)(int)number) {
        lagoon__raise_argument(
            L, n, name, "a whole number from 1 to %d expected, got %.14g", max, number);
    }
    return (int)number;
}

// raise(code, value): what a blocking function's Lua half does with a code.
// Raises what is on top; for cancellations it is noted why.
static _Noreturn void raise_code(lua_State *L, struct script *s, enum wait_code code)
{
    struct script_g *sg = lg_extra_self();
    bool is_ours = sg != NULL && sg->script == s;
    if (code == WAIT_RETHROW && is_ours) {
        sg->has_rethrown = true;
    } else if (code == WAIT_SEALED_CANCEL) {
        lagoon__out_open(L, s, (int)lua_tointeger(L, -1));
        code = WAIT_CANCEL;
    }
    if (code == WAIT_CANCEL && is_ours) {
        lagoon__note_reason(L, sg);
    }
    lua_error(L);
    abort();
}

static int raise(lua_State *L)
{
    int code = (int)lua_tointeger(L, 1);
    lua_settop(L, 2);
    if (code == WAIT_RAISE) {
        raise_top(L);
    }
    bool is_cancel = code == WAIT_CANCEL || code == WAIT_SEALED_CANCEL;
    struct script_g *sg = lg_extra_self();
    if (is_cancel && sg != NULL && lagoon__scope_is_killed(sg)) {
        return lagoon__scope_die(L); // instead of raising anything
    }
    raise_code(L, lagoon__script(L), (enum wait_code)code);
}

void lagoon__raise_reason(lua_State *L, struct script_g *sg)
{
    lagoon__push_reason(L, sg);
    raise_code(L, sg->script, (enum wait_code)lua_tointeger(L, -2));
}

void lagoon__open_fail(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"raise", raise}, {NULL, NULL}};
    static const struct {
        const char *name;
        enum wait_code code;
    } codes[] = {{"OK", WAIT_OK},         {"TIMEOUT", WAIT_TIMEOUT},
                 {"SEALED", WAIT_SEALED}, {"OUTCOME", WAIT_OUTCOME},
                 {"RAISE", WAIT_RAISE},   {"RETHROW", WAIT_RETHROW}};
    lagoon__register(L, s, functions);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        lua_pushinteger(L, codes[i].code);
        lua_setfield(L, -2, codes[i].name);
    }
}
