-- SPDX-License-Identifier: MIT
--
-- Clocks: the runtime's, which must not be left changed here, and those of groups. They are paused
-- and stepped, so nothing waits for time.
local helper = require "helper"
local lagoon = require "lagoon"

local settle, message_of = helper.settle, helper.message_of

-- A group whose clock stands.
local function paused_group()
  local group = lagoon.group { clock = true }
  group.clock:pause()
  return group, group.clock
end

-- How many goroutines sleep; settles until it is n.
local function sleeping(n)
  settle(function() return helper.waiting("sleep") == n end, n .. " sleep")
end

describe("lagoon.clock", function()
  it("is the runtime's clock", function()
    local before = lagoon.now()
    local now = lagoon.clock:now()
    assert.is_true(before <= now and now <= lagoon.now())
    assert.equal(1, lagoon.clock:scale())
    assert.is_false(lagoon.clock:is_paused())
  end)

  it("stands while it is paused, and can be stepped", function()
    lagoon.clock:pause()
    local ok, err = pcall(function()
      local now = lagoon.now()
      assert.equal(now, lagoon.now())
      local task = helper.parked(lagoon.async(function()
        lagoon.sleep(10)
        return lagoon.now()
      end))
      lagoon.clock:step(9)
      helper.quiet()
      assert.equal("waiting", task:status())
      lagoon.clock:step(1)
      assert.is_true(task:wait() - now >= 10)
    end)
    lagoon.clock:resume()
    assert(ok, err)
  end)
end)

describe("clock.new", function()
  it("makes one that goes with its parent, times its own scale", function()
    local parent = lagoon.clock.new()
    parent:pause()
    local child = lagoon.clock.new(parent)
    local start = child:now()
    assert.equal(parent:now(), start)
    assert.equal(4, child:scale(4))
    parent:step(2)
    assert.near(start + 8, child:now(), 1e-6)
    child:pause()
    parent:step(2)
    assert.near(start + 8, child:now(), 1e-6)
    child:resume()
    assert.is_false(child:is_paused())
    assert.is_true(parent:is_paused())
    child:step(0.5)
    assert.near(start + 8.5, child:now(), 1e-6)
  end)

  it("refuses figures that no clock has", function()
    local clock = lagoon.clock.new()
    for want, value in pairs { ["%-1"] = -1, ["1001"] = 1001, nan = 0 / 0, string = "2" } do
      local message = message_of(function() clock:scale(value) end)
      assert.matches("bad argument #1 to 'scale' %(a number from 0 to 1000 expected, got ", message)
      assert.matches(want, message)
    end
    assert.matches("a clock does not go back", message_of(function() clock:step(-1) end))
    assert.matches("seconds must be a number", message_of(function() clock:step() end))
    assert.matches("clock expected, got table",
      message_of(function() lagoon.clock.new {} end))
    assert.matches("bad self", message_of(function() clock.pause {} end))
    assert.equal(1, clock:scale())
  end)

  it("goes only so deep", function()
    local message = message_of(function()
      local clock = lagoon.clock
      for _ = 1, 100 do
        clock = lagoon.clock.new(clock)
      end
    end)
    assert.matches("more than 32 clocks over each other", message)
  end)

  it("is the same object in other Lua states", function()
    local clock = lagoon.clock.new()
    clock:pause()
    clock:step(7)
    local now, is_paused, back = helper.parallel(function(c)
      c:scale(3)
      return c:now(), c:is_paused(), c
    end, clock):wait()
    assert.equal(clock:now(), now)
    assert.is_true(is_paused)
    assert.equal(clock, back)
    assert.equal(3, clock:scale())
    assert.equal(lagoon.clock, helper.parallel(function(c) return c end, lagoon.clock):wait())
  end)

  it("tells how it stands", function()
    local clock = lagoon.clock.new()
    assert.matches("^clock: .*scale 1%)$", tostring(clock))
    clock:pause()
    assert.matches("paused", tostring(clock))
  end)
end)

