-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local ffi = require "ffi"
local helper = require "helper"

local blocking, async, runtime = lagoon.blocking, lagoon.async, lagoon.runtime

if helper.is_hosted() then
  describe("blocking in a state that a host runs", function()
    it("says that there are no threads for it", helper.guard(function()
      assert.equal("a state that a host runs has no threads for blocking calls",
        helper.message_of(function() blocking(function() end) end))
    end))
  end)
  return
end

ffi.cdef [[
  int pipe(int ends[2]);
  int close(int fd);
  long read(int fd, void *bytes, unsigned long size);
  long write(int fd, const void *bytes, unsigned long size);
]]

-- Where nothing interrupts a thread, a collection waits until none is blocked.
local is_interruptible = runtime.preemption() == "signal"

-- A pipe: who reads a byte from it blocks its thread until it is opened.
local function gate()
  local ends = ffi.new("int[2]")
  assert(ffi.C.pipe(ends) == 0)
  local self = { fd = ends[0], started = lagoon.atomic() }
  local percent = not is_interruptible and runtime.gc_percent("off")
  function self.open(n)
    assert(ffi.C.write(ends[1], ("."):rep(n), n) == n)
  end
  function self.close()
    ffi.C.close(ends[0])
    ffi.C.close(ends[1])
    if percent then
      runtime.gc_percent(percent)
    end
  end
  -- One after the other: on a busy machine a thread begins when it gets a processor.
  function self.await(n)
    for i = 1, n do
      helper.settle(function() return self.started:get() >= i end, "the calls have begun")
    end
    assert.equal(n, self.started:get())
  end
  return self
end

-- What blocks: all that it needs it is given.
local function hold(fd, started, ...)
  local C = require "ffi"
  C.cdef "long read(int fd, void *bytes, unsigned long size);"
  started:add(1)
  assert(C.C.read(fd, C.new("char[1]"), 1) == 1)
  return ...
end

local function held(g, ...)
  return async(blocking, hold, g.fd, g.started, ...)
end

local function figures()
  return runtime.stats().states
end

local function settle_calls()
  helper.settle(function() return figures().calls == 0 end, "no call is under way")
end

-- Runs a body with a setting, which is put back.
local function with(setting, value, body)
  local before = setting(value)
  local ok, err = pcall(body)
  setting(before)
  if not ok then
    error(err, 0)
  end
end

