-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local async, settle, parked, message_of =
  lagoon.async, helper.settle, helper.parked, helper.message_of

describe("event:emit", function()
  it("wakes all that wait, in order, with its values, and tells how many", helper.unpreempted(
    "about an order", function()
    local event, order, tasks = lagoon.event(), {}, {}
    local value = {}
    for i = 1, 10 do
      tasks[i] = parked(async(function()
        local function pack(...)
          order[#order + 1] = i
          return select("#", ...), ...
        end
        return pack(event:wait())
      end))
    end
    assert.equal(10, event:emit(value, nil, "x", nil))
    assert.equal(0, event:emit("late"))
    for i = 1, 10 do
      local n, a, b, c = tasks[i]:wait()
      assert.equal(4, n)
      assert.equal(value, a)
      assert.is_nil(b)
      assert.equal("x", c)
      assert.equal(i, order[i])
    end
  end))

  it("keeps nothing for those who come later", function()
    local event = lagoon.event()
    event:emit(1)
    local task = parked(async(event.wait, event))
    event:emit(2)
    event:emit(3)
    assert.equal(2, task:wait())
  end)

  it("that follows at once is not seen by who was woken", function()
    local event = lagoon.event()
    local first = parked(async(event.wait, event))
    assert.equal(1, event:emit("a"))
    local second = parked(async(event.wait, event))
    assert.equal(1, event:emit("b"))
    assert.equal("a", first:wait())
    assert.equal("b", second:wait())
  end)
end)

describe("event:wait", function()
  it("gives up after some seconds, and leaves the others", function()
    local event = lagoon.event()
    local task = parked(async(event.wait, event))
    local v, err = event:wait(0.001)
    assert.is_nil(v)
    assert.equal("timeout", err)
    v, err = event:wait(0)
    assert.is_nil(v)
    assert.equal("timeout", err)
    assert.equal(1, event:emit(5))
    assert.equal(5, task:wait())
  end)

  it("can be cancelled", function()
    local event = lagoon.event()
    local task = parked(async(event.wait, event))
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    assert.equal(0, event:emit())
  end)

  it("is named where a goroutine is looked at", function()
    local event = lagoon.event()
    local task = async(event.wait, event)
    settle(function() return helper.waiting("event wait") == 1 end)
    event:emit()
    task:wait()
  end)
end)

describe("event:once", function()
  it("is closed by the next emission: a case for select", function()
    local event = lagoon.event()
    local task = parked(async(function()
      return lagoon.select(lagoon.chan(), event:once())
    end))
    local other = parked(async(lagoon.select, event:once()))
    assert.equal(0, event:emit("x"))
    local i, v, ok = task:wait()
    assert.equal(2, i)
    assert.is_nil(v)
    assert.is_false(ok)
    assert.equal(1, (other:wait()))
    assert.equal(2, (lagoon.select(event:once(), lagoon.default)))
  end)
end)

describe("lagoon.event", function()
  it("has a name for tostring", function()
    assert.matches("^event: hit ", tostring(lagoon.event("hit")))
    assert.matches("bad argument #1 to 'event' %(string expected, got number%)",
      message_of(function() lagoon.event(1) end))
    assert.matches("bad self", message_of(function() lagoon.event().wait() end))
  end)

  it("stays in its Lua state", function()
    local event = lagoon.event()
    assert.matches("cannot send a event", message_of(function()
      helper.parallel(function(e) return e end, event)
    end))
  end)

  it("that nobody can emit any more leaves who waits as a leak", function()
    local task = async(function() lagoon.event():wait() end)
    settle(function() return helper.waiting("event wait") == 1 end)
    assert.equal(1, #lagoon.runtime.leaks())
    task:cancel()
    pcall(task.wait, task)
  end)
end)
