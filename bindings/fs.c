// SPDX-License-Identifier: MIT
//
// Each call is a request, which a thread of the core's pool works on while the goroutine waits:
// system calls on files block their thread. It is in memory of the C library's, with copies of what
// it needs: it may outlive the state.
#include "fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "file.h"
#include "state.h"
#include "wait.h"
#include "worldly.h"

enum { FIRST_PIECE = 64 * 1024 };

struct request {
    void (*run)(struct request *request); // on the pool's thread
    char *path;
    char *other; // where to, or what is written
    size_t length;
    int err;     // an errno; 0: it went well
    char *bytes; // what was read, or the names in a folder, each with its zero
    size_t nbytes;
    size_t cap;
    struct stat stat;
};

// -- on the pool's thread --

static bool make_room(struct request *r, size_t more)
{
    if (r->cap - r->nbytes >= more) {
        return true;
    }
    size_t cap = r->cap * 2 > r->nbytes + more ? r->cap * 2 : r->nbytes + more;
    char *bytes = realloc(r->bytes, cap);
    if (bytes == NULL) {
        r->err = ENOMEM;
        return false;
    }
    r->bytes = bytes;
    r->cap = cap;
    return true;
}

static void read_all(struct request *r, int fd)
{
    ssize_t n;
    do {
        if (!make_room(r, r->nbytes == 0 ? FIRST_PIECE : 1)) {
            return;
        }
        n = read(fd, r->bytes + r->nbytes, r->cap - r->nbytes);
        r->nbytes += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    r->err = n < 0 ? errno : 0;
}

static void run_read(struct request *r)
{
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        r->err = errno;
        return;
    }
    // The size is a hint: what stands in /proc has none. One more, to see the end.
    if (fstat(fd, &r->stat) == 0 && r->stat.st_size > 0) {
        make_room(r, (size_t)r->stat.st_size + 1);
    }
    if (r->err == 0) {
        read_all(r, fd);
    }
    close(fd);
}

