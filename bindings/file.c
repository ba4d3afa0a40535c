// SPDX-License-Identifier: MIT
//
// Several goroutines may be in calls on one file, in line: what a call reports stands in the record
// of its goroutine.
#include "file.h"

#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "object.h"
#include "state.h"
#include "stream.h"
#include "wait.h"
#include "worldly.h"

struct file {
    struct object object;
    lg_file *core; // NULL: finalised
};

static struct file *check_file(lua_State *L, const char *method)
{
    struct file *file = lagoon__self(L, KIND_FILE, method);
    if (file->core == NULL) {
        lagoon__raise(L, "calling '%s' on a dead file", method);
    }
    return file;
}

// Where a call of a goroutine leaves a number, and what stands there.
static void *number_place(struct script_g *sg)
{
    return &sg->value.number;
}

static int64_t number_of(const struct script_g *sg)
{
    int64_t number;
    memcpy(&number, &sg->value.number, sizeof number);
    return number;
}

// The goroutine that makes a call which cannot be tried: LG_EAGAIN, if there is none.
static int begin(lua_State *L, struct script_g **out)
{
    int64_t deadline_ns = LG_NEVER;
    *out = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    return *out == &(*out)->script->outside ? LG_EAGAIN : LG_OK;
}

static int finish_true(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushboolean(L, 1);
    return 2;
}

// -- opening and closing --

// A mode as fopen's; 0: it is none.
static uint32_t flags_of(const char *mode)
{
    uint32_t flags;
    switch (*mode++) {
    case 'r': flags = LG_OPEN_READ; break;
    case 'w': flags = LG_OPEN_WRITE | LG_OPEN_CREATE | LG_OPEN_TRUNCATE; break;
    case 'a': flags = LG_OPEN_APPEND | LG_OPEN_CREATE; break;
    default: return 0;
    }
    for (; *mode != '\0'; mode++) {
        if (*mode == '+') {
            flags |= LG_OPEN_READ | (flags & LG_OPEN_APPEND ? 0 : LG_OPEN_WRITE);
        } else if (*mode == 'x' && (flags & LG_OPEN_CREATE)) {
            flags |= LG_OPEN_EXCLUSIVE;
        } else if (*mode != 'b') {
            return 0;
        }
    }
    return flags;
}

static int finish_open(lua_State *L, struct script_g *sg, int rc)
{
    lg_file *core = sg->value.ptr;
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    sg->value.ptr = NULL;
    struct file *file =
        lua_touserdata(L, -1); // made before: here nobody catches an error
    file->core = core;
    lua_pushinteger(L, WAIT_OK);
    lua_pushvalue(L, -2);
    return 2;
}

// open(path, mode)
static int open(lua_State *L)
{
    const char *path = lagoon__check_path(L, 1, "open");
    uint32_t flags = LG_OPEN_READ;
    if (!lua_isnoneornil(L, 2)) {
        flags = lua_type(L, 2) == LUA_TSTRING ? flags_of(lua_tostring(L, 2)) : 0;
    }
    if (flags == 0) {
        lagoon__raise_argument(L, 2, "open", "invalid mode");
    }
    lagoon__object_new(L, lagoon__script(L), KIND_FILE, sizeof(struct file));
    struct script_g *sg;
    int rc = begin(L, &sg);
    sg->value.ptr = NULL;
    sg->parked_on = PARKED_TO_OPEN;
    rc = rc ? rc : lg_file_open(path, flags, (lg_file **)(void *)&sg->value.ptr);
    return lagoon__settle(L, sg, rc, finish_open);
}

static int file_free(lua_State *L)
{
    struct file *file = lagoon__object_at(L, 1, KIND_FILE);
    if (file == NULL) {
        return 0; // a script has called it
    }
    lg_file_free(file->core); // also behind its runtime: its memory is not of that
    file->core = NULL;
    lagoon__object_end(&file->object);
    return 0;
}

static int close(lua_State *L)
{
    struct file *file = check_file(L, "close");
    struct script_g *sg;
    int rc = begin(L, &sg);
    rc = rc ? rc : lg_file_close(file->core);
    return lagoon__settle(L, sg, rc, finish_true);
}

// -- reading and writing --

static size_t peek(const void *core, const void **out)
{
    return lg_file_peek(core, out);
}

static void skip(void *core, size_t n)
{
    lg_file_skip(core, n);
}

static const struct stream_ops file_bytes = {.peek = peek, .skip = skip};

static int finish_read(lua_State *L, struct script_g *sg, int rc)
{
    struct file *file = lua_touserdata(L, 1);
    struct format format;
    lagoon__read_format(L, &format);
    size_t n = (size_t)number_of(sg);
    if (rc == LG_OK) {
        lua_pushinteger(L, WAIT_OK);
        lagoon__push_taken(L, &file_bytes, file->core, n, format.chopped);
        return 2;
    }
    int count = lagoon__finish_failed(L, sg, rc);
    if (format.want == LG_WANT_ALL && rc <= LG_ESYSTEM && n > 0) {
        lua_settop(L, lua_gettop(L) + 4 - count);
        lagoon__push_taken(L, &file_bytes, file->core, n, 0);
        count = 5;
    }
    return count;
}

