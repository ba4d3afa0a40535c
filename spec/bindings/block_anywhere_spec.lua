-- SPDX-License-Identifier: MIT
--
-- Blocking calls wherever Lua code may stand. Each place is tried with each of several waits, in
-- the specs' own goroutine and in many at once.
local helper = require "helper"
local lagoon = require "lagoon"

local chan, async = lagoon.chan, lagoon.async

-- Each waits at least once before it returns its argument.
local waits = {
  yield = function(v)
    lagoon.yield()
    return v
  end,
  sleep = function(v)
    lagoon.sleep(0.0005)
    return v
  end,
  recv = function(v)
    local ch = chan()
    lagoon.go(function() ch:send(v) end)
    return (ch:recv())
  end,
  send = function(v)
    local ch, got = chan(), nil
    lagoon.go(function() got = ch:recv() end)
    ch:send(v)
    return got or v
  end,
  select = function(v)
    local ch = chan()
    lagoon.go(function() ch:send(v) end)
    local _, got = lagoon.select(chan(), ch)
    return got
  end,
  wait = function(v)
    return (async(function()
      lagoon.yield()
      return v
    end):wait())
  end,
}

local function with_call(f, wait)
  return setmetatable({}, { __call = function(_, ...) return f(wait(...)) end })
end

-- Each calls wait(v) somewhere and must return v.
local places = {
  ["a function"] = function(wait, v) return wait(v) end,
  pcall = function(wait, v)
    local ok, got = pcall(wait, v)
    return ok and got
  end,
  ["pcall in pcall"] = function(wait, v)
    local _, _, got = pcall(pcall, wait, v)
    return got
  end,
  ["pcall with an error after"] = function(wait, v)
    local ok, err = pcall(function() error { wait(v) } end)
    return not ok and err[1]
  end,
  xpcall = function(wait, v)
    local ok, got = xpcall(function() return wait(v) end, debug.traceback)
    return ok and got
  end,
  ["xpcall's handler"] = function(wait, v)
    local _, got = xpcall(error, function() return wait(v) end)
    return got
  end,
  __index = function(wait, v)
    return setmetatable({}, { __index = function(_, key) return wait(key) end })[v]
  end,
  __newindex = function(wait, v)
    local got
    setmetatable({}, { __newindex = function(_, _, value) got = wait(value) end }).key = v
    return got
  end,
  __call = function(wait, v) return with_call(function(x) return x end, wait)(v) end,
  __lt = function(wait, v)
    local got
    local mt = { __lt = function() got = wait(v) return true end }
    local _ = setmetatable({}, mt) < setmetatable({}, mt)
    return got
  end,
  __le = function(wait, v)
    local got
    local mt = { __le = function() got = wait(v) return true end }
    local _ = setmetatable({}, mt) <= setmetatable({}, mt)
    return got
  end,
  __eq = function(wait, v)
    local got
    local mt = { __eq = function() got = wait(v) return true end }
    local _ = setmetatable({}, mt) == setmetatable({}, mt)
    return got
  end,
  __add = function(wait, v)
    return setmetatable({}, { __add = function(_, x) return wait(x) end }) + v
  end,
  __concat = function(wait, v)
    return setmetatable({}, { __concat = function(_, x) return wait(x) end }) .. v
  end,
  __unm = function(wait, v)
    return -setmetatable({}, { __unm = function() return wait(v) end })
  end,
  __tostring = function(wait, v)
    return tonumber((tostring(setmetatable({}, {
      __tostring = function() return tostring(wait(v)) end,
    }))))
  end,
  ["an iterator"] = function(wait, v)
    local result
    for got in function(_, last) if not last then return wait(v) end end do
      result = got
    end
    return result
  end,
  ["table.sort"] = function(wait, v)
    local list = {}
    for i = 1, 5 do
      list[i] = (i * 7) % 5
    end
    table.sort(list, function(a, b) return wait(a) < wait(b) end)
    for i = 1, 5 do
      if list[i] ~= i - 1 then
        return nil
      end
    end
    return v
  end,
  ["string.gsub"] = function(wait, v)
    return tonumber(((tostring(v) .. "ab"):gsub("%a", function(c) return wait(c) and "" end)))
  end,
  ["table.foreach"] = function(wait, v)
    return table.foreach({ v }, function(_, value) return wait(value) end) -- luacheck: ignore
  end,
  ["a loaded chunk"] = function(wait, v)
    return loadstring("local w, v = ... return w(v)")(wait, v)
  end,
  ["load's reader"] = function(wait, v)
    local parts = { "return ", tostring(v), nil }
    local i = 0
    return load(function()
      i = i + 1
      return parts[i] and wait(parts[i])
    end)()
  end,
  ["a module's body"] = function(wait, v)
    local name = ("spec.blocking.%s"):format(tostring(v))
    package.preload[name] = function() return { value = wait(v) } end
    local got = require(name).value
    package.loaded[name], package.preload[name] = nil, nil
    return got
  end,
  dofile = function(wait, v)
    _G.spec_wait, _G.spec_value = wait, v
    local path = helper.file("dofile.lua", "local w, v = spec_wait, spec_value return w(v)")
    return dofile(path)
  end,
  ["a coroutine of the script"] = function(wait, v)
    return coroutine.wrap(function() return wait(v) end)()
  end,
  ["a coroutine that yields its own values too"] = function(wait, v)
    local co = coroutine.create(function(a)
      local b = coroutine.yield(wait(a))
      wait(0)
      local c = coroutine.yield(b + 1)
      return wait(c)
    end)
    local _, first = coroutine.resume(co, 10)
    local _, second = coroutine.resume(co, 20)
    local _, third = coroutine.resume(co, v)
    return first == 10 and second == 21 and coroutine.status(co) == "dead" and third
  end,
  ["a coroutine in a coroutine"] = function(wait, v)
    return coroutine.wrap(function()
      return (coroutine.wrap(function() return wait(v) end)())
    end)()
  end,
  ["a coroutine inside gsub inside sort inside pcall"] = function(wait, v)
    local got
    pcall(table.sort, { 2, 1 }, function()
      ("x"):gsub("x", function()
        got = coroutine.wrap(function() return wait(v) end)()
      end)
      return false
    end)
    return got
  end,
  ["a for loop over a channel inside gsub"] = function(wait, v)
    local got
    ("x"):gsub("x", function()
      local ch = chan()
      lagoon.go(function()
        ch:send(wait(v))
        ch:close()
      end)
      for value in ch do
        got = value
      end
    end)
    return got
  end,
}

