-- SPDX-License-Identifier: MIT
--
-- Loops that never wait, beside a goroutine of the same state whose ticks must keep coming: in
-- this state and in a worker's. How often the loops are left is up to the scheduler; that they go
-- on with the right result, and hear of a cancellation, is not.
local core = require "lagoon.core"
local ffi = require "ffi"
local helper = require "helper"
local lagoon = require "lagoon"

local async = lagoon.async
local coroutine, debug = coroutine, debug -- busted's environment has lines of its own

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

-- Each computes until s.stop, and raises if it has come to a wrong result.
local loops = {
  ["an empty loop"] = function(s)
    while not s.stop do end
  end,
  ["an empty for loop"] = function(s)
    while not s.stop do
      for _ = 1, 1e5 do end
    end
  end,
  ["repeat and goto"] = function(s)
    repeat
      local n = 0
      ::again::
      n = n + 1
      if n < 1e4 then goto again end
      assert(n == 1e4)
    until s.stop
  end,
  arithmetic = function(s)
    while not s.stop do
      local sum = 0
      for i = 1, 1e5 do sum = sum + i % 7 * 2 end
      assert(sum == 600000, sum)
    end
  end,
  ["writes to tables"] = function(s)
    local t = {}
    while not s.stop do
      for i = 1, 1e4 do
        t[i % 100 + 1] = i
        t["key" .. i % 10] = i
      end
      assert(t[1] == 1e4 and t[100] == 9999 and t.key0 == 1e4)
    end
  end,
  ["strings that grow"] = function(s)
    while not s.stop do
      local text = ""
      for i = 1, 300 do text = text .. i end
      assert(#text == 792 and text:sub(-3) == "300")
    end
  end,
  ["garbage"] = function(s)
    while not s.stop do
      local list
      for i = 1, 1e4 do list = { next = list, i = i } end
      local n = 0
      while list do
        n, list = n + list.i, list.next
      end
      assert(n == 50005000)
    end
  end,
  calls = function(s)
    while not s.stop do
      assert(fib(18) == 2584)
    end
  end,
  ["tail calls"] = function(s)
    local function count(n, sum)
      if n == 0 then return sum end
      return count(n - 1, sum + n)
    end
    while not s.stop do
      assert(count(1e4, 0) == 50005000)
    end
  end,
  ["calls through the FFI"] = function(s)
    ffi.cdef "int abs(int);"
    while not s.stop do
      local sum = 0
      for i = 1, 1e4 do sum = sum + ffi.C.abs(-i) end
      assert(sum == 50005000)
    end
  end,
  ["calls of C functions"] = function(s)
    while not s.stop do
      local n = 0
      for _ = 1, 1e3 do n = n + select("#", string.byte("abcdef", 1, -1)) end
      assert(n == 6000)
    end
  end,
  ["errno"] = function(s)
    local function keep(n)
      ffi.errno(n)
      for _ = 1, 1e4 do end
      assert(ffi.errno() == n)
    end
    while not s.stop do
      keep(4242)
      table.sort({ 1, 2 }, function(a, b)
        keep(4343)
        return a < b
      end)
    end
  end,
  ["cdata"] = function(s)
    local a = ffi.new("int64_t[100]")
    while not s.stop do
      for i = 0, 99 do a[i] = 0 end
      for i = 1, 1e4 do a[i % 100] = a[i % 100] + 1LL end
      for i = 0, 99 do assert(a[i] == 100) end
    end
  end,
  pairs = function(s)
    local t = {}
    for i = 1, 2e4 do t["k" .. i] = i end
    while not s.stop do
      local sum = 0
      for _, v in pairs(t) do sum = sum + v end
      assert(sum == 200010000)
    end
  end,
  ipairs = function(s)
    local t = {}
    for i = 1, 2e4 do t[i] = i end
    while not s.stop do
      local sum = 0
      for _, v in ipairs(t) do sum = sum + v end
      assert(sum == 200010000)
    end
  end,
  ["a coroutine's yields"] = function(s)
    while not s.stop do
      local sum = 0
      for v in coroutine.wrap(function() for i = 1, 1e3 do coroutine.yield(i) end end) do
        sum = sum + v
      end
      assert(sum == 500500)
    end
  end,
  ["a loop in a coroutine"] = function(s)
    local co = coroutine.create(function(...)
      assert((...) == "in")
      while not s.stop do
        local sum = 0
        for i = 1, 1e4 do sum = sum + i end
        assert(sum == 50005000)
      end
      return "out"
    end)
    local ok, out = coroutine.resume(co, "in")
    if not ok then error(out, 0) end
    assert(out == "out")
  end,
  ["pcall and errors"] = function(s)
    while not s.stop do
      local ok, err = pcall(function()
        local sum = 0
        for i = 1, 1e3 do sum = sum + i end
        error { sum }
      end)
      if ok or type(err) ~= "table" then error(err, 0) end -- a reason is nobody's but the caller's
      assert(err[1] == 500500)
    end
  end,
  ["a loop in pcall"] = function(s)
    local ok, err = pcall(function()
      while not s.stop do end
    end)
    if not ok then error(err, 0) end
  end,
  ["xpcall and its handler"] = function(s)
    while not s.stop do
      local _, sum = xpcall(function()
        local n = 0
        for i = 1, 1e3 do n = n + i end
        error(n, 0)
      end, function(err)
        if type(err) ~= "number" then return err end
        local n = 0
        for i = 1, 1e3 do n = n + i end
        return n + err
      end)
      if type(sum) ~= "number" then error(sum, 0) end
      assert(sum == 1001000)
    end
  end,
  metamethods = function(s)
    local function sum_to(_, n)
      local sum = 0
      for i = 1, n do sum = sum + i end
      return sum
    end
    local t = setmetatable({}, { __index = sum_to, __add = sum_to, __lt = function(_, o)
      return sum_to(_, 1e3) == 500500 and o ~= nil
    end })
    while not s.stop do
      assert(t[1e3] == 500500 and t + 1e3 == 500500 and t < t)
    end
  end,
  ["a comparator of table.sort"] = function(s)
    while not s.stop do
      local t = {}
      for i = 1, 500 do t[i] = i * 7919 % 1009 end
      table.sort(t, function(a, b) return a < b end)
      for i = 2, #t do assert(t[i - 1] <= t[i]) end
    end
  end,
  ["a loop in a comparator"] = function(s)
    table.sort({ 1, 2 }, function(a, b)
      while not s.stop do end
      return a < b
    end)
  end,
  ["a callback of string.gsub"] = function(s)
    while not s.stop do
      local text = ("abc"):rep(100):gsub(".", function(c) return c:upper() end)
      assert(text == ("ABC"):rep(100))
    end
  end,
  ["a chunk that is loaded"] = function(s)
    while not s.stop do
      local n = 0
      local chunk = load(function()
        n = n + 1
        return n <= 100 and "local x = 1 " or n == 101 and "return x" or nil
      end)
      if not chunk then return error("enough", 0) end -- load() makes a string of the reason
      assert(chunk() == 1)
    end
  end,
}

local names = {}
for name in pairs(loops) do
  names[#names + 1] = name
end
table.sort(names)

-- As lagoon.parallel; what is sent must not refer to busted's environment.
local function parallel(f, ...)
  local loop = ...
  setfenv(loop, getfenv(0))
  return helper.parallel(f, ...)
end

-- Runs a loop while other goroutines of the state tick, and ends it.
local function beside_a_ticker(loop)
  local stop = {}
  local task = lagoon.async(loop, stop)
  for _ = 1, 3 do
    lagoon.sleep(0.001)
  end
  stop.stop = true
  task:wait()
  return "ticked"
end

-- Cancels a loop that would never end.
local function cancelled(loop)
  local task = lagoon.async(loop, {})
  lagoon.sleep(0.001) -- it has begun when this is over
  task:cancel("enough")
  local ok, err = pcall(task.wait, task)
  return not ok and err, task:status()
end

-- coroutine.wrap() puts its line in front; in a handler of errors none may be raised.
local function is_reason(reason)
  assert(reason == "error in error handling" or tostring(reason):find("enough$"), reason)
end

if lagoon.runtime.preemption() == "off" then
  describe("Lua code that cannot be interrupted", function()
    it("is said to be so, and why", function()
      local how, why = lagoon.runtime.preemption()
      assert.equal("off", how)
      assert.is_string(why)
    end)
  end)
  return
end

describe("a goroutine that computes", function()
  it("is said to be interrupted by a signal", function()
    assert.equal("signal", lagoon.runtime.preemption())
  end)

  for _, name in ipairs(names) do
    it("lets its siblings run: " .. name, function()
      assert.equal("ticked", beside_a_ticker(loops[name]))
    end)
  end

  for _, name in ipairs(names) do
    it("lets its siblings run in a worker: " .. name, function()
      assert.equal("ticked", parallel(beside_a_ticker, loops[name]):wait())
    end)
  end

  for _, name in ipairs(names) do
    it("hears that it is cancelled: " .. name, function()
      local reason, status = cancelled(loops[name])
      is_reason(reason)
      assert.equal(reason == "enough" and "cancelled" or "failed", status)
    end)
  end

  for _, name in ipairs(names) do
    it("hears that it is cancelled in a worker: " .. name, function()
      local begun = lagoon.atomic(0)
      local task = helper.parallel(function(loop)
        begun:set(1)
        return loop({})
      end, loops[name])
      helper.settle(function() return begun:get() == 1 end)
      task:cancel("enough")
      is_reason(helper.error_of(task.wait, task))
    end)
  end

  it("shares its time with all that compute", function()
    local stop, rounds = {}, { 0, 0, 0 }
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = async(function()
        while not stop.stop do rounds[i] = rounds[i] + 1 end
      end)
    end
    helper.settle(function() return rounds[1] > 0 and rounds[2] > 0 and rounds[3] > 0 end)
    stop.stop = true
    for i = 1, 3 do
      tasks[i]:wait()
    end
  end)
end)

describe("an interrupted goroutine", function()
  it("is told of with its line", function()
    local task = async(loops["an empty loop"], {})
    lagoon.sleep(0.001)
    for _, info in ipairs(lagoon.runtime.goroutines()) do
      if info.id == task:id() then
        assert.equal("ready", info.status)
        assert.matches("preempt_spec.lua:%d+$", info.where)
      end
    end
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
  end)
end)

describe("a cancelled goroutine that computes", function()
  it("catches the reason once, and goes on", function()
    local stop, caught = {}, nil
    local task = async(function()
      caught = select(2, pcall(loops["an empty loop"], {}))
      loops["arithmetic"](stop)
      return "done"
    end)
    lagoon.sleep(0.001)
    task:cancel("why")
    helper.settle(function() return caught end)
    stop.stop = true
    assert.equal("done", task:wait())
    assert.equal("why", caught)
  end)

  it("may wait in the handler of the error", function()
    local task = async(function()
      return select(2, xpcall(loops["an empty loop"], function(err)
        lagoon.sleep(0.001)
        return err .. " and more"
      end, {}))
    end)
    lagoon.sleep(0.001)
    task:cancel("why")
    assert.equal("why and more", task:wait())
  end)

  it("has its traceback with the reason", function()
    local task = async(loops["an empty loop"], {})
    lagoon.sleep(0.001)
    local reason = {}
    task:cancel(reason)
    assert.equal(reason, helper.error_of(task.wait, task))
    assert.matches("preempt_spec.lua:%d+:", lagoon.traceback(reason))
  end)

  it("hears a reason of another state", function()
    local reason = { 1, 2, 3 }
    local begun = lagoon.atomic(0)
    local task = helper.parallel(function()
      local ok, err = pcall(function()
        begun:set(1)
        while true do end
      end)
      return ok, err
    end)
    helper.settle(function() return begun:get() == 1 end) -- on one P it is not "running" now
    task:cancel(reason)
    local ok, err = task:wait()
    assert.is_false(ok)
    assert.same(reason, err)
  end)
end)

describe("core.test_hold", function()
  it("keeps a goroutine that computes from being left when its slice is over", helper.sliced(
    "about them", function()
    if lagoon.runtime.preemption() == "off" then
      return
    end
    local has_come = false
    lagoon.go(function() has_come = true end)
    local function compute(seconds)
      local till = lagoon.now() + seconds
      repeat until has_come or lagoon.now() > till
      return has_come
    end
    core.test_hold(true)
    local was_left = compute(0.1)
    core.test_hold(false)
    assert.is_false(was_left)
    assert.is_true(compute(10))
  end))
end)

describe("a debug hook of the script", function()
  local function count_lines(f)
    local lines = 0
    debug.sethook(function() lines = lines + 1 end, "l")
    f()
    debug.sethook()
    return lines
  end

  it("is told of every line, however often the goroutine is left", helper.sliced(
    "its hook takes the points' place", function()
    local function work(s)
      local n = 0
      while n < 1e5 do
        n = n + 1
        s.n = n
      end
    end
    local ticks, is_over = 0, false
    local ticker = async(function()
      while not is_over do
        ticks = ticks + 1
        lagoon.sleep(0.001)
      end
    end)
    helper.settle(function()
      ticks = 0
      -- the ticker's lines are counted too, while it runs: 3 each time, so it is told apart
      local before = 0
      local co = coroutine.running()
      debug.sethook(function()
        if coroutine.running() == co then before = before + 1 end
      end, "l")
      work {}
      debug.sethook()
      assert.is_true(before >= 3e5 and before < 3e5 + 10, before)
      return ticks > 0
    end)
    is_over = true
    ticker:wait()
    assert.is_true(count_lines(function() end) > 0)
  end))

  it("is still set after its goroutine was left", helper.sliced("as above", function()
    local calls = 0
    local function hook() calls = calls + 1 end
    local stop = {}
    local task = async(function()
      debug.sethook(hook, "", 1000)
      loops.arithmetic(stop)
      local got, mask, count = debug.gethook()
      debug.sethook()
      return got, mask, count
    end)
    for _ = 1, 3 do
      lagoon.sleep(0.001)
    end
    stop.stop = true
    local got, mask, count = task:wait()
    assert.equal(hook, got)
    assert.equal("", mask)
    assert.equal(1000, count)
    assert.is_true(calls > 0)
  end))
end)
