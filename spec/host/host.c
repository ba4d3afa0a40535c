// SPDX-License-Identifier: MIT
#include "host.h"

#include <dirent.h>
#include <lualib.h>

#include "open.h"
#include "spec.h"

lua_State *host_open(void)
{
    lua_State *L = luaL_newstate();
    CHECK(L != NULL);
    luaL_openlibs(L);
    lagoon_openlib(L);
    return L;
}

void host_run(lua_State *L, const char *text)
{
    if (luaL_dostring(L, text) != 0) {
        spec_fail(SPEC_HERE, "%s", lua_tostring(L, -1));
    }
}

const char *host_error(lua_State *L, const char *text)
{
    CHECK(luaL_dostring(L, text) != 0);
    return lua_tostring(L, -1);
}

static size_t count_entries(const char *path)
{
    size_t n = 0;
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    while (readdir(folder) != NULL) {
        n++;
    }
    closedir(folder);
    return n - 2; // "." and ".."
}

size_t host_threads(void)
{
    return count_entries("/proc/self/task");
}

size_t host_descriptors(void)
{
    return count_entries("/proc/self/fd") - 1; // that of the count
}

// libuv closes descriptors without a call that the sanitizer sees: to it, their numbers
// seem to be opened twice.
LG_API const char *__tsan_default_suppressions(void);
LG_API const char *__tsan_default_suppressions(void)
{
    return "race:epoll_create1\nrace:eventfd\nrace:pipe2\n";
}
