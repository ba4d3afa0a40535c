// SPDX-License-Identifier: MIT
//
// What a host in C hears of errors that leave goroutines.
#include <pthread.h>

#include "host.h"
#include "spec.h"

enum { TEXT_SIZE = 4096 };

// What was told, by any thread.
struct told {
    pthread_mutex_t lock;
    int n;
    lg_error_info info; // the last, with the texts below
    char name[TEXT_SIZE];
    char message[TEXT_SIZE];
    char traceback[TEXT_SIZE];
    char created_by[TEXT_SIZE];
};

static struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void copy(char *out, const char *text)
{
    strncpy(out, text ? text : "(none)", TEXT_SIZE - 1);
}

static void on_error(void *ud, const lg_error_info *info)
{
    struct told *to = ud;
    pthread_mutex_lock(&to->lock);
    to->n++;
    to->info = *info;
    copy(to->name, info->name);
    copy(to->message, info->message);
    copy(to->traceback, info->traceback);
    copy(to->created_by, info->created_by);
    pthread_mutex_unlock(&to->lock);
}

static int ntold(void)
{
    pthread_mutex_lock(&told.lock);
    int n = told.n;
    pthread_mutex_unlock(&told.lock);
    return n;
}

// listen(is_on): by a goroutine, whose runtime it is.
static int listen(lua_State *L)
{
    lg_on_error(lg_current(), lua_toboolean(L, 1) ? on_error : NULL, &told);
    return 0;
}

static int count(lua_State *L)
{
    lua_pushinteger(L, ntold());
    return 1;
}

static lua_State *open_listening(void)
{
    lua_State *L = host_open();
    lua_register(L, "listen", listen);
    lua_register(L, "count", count);
    host_run(L, "lagoon = require 'lagoon'\n"
                "function await(n) while count() < n do lagoon.yield() end end\n"
                "lagoon.run(listen, true)");
    return L;
}

it("lg_on_error", "tells of a goroutine's error, and whose it was")
{
    lua_State *L = open_listening();
    host_run(L, "lagoon.run(function()\n"
                "  lagoon.go(function()\n"
                "    lagoon.self():name('painter')\n"
                "    error 'lost'\n"
                "  end)\n"
                "  await(1)\n"
                "end)");
    CHECK_INT(told.n, 1);
    CHECK(told.info.goroutine > 0 && told.info.parent > 0);
    CHECK_STR(told.name, "painter");
    CHECK_HAS(told.message, "lost");
    CHECK_HAS(told.traceback, "stack traceback:");
    CHECK_HAS(told.created_by, ":2");
    lua_close(L);
}

it("lg_on_error", "tells of goroutines in other states")
{
    lua_State *L = open_listening();
    host_run(L, "lagoon.run(function()\n"
                "  lagoon.parallel(function()\n"
                "    require('lagoon').go(error, {})\n"
                "  end)\n"
                "  await(1)\n"
                "end)");
    CHECK_HAS(told.message, "a table value");
    lua_close(L);
}

it("lg_on_error", "tells of tasks that nobody asked, at the end at last")
{
    lua_State *L = open_listening();
    host_run(L, "lagoon.run(function()\n"
                "  local here = lagoon.async(error, 'here')\n"
                "  local there = lagoon.parallel(function() error('there', 0) end)\n"
                "  while here:status() ~= 'failed' or there:status() ~= 'failed' do\n"
                "    lagoon.yield()\n"
                "  end\n"
                "end)");
    lua_close(L);
    CHECK_INT(told.n, 2);
    CHECK_HAS(told.message, "nobody waited for it");
    CHECK_INT(told.info.goroutine, 0);
}

it("lg_on_error", "gets what the script's handler does not: its own errors")
{
    lua_State *L = open_listening();
    host_run(L, "lagoon.on_error(function(err)\n"
                "  if err == 'bad' then error 'in the handler' end\n"
                "  heard = err\n"
                "end)\n"
                "lagoon.run(function()\n"
                "  lagoon.go(error, 'good')\n"
                "  while not heard do lagoon.yield() end\n"
                "  lagoon.go(error, 'bad')\n"
                "  await(1)\n"
                "end)\n"
                "assert(heard == 'good')");
    CHECK_INT(told.n, 1);
    CHECK_HAS(told.message, "in the handler");
    lua_close(L);
}

it("lg_on_error", "ends with NULL: then it is standard error's again")
{
    lua_State *L = open_listening();
    host_run(L, "lagoon.run(function()\n"
                "  listen(false)\n"
                "  lagoon.go(error, 'this belongs here: on standard error')\n"
                "  lagoon.yield()\n"
                "end)");
    CHECK_INT(told.n, 0);
    lua_close(L);
}

static int lose(lua_State *L)
{
    host_run(L, "lagoon.run(function()\n"
                "  for i = 1, 10 do\n"
                "    lagoon.go(error, i)\n"
                "    lagoon.parallel(function() require('lagoon').go(error, i) end)\n"
                "  end\n"
                "  await(40)\n"
                "end)");
    return 0;
}

static void *lose_on_thread(void *arg)
{
    (void)arg;
    lua_State *L = open_listening();
    lose(L);
    lua_close(L);
    return NULL;
}

it("lg_on_error", "comes from the threads of several runtimes at once")
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, lose_on_thread, NULL), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_INT(told.n, 40);
}
