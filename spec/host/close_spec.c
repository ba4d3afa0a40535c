// SPDX-License-Identifier: MIT
//
// A host closes its state whenever it likes: nothing is left, and nothing dies of it.
#include <stdio.h>

#include "host.h"
#include "spec.h"

// What goes on when the state is closed. Each is left by lagoon.run with all of it there.
struct situation {
    const char *name;
    const char *text;
};

static const struct situation situations[] = {
    {"nothing was begun", "require 'lagoon'"},
    {"goroutines wait for channels, locks and each other",
     "local lagoon = require 'lagoon'\n"
     "local go = lagoon.go\n"
     "lagoon.run(function()\n"
     "  local never, full = lagoon.chan(), lagoon.chan(1)\n"
     "  full:send(1)\n"
     "  local mutex, semaphore = lagoon.mutex(), lagoon.semaphore(1)\n"
     "  local group, task = lagoon.waitgroup(), nil\n"
     "  mutex:lock() semaphore:acquire() group:add(1)\n"
     "  go(function() never:recv() end)\n"
     "  go(function() full:send({}) end)\n"
     "  go(function() lagoon.select(never, full:sending(2)) end)\n"
     "  go(function() mutex:lock() end)\n"
     "  go(function() semaphore:acquire() end)\n"
     "  go(function() group:wait() end)\n"
     "  go(function() table.sort({3, 2, 1}, function() never:recv() end) end)\n"
     "  go(function() pcall(coroutine.wrap(function() never:recv() end)) end)\n"
     "  task = lagoon.async(function() never:recv() end)\n"
     "  go(function() task:wait() end)\n"
     "  for _ = 1, 20 do lagoon.yield() end\n"
     "end)"},
    {"timers run",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function()\n"
     "  kept = {lagoon.after(100), lagoon.tick(0.0001), lagoon.timer(100, print)}\n"
     "  lagoon.timer(200, print)\n"
     "  lagoon.go(function() lagoon.sleep(100) end)\n"
     "  lagoon.go(function() lagoon.chan():recv(100) end)\n"
     "  kept[2]:recv()\n"
     "  local context = lagoon.context\n"
     "  kept[4] = context.with_timeout(context.background(), 100):done()\n"
     "end)"},
    {"tasks wait in states of their own",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function()\n"
     "  local ready, never = lagoon.chan(), lagoon.chan()\n"
     "  for i = 1, 4 do\n"
     "    lagoon.parallel(function() ready:send(i) never:recv() end)\n"
     "  end\n"
     "  for _ = 1, 4 do ready:recv() end\n"
     "  kept = lagoon.parallel(function() return {} end)\n"
     "  lagoon.parallel(function() return kept end)\n" // has not begun
     "end)"},
    {"tasks of tasks wait",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function()\n"
     "  local ready, never = lagoon.chan(), lagoon.chan()\n"
     "  lagoon.parallel(function()\n"
     "    local lagoon = require 'lagoon'\n"
     "    lagoon.parallel(function() ready:send(1) never:recv() end):wait()\n"
     "  end)\n"
     "  ready:recv()\n"
     "end)"},
    {"sockets are read, written, accepted from and dialled",
     "local lagoon = require 'lagoon'\n"
     "local go, net = lagoon.go, lagoon.net\n"
     "lagoon.run(function()\n"
     "  local listener = assert(net.listen('tcp', '127.0.0.1:0'))\n"
     "  local to = assert(net.dial('tcp', listener:addr()))\n"
     "  local from = assert(listener:accept())\n"
     "  local udp = assert(net.udp('127.0.0.1:0'))\n"
     "  go(function() listener:accept() end)\n"
     "  go(function() from:read(10) end)\n"
     "  go(function() to:write(('x'):rep(1e7)) end)\n"
     "  go(function() udp:recv_from() end)\n"
     "  go(function() net.dial('tcp', listener:addr()) end)\n"
     "  go(function() net.resolve('localhost') end)\n"
     "  for _ = 1, 5 do lagoon.yield() end\n"
     "end)"},
    {"a server serves",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function()\n"
     "  local http, never = lagoon.http, lagoon.chan()\n"
     "  local begun = lagoon.chan()\n"
     "  local server = assert(http.serve('127.0.0.1:0', function(req, res)\n"
     "    begun:send(true)\n"
     "    never:recv()\n"
     "  end))\n"
     "  lagoon.go(function() http.get('http://' .. server:addr()) end)\n"
     "  begun:recv()\n"
     "end)"},
    {"children run",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function()\n"
     "  local child = assert(lagoon.process.spawn('sleep', {'0.2'}))\n"
     "  lagoon.go(function() child:wait() end)\n"
     "  lagoon.go(function() lagoon.process.run('cat', {'/dev/null'}) end)\n"
     "  lagoon.go(function() lagoon.process.run('sleep', {'0.2'}) end)\n"
     "  for _ = 1, 5 do lagoon.yield() end\n"
     "end)"},
    {"files are read", "local lagoon = require 'lagoon'\n"
                       "lagoon.run(function()\n"
                       "  local file = assert(lagoon.fs.open('/dev/zero', 'r'))\n"
                       "  local watch = assert(lagoon.fs.watch('/tmp'))\n"
                       "  lagoon.go(function() file:read(1e7) end)\n"
                       "  lagoon.go(function() lagoon.fs.list('/usr/bin') end)\n"
                       "  lagoon.go(function() watch:recv() end)\n"
                       "  for _ = 1, 3 do lagoon.yield() end\n"
                       "end)"},
    {"an error has left lagoon.run, and others a goroutine and a task",
     "local lagoon = require 'lagoon'\n"
     "lagoon.on_error(function() end)\n"
     "pcall(lagoon.run, function()\n"
     "  lagoon.go(function() error 'unheard' end)\n"
     "  lagoon.parallel(function() require('lagoon').go(error, 'unheard') end)\n"
     "  lagoon.go(function() pcall(function() lagoon.chan():recv() end) end)\n"
     "  lagoon.yield()\n"
     "  error 'thrown'\n"
     "end)"},
    {"a coroutine of the host's has run it",
     "local lagoon = require 'lagoon'\n"
     "kept = coroutine.create(function()\n"
     "  lagoon.run(function() lagoon.go(function() lagoon.chan():recv() end) end)\n"
     "  coroutine.yield()\n"
     "end)\n"
     "assert(coroutine.resume(kept))"},
    {"finalisers use it",
     "local first = newproxy(true)\n" // finalised after all of ours
     "local lagoon = require 'lagoon'\n"
     "local function use()\n"
     "  pcall(lagoon.go, print)\n"
     "  pcall(lagoon.parallel, print)\n"
     "  pcall(function() lagoon.chan(1):send({}) end)\n"
     "  pcall(lagoon.run, function() lagoon.yield() lagoon.chan():try_recv() end)\n"
     "end\n"
     "getmetatable(first).__gc = use\n"
     "lagoon.run(function() lagoon.go(function() lagoon.chan():recv() end) end)\n"
     "kept = {first, newproxy(true)}\n"
     "getmetatable(kept[2]).__gc = use\n"},
    {"it was required again",
     "local lagoon = require 'lagoon'\n"
     "lagoon.run(function() lagoon.go(function() lagoon.sleep(100) end) end)\n"
     "package.loaded.lagoon = nil\n"
     "assert(require 'lagoon' == lagoon)\n"
     "for name in pairs(package.loaded) do\n"
     "  if name:find('^lagoon') then package.loaded[name] = nil end\n"
     "end\n"
     "lagoon = nil\n"
     "collectgarbage() collectgarbage()\n"
     "lagoon = require 'lagoon'\n"
     "lagoon.run(function() lagoon.go(function() lagoon.sleep(100) end) end)"},
};

