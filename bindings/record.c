// SPDX-License-Identifier: MIT
#include "record.h"

#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <string.h>

#include "asciicast.h"

static struct {
    pthread_mutex_t lock; // taken with the terminal's, or alone
    // -- lock --
    struct asciicast *cast; // NULL: nothing is recorded
} record = {.lock = PTHREAD_MUTEX_INITIALIZER};

void lagoon__record_output(const char *text, size_t size)
{
    pthread_mutex_lock(&record.lock);
    lagoon__cast_output(record.cast, text, size);
    pthread_mutex_unlock(&record.lock);
}

void lagoon__record_resize(int columns, int rows)
{
    pthread_mutex_lock(&record.lock);
    lagoon__cast_resize(record.cast, columns, rows);
    pthread_mutex_unlock(&record.lock);
}

// Pushes nil and a message.
static int push_failure(lua_State *L, const char *path, int err)
{
    lua_pushnil(L);
    lua_pushfstring(L, "cannot write %s: %s", path, strerror(err));
    return 2;
}

static int record_start(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    int columns = (int)luaL_checkinteger(L, 2);
    int rows = (int)luaL_checkinteger(L, 3);
    struct asciicast *cast = lagoon__cast_open(path, columns, rows);
    if (cast == NULL) {
        return push_failure(L, path, errno);
    }
    pthread_mutex_lock(&record.lock);
    struct asciicast *before = record.cast;
    record.cast = cast;
    pthread_mutex_unlock(&record.lock);
    lagoon__cast_close(before);
    lua_pushboolean(L, 1);
    return 1;
}

static int record_marker(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    pthread_mutex_lock(&record.lock);
    lagoon__cast_marker(record.cast, text, size);
    pthread_mutex_unlock(&record.lock);
    return 0;
}

static int record_stop(lua_State *L)
{
    pthread_mutex_lock(&record.lock);
    struct asciicast *cast = record.cast;
    record.cast = NULL;
    pthread_mutex_unlock(&record.lock);
    int err = lagoon__cast_close(cast);
    if (err != 0) {
        return push_failure(L, "all of it", err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

const struct luaL_Reg lagoon__record_functions[] = {{"record_start", record_start},
                                                    {"record_marker", record_marker},
                                                    {"record_stop", record_stop},
                                                    {NULL, NULL}};
