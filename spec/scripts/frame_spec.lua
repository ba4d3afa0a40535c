-- SPDX-License-Identifier: MIT
--
-- Frames are begun here, by the specs: from then on nobody else begins any.
local helper = require "helper"
local lagoon = require "lagoon"

local async, settle, message_of = lagoon.async, helper.settle, helper.message_of

-- Begins a frame when n goroutines wait for one.
local function frame(n)
  settle(function() return helper.waiting("frame wait") == n end, n .. " wait for a frame")
  lagoon.frame()
end

lagoon.frame()

describe("next_frame", function()
  it("waits for the next frame, and wakes in the order of arrival", helper.unpreempted(
    "about an order", function()
    local order = {}
    for i = 1, 100 do
      lagoon.go(function()
        for _ = 1, 3 do
          lagoon.next_frame()
          order[#order + 1] = i
        end
      end)
    end
    for n = 1, 3 do
      frame(100)
      settle(function() return #order == n * 100 end)
    end
    for i = 1, 300 do
      assert.equal((i - 1) % 100 + 1, order[i])
    end
  end))

  it("called in a frame waits for the one after it", function()
    local n = 0
    local task = async(function()
      lagoon.next_frame()
      n = 1
      lagoon.next_frame()
      n = 2
    end)
    frame(1)
    settle(function() return n == 1 end)
    for _ = 1, 10 do
      lagoon.yield()
    end
    assert.equal(1, n)
    frame(1)
    task:wait()
    assert.equal(2, n)
  end)

  it("returns the time on the goroutine's clock, and the number", function()
    local group = lagoon.group { clock = true }
    group.clock:pause()
    lagoon.frame()
    local frames = {}
    group:go(function()
      for i = 1, 3 do
        frames[i] = { lagoon.next_frame() }
      end
    end)
    for _, seconds in ipairs { 0.25, 0, 1.5 } do
      settle(function() return helper.waiting("frame wait") == 1 end)
      group.clock:step(seconds)
      frame(1)
    end
    group:wait()
    assert.near(0.25, frames[1][1], 1e-6)
    assert.equal(0, frames[2][1])
    assert.near(1.5, frames[3][1], 1e-6)
    assert.equal(frames[1][2] + 2, frames[3][2])
  end)

  it("gives up after some seconds", function()
    local v, err = lagoon.next_frame(0.001)
    assert.is_nil(v)
    assert.equal("timeout", err)
    v, err = lagoon.next_frame(0)
    assert.is_nil(v)
    assert.equal("timeout", err)
    assert.matches("bad argument #1 to 'next_frame'",
      message_of(function() lagoon.next_frame("x") end))
  end)

  it("can be cancelled, and waited for anywhere", function()
    local task = helper.parked(async(lagoon.next_frame))
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    local sorted = { 3, 1, 2 }
    local sort = async(function()
      local nwaits = 0
      table.sort(sorted, function(a, b)
        nwaits = nwaits + 1
        lagoon.next_frame()
        return a < b
      end)
      return nwaits
    end)
    while sort:status() ~= "done" do
      lagoon.frame()
      lagoon.yield()
    end
    assert.is_true(sort:wait() > 0)
    assert.same({ 1, 2, 3 }, sorted)
  end)
end)

describe("wait_until", function()
  it("asks at once, and then once in each frame", function()
    local nasked = 0
    local task = async(lagoon.wait_until, function()
      nasked = nasked + 1
      return nasked == 4 and "enough"
    end)
    for n = 1, 3 do
      frame(1)
      settle(function() return nasked == n + 1 end)
    end
    assert.equal("enough", task:wait())
    assert.equal(7, lagoon.wait_until(function() return 7 end))
  end)

  it("raises the predicate's errors where it waits", function()
    local has_come = false
    local task = async(function()
      lagoon.wait_until(function()
        if has_come then
          error("oh", 0)
        end
      end)
    end)
    frame(1)
    settle(function() return helper.waiting("frame wait") == 1 end)
    has_come = true
    frame(1)
    assert.equal("oh", helper.error_of(task.wait, task))
  end)

  it("gives up after some seconds", function()
    local v, err = lagoon.wait_until(function() return false end, 0.001)
    assert.is_nil(v)
    assert.equal("timeout", err)
    assert.equal(1, lagoon.wait_until(function() return 1 end, 0))
  end)

  it("refuses what it cannot call, or no number", function()
    assert.matches("bad argument #1 to 'wait_until' %(function expected, got nil%)",
      message_of(function() lagoon.wait_until() end))
    assert.matches("bad argument #2 to 'wait_until' %(seconds must be a number, got string%)",
      message_of(function() lagoon.wait_until(print, "1") end))
  end)
end)
