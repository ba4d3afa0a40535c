// SPDX-License-Identifier: MIT
#include "statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>
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

int lagoon__append_private(lua_State *L)
{
    size_t size;
    const char *path = luaL_checkstring(L, 1);
    const char *text = luaL_checklstring(L, 2, &size);
    make_folders(path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    // In one piece: other sessions append to it, too.
    ssize_t n = fd >= 0 ? write(fd, text, size) : -1;
    int why = errno;
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
