-- SPDX-License-Identifier: MIT
--
-- lagoon.update() in a host that knows nothing of us: a stock luajit with a loop of its own.
local helper = require "helper"

-- What a host prints, whatever LAGOON_PROCS is.
local function hosted(text, list)
  local first
  for _, procs in ipairs(list or { 1, 2, 4 }) do
    local child = helper.hosted(text, { env = { LAGOON_PROCS = procs } })
    assert.equal(0, child.status, child.err)
    first = first or child
    assert.equal(first.out, child.out)
    assert.equal(first.err, child.err)
  end
  return first
end

local function it_hosted(name, body)
  it(name, helper.with_host(body))
end

describe("lagoon.update in a stock luajit", function()
  it_hosted("returns three numbers, and asks for no call where nothing is to be done", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      print(select("#", lagoon.update()), lagoon.update())
      print(lagoon.update(0))
    ]]
    assert.equal("", child.err)
    assert.equal("3\t0\tinf\t0\n0\tinf\t0\n", child.out)
  end)

  it_hosted("takes one step with a budget of 0, and goes on behind it", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local order = {}
      for i = 1, 3 do
        lagoon.go(function()
          for _ = 1, 2 do
            order[#order + 1] = i
            lagoon.yield()
          end
        end)
      end
      for _ = 1, 6 do
        assert(lagoon.update(0) > 0)
      end
      print(table.concat(order, " "), (lagoon.update()))
    ]]
    assert.equal("1 2 3 1 2 3\t0\n", child.out)
  end)

  it_hosted("keeps its budget with a thousand that yield for ever", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local n = 0
      for _ = 1, 1000 do
        lagoon.go(function()
          while true do
            n = n + 1
            lagoon.yield()
          end
        end)
      end
      for _ = 1, 10 do
        local before = n
        local ready, wait, longest = lagoon.update(0.001)
        assert(n > before and ready == 1000 and wait == 0 and longest > 0)
      end
      lagoon.run(function() n = n + 1 end)
      print "kept"
    ]]
    assert.equal("kept\n", child.out)
  end)

  it_hosted("says when it must be called for who sleeps", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local is_up
      lagoon.go(function() lagoon.sleep(0.02) is_up = true end)
      local ready, wait = lagoon.update()
      print(ready, wait > 0 and wait <= 0.02)
      local calls = 0
      while not is_up do
        local _, left = lagoon.update()
        assert(left <= 0.02 or is_up)
        calls = calls + 1
      end
      print(calls > 1, (lagoon.update()))
    ]]
    assert.equal("0\ttrue\ntrue\t0\n", child.out)
  end)

  it_hosted("brings the results of tasks that run elsewhere", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local sum, ended = 0, 0
      for i = 1, 20 do
        lagoon.go(function()
          local part = lagoon.parallel(function(n)
            local s = 0
            for j = 1, 10000 do s = s + j % n end
            return s
          end, i):wait()
          sum = sum + part
          ended = ended + 1
        end)
      end
      while ended < 20 do
        lagoon.update(0.004)
      end
      print(sum, (lagoon.update()))
    ]]
    assert.equal("949851\t0\n", child.out)
  end)

  it_hosted("does not wait for tasks that compute, with more of LAGOON_PROCS", function()
    local child = hosted([[
      local lagoon = require "lagoon"
      local flag = lagoon.atomic()
      local has_begun, has_ended = lagoon.atomic()
      lagoon.go(function()
        lagoon.parallel(function(flag, has_begun)
          has_begun:set(1)
          while flag:get() == 0 do end
        end, flag, has_begun):wait()
        has_ended = true
      end)
      while has_begun:get() == 0 do
        lagoon.update()
      end
      local n = 0
      lagoon.go(function()
        for _ = 1, 50 do
          lagoon.sleep(0.0001)
          n = n + 1
        end
        flag:set(1)
      end)
      while not has_ended do
        lagoon.update(0.001)
      end
      print(n)
    ]], { 2, 4 })
    assert.equal("50\n", child.out)
  end)

  it_hosted("serves connections", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local text
      lagoon.go(function()
        local server = assert(lagoon.net.listen("tcp", "127.0.0.1:0"))
        lagoon.go(function()
          local conn = assert(server:accept())
          conn:write(conn:read(5):upper())
          conn:close()
        end)
        local conn = assert(lagoon.net.dial("tcp", server:addr()))
        conn:write("hello")
        text = conn:read(5)
        conn:close()
        server:close()
      end)
      while not text do
        local _, wait = lagoon.update()
        assert(text or wait < math.huge or lagoon.runtime.procs() > 1)
      end
      lagoon.update()
      print(text, lagoon.runtime.num_goroutine())
    ]]
    assert.equal("", child.err)
    assert.equal("HELLO\t0\n", child.out)
  end)

  it_hosted("tells of a goroutine's error, and goes on", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local ended
      lagoon.go(function() error "in a frame" end)
      lagoon.go(function() lagoon.yield() ended = true end)
      lagoon.update()
      lagoon.on_error(function(err, trace)
        print("told", err, trace:find("created by", 1, true) ~= nil)
        error "in the handler"
      end)
      lagoon.go(function() error("again", 0) end)
      lagoon.update()
      print(ended, (lagoon.update()))
    ]]
    assert.matches("in a frame", child.err)
    assert.matches("in the handler", child.err)
    assert.equal("told\tagain\ttrue\ntrue\t0\n", child.out)
  end)

  it_hosted("is refused in goroutines, and what waits outside of them says what to do", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      lagoon.go(function() print(pcall(function() lagoon.update() end)) end)
      lagoon.update()
      lagoon.run(function() print(pcall(function() lagoon.update(0) end)) end)
      print(pcall(function() lagoon.sleep(1) end))
      print(pcall(function() lagoon.chan():recv() end))
      print(pcall(function() lagoon.update "soon" end))
      print(pcall(function() lagoon.net.listen("tcp", "127.0.0.1:0") end))
      coroutine.wrap(function() print(pcall(function() lagoon.yield() end)) end)()
    ]]
    local inside, how = "false\t[^\n]*host.lua:%d+: lagoon.update cannot be called from a "
      .. "goroutine: the host's loop calls it, which runs them\n",
      "start it with lagoon.go and call lagoon.update%(%) every frame, or use lagoon.run%(f%)\n"
    local out = "false\t[^\n]*host.lua:%d+: cannot wait here, outside a goroutine: " .. how
    assert.matches("^" .. inside .. inside .. out .. out .. "false\t[^\n]*bad argument #1 to "
      .. "'update' %(seconds must be a number, got string%)\n"
      .. "false\t[^\n]*cannot open a socket outside a goroutine: " .. how .. out .. "$", child.out)
  end)

  it_hosted("goes together with lagoon.run, with the same goroutines", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local ch, got = lagoon.chan(), {}
      lagoon.go(function() for value in ch do got[#got + 1] = value end got.ended = true end)
      for i = 1, 50 do
        lagoon.go(function() ch:send(i) end)
        if i % 3 == 0 then
          lagoon.update(0)
        elseif i % 3 == 1 then
          lagoon.run(function() ch:send(0) lagoon.yield() end)
        else
          lagoon.update()
        end
      end
      lagoon.go(function() lagoon.sleep(0.001) ch:close() end)
      lagoon.run(function() while not got.ended do lagoon.sleep(0.0005) end end)
      local sum = 0
      for _, value in ipairs(got) do sum = sum + value end
      print(#got, sum, lagoon.runtime.num_goroutine(), (lagoon.update()))
    ]]
    assert.equal("", child.err)
    assert.equal("67\t1275\t0\t0\n", child.out)
  end)

  it_hosted("works from coroutines of the host, in which lagoon was first required", function()
    local child = hosted [[
      local n = 0
      local loop = coroutine.wrap(function()
        local lagoon = require "lagoon"
        lagoon.go(function() while true do n = n + 1 lagoon.sleep(0) end end)
        while true do
          coroutine.yield((lagoon.update(0)))
        end
      end)
      for _ = 1, 20 do loop() end
      collectgarbage()
      coroutine.wrap(function() require "lagoon".update(0) end)()
      print(n >= 10 and n <= 21, loop())
    ]]
    assert.equal("", child.err)
    assert.equal("true\t1\n", child.out)
  end)

  it_hosted("may end at any frame, with goroutines and tasks under way", function()
    hosted([[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      for _ = 1, 50 do
        lagoon.go(function() ch:recv() end)
        lagoon.go(function() lagoon.sleep(100) end)
        lagoon.go(function() while true do lagoon.yield() end end)
        lagoon.go(function() table.sort({ 1, 2 }, function() lagoon.sleep(100) end) end)
        lagoon.go(function() lagoon.parallel(function() require "lagoon".sleep(100) end):wait() end)
      end
      for _ = 1, 5 do lagoon.update(0.001) end
    ]])
  end)

  it_hosted("says which LAGOON_PROCS it cannot take", function()
    local child = helper.hosted([[
      print(pcall(require, "lagoon"))
    ]], { env = { LAGOON_PROCS = "none" } })
    assert.matches("^false\t.*cannot open a runtime: LAGOON_PROCS=none: must be a whole number",
      child.out)
  end)
end)

