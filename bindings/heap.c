// SPDX-License-Identifier: MIT
//
// heap_dump(): what the core tells of its objects, and what a walk over the
// state counts.
#include "heap.h"

#include <errno.h>
#include <lagoon.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "object.h"
#include "reach.h"
#include "state.h"
#include "wait.h"

// As libuv names them.
static const char *errno_name(int err)
{
    switch (err) {
    case EACCES: return "EACCES";
    case EFBIG: return "EFBIG";
    case EINVAL: return "EINVAL";
    case EIO: return "EIO";
    case EISDIR: return "EISDIR";
    case ELOOP: return "ELOOP";
    case EMFILE: return "EMFILE";
    case ENAMETOOLONG: return "ENAMETOOLONG";
    case ENFILE: return "ENFILE";
    case ENOENT: return "ENOENT";
    case ENOSPC: return "ENOSPC";
    case ENOTDIR: return "ENOTDIR";
    case ENXIO: return "ENXIO";
    case EPERM: return "EPERM";
    case EROFS: return "EROFS";
    case ETXTBSY: return "ETXTBSY";
    default: return "UNKNOWN";
    }
}

static int push_failure(lua_State *L, const char *path, int err)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(err));
    lua_pushstring(L, errno_name(err));
    return 3;
}

// -- the state --

struct census {
    struct script *s;
    size_t tables;
    size_t functions;
    size_t coroutines;
    size_t kinds[NKINDS];
    size_t userdata; // of others
};

static void count_userdata(struct reach *reach, struct census *census)
{
    for (int kind = 0; kind < NKINDS; kind++) {
        if (lagoon__object_at(reach->L, -1, (enum kind)kind)) {
            census->kinds[kind]++;
            return;
        }
    }
    census->userdata++;
}

static void count(struct reach *reach, int type, const void *ptr)
{
    struct census *census = reach->ud;
    (void)ptr;
    switch (type) {
    case LUA_TTABLE: census->tables++; break;
    case LUA_TFUNCTION: census->functions++; break;
    case LUA_TUSERDATA: count_userdata(reach, census); break;
    default: census->coroutines++; break;
    }
}

static int take_census(lua_State *L)
{
    struct census *census = lua_touserdata(L, 1);
    struct reach reach;
    lagoon__reach_init(&reach, L);
    reach.visit = count;
    reach.ud = census;
    lagoon__reach_add_roots(&reach, census->s, NULL);
    lagoon__reach_run(&reach);
    return 0;
}

static void write_census(FILE *file, lua_State *L, const struct census *census)
{
    fprintf(file, "lua state: %d KB\n", lua_gc(L, LUA_GCCOUNT, 0));
    fprintf(file, "  table %zu\n  function %zu\n  coroutine %zu\n", census->tables,
            census->functions, census->coroutines);
    for (int kind = 0; kind < NKINDS; kind++) {
        fprintf(file, "  %s %zu\n", lagoon__kind_name((enum kind)kind),
                census->kinds[kind]);
    }
    fprintf(file, "  other userdata %zu\n", census->userdata);
}

// -- the file --

// The world is stopped, and somebody may have been stopped inside malloc(): the
// file has its buffer already.
static void write_line(void *ud, const char *line)
{
    FILE *file = ud;
    fputs(line, file);
    fputc('\n', file);
}

// Closes it; the error that there was, or 0.
static int finish(FILE *file)
{
    errno = 0;
    bool has_failed = ferror(file) != 0;
    int err = errno ? errno : EIO;
    if (fclose(file) != 0) {
        return errno;
    }
    return has_failed ? err : 0;
}

// Writes all into a file; 0 or an errno. *out_rc is the core's code.
static int write_file(lua_State *L, const char *path, char *buffer, size_t size,
                      const struct census *census, int *out_rc)
{
    struct script *s = census->s;
    struct script_g *sg = lagoon__donor(L, s);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        int err = errno;
        if (sg != NULL) {
            lagoon__donated(sg);
        }
        return err;
    }
    setvbuf(file, buffer, _IOFBF, size);
    if (sg != NULL) {
        *out_rc = lg_heap_dump(s->rt, write_line, file);
        lagoon__donated(sg);
    }
    write_census(file, L, census);
    return finish(file);
}

// heap_dump(path): true; or nil, a message and a code.
static int heap_dump(lua_State *L)
{
    enum { BUFFER_SIZE = 64 * 1024 };
    struct script *s = lagoon__script(L);
    lagoon__check_path(L, 1, "heap_dump");
    struct census census = {.s = s};
    lagoon__reach_call(L, s, take_census, &census, "dump the heap");
    char *buffer = lua_newuserdata(L, BUFFER_SIZE);
    const char *path = lua_tostring(L, 1);
    int rc = LG_OK;
    int err = write_file(L, path, buffer, BUFFER_SIZE, &census, &rc);
    if (rc != LG_OK) {
        lagoon__raise(L, "cannot dump the heap: %s", lg_strerror(rc));
    }
    if (err) {
        return push_failure(L, path, err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

void lagoon__open_heap(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"heap_dump", heap_dump}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