describe("blocking", function()
  it("returns what the function returns", helper.guard(function()
    local sum, none, last = blocking(function(a, b) return a + b, nil, "end" end, 1, 2)
    assert.equal(3, sum)
    assert.is_nil(none)
    assert.equal("end", last)
    assert.equal(0, select("#", blocking(function() end)))
  end))

  it("gives the function memory of its own", helper.guard(function()
    local t = { n = 1 }
    local copy = blocking(function(t)
      t.n = t.n + 1
      return t
    end, t)
    assert.equal(1, t.n)
    assert.equal(2, copy.n)
    assert.not_equal(tostring(debug.getregistry()),
      blocking(function() return tostring(debug.getregistry()) end))
  end))

  for procs = 1, 2 do
    it(("lets the others go on while a thread is blocked, with %d Ps"):format(procs),
      helper.guard(function()
        with(runtime.procs, procs, function()
          local g, ticks, is_over = gate(), 0, false
          local call = held(g, "value")
          lagoon.go(function()
            while not is_over do
              lagoon.sleep(0.001)
              ticks = ticks + 1
            end
          end)
          g.await(1)
          local from = ticks
          helper.settle(function() return ticks >= from + 20 end, "it ticks")
          assert.equal("waiting", call:status())
          g.open(1)
          assert.equal("value", call:wait())
          is_over = true
          g.close()
        end)
      end))

    it(("blocks many threads at once, with %d Ps"):format(procs), helper.guard(function()
      with(runtime.procs, procs, function()
        local g, calls = gate(), {}
        for i = 1, 200 do
          calls[i] = held(g, i)
        end
        g.await(200)
        assert.equal(200, figures().calls)
        assert.equal(42, lagoon.parallel(function() return 42 end):wait())
        g.open(200)
        for i = 1, 200 do
          assert.equal(i, calls[i]:wait())
        end
        g.close()
        settle_calls()
      end)
    end))
  end

  it("raises the function's error, with where it came from", helper.guard(function()
    local function fail(what)
      error(what)
    end
    local message = helper.error_of(blocking, fail, "text")
    assert.matches("blocking_spec%.lua:%d+: text$", message)
    local _, err = pcall(blocking, fail, { code = 7 })
    assert.equal(7, err.code)
    local trace = lagoon.traceback(err)
    assert.matches("in function 'error'", trace)
    assert.matches("blocking_spec%.lua:%d+: in function", trace)
    assert.matches("created by goroutine %d+ at .*blocking_spec%.lua", trace)
  end))

  it("refuses what cannot cross, and starts nothing", helper.guard(function()
    local before = figures().tasks
    assert.equal("bad argument #1 to 'blocking' (function expected, got nil)",
      helper.message_of(function() blocking() end))
    assert.equal("cannot send a coroutine (at argument #2.log) to another Lua state",
      helper.message_of(function()
        blocking(function() end, 1, { log = coroutine.create(print) })
      end))
    assert.equal(before, figures().tasks)
    assert.matches("cannot send a coroutine %(at result #1%) to another Lua state",
      helper.error_of(blocking, function() return coroutine.create(print) end))
  end))

  it("starts nothing where it could not wait", helper.guard(function()
    local before, message = figures().tasks, nil
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = function()
      message = select(2, pcall(blocking, function() end))
    end
    proxy = nil -- luacheck: ignore
    collectgarbage()
    assert.matches("cannot block inside a __gc metamethod", message)
    assert.equal(before, figures().tasks)
  end))

  it("may stand in iterators, comparators and coroutines", helper.guard(function()
    local list = { 3, 1, 2 }
    table.sort(list, function(a, b) return blocking(function(x, y) return x < y end, a, b) end)
    assert.same({ 1, 2, 3 }, list)
    local text = ("ab"):gsub(".", function(c) return blocking(string.upper, c) end)
    assert.equal("AB", text)
    assert.equal(5, coroutine.wrap(function() return blocking(math.max, 2, 5) end)())
  end))

  it("is told in reports as what it is", helper.guard(function()
    local g = gate()
    local call = held(g)
    g.await(1)
    helper.parked(call)
    assert.equal(1, helper.waiting("blocking call"))
    g.open(1)
    call:wait()
    g.close()
  end))

  it("lets the function wait, and the others meanwhile", helper.guard(function()
    local jobs, results = lagoon.chan(), lagoon.chan()
    local call = async(blocking, function(jobs, results)
      local sum = 0
      for job in jobs do
        sum = sum + job
        results:send(sum)
      end
      return sum
    end, jobs, results)
    local sum
    for i = 1, 100 do
      jobs:send(i)
      sum = results:recv()
    end
    jobs:close()
    assert.equal(5050, sum)
    assert.equal(5050, call:wait())
  end))

  it("can be called by what it calls", helper.guard(function()
    with(runtime.blocking_limit, 1, function()
      local function down(n)
        local lagoon = require "lagoon"
        return n == 0 and "bottom" or lagoon.blocking(down, n - 1)
      end
      assert.equal("bottom", blocking(down, 5))
    end)
  end))

  it("uses states again", helper.guard(function()
    blocking(function() end)
    local before = figures().made
    for i = 1, 300 do
      assert.equal(i, blocking(function(n) return n end, i))
    end
    assert.is_true(figures().made - before <= 4)
  end))

  it("leaves alone the state where a goroutine of a former call lives", helper.guard(function()
    local g, jobs, results = gate(), lagoon.chan(), lagoon.chan()
    with(runtime.blocking_limit, 1, function()
      blocking(function(jobs, results)
        local lagoon = require "lagoon"
        lagoon.go(function()
          for job in jobs do
            results:send(job)
          end
        end)
      end, jobs, results)
      local call = held(g)
      g.await(1)
      jobs:send("alive") -- while the call's thread is blocked
      assert.equal("alive", results:recv())
      jobs:close()
      g.open(1)
      call:wait()
    end)
    g.close()
  end))
end)