-- The names that a host in C has, called by LuaJIT: on_wake is a function of the C library, since
-- it comes from other threads.
local ATTACH = [[
  local ffi = require "ffi"
  ffi.cdef [=[
    typedef struct lua_State lua_State;
    typedef struct lg_runtime lg_runtime;
    typedef union { char size[64]; long align; } sem_t;
    struct options {
      size_t size_bytes; int procs; uint64_t seed; void *alloc, *alloc_ud, *clock, *clock_ud;
      void *on_log, *on_fatal, *ud; bool signals; size_t stack_size_bytes; int gc_percent;
      int64_t mem_limit_bytes; bool gctrace, gc_stress; int64_t slice_ns; int schedtrace_ms;
      bool scheddetail; int64_t watchdog_ns; int (*on_wake)(sem_t *sem); char later[512];
    };
    struct report {
      size_t size_bytes; uint64_t steps; int64_t spent_ns, over_ns, longest_ns;
      struct { void *g; uint64_t id; } longest; uint64_t ready; int64_t next_ns;
    };
    void lg_options_init(struct options *out);
    int lg_lua_attach(lua_State *L, const struct options *opts);
    lg_runtime *lg_lua_runtime(lua_State *L);
    int lg_update(lg_runtime *rt, int64_t budget_ns, struct report *out);
    int lg_procs(lg_runtime *rt);
    lua_State *luaL_newstate(void); void lua_close(lua_State *); void luaL_openlibs(lua_State *);
    int luaL_loadstring(lua_State *, const char *); int lua_pcall(lua_State *, int, int, int);
    const char *lua_tolstring(lua_State *, int, size_t *); int lua_gettop(lua_State *);
    int lua_toboolean(lua_State *, int); void lua_settop(lua_State *, int);
    void lua_getfield(lua_State *, int, const char *);
    int sem_init(sem_t *sem, int shared, unsigned value);
    int sem_post(sem_t *sem); int sem_wait(sem_t *sem); int sem_trywait(sem_t *sem);
  ]=]
  local lib = ffi.load(package.cpath:gsub("?", "lagoon"))
  local C = ffi.C
  local function new_state()
    local L = C.luaL_newstate()
    C.luaL_openlibs(L)
    return L
  end
  local function run(L, text)
    if C.luaL_loadstring(L, text) ~= 0 or C.lua_pcall(L, 0, 0, 0) ~= 0 then
      error(ffi.string(C.lua_tolstring(L, -1, nil)))
    end
  end
  local function global(L, name)
    C.lua_getfield(L, -10002, name)
    local is_true = C.lua_toboolean(L, -1) ~= 0
    C.lua_settop(L, -2)
    return is_true
  end
]]

