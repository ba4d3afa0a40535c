// SPDX-License-Identifier: MIT
#include "embedded.h"

#include <lauxlib.h>
#include <string.h>

#include "fail.h"
#include "hub.h"
#include "state.h"

const struct lagoon_script *lagoon__find_embedded(const char *name)
{
    for (size_t i = 0; i < lagoon_nscripts; i++) {
        if (strcmp(lagoon_scripts[i].name, name) == 0) {
            return &lagoon_scripts[i];
        }
    }
    return NULL;
}

static void load(lua_State *L, const char *bytes, size_t size_bytes,
                 const struct lagoon_script *script)
{
    if (luaL_loadbuffer(L, bytes, size_bytes, script->chunkname) != 0) {
        lua_error(L);
    }
}

// The hub of a worker's state; NULL: it is none.
static struct hub *hub_of(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LAGOON_SCRIPT_KEY);
    struct script *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s != NULL && s->worker != NULL ? s->hub : NULL;
}

// Bytecode that is being written.
struct dump {
    lg_runtime *rt;
    struct chunk_copy copy;
};

static int append(lua_State *L, const void *bytes, size_t size_bytes, void *ud)
{
    (void)L;
    struct dump *dump = ud;
    char *larger =
        lg_realloc(dump->rt, dump->copy.bytes, dump->copy.size_bytes + size_bytes);
    if (larger == NULL) {
        return LUA_ERRMEM;
    }
    memcpy(larger + dump->copy.size_bytes, bytes, size_bytes);
    dump->copy.bytes = larger;
    dump->copy.size_bytes += size_bytes;
    return 0;
}

// Leaves the bytecode of the function on top with the hub, if there is memory.
static void keep(lua_State *L, struct hub *hub, struct chunk_copy *copy)
{
    struct dump dump = {.rt = hub->rt};
    if (lua_dump(L, append, &dump) == 0) {
        pthread_mutex_lock(&hub->lock);
        if (copy->bytes == NULL) { // else another worker was faster
            *copy = dump.copy;
            dump.copy.bytes = NULL;
        }
        pthread_mutex_unlock(&hub->lock);
    }
    lg_free(hub->rt, dump.copy.bytes);
}

// A copy that is there stays as it is until the hub is closed.
void lagoon__load_embedded(lua_State *L, const struct lagoon_script *script)
{
    struct hub *hub = hub_of(L);
    struct chunk_copy *copy = hub ? &hub->copies[script - lagoon_scripts] : NULL;
    struct chunk_copy found = {0};
    if (copy != NULL) {
        pthread_mutex_lock(&hub->lock);
        found = *copy;
        pthread_mutex_unlock(&hub->lock);
    }
    if (found.bytes != NULL) {
        load(L, found.bytes, found.size_bytes, script);
        return;
    }
    load(L, script->text, script->size_bytes, script);
    if (copy != NULL) {
        keep(L, hub, copy);
    }
}

// module_text(name): what the module was made of; nil: there is none of that name.
static int module_text(lua_State *L)
{
    const struct lagoon_script *script = lagoon__find_embedded(luaL_checkstring(L, 1));
    if (script == NULL) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, script->text, script->size_bytes);
    }
    return 1;
}

// module_names(): of our own modules, in order.
static int module_names(lua_State *L)
{
    int n = 0;
    lua_newtable(L);
    for (size_t i = 0; i < lagoon_nscripts; i++) {
        if (strncmp(lagoon_scripts[i].name, "jit", 3) != 0) {
            lua_pushstring(L, lagoon_scripts[i].name);
            lua_rawseti(L, -2, ++n);
        }
    }
    return 1;
}

void lagoon__open_embedded(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"module_text", module_text}, {"module_names", module_names}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}

void lagoon__embedded_fini(struct hub *hub)
{
    for (size_t i = 0; i < lagoon_nscripts; i++) {
        lg_free(hub->rt, hub->copies[i].bytes);
    }
    lg_free(hub->rt, hub->copies);
}
