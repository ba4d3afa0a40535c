-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local async, settle, parked = lagoon.async, helper.settle, helper.parked

describe("now", function()
  it("is a number of seconds that never goes back", function()
    local last = lagoon.now()
    assert.is_number(last)
    for _ = 1, 1000 do
      local now = lagoon.now()
      assert.is_true(now >= last)
      last = now
    end
  end)
end)

describe("sleep", function()
  it("lasts as long as asked, and returns nothing", function()
    local start = lagoon.now()
    assert.equal(0, select("#", lagoon.sleep(0.02)))
    assert.is_true(lagoon.now() - start >= 0.02)
  end)

  it("of 0 or less lets the others run once", function()
    for _, seconds in ipairs { 0, -1, -math.huge } do
      local has_run = false
      lagoon.go(function() has_run = true end)
      lagoon.sleep(seconds)
      assert.is_true(has_run)
    end
  end)

  it("wakes the shortest first", helper.unpreempted("about an order", function()
    local order, tasks = {}, {}
    lagoon.clock:pause() -- how long it takes to start them does not count
    local ok, err = pcall(function()
      for i, ms in ipairs { 30, 10, 20 } do
        tasks[i] = parked(async(function()
          lagoon.sleep(ms / 1000)
          order[#order + 1] = ms
        end))
      end
      lagoon.clock:step(0.03)
      for i = 1, 3 do
        tasks[i]:wait()
      end
    end)
    lagoon.clock:resume()
    assert(ok, err)
    assert.same({ 10, 20, 30 }, order)
  end))

  it("refuses what is no number of seconds", function()
    for want, value in pairs { string = "1s", table = {}, ["nil"] = false } do
      local message = helper.message_of(function() lagoon.sleep(value or nil) end)
      assert.matches("bad argument #1 to 'sleep'", message)
      assert.matches(want, message)
    end
    assert.matches("nan", helper.message_of(function() lagoon.sleep(0 / 0) end))
    assert.matches("sleep", helper.message_of(function() lagoon.sleep() end))
  end)

  it("for ever ends by cancellation", function()
    local task = parked(async(lagoon.sleep, math.huge))
    task:cancel()
    assert.equal("cancelled", helper.error_of(task.wait, task))
  end)

  it("of many at once wakes each, none too early", function()
    local random, left, early = helper.random(1), lagoon.atomic(0), lagoon.atomic(0)
    for _ = 1, helper.rounds(5000) do
      left:add(1)
      local seconds = random(0, 20) / 1000
      lagoon.go(function()
        local start = lagoon.now()
        lagoon.sleep(seconds)
        if lagoon.now() - start < seconds then
          early:add(1)
        end
        left:add(-1)
      end)
    end
    settle(function() return left:get() == 0 end)
    assert.equal(0, early:get())
  end)
end)

describe("after", function()
  it("gives the time once", function()
    local start = lagoon.now()
    local ch = lagoon.after(0.01)
    assert.equal(1, ch:cap())
    local v, ok = ch:recv()
    assert.is_true(ok)
    assert.is_true(v >= start + 0.01 and v <= lagoon.now())
    assert.same({ nil, nil, "timeout" }, { ch:recv(0.005) })
  end)

  it("of 0 or less gives it at once", function()
    assert.is_number((lagoon.after(0):recv(5)))
    assert.is_number((lagoon.after(-5):recv(5)))
  end)

  it("ends a select that waits", function()
    assert.equal(2, (lagoon.select(lagoon.chan(), lagoon.after(0.002))))
  end)

  it("refuses what is no number", function()
    assert.matches("bad argument #1 to 'after'",
      helper.message_of(function() lagoon.after("x") end))
    assert.matches("bad argument #1 to 'after'", helper.message_of(function() lagoon.after() end))
  end)

  it("that nobody refers to any more is collected", function()
    for _ = 1, 1000 do
      lagoon.after(3600)
    end
    -- The guard finds what is left.
  end)
end)

describe("tick", function()
  it("gives the time again and again, until it is stopped", function()
    local ch = lagoon.tick(0.002)
    local last = 0
    for _ = 1, 5 do
      local v = ch:recv(10)
      assert.is_true(v > last)
      last = v
    end
    ch:stop()
    ch:try_recv()
    assert.same({ nil, nil, "timeout" }, { ch:recv(0.02) })
    ch:stop()
  end)

  it("drops what nobody took in time", function()
    local ch = lagoon.tick(0.001)
    settle(function() return #ch == 1 end)
    local start = lagoon.now()
    settle(function() return lagoon.now() > start + 0.01 end)
    assert.equal(1, #ch)
    ch:stop()
  end)

  it("refuses a period that is none", function()
    for _, value in ipairs { 0, -1 } do
      assert.matches("bad argument #1 to 'tick' %(seconds must be more than 0",
        helper.message_of(function() lagoon.tick(value) end))
    end
    assert.matches("nan", helper.message_of(function() lagoon.tick(0 / 0) end))
    assert.matches("bad argument #1 to 'tick'",
      helper.message_of(function() lagoon.tick("often") end))
  end)

  it("cannot stop a channel that is no ticker", function()
    assert.matches("lagoon.tick did not make",
      helper.message_of(function() lagoon.chan():stop() end))
  end)

  it("cannot be stopped by another Lua state", helper.guard(function()
    local ticker = lagoon.tick(0.001)
    local task = lagoon.parallel(function()
      ticker:recv()
      ticker:stop()
    end)
    assert.matches("lagoon.tick did not make in this Lua state", helper.error_of(task.wait, task))
    assert.is_true(ticker:stop())
  end))
end)

describe("timer", function()
  it("runs its function as a goroutine, once", function()
    local ch = lagoon.chan()
    local timer = lagoon.timer(0.005, function() ch:send(lagoon.self():id()) end)
    local id = ch:recv(10)
    assert.is_number(id)
    assert.not_equal(lagoon.self():id(), id)
    assert.is_false(timer:stop())
    assert.same({ nil, nil, "timeout" }, { ch:recv(0.01) })
  end)

  it("does not run when it was stopped", function()
    local has_run = false
    local timer = lagoon.timer(0.003, function() has_run = true end)
    assert.is_true(timer:stop())
    assert.is_false(timer:stop())
    lagoon.after(0.01):recv()
    assert.is_false(has_run)
  end)

  it("starts again with reset, which tells whether it was pending", function()
    local n = 0
    local timer = lagoon.timer(3600, function() n = n + 1 end)
    assert.is_true(timer:reset(0.002))
    settle(function() return n == 1 end)
    assert.is_false(timer:reset(0.002))
    settle(function() return n == 2 end)
    assert.is_false(timer:reset(3600))
    assert.is_true(timer:stop())
  end)

  it("goes on though nobody refers to it", function()
    local ch = lagoon.chan()
    lagoon.timer(0.005, function() ch:send(true) end)
    collectgarbage()
    assert.is_true((ch:recv(10)))
  end)

  it("may stop itself and reset itself", function()
    local n, timer = 0, nil
    timer = lagoon.timer(0, function()
      n = n + 1
      if n < 5 then
        timer:reset(0)
      else
        timer:stop()
      end
    end)
    settle(function() return n == 5 end)
  end)

  it("refuses misuse", function()
    assert.matches("bad argument #1 to 'timer'",
      helper.message_of(function() lagoon.timer("x", print) end))
    assert.matches("bad argument #2 to 'timer' %(function expected, got no value%)",
      helper.message_of(function() lagoon.timer(1) end))
    local timer = lagoon.timer(3600, function() end)
    assert.matches("bad argument #1 to 'reset'",
      helper.message_of(function() timer:reset("x") end))
    assert.matches("timer expected", helper.message_of(function() timer.stop() end))
    assert.is_true(timer:stop())
  end)

  it("is stopped or fires in a race, never both, never neither", function()
    local random = helper.random(2)
    local fired, stopped, rounds = lagoon.atomic(0), 0, helper.rounds(1000)
    for _ = 1, rounds do
      local has_fired = false
      local timer = lagoon.timer(random(0, 20) / 100000, function()
        has_fired = true
        fired:add(1)
      end)
      for _ = 1, random(0, 5) do
        lagoon.yield()
      end
      if timer:stop() then
        stopped = stopped + 1
        assert.is_false(has_fired)
      else
        settle(function() return has_fired end)
      end
    end
    helper.quiet()
    assert.equal(rounds, fired:get() + stopped)
  end)
end)