describe("a blocking call", function()
  for place, call in pairs(places) do
    it("may stand in " .. place, function()
      for name, wait in pairs(waits) do
        for v = 1, 3 do
          assert.equal(v, call(wait, v), name)
        end
      end
      _G.spec_wait, _G.spec_value = nil, nil
    end)
  end

  it("may stand in all of them at once, in many goroutines", function()
    local random, tasks, names = helper.random(1), {}, {}
    for place in pairs(places) do
      if place ~= "dofile" then -- uses globals
        names[#names + 1] = place
      end
    end
    table.sort(names)
    local wait_names = { "yield", "sleep", "recv", "send", "select", "wait" }
    for i = 1, helper.rounds(300) do
      local seed = random(1000000)
      tasks[i] = async(function()
        local mine = helper.random(seed)
        for round = 1, 10 do
          local place = names[mine(#names)]
          local name = wait_names[mine(#wait_names)]
          local v = i * 100 + round
          local got = places[place](waits[name], v)
          if got ~= v then
            error(("%s in %s: got %s, want %d"):format(name, place, tostring(got), v))
          end
          if mine(20) == 1 then
            collectgarbage("step", 100)
          end
        end
      end)
    end
    for i = 1, #tasks do
      tasks[i]:wait()
    end
  end)

  it("may be nested 50 deep in callbacks", function()
    local function dig(depth)
      if depth == 0 then
        lagoon.sleep(0.001)
        return 0
      end
      local got
      ("x"):gsub("x", function()
        lagoon.yield()
        got = 1 + dig(depth - 1)
      end)
      return got
    end
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = async(dig, 50)
    end
    for i = 1, 10 do
      assert.equal(50, tasks[i]:wait())
    end
  end)

  it("raises errors through callbacks as any other call", function()
    local ch = chan()
    local task = helper.parked(async(function()
      local ok, err = pcall(string.gsub, "x", "x", function() ch:send(1) end)
      return ok, err
    end))
    ch:close()
    local ok, err = task:wait()
    assert.is_false(ok)
    assert.matches("block_anywhere_spec.lua:%d+: send on closed channel$", err)
  end)

  it("gives 1000 goroutines in callbacks their C stacks, and takes them back", function()
    local gate, n = chan(), math.min(1000, helper.rounds(1000))
    local before = lagoon.runtime.stats().donations
    local tasks = {}
    for i = 1, n do
      tasks[i] = async(function()
        return (("x"):gsub("x", function() return (gate:recv()) end))
      end)
    end
    helper.settle(function() return helper.waiting("chan receive") >= n end)
    for i = 1, n do
      gate:send(tostring(i))
    end
    local is_left = {}
    for i = 1, n do
      is_left[tostring(i)] = true
    end
    for i = 1, n do
      local value = tasks[i]:wait()
      assert.is_true(is_left[value])
      is_left[value] = nil
    end
    assert.is_true(lagoon.runtime.stats().donations >= before + n - 1)
  end)
end)

describe("a coroutine of the script", function()
  it("never sees the scheduler's yields", function()
    local co = coroutine.create(function()
      lagoon.yield()
      lagoon.sleep(0.001)
      coroutine.yield("mine")
      lagoon.yield()
      return "end"
    end)
    assert.same({ true, "mine" }, { coroutine.resume(co) })
    assert.equal("suspended", coroutine.status(co))
    assert.same({ true, "end" }, { coroutine.resume(co) })
    assert.equal("dead", coroutine.status(co))
  end)

  it("may be resumed by several goroutines in turn", function()
    local gen = coroutine.wrap(function()
      for i = 1, 100 do
        lagoon.yield()
        coroutine.yield(i)
      end
    end)
    local lock, seen, tasks = lagoon.mutex(), {}, {}
    for i = 1, 4 do
      tasks[i] = async(function()
        for _ = 1, 25 do
          lock:lock()
          seen[#seen + 1] = gen()
          lock:unlock()
        end
      end)
    end
    for i = 1, 4 do
      tasks[i]:wait()
    end
    for i = 1, 100 do
      assert.equal(i, seen[i])
    end
  end)

  it("that yields across the goroutine itself is the script's own error", function()
    local task = async(function() return coroutine.yield(1) end)
    assert.is_string(helper.error_of(task.wait, task))
  end)

  it("with an error after a wait is caught by its resumer", function()
    local co = coroutine.create(function()
      lagoon.sleep(0.001)
      error("inside", 0)
    end)
    assert.same({ false, "inside" }, { coroutine.resume(co) })
    assert.equal("dead", coroutine.status(co))
  end)
end)

describe("where a wait is impossible", function()
  it("it raises in a __gc metamethod, and what need not wait works", function()
    local seen = {}
    local function collect(f)
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = function() seen[#seen + 1] = { pcall(f) } end
      proxy = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
    end
    local ch, buffered = chan(), chan(2)
    collect(function() ch:recv() end)
    collect(function() ch:send(1) end)
    collect(function() lagoon.sleep(0.001) end)
    collect(function() lagoon.yield() end)
    collect(function() return buffered:send("from gc") end)
    collect(function() return buffered:recv() end)
    collect(function() lagoon.go(function() buffered:send("started") end) end)
    for i = 1, 4 do
      assert.is_false(seen[i][1], "call " .. i)
      assert.matches("__gc", seen[i][2])
    end
    assert.is_true(seen[5][1])
    assert.same({ true, "from gc", true }, seen[6])
    assert.is_true(seen[7][1])
    assert.equal("started", (buffered:recv()))
  end)

  it("it raises in a callback that C makes through the FFI", function()
    local ok, ffi = pcall(require, "ffi")
    if not ok then
      return
    end
    ffi.cdef [[
      void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
    ]]
    local ch, err = chan(), nil
    local callback = ffi.cast("int (*)(const void *, const void *)", function()
      local _
      _, err = pcall(ch.recv, ch)
      return 0
    end)
    local numbers = ffi.new("int[2]", 2, 1)
    ffi.C.qsort(numbers, 2, 4, callback)
    callback:free()
    assert.is_string(err)
    assert.matches("FFI", err)
  end)

  it("it raises in a debug hook", function()
    local ch, ok, err = chan(), nil, nil
    debug.sethook(function()
      debug.sethook()
      ok, err = pcall(ch.recv, ch, 0.01)
    end, "c")
    tostring(1)
    debug.sethook()
    assert.is_false(ok)
    assert.matches("hook", err)
  end)
end)