describe("lg_lua_attach", function()
  it_hosted("wakes a host that sleeps, as long as something is to come", function()
    local child = hosted(ATTACH .. [[
      local sem = ffi.new "sem_t"
      C.sem_init(sem, 0, 0)
      local options = ffi.new "struct options"
      lib.lg_options_init(options)
      assert(options.size_bytes <= ffi.sizeof(options))
      options.procs, options.ud, options.on_wake = 3, sem, C.sem_post
      local L = new_state()
      assert(lib.lg_lua_attach(L, options) == 0)
      local rt = lib.lg_lua_runtime(L)
      print(lib.lg_procs(rt), C.lua_gettop(L))
      run(L, [=[
        lagoon = require "lagoon"
        lagoon.go(function()
          for i = 1, 100 do
            assert(lagoon.parallel(function(n) return n end, i):wait() == i)
          end
          has_ended = true
        end)
      ]=])
      local report = ffi.new("struct report", ffi.sizeof "struct report")
      while true do
        assert(lib.lg_update(rt, 1000000, report) == 0)
        if global(L, "has_ended") then break end
        if report.ready == 0 then
          C.sem_wait(sem)
        end
      end
      assert(report.next_ns == 0x7fffffffffffffffLL)
      C.lua_close(L)
      print "closed"
    ]], { 1 })
    assert.equal("", child.err)
    assert.equal("3\t0\nclosed\n", child.out)
  end)

  it_hosted("says why it cannot", function()
    local child = hosted(ATTACH .. [[
      local options = ffi.new "struct options"
      lib.lg_options_init(options)
      options.procs = -1
      local L = new_state()
      print(lib.lg_lua_runtime(L) == nil, lib.lg_lua_attach(L, options))
      print(ffi.string(C.lua_tolstring(L, -1, nil)))
      options.procs = 0
      print(lib.lg_lua_attach(L, options), lib.lg_lua_attach(L, nil))
      print(ffi.string(C.lua_tolstring(L, -1, nil)))
      C.lua_close(L)
    ]], { 1 })
    assert.equal("true\t-2\ncannot open a runtime: invalid argument\n0\t-12\n"
      .. "the state has lagoon already\n", child.out)
  end)
end)
