// SPDX-License-Identifier: MIT
//
// Whether a descriptor blocks is a property of what was opened, which other processes have as well:
// a shell's terminal must not be found non-blocking. So a terminal or pipe is opened once more; a
// socket can be read without that.
#include "stdin.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"
#include "state.h"

enum { FIRST_PRIVATE = 3 }; // descriptor that is none of the standard ones

// A descriptor of standard input that can be waited for; -1: there is none.
static int open_again(void)
{
    struct stat stat;
    if (fstat(STDIN_FILENO, &stat) != 0) {
        return -1;
    }
    if (S_ISSOCK(stat.st_mode)) {
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, FIRST_PRIVATE);
    }
    if (S_ISFIFO(stat.st_mode) || isatty(STDIN_FILENO)) {
        return open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return -1;
}

// stdin_open(): a connection, and whether it is a terminal; false: there will be none;
// nil: not here and now.
static int open_stdin(lua_State *L)
{
    struct script *s = lagoon__script(L);
    struct script_g *sg = lg_extra_self();
    if (!s->is_program || s->worker != NULL) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (s->rt == NULL || sg == NULL || sg->script != s) {
        return 0;
    }
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    int fd = open_again();
    if (fd < 0 || lg_conn_adopt_shared(fd, &conn->core) != LG_OK) {
        lua_pushboolean(L, 0);
    }
    lua_pushboolean(L, isatty(STDIN_FILENO));
    return 2;
}

void lagoon__open_stdin(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"stdin_open", open_stdin}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