enum { NSITUATIONS = sizeof situations / sizeof situations[0] };

static void open_and_close(const struct situation *situation)
{
    lua_State *L = host_open();
    host_run(L, situation->text);
    lua_close(L);
}

// libuv keeps a few threads and descriptors for the process once it has them.
static void check_rounds(int nrounds)
{
    for (int i = 0; i < NSITUATIONS; i++) {
        open_and_close(&situations[i]);
        SETTLE(!lg_has_left_work());
        size_t nthreads = host_threads();
        size_t ndescriptors = host_descriptors();
        for (int round = 0; round < nrounds; round++) {
            open_and_close(&situations[i]);
        }
        // A thread that was joined may still stand in /proc.
        SETTLE(host_threads() <= nthreads);
        SETTLE(!lg_has_left_work()); // a read of a file, say
        if (host_descriptors() > ndescriptors) {
            spec_fail(SPEC_HERE, "%s: descriptors are left", situations[i].name);
        }
    }
}

it("lua_close in a host", "leaves nothing, whatever goes on", .limit_s = 20)
{
    check_rounds(1);
}

it("lua_close in a host", "leaves nothing, again and again", .is_stress = true,
   .limit_s = 120)
{
    check_rounds(60);
}

// Asked by tasks that compute until they may end.
LG_API int host_may_end(void);
static _Atomic int may_end;

