// SPDX-License-Identifier: MIT
#include "origin.h"

#include <lauxlib.h>
#include <string.h>

enum {
    CHUNK_SIZE = 256,
};

bool lagoon__is_library(const char *name)
{
    static const char *const libraries[] = {
        "_G",    "bit",         "coroutine", "debug",         "ffi",
        "io",    "jit",         "jit.opt",   "jit.profile",   "jit.util",
        "math",  "os",          "package",   "string",        "string.buffer",
        "table", "table.clear", "table.new", "table.isempty",
    };
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        if (strcmp(name, libraries[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_native(const lua_Debug *ar)
{
    return ar->linedefined == -1; // LuaJIT's own functions in Lua have no line either
}

bool lagoon__is_native(lua_State *L)
{
    lua_Debug ar;
    lua_getinfo(L, ">S", &ar);
    return is_native(&ar);
}

// Whether there is a module for the end of a chunk's name: "a/b.lua", "a/b/init.lua".
static bool is_chunk_loaded(struct origin *o, const char *chunk)
{
    char name[CHUNK_SIZE];
    size_t length = strlen(chunk);
    if (length >= sizeof name) {
        return false;
    }
    memcpy(name, chunk, length + 1);
    char *slash = strrchr(name, '/');
    char *dot = strrchr(slash != NULL ? slash : name, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    if (slash != NULL && strcmp(slash, "/init") == 0) {
        *slash = '\0';
    }
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)(*c == '/' ? '.' : *c);
    }
    lua_pushstring(o->L, name);
    lua_rawget(o->L, o->loaded);
    bool is_loaded = !lua_isnil(o->L, -1);
    lua_pop(o->L, 1);
    return is_loaded;
}

// Whether a chunk's name is that of a file of some module in the package of this one:
// has that as a folder or file, with a module's name from there on.
static bool is_of_package(struct origin *o, const char *chunk, const char *module)
{
    size_t length = strcspn(module, ".");
    while (chunk != NULL) {
        char after = '\0';
        if (strncmp(chunk, module, length) == 0) {
            after = chunk[length];
            if ((after == '/' || after == '.' || after == '\0') &&
                is_chunk_loaded(o, chunk)) {
                return true;
            }
        }
        chunk = strchr(chunk, '/');
        chunk = chunk != NULL ? chunk + 1 : NULL;
    }
    return false;
}

// Pushes what package.searchpath finds for a module, or false.
static void search_path(lua_State *L, int loaded, const char *module)
{
    int top = lua_gettop(L);
    lua_pushliteral(L, "package");
    lua_rawget(L, loaded);
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "searchpath");
        lua_rawget(L, top + 1);
        lua_pushstring(L, module);
        lua_pushliteral(L, "path");
        lua_rawget(L, top + 1);
        if (lua_iscfunction(L, -3) && lua_isstring(L, -1) && lua_pcall(L, 2, 1, 0) == 0 &&
            lua_isstring(L, -1)) {
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return;
        }
    }
    lua_settop(L, top);
    lua_pushboolean(L, 0);
}

// The file from which `require` would load a module; NULL: there is none.
const char *lagoon__file_of(struct origin *o, const char *module)
{
    if (o->module != module) {
        search_path(o->L, o->loaded, module);
        lua_replace(o->L, o->file);
        o->module = module;
    }
    return lua_tostring(o->L, o->file);
}

static bool is_source_own(struct origin *o, const char *source, const char *module)
{
    if (source[0] != '@' && source[0] != '=') {
        return false; // the text itself
    }
    if (is_of_package(o, source + 1, module)) {
        return true;
    }
    const char *file = source[0] == '@' ? lagoon__file_of(o, module) : NULL;
    return file != NULL && strcmp(file, source + 1) == 0;
}

// Whether a function stands in a library in the place of Lua's own, which other states
// have there: the program's io.read, the REPL's os.execute.
static bool is_stand_in(const lua_Debug *ar)
{
    return strcmp(ar->source, "=lagoon/stdin.lua") == 0 ||
           strcmp(ar->source, "=lagoon/repl/children.lua") == 0;
}

// Whether the function on top is a module's own. A module's functions mostly come from
// one chunk.
bool lagoon__is_own(struct origin *o, const char *module)
{
    if (lua_iscfunction(o->L, -1)) {
        return true;
    }
    lua_Debug ar;
    lua_pushvalue(o->L, -1);
    lua_getinfo(o->L, ">S", &ar);
    if (is_native(&ar) || lagoon__is_library(module)) {
        return is_native(&ar) || is_stand_in(&ar);
    }
    if (ar.source != o->last_source || module != o->last_module) {
        o->was_own = is_source_own(o, ar.source, module);
        o->last_source = ar.source;
        o->last_module = module;
    }
    return o->was_own;
}

// Whose functions the table on top has.
enum owner lagoon__owner_of(struct origin *o, const char *module)
{
    enum owner owner = OWNER_NONE;
    int nlooked = 0;
    lua_pushnil(o->L);
    while (lua_next(o->L, -2) != 0) {
        if (lua_isfunction(o->L, -1)) {
            owner = lagoon__is_own(o, module) ? OWNER_SELF : OWNER_OTHER;
        }
        lua_pop(o->L, 1);
        if (owner == OWNER_SELF || ++nlooked == LAGOON_ENTRIES_MAX) {
            lua_pop(o->L, 1);
            break;
        }
    }
    return owner;
}