static int read(lua_State *L)
{
    struct file *file = check_file(L, "read");
    struct format format;
    if (!lagoon__read_format(L, &format)) {
        lagoon__raise_argument(L, 1, "read", "invalid format");
    }
    struct script_g *sg;
    int rc = begin(L, &sg);
    memset(number_place(sg), 0, sizeof(int64_t));
    rc =
        rc ? rc
           : lg_file_await(file->core, format.want, format.n, number_place(sg), LG_NEVER);
    return lagoon__settle_making(L, sg, rc, finish_read);
}

static int finish_write(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        int n = lagoon__finish_failed(L, sg, rc);
        return lagoon__add_count(L, n, (size_t)number_of(sg));
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushnumber(L, (double)number_of(sg));
    return 2;
}

static int write(lua_State *L)
{
    struct file *file = check_file(L, "write");
    lagoon__join_arguments(L);
    size_t length;
    const char *text = lua_tolstring(L, 2, &length);
    struct script_g *sg;
    int rc = begin(L, &sg);
    memset(number_place(sg), 0, sizeof(int64_t));
    rc = rc ? rc : lg_file_write(file->core, text, length, number_place(sg), LG_NEVER);
    return lagoon__settle(L, sg, rc, finish_write);
}

// -- the others --

static int finish_seek(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushnumber(L, (double)number_of(sg));
    return 2;
}

// seek(file, whence, offset)
static int seek(lua_State *L)
{
    static const char *const names[] = {"set", "cur", "end", NULL};
    struct file *file = check_file(L, "seek");
    int whence = LG_FROM_HERE;
    if (!lua_isnoneornil(L, 2)) {
        const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
        whence = 0;
        while (names[whence] != NULL && strcmp(names[whence], name) != 0) {
            whence++;
        }
    }
    if (names[whence] == NULL) {
        lagoon__raise_argument(L, 1, "seek", "'set', 'cur' or 'end' expected");
    }
    double offset = lua_isnoneornil(L, 3) ? 0 : lua_tonumber(L, 3);
    if (!(offset > -9e15 && offset < 9e15) || offset != (double)(int64_t)offset ||
        (!lua_isnoneornil(L, 3) && !lua_isnumber(L, 3))) {
        lagoon__raise_argument(L, 2, "seek", "a whole number expected");
    }
    struct script_g *sg;
    int rc = begin(L, &sg);
    rc = rc ? rc
            : lg_file_seek(file->core, (int64_t)offset, (lg_whence)whence,
                           number_place(sg));
    return lagoon__settle(L, sg, rc, finish_seek);
}

static int sync(lua_State *L)
{
    struct file *file = check_file(L, "sync");
    struct script_g *sg;
    int rc = begin(L, &sg);
    rc = rc ? rc : lg_file_sync(file->core);
    return lagoon__settle(L, sg, rc, finish_true);
}

static const char *type_of(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "link";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    case S_IFCHR: return "char";
    case S_IFBLK: return "block";
    default: return "unknown";
    }
}

void lagoon__push_stat(lua_State *L, const lg_stat *stat)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, type_of(stat->mode));
    lua_setfield(L, -2, "type");
    lua_pushnumber(L, (double)stat->size_bytes);
    lua_setfield(L, -2, "size");
    lua_pushnumber(L, (double)(stat->mode & 07777));
    lua_setfield(L, -2, "mode");
    lua_pushnumber(L, (double)stat->mtime_ns / 1e9);
    lua_setfield(L, -2, "mtime");
}

static int finish_stat(lua_State *L, struct script_g *sg, int rc)
{
    if (rc != LG_OK) {
        return lagoon__finish_failed(L, sg, rc);
    }
    const lg_stat *stat = lua_touserdata(L, 2);
    lua_pushinteger(L, WAIT_OK);
    lagoon__push_stat(L, stat);
    return 2;
}

static int tell(lua_State *L)
{
    struct file *file = check_file(L, "stat");
    lua_settop(L, 1);
    lg_stat *out = lua_newuserdata(L, sizeof *out);
    struct script_g *sg;
    int rc = begin(L, &sg);
    rc = rc ? rc : lg_file_stat(file->core, out);
    return lagoon__settle_making(L, sg, rc, finish_stat);
}

void lagoon__open_file(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"file_open", open}, {"file_close", close},
                                         {"file_read", read}, {"file_write", write},
                                         {"file_seek", seek}, {"file_sync", sync},
                                         {"file_stat", tell}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", file_free}, {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_FILE);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
}
