-- SPDX-License-Identifier: MIT
--
-- lagoon.so in a host that knows nothing of us: a stock luajit.
local helper = require "helper"

local hosted = helper.hosted

local function it_hosted(name, body)
  it(name, helper.with_host(body))
end

describe("lagoon.so in a stock luajit", function()
  it_hosted("runs goroutines in lagoon.run, which returns what its function does", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      print(lagoon.run(function(...)
        local ch = lagoon.chan()
        lagoon.go(function() lagoon.sleep(0.002) ch:send("sent") end)
        return ch:recv(), nil, ...
      end, "a", nil))
      print(lagoon.run(function() return lagoon.self():status() end))
    ]]
    assert.equal("", child.err)
    assert.equal("sent\tnil\ta\tnil\nrunning\n", child.out)
    assert.equal(0, child.status)
  end)

  it_hosted("raises the function's error from lagoon.run", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local reason = {}
      local ok, err = pcall(lagoon.run, function() lagoon.yield() error(reason) end)
      print(ok, err == reason)
      print(pcall(lagoon.run, function() error("text", 0) end))
    ]]
    assert.equal("false\ttrue\nfalse\ttext\n", child.out)
  end)

  it_hosted("leaves Lua's own reading as it is", function()
    local child = hosted([[
      local read, lines, method = io.read, io.lines, io.stdin.read
      local lagoon = require "lagoon"
      print(read == io.read, lines == io.lines, method == io.stdin.read)
      lagoon.run(function() print(io.read()) end)
    ]], { stdin = "a line\n" })
    assert.equal("", child.err)
    assert.equal("true\ttrue\ttrue\na line\n", child.out)
  end)

  it_hosted("opens files and watches them in lagoon.run", function()
    local child = hosted([[
      local lagoon = require "lagoon"
      io.open(arg[0] .. ".log", "w"):close()
      print(lagoon.run(function(path)
        local events = assert(lagoon.fs.watch(path))
        local file = assert(lagoon.fs.open(path, "w"))
        file:write("text")
        local event = events:recv()
        file:seek("set", 0)
        return event.kind, file:stat().size -- both are left to the end of the state
      end, arg[0] .. ".log"))
    ]])
    assert.equal("", child.err)
    assert.equal("change\t4\n", child.out)
  end)

  it_hosted("may be used again and again, nested, and from coroutines", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local n = 0
      for i = 1, 200 do
        lagoon.run(function()
          lagoon.go(function() n = n + 1 end)
          lagoon.yield()
          lagoon.run(function() lagoon.yield() end)
        end)
      end
      coroutine.wrap(function() lagoon.run(function() lagoon.sleep(0.001) n = n + 1 end) end)()
      print(n, lagoon.runtime.num_goroutine())
    ]]
    assert.equal("", child.err)
    assert.equal("201\t0\n", child.out)
  end)

  it_hosted("outside lagoon.run does what need not wait, and refuses what must", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan(1)
      print(ch:send(1), ch:recv())
      print(lagoon.select(ch, lagoon.default))
      print(lagoon.self())
      print(pcall(ch.recv, ch))
      print(pcall(lagoon.sleep, 1))
    ]]
    assert.equal("", child.err)
    local lines = {}
    for line in child.out:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    assert.equal("true\t1\ttrue", lines[1])
    assert.equal("2", lines[2])
    assert.equal("nil", lines[3])
    assert.matches("^false\t.*lagoon%.run", lines[4])
    assert.matches("^false\t.*lagoon%.run", lines[5])
  end)

  it_hosted("goes on with goroutines that were left at the next lagoon.run", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.run(function() lagoon.go(function() ch:send("kept") end) end)
      print(lagoon.run(function() return ch:recv() end))
    ]]
    assert.equal("kept\ttrue\n", child.out)
  end)

  it_hosted("tells the host of a goroutine's error and lives on", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      lagoon.run(function()
        lagoon.go(function() error "in a goroutine" end)
        lagoon.yield()
      end)
      print "alive"
      lagoon.on_error(function(err, trace) print("told", err, trace:find("created by") ~= nil) end)
      lagoon.run(function()
        lagoon.go(function() error("again", 0) end)
        lagoon.sleep(0.01)
      end)
    ]]
    assert.equal(0, child.status)
    assert.matches("in a goroutine", child.err)
    assert.equal("alive\ntold\tagain\ttrue\n", child.out)
  end)

  it_hosted("tells at its end of tasks that failed and that nobody waited for", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      lagoon.run(function()
        lagoon.async(function() error("here", 0) end)
        lagoon.parallel(function() error("there", 0) end)
        lagoon.sleep(0.02)
      end)
    ]]
    assert.matches("nobody waited for it: here\n", child.err)
    assert.matches("nobody waited for it: there\n", child.err)
    assert.equal(0, child.status)
  end)

  it_hosted("raises a deadlock from lagoon.run", function()
    local child = hosted [[
      local lagoon = require "lagoon"
      local ok, err = pcall(lagoon.run, function() lagoon.chan():recv() end)
      print(ok, err)
      print(lagoon.run(function() lagoon.yield() return "usable" end))
    ]]
    assert.matches("^false\t.*deadlock", child.out)
    assert.matches("usable\n$", child.out)
  end)

  it_hosted("may be loaded into several states and reloaded", function()
    local child = hosted [[
      local ffi = require "ffi"
      ffi.cdef "void *luaL_newstate(void); void lua_close(void *); void luaL_openlibs(void *); \
        int luaL_loadstring(void *, const char *); int lua_pcall(void *, int, int, int);"
      for i = 1, 20 do
        local L = ffi.C.luaL_newstate()
        ffi.C.luaL_openlibs(L)
        assert(0 == ffi.C.luaL_loadstring(L, ("package.cpath = %q "):format(package.cpath) .. [=[
          local lagoon = require "lagoon"
          lagoon.run(function()
            lagoon.go(function() lagoon.chan():recv() end)
            local ch = lagoon.chan(1)
            ch:send({})
            lagoon.sleep(0.0005)
          end)
          package.loaded.lagoon = nil
          assert(require "lagoon" == lagoon)
        ]=]))
        assert(0 == ffi.C.lua_pcall(L, 0, 0, 0))
        ffi.C.lua_close(L)
      end
      print "done"
    ]]
    assert.equal("", child.err)
    assert.equal("done\n", child.out)
    assert.equal(0, child.status)
  end)

  it_hosted("gives threads and memory back, loaded again and again", function()
    local child = hosted(("local rounds = %d\n"):format(helper.is_stress() and 1000 or 20) .. [[
      local ffi = require "ffi"
      ffi.cdef "void *luaL_newstate(void); void lua_close(void *); void luaL_openlibs(void *); \
        int luaL_loadstring(void *, const char *); int lua_pcall(void *, int, int, int);"
      local function words(path)
        local list = {}
        for word in io.lines(path)():gmatch("%S+") do
          list[#list + 1] = word
        end
        return list
      end
      local function figures()
        local status = io.open("/proc/self/status"):read("*a")
        return tonumber(status:match("Threads:%s*(%d+)")), tonumber(words("/proc/self/statm")[2])
      end
      local function live()
        local L = ffi.C.luaL_newstate()
        ffi.C.luaL_openlibs(L)
        assert(0 == ffi.C.luaL_loadstring(L, ("package.cpath = %q "):format(package.cpath) .. [=[
          local lagoon = require "lagoon"
          lagoon.run(function()
            local ch = lagoon.chan()
            lagoon.go(function() lagoon.chan():recv() end)
            lagoon.parallel(function() ch:send({}) lagoon.chan():recv() end)
            ch:recv()
          end)
        ]=]))
        assert(0 == ffi.C.lua_pcall(L, 0, 0, 0))
        ffi.C.lua_close(L)
      end
      for _ = 1, 10 do live() end
      local threads, pages = figures()
      for _ = 1, rounds do live() end
      local threads_after, pages_after
      repeat -- one that was joined may be told a moment longer
        threads_after, pages_after = figures()
      until threads_after <= threads
      print((pages_after - pages) * 4096 < 3e6)
    ]])
    assert.equal("", child.err)
    assert.equal("true\n", child.out)
  end)

  it_hosted("is quiet about signals and leaves the host's exit status alone", function()
    assert.equal(5, hosted([[
      local lagoon = require "lagoon"
      lagoon.run(function() lagoon.go(function() lagoon.sleep(100) end) os.exit(5) end)
    ]]).status)
    assert.equal(0, hosted([[
      local lagoon = require "lagoon"
      lagoon.run(function() lagoon.go(function() lagoon.sleep(100) end) lagoon.yield() end)
    ]]).status)
  end)
end)
