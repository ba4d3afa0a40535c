// SPDX-License-Identifier: MIT
//
// Whoever writes has the file's lock, flock()'s, and looks then whether the file is still the one
// of that name: one that is cut short is replaced, by rename(), under the lock of the old one. Who
// has waited for that begins anew with the file that is there now.
#include "statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_folders(const char *path)
{
    char folder[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        if (length >= sizeof folder) {
            return;
        }
        memcpy(folder, path, length);
        folder[length] = '\0';
        mkdir(folder, 0700); // if it is not there afterwards, opening the file tells why
    }
}

static bool lock(int fd)
{
    int err;
    do {
        err = flock(fd, LOCK_EX);
    } while (err != 0 && errno == EINTR);
    return err == 0;
}

static bool is_at(int fd, const char *path)
{
    struct stat opened;
    struct stat named;
    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static void make_private(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && (stat.st_mode & 077) != 0) {
        fchmod(fd, 0600);
    }
}

// Opens the file, with its lock, which closing gives back; -1: errno says why not. Without the
// lock only where there are none, and so nobody who replaces files.
static int open_locked(const char *path, int flags, bool *out_is_locked)
{
    for (;;) {
        int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            return -1;
        }
        *out_is_locked = lock(fd);
        if (!*out_is_locked || is_at(fd, path)) {
            make_private(fd);
            return fd;
        }
        close(fd);
    }
}

static int append_private(lua_State *L)
{
    size_t size;
    const char *path = luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &size);
    make_folders(path);
    bool is_locked;
    int fd = open_locked(path, O_WRONLY | O_APPEND | O_CREAT, &is_locked);
    ssize_t n = fd >= 0 ? write(fd, text, size) : -1;
    int why = n < 0 ? errno : ENOSPC;
    if (fd >= 0) {
        close(fd);
    }
    if (n == (ssize_t)size) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushfstring(L, "cannot write %s: %s", path, strerror(why));
    return 2;
}

// The file's bytes, malloc()ed; NULL: they cannot be read.
static char *read_all(int fd, size_t *out_size)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        return NULL;
    }
    size_t size = (size_t)stat.st_size;
    char *bytes = malloc(size + 1);
    size_t have = 0;
    while (bytes != NULL && have < size) {
        ssize_t n = read(fd, bytes + have, size - have);
        if (n <= 0) {
            free(bytes);
            return NULL;
        }
        have += (size_t)n;
    }
    *out_size = size;
    return bytes;
}

// Where the last so many lines begin; NULL: there are not more than `most`.
static const char *last_lines(const char *bytes, size_t size, size_t most, size_t kept)
{
    const char *first = NULL;
    size_t nlines = 0;
    for (size_t i = size; i > 0; i--) {
        if (bytes[i - 1] == '\n' && nlines++ == kept) {
            first = bytes + i;
        }
    }
    return nlines > most ? first : NULL;
}

// Has a new file take the place of the one at the path, which the caller has locked.
static void replace(const char *path, const char *bytes, size_t size)
{
    char beside[PATH_MAX];
    if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) {
        return;
    }
    unlink(beside); // of a process that was killed here
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return;
    }
    bool is_whole = write(fd, bytes, size) == (ssize_t)size && fsync(fd) == 0;
    is_whole = close(fd) == 0 && is_whole;
    if (!is_whole || rename(beside, path) != 0) {
        unlink(beside);
    }
}

static int trim_private(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    size_t most = (size_t)luaL_checkinteger(L, 2);
    size_t kept = (size_t)luaL_checkinteger(L, 3);
    bool is_locked = false;
    int fd = open_locked(path, O_RDONLY | O_NONBLOCK, &is_locked);
    size_t size = 0;
    char *bytes = is_locked ? read_all(fd, &size) : NULL;
    const char *first = bytes ? last_lines(bytes, size, most, kept) : NULL;
    if (first != NULL) {
        replace(path, first, (size_t)(bytes + size - first));
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return 0;
}

const luaL_Reg lagoon__statefile_functions[] = {
    {"append_private", append_private}, {"trim_private", trim_private}, {NULL, NULL}};