int host_may_end(void)
{
    return atomic_load(&may_end);
}

static void compute_and_close(const char *text)
{
    size_t nthreads = host_threads();
    lua_State *L = host_open();
    host_run(L, "ffi = require 'ffi'\n"
                "ffi.cdef 'int host_may_end(void);'\n"
                "lagoon = require 'lagoon'\n"
                "lagoon.runtime.procs(3)");
    host_run(L, text);
    lua_close(L);
    CHECK(host_threads() > nthreads);
    lua_State *other = host_open(); // nothing of that is in its way
    host_run(other, "local lagoon = require 'lagoon'\n"
                    "local task = lagoon.run(lagoon.parallel, function() return 5 end)\n"
                    "assert(lagoon.run(task.wait, task) == 5)");
    lua_close(other);
    atomic_store(&may_end, 1);
    SETTLE(host_threads() <= nthreads);
}

it("lua_close in a host", "does not wait for tasks that compute, which end later")
{
    compute_and_close("lagoon.run(function()\n"
                      "  local begun = lagoon.chan()\n"
                      "  lagoon.parallel(function()\n"
                      "    local ffi = require 'ffi'\n"
                      "    ffi.cdef 'int host_may_end(void);'\n"
                      "    begun:send(true)\n"
                      "    while ffi.C.host_may_end() == 0 do end\n"
                      "  end)\n"
                      "  begun:recv()\n"
                      "end)");
}

it("lua_close in a host", "does not wait for tasks that go on using what they have")
{
    compute_and_close("lagoon.run(function()\n"
                      "  local begun, back = lagoon.chan(), lagoon.chan(1)\n"
                      "  lagoon.on_error(function() end)\n"
                      "  lagoon.go(function() back:recv() end)\n"
                      "  lagoon.parallel(function()\n"
                      "    local ffi, lagoon = require 'ffi', require 'lagoon'\n"
                      "    ffi.cdef 'int host_may_end(void);'\n"
                      "    begun:send(true)\n"
                      "    while ffi.C.host_may_end() == 0 do\n"
                      "      back:try_send({1})\n"
                      "      back:try_recv()\n"
                      "    end\n"
                      "    lagoon.parallel(print)\n"
                      "    lagoon.go(error, 'unheard')\n"
                      "    error 'unheard, too'\n"
                      "  end)\n"
                      "  begun:recv()\n"
                      "end)");
}

static void load_and_close(int i)
{
    lua_State *L = host_open();
    lua_pushinteger(L, i);
    lua_setglobal(L, "i");
    host_run(L, "local lagoon = require 'lagoon'\n"
                "lagoon.run(function()\n"
                "  local ch = lagoon.chan()\n"
                "  lagoon.go(function() ch:send({i}) end)\n"
                "  lagoon.go(function() lagoon.sleep(100) end)\n"
                "  assert(ch:recv()[1] == i)\n"
                "  if i % 10 == 0 then\n"
                "    assert(lagoon.parallel(function() return i end):wait() == i)\n"
                "  end\n"
                "end)");
    lua_close(L);
}

static void check_memory(int nrounds, int64_t most_bytes)
{
    for (int i = 0; i < 20; i++) {
        load_and_close(i);
    }
    size_t nthreads = host_threads();
    size_t ndescriptors = host_descriptors();
    int64_t before = spec_resident_bytes();
    for (int i = 0; i < nrounds; i++) {
        load_and_close(i);
    }
    SETTLE(host_threads() <= nthreads);
    CHECK_BETWEEN(host_descriptors(), 0, ndescriptors);
    if (spec_resident_is_ours()) {
        CHECK_BETWEEN(spec_resident_bytes() - before, -(INT64_C(1) << 40), most_bytes);
    }
}

it("lua_close in a host", "gives all memory back", .limit_s = 20)
{
    check_memory(spec_rounds(40), 2 * 1024 * 1024);
}

it("lua_close in a host", "gives all memory back a thousand times", .is_stress = true,
   .limit_s = 60)
{
    check_memory(1000, 2 * 1024 * 1024);
}