static void write_all(struct request *r, int fd)
{
    size_t done = 0;
    while (done < r->length) {
        ssize_t n = write(fd, r->other + done, r->length - done);
        if (n < 0 && errno != EINTR) {
            r->err = errno;
            return;
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

static void run_write(struct request *r)
{
    int fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        r->err = errno;
        return;
    }
    write_all(r, fd);
    if (close(fd) != 0 && r->err == 0) {
        r->err = errno;
    }
}

static void run_stat(struct request *r)
{
    r->err = stat(r->path, &r->stat) == 0 ? 0 : errno;
}

static void run_list(struct request *r)
{
    DIR *dir = opendir(r->path);
    if (dir == NULL) {
        r->err = errno;
        return;
    }
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        size_t size = strlen(entry->d_name) + 1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (!make_room(r, size)) {
            break;
        }
        memcpy(r->bytes + r->nbytes, entry->d_name, size);
        r->nbytes += size;
    }
    r->err = r->err != 0 ? r->err : errno;
    closedir(dir);
}

static void run_mkdir(struct request *r)
{
    r->err = mkdir(r->path, 0777) == 0 ? 0 : errno;
}

static void run_remove(struct request *r)
{
    r->err = remove(r->path) == 0 ? 0 : errno;
}

static void run_rename(struct request *r)
{
    r->err = rename(r->path, r->other) == 0 ? 0 : errno;
}

static void request_free(void *arg)
{
    struct request *r = arg;
    if (r != NULL) {
        free(r->path);
        free(r->other);
        free(r->bytes);
        free(r);
    }
}

static void run(void *arg)
{
    struct request *request = arg;
    request->run(request);
}

// -- results --

// On the stack of a call.
enum { AT_PUSH_RESULT = 3, AT_REQUEST };

static void push_stat(lua_State *L, const struct stat *stat)
{
    lg_stat out = {
        .mode = stat->st_mode,
        .size_bytes = stat->st_size,
        .mtime_ns = (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec,
    };
    lagoon__push_stat(L, &out);
}

static void push_names(lua_State *L, const struct request *r)
{
    lua_newtable(L);
    int n = 0;
    for (size_t at = 0; at < r->nbytes; at += strlen(r->bytes + at) + 1) {
        lua_pushstring(L, r->bytes + at);
        lua_rawseti(L, -2, ++n);
    }
}

// push_result(request): what it has come to.
static int push_result(lua_State *L)
{
    const struct request *r = lua_touserdata(L, 1);
    if (r->run == run_read) {
        lua_pushlstring(L, r->bytes != NULL ? r->bytes : "", r->nbytes);
    } else if (r->run == run_stat) {
        push_stat(L, &r->stat);
    } else if (r->run == run_list) {
        push_names(L, r);
    } else {
        lua_pushboolean(L, 1);
    }
    return 1;
}

// The request is freed even if there is no memory for its result.
static int finish(lua_State *L, struct script_g *sg, int rc)
{
    struct request *r = lua_touserdata(L, AT_REQUEST); // NULL: there was no memory for it
    if (rc == LG_OK && r->err != 0) {
        rc = LG_ESYSTEM - r->err;
    }
    if (rc != LG_OK) {
        request_free(r);
        return lagoon__finish_failed(L, sg, rc);
    }
    lua_pushinteger(L, WAIT_OK);
    lua_pushvalue(L, AT_PUSH_RESULT);
    lua_pushvalue(L, AT_REQUEST);
    int status = lua_pcall(L, 1, 1, 0);
    request_free(r);
    return status == 0 ? 2 : lua_error(L);
}

// -- calls --

static char *copy(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    if (out != NULL) {
        memcpy(out, text, length + 1);
    }
    return out;
}

// Starts a request about the path at index 1, and the other string at index 2 if there is
// one. The request stands above them.
static int start(lua_State *L, void (*what)(struct request *r))
{
    size_t length;
    lua_settop(L, 2);
    lua_pushcfunction(L, push_result); // nothing fails once the request is there
    int64_t deadline_ns = LG_NEVER;
    struct script_g *sg = lagoon__waiter(L, lagoon__script(L), &deadline_ns);
    if (sg == &sg->script->outside) {
        return lagoon__settle_making(L, sg, LG_EAGAIN, finish);
    }
    struct request *r = calloc(1, sizeof *r);
    const char *path = lua_tolstring(L, 1, &length);
    lua_pushlightuserdata(L, r);
    int rc = LG_ENOMEM;
    if (r != NULL) {
        r->run = what;
        r->path = copy(path, length);
        const char *other = lua_tolstring(L, 2, &r->length);
        r->other = other != NULL ? copy(other, r->length) : NULL;
        bool is_whole = r->path != NULL && (other == NULL || r->other != NULL);
        rc = is_whole ? lg_work(run, request_free, r) : LG_ENOMEM;
    }
    return lagoon__settle_making(L, sg, rc, finish);
}

static int with_path(lua_State *L, const char *name, void (*what)(struct request *r))
{
    lagoon__check_path(L, 1, name);
    lua_settop(L, 1);
    return start(L, what);
}

static int fs_read(lua_State *L)
{
    return with_path(L, "read", run_read);
}

static int fs_write(lua_State *L)
{
    lagoon__check_path(L, 1, "write");
    if (!lua_isstring(L, 2)) {
        lagoon__raise_argument(L, 2, "write", "a string expected, got %s",
                               lagoon__type_name(L, 2));
    }
    return start(L, run_write);
}

static int fs_stat(lua_State *L)
{
    return with_path(L, "stat", run_stat);
}

static int fs_list(lua_State *L)
{
    return with_path(L, "list", run_list);
}

static int fs_mkdir(lua_State *L)
{
    return with_path(L, "mkdir", run_mkdir);
}

static int fs_remove(lua_State *L)
{
    return with_path(L, "remove", run_remove);
}

static int fs_rename(lua_State *L)
{
    lagoon__check_path(L, 1, "rename");
    lagoon__check_path(L, 2, "rename");
    return start(L, run_rename);
}

void lagoon__open_fs(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"fs_read", fs_read},     {"fs_write", fs_write},
        {"fs_stat", fs_stat},     {"fs_list", fs_list},
        {"fs_mkdir", fs_mkdir},   {"fs_remove", fs_remove},
        {"fs_rename", fs_rename}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
