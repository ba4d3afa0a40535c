// SPDX-License-Identifier: MIT
//
// The handler notes the signal in a word and rings an eventfd, which a goroutine reads as a
// connection. The handler's descriptor is never closed, as a handler may be about to use it; the
// connection has a duplicate.
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fail.h"
#include "net.h"
#include "signame.h"
#include "state.h"
#include "worldly.h"

enum { SIGNALS_MAX = 64 };

// Handlers are the process's, so this is, too; only the program's first state gets to it, one
// function at a time.
static int bell = -1;
static _Atomic uint64_t pending; // a bit per signal
static struct sigaction old_actions[SIGNALS_MAX];
static bool is_caught[SIGNALS_MAX];
static void (*_Atomic told_first)(int signo);

void lagoon__signals_tell_first(void (*fn)(int signo))
{
    // release: pairs with the acquire in on_signal(); what fn needs is there
    atomic_store_explicit(&told_first, fn, memory_order_release);
}

static void on_signal(int signo)
{
    static const uint64_t one = 1;
    int saved = errno;
    // acquire: pairs with the release in lagoon__signals_tell_first()
    void (*tell)(int) = atomic_load_explicit(&told_first, memory_order_acquire);
    if (tell != NULL) {
        tell(signo);
    }
    // release: pairs with the acquire in take(); says that the signal came before
    atomic_fetch_or_explicit(&pending, UINT64_C(1) << signo, memory_order_release);
    ssize_t n = write(bell, &one, sizeof one); // if it is full it rings already
    (void)n;
    errno = saved;
}

static struct script *check_script(lua_State *L)
{
    struct script *s = lagoon__script(L);
    lagoon__rt(L, s);
    struct script_g *sg = lg_extra_self();
    if (!s->is_program || s->worker != NULL) {
        lagoon__raise(L,
                      "signals are for the lagoon program's first Lua state: here they "
                      "belong to the host");
    }
    if (sg == NULL || sg->script != s) {
        lagoon__raise(L, "cannot wait for signals outside a goroutine");
    }
    return s;
}

// Whether a program may have it: not what cannot be caught, what the thread's own fault has
// caused, or what the runtime stops threads with.
static bool is_allowed(int signo)
{
    switch (signo) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS:
    case SIGURG: return false;
    default: return signo > 0 && signo < SIGNALS_MAX;
    }
}

// number(name): raises for what no program may be notified of.
static int number(lua_State *L)
{
    check_script(L);
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    int signo = lagoon__signal_number(name);
    if (signo == 0) {
        lagoon__raise(L, "bad argument to 'notify' (the name of a signal expected)");
    }
    if (!is_allowed(signo)) {
        lagoon__raise(L, "bad argument to 'notify' (%s cannot be waited for)",
                      lagoon__signal_name(signo));
    }
    lua_pushinteger(L, signo);
    return 1;
}

// open() -> connection: something can be read from it when a signal has come.
static int open_bell(lua_State *L)
{
    struct script *s = check_script(L);
    struct conn *conn = lagoon__object_new(L, s, KIND_CONN, sizeof *conn);
    if (bell < 0) {
        bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    int fd = bell < 0 ? -1 : fcntl(bell, F_DUPFD_CLOEXEC, 0);
    int rc = fd < 0 ? LG_ESYSTEM - errno : lg_conn_adopt(fd, &conn->core);
    return rc == LG_OK ? 1 : lagoon__return_failed(L, rc);
}

static int catch (lua_State *L)
{
    int signo = luaL_checkint(L, 1);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK; // goroutines' stacks are too small
    sigemptyset(&action.sa_mask);
    if (!is_caught[signo] && sigaction(signo, &action, &old_actions[signo]) == 0) {
        is_caught[signo] = true;
    }
    return 0;
}

static int release(lua_State *L)
{
    int signo = luaL_checkint(L, 1);
    if (is_caught[signo]) {
        sigaction(signo, &old_actions[signo], NULL);
        is_caught[signo] = false;
    }
    return 0;
}

// take() -> number: one that has come and was not taken yet; or nil.
static int take(lua_State *L)
{
    // acquire: pairs with the release in on_signal()
    uint64_t come = atomic_load_explicit(&pending, memory_order_acquire);
    if (come == 0) {
        return 0;
    }
    int signo = __builtin_ctzll(come);
    // acquire: as above
    atomic_fetch_and_explicit(&pending, ~(UINT64_C(1) << signo), memory_order_acquire);
    lua_pushinteger(L, signo);
    return 1;
}

void lagoon__open_signals(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"signal_number", number},   {"signal_open", open_bell}, {"signal_catch", catch},
        {"signal_release", release}, {"signal_take", take},      {NULL, NULL}};
    lagoon__register(L, s, functions);
}