describe("blocking of who is cancelled", function()
  it("returns at once, while the call goes on", helper.guard(function()
    local g, reason = gate(), { "enough" }
    local call = held(g)
    g.await(1)
    assert.is_true(call:cancel(reason))
    assert.equal(reason, helper.error_of(call.wait, call))
    assert.equal("cancelled", call:status())
    assert.equal(1, figures().calls)
    g.open(1)
    settle_calls()
    g.close()
  end))

  it("does so for a reason that cannot cross", helper.guard(function()
    local g, reason = gate(), coroutine.create(print)
    local call = held(g)
    g.await(1)
    call:cancel(reason)
    assert.equal(reason, helper.error_of(call.wait, call))
    g.open(1)
    settle_calls()
    g.close()
  end))

  it("cancels what the function waits for", helper.guard(function()
    local told = lagoon.chan(1)
    local started = lagoon.atomic()
    local call = async(blocking, function(told, started)
      local lagoon = require "lagoon"
      started:add(1)
      local _, reason = pcall(lagoon.chan().recv, lagoon.chan())
      told:send(reason)
    end, told, started)
    helper.settle(function() return started:get() == 1 end, "it has begun")
    helper.settle(function() return helper.waiting("chan receive") == 1 end, "it waits")
    helper.parked(call)
    call:cancel("stop")
    assert.equal("stop", told:recv())
    assert.equal("stop", helper.error_of(call.wait, call))
    settle_calls()
  end))

  it("never starts what waits in line", helper.guard(function()
    local g = gate()
    with(runtime.blocking_limit, 1, function()
      local first = held(g)
      g.await(1)
      local second = held(g)
      helper.settle(function() return figures().calls_waiting == 1 end, "it waits in line")
      second:cancel()
      assert.equal("cancelled", helper.error_of(second.wait, second))
      g.open(1)
      first:wait()
      settle_calls()
      assert.equal(0, figures().calls_waiting)
      assert.equal(1, g.started:get())
    end)
    g.close()
  end))

  it("starts nothing if that was before", helper.guard(function()
    local before = figures().tasks
    local ready = lagoon.chan()
    local call = async(function()
      pcall(ready.recv, ready)
      lagoon.self():cancel("before")
      return blocking(function() end)
    end)
    ready:close()
    assert.equal("before", helper.error_of(call.wait, call))
    assert.equal(before, figures().tasks)
  end))

  it("is so by a deadline", helper.guard(function()
    local g = gate()
    local call = held(g)
    g.await(1)
    lagoon.timer(0.001, function() call:cancel("too late") end)
    assert.equal("too late", helper.error_of(call.wait, call))
    g.open(1)
    settle_calls()
    g.close()
  end))
end)

describe("runtime.blocking_limit", function()
  it("tells and sets how many calls run at once", helper.guard(function()
    local before = runtime.blocking_limit()
    assert.equal(before, runtime.blocking_limit(7))
    assert.equal(7, runtime.blocking_limit(before))
    for _, value in ipairs { 0, -1, 1.5, 769, "many", {} } do
      assert.matches("bad argument #1 to 'blocking_limit'",
        helper.message_of(function() runtime.blocking_limit(value) end))
    end
    assert.equal(before, runtime.blocking_limit())
  end))

  it("has further calls wait in line", helper.guard(function()
    with(runtime.blocking_limit, 3, function()
      local g, calls = gate(), {}
      for i = 1, 1000 do
        calls[i] = held(g, i)
      end
      g.await(3)
      helper.settle(function() return figures().calls_waiting == 997 end, "they wait in line")
      assert.equal(3, figures().calls)
      for n = 4, 20 do
        g.open(1)
        g.await(n)
        assert.equal(3, figures().calls)
      end
      g.open(983)
      for i = 1, 1000 do
        assert.equal(i, calls[i]:wait())
      end
      settle_calls()
      g.close()
    end)
  end))

  it("starts those that wait when there is more room", helper.guard(function()
    local g, calls = gate(), {}
    with(runtime.blocking_limit, 1, function()
      for i = 1, 8 do
        calls[i] = held(g, i)
      end
      helper.settle(function() return figures().calls_waiting == 7 end, "they wait in line")
      runtime.blocking_limit(5)
      g.await(5)
      runtime.blocking_limit(8)
      g.await(8)
      g.open(8)
      for i = 1, 8 do
        assert.equal(i, calls[i]:wait())
      end
    end)
    settle_calls()
    g.close()
  end))

  it("keeps nothing from tasks of parallel", helper.guard(function()
    local g, calls = gate(), {}
    with(runtime.blocking_limit, 4, function()
      for i = 1, 8 do
        calls[i] = held(g, i)
      end
      g.await(4)
      local tasks = {}
      for i = 1, 100 do
        tasks[i] = lagoon.parallel(function(n)
          require("lagoon").yield()
          return n
        end, i)
      end
      for i = 1, 100 do
        assert.equal(i, tasks[i]:wait())
      end
      assert.equal(4, g.started:get())
      g.open(8)
      for i = 1, 8 do
        calls[i]:wait()
      end
    end)
    settle_calls()
    g.close()
  end))
end)

describe("garbage collection while threads are blocked", function()
  it("does not wait for them", helper.guard(function()
    if not is_interruptible then
      return
    end
    local g = gate()
    local call = held(g)
    g.await(1)
    runtime.gc()
    assert.equal("waiting", call:status())
    g.open(1)
    call:wait()
    g.close()
  end))
end)
