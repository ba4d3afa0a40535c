// SPDX-License-Identifier: MIT
//
// Several states in one process, each with a runtime of its own: in turns on one thread, at
// once on two, and handed from thread to thread.
#include <pthread.h>

#include "host.h"
#include "spec.h"

// Goroutines, tasks, timers, a socket and an error; returns a number to tell them apart.
static const char busy[] =
    "local lagoon = require 'lagoon'\n"
    "local told\n"
    "lagoon.on_error(function(err) told = err end)\n"
    "return lagoon.run(function()\n"
    "  local ch, sum = lagoon.chan(), 0\n"
    "  for i = 1, 20 do lagoon.go(function() lagoon.yield() ch:send(i) end) end\n"
    "  for _ = 1, 20 do sum = sum + ch:recv() end\n"
    "  local back = lagoon.chan(1)\n"
    "  lagoon.parallel(function(n) back:send({n}) end, mine):wait()\n"
    "  sum = sum + back:recv()[1]\n"
    "  local listener = assert(lagoon.net.listen('tcp', '127.0.0.1:0'))\n"
    "  lagoon.go(function()\n"
    "    local conn = listener:accept()\n"
    "    conn:write(tostring(mine))\n"
    "    conn:close()\n"
    "  end)\n"
    "  sum = sum + assert(lagoon.net.dial('tcp', listener:addr()):read('*a'))\n"
    "  lagoon.go(error, 'lost')\n"
    "  lagoon.sleep(0.001)\n"
    "  assert(told == 'lost')\n"
    "  lagoon.go(function() lagoon.chan():recv() end)\n" // left
    "  return sum\n"
    "end)";

static lua_State *open_mine(int mine)
{
    lua_State *L = host_open();
    lua_pushinteger(L, mine);
    lua_setglobal(L, "mine");
    return L;
}

static void check_busy(lua_State *L, int mine)
{
    lua_settop(L, 0);
    host_run(L, busy);
    CHECK_INT(lua_tointeger(L, 1), 210 + 2 * mine);
}

it("two states", "run in turns on one thread")
{
    lua_State *one = open_mine(1);
    lua_State *two = open_mine(2);
    for (int i = 0; i < 3; i++) {
        check_busy(one, 1);
        check_busy(two, 2);
    }
    lua_close(one);
    check_busy(two, 2);
    one = open_mine(3);
    check_busy(one, 3);
    lua_close(two);
    check_busy(one, 3);
    lua_close(one);
}

// lagoon.run() in a function that the other state's goroutine calls.
static int run_inner(lua_State *outer)
{
    lua_State *inner = lua_touserdata(outer, lua_upvalueindex(1));
    lua_settop(inner, 0);
    int status = luaL_dostring(inner, "local lagoon = require 'lagoon'\n"
                                      "return lagoon.run(lagoon.yield)");
    lua_pushboolean(outer, status == 0);
    lua_pushstring(outer, status == 0 ? "" : lua_tostring(inner, -1));
    return 2;
}

it("two states", "do not run inside one another, and say so")
{
    lua_State *outer = open_mine(1);
    lua_State *inner = open_mine(2);
    lua_pushlightuserdata(outer, inner);
    lua_pushcclosure(outer, run_inner, 1);
    lua_setglobal(outer, "run_inner");
    host_run(outer, "local lagoon = require 'lagoon'\n"
                    "local ok, err = lagoon.run(function() return run_inner() end)\n"
                    "assert(not ok)\n"
                    "assert(err:find('cannot be called from a callback', 1, true), err)");
    check_busy(inner, 2);
    lua_close(inner);
    check_busy(outer, 1);
    lua_close(outer);
}

static void *live(void *arg)
{
    int mine = *(int *)arg;
    for (int i = 0; i < spec_rounds(4); i++) {
        lua_State *L = open_mine(mine);
        check_busy(L, mine);
        check_busy(L, mine);
        lua_close(L);
    }
    return NULL;
}

it("two states", "run at once on two threads", .limit_s = 20)
{
    int mine[] = {1, 2};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, live, &mine[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void *use(void *arg)
{
    check_busy(arg, 1);
    return NULL;
}

static void *close(void *arg)
{
    lua_close(arg);
    return NULL;
}

static void on_another_thread(void *(*fn)(void *arg), lua_State *L)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, fn, L), 0);
    pthread_join(thread, NULL);
}

it("a state", "is used and closed on other threads than it was opened on")
{
    lua_State *L = open_mine(1);
    check_busy(L, 1);
    on_another_thread(use, L);
    check_busy(L, 1);
    on_another_thread(close, L);
    L = open_mine(1);
    on_another_thread(use, L);
    lua_close(L);
}