describe("a group with a clock", function()
  it("has its goroutines, and theirs, sleep on that", helper.unpreempted(
    "about an order", function()
    local group, clock = paused_group()
    local order = {}
    for i, seconds in ipairs { 30, 10, 20 } do
      group:go(function()
        lagoon.go(function()
          lagoon.sleep(seconds)
          order[#order + 1] = i
        end)
      end)
    end
    sleeping(3)
    clock:step(25)
    settle(function() return #order == 2 end)
    assert.same({ 2, 3 }, order)
    clock:step(5)
    settle(function() return #order == 3 end)
    group:wait()
  end))

  it("has now(), after(), tick(), timer() and time-outs on it", function()
    local group, clock = paused_group()
    local seen = {}
    group:go(function()
      seen.now = lagoon.now()
      local ch = lagoon.chan()
      local ticks = lagoon.tick(10)
      local after = lagoon.after(10)
      lagoon.timer(10, function() seen.timer = lagoon.now() end)
      seen.v, seen.ok, seen.err = ch:recv(10)
      seen.after, seen.tick = after:recv(), ticks:recv()
      ticks:stop()
    end)
    local start = clock:now()
    settle(function() return helper.waiting("chan receive") == 1 end)
    clock:step(9.5)
    helper.quiet()
    assert.is_nil(seen.err)
    clock:step(0.5)
    group:wait()
    assert.equal(start, seen.now)
    assert.equal("timeout", seen.err)
    for _, name in ipairs { "timer", "after", "tick" } do
      assert.near(start + 10, seen[name], 1e-6)
    end
  end)

  it("leaves others alone", function()
    local group, clock = paused_group()
    local menu = lagoon.group { clock = true }
    local n = 0
    group:go(function() lagoon.sleep(1e6) end)
    menu.clock:scale(1000)
    menu:go(function()
      for _ = 1, 3 do
        lagoon.sleep(0.5)
        n = n + 1
      end
    end)
    menu:wait()
    assert.equal(3, n)
    assert.equal(1, helper.waiting("sleep"))
    clock:step(1e6)
    group:wait()
  end)

  it("may be given one, which groups made in it are on, too", function()
    local clock = lagoon.clock.new()
    clock:pause()
    local outer = lagoon.group { clock = clock }
    local has_woken = false
    outer:go(function()
      local inner = lagoon.group()
      inner:go(function() lagoon.sleep(5) end)
      inner:wait()
      has_woken = true
    end)
    sleeping(1)
    clock:step(5)
    outer:wait()
    assert.is_true(has_woken)
    assert.equal(clock, outer.clock)
  end)

  it("takes its clock along to other Lua states", function()
    local group, clock = paused_group()
    local told = lagoon.chan(1)
    group:parallel(setfenv(function(ch)
      local there = require "lagoon"
      local now = there.now()
      there.go(function()
        there.sleep(50)
        ch:send(there.now() - now)
      end)
      there.sleep(100)
    end, getfenv(0)), told)
    sleeping(2)
    clock:step(60)
    assert.near(60, told:recv(), 1e-3)
    clock:step(60)
    group:wait()
  end)

  it("refuses what is no clock", function()
    assert.matches("bad argument #1 to 'group' %(clock must be a clock or true, got number%)",
      message_of(function() lagoon.group { clock = 3 } end))
  end)

  it("frees it with the group", function()
    local function bytes_after(n)
      for _ = 1, n do
        local group = lagoon.group { clock = true }
        group:go(lagoon.sleep, 1)
        lagoon.yield()
        group:kill()
        lagoon.yield()
      end
      for _ = 1, 3 do
        collectgarbage()
        lagoon.runtime.gc()
        lagoon.yield()
      end
      return lagoon.runtime.stats().memory.uses.other
    end
    bytes_after(1000)
    local before = bytes_after(1000)
    settle(function() return bytes_after(1000) - before < 100000 end)
  end)
end)

describe("a context", function()
  it("is on the runtime's clock, whoever makes it", function()
    local group, clock = paused_group()
    local ctx
    group:go(function()
      ctx = lagoon.context.with_timeout(lagoon.context.background(), 10)
    end)
    group:wait()
    clock:step(1e6)
    assert.is_nil(ctx:err())
    lagoon.clock:step(10) -- less than the runner gives to a spec
    settle(function() return ctx:err() ~= nil end)
  end)
end)
