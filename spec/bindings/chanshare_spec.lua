-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local helper = require "helper"

local chan = lagoon.chan

-- Calls a function when it is sent, and arrives as 42.
local Hooked = lagoon.class("chanshare_spec.Hooked", {
  __transfer = function(self)
    self.hook()
    return function() return 42 end
  end,
})

-- In a goroutine of its own: one holds on to the last value that it has sent.
local function guard(body)
  return helper.guard(function() lagoon.async(body):wait() end)
end

local function hooked(hook)
  return setmetatable({ hook = hook }, Hooked)
end

describe("a channel that becomes shared", function()
  -- Issue 4: what was sent meanwhile was lost to the collector, and used.
  it("keeps what a hook sends while it is being copied, and is refused", guard(function()
    local ch = chan(64)
    ch:send(hooked(function()
      for i = 1, 40 do
        ch:send { i, ("x"):rep(200) }
      end
    end))
    assert.matches("a channel was used while what it holds was being copied",
      helper.message_of(function() lagoon.parallel(function() end, ch) end))
    ch:recv()
    for i = 1, 40 do
      lagoon.runtime.gc()
      local v = ch:recv()
      assert.equal(i, v[1])
      assert.equal(200, #v[2])
    end
  end))

  -- Issue 4: it arrived dead.
  it("is not sent by others before all of it has been copied", guard(function()
    local ch, out, gate = chan(1), chan(2), chan()
    lagoon.parallel(function() end, out):wait()
    ch:send(hooked(function() gate:recv() end))
    local first = lagoon.async(function() out:send(ch) end)
    helper.parked(first)
    local second = lagoon.async(function() lagoon.parallel(function() end, ch) end)
    assert.matches("cannot send a channel while what it holds is being copied",
      tostring(helper.error_of(second.wait, second)))
    gate:send(1)
    first:wait()
    assert.equal(42, (lagoon.parallel(function(out) return out:recv():recv() end, out):wait()))
  end))

  it("is not sent by a hook of what it holds", guard(function()
    local ch, out = chan(1), chan(2)
    lagoon.parallel(function() end, out):wait()
    local err
    ch:send(hooked(function() err = helper.error_of(out.send, out, ch) end))
    out:send(ch)
    assert.matches("while what it holds is being copied", tostring(err))
    assert.equal(42, (lagoon.parallel(function(out) return out:recv():recv() end, out):wait()))
  end))

  -- Issue 4: the buffer was nobody's.
  it("takes moves back when it cannot be shared", guard(function()
    local ch, buffer = chan(4), lagoon.buffer(10)
    ch:send { buffer:move() }
    ch:send(coroutine.create(print))
    assert.matches("cannot send a coroutine",
      helper.message_of(function() lagoon.parallel(function() end, ch) end))
    assert.equal(10, #buffer)
  end))

  -- Issue 4: a number came out.
  it("may be that of another case of a select", guard(function()
    local full, ch, out = chan(1), chan(1), chan(1)
    lagoon.parallel(function() end, full, out):wait()
    full:send(1)
    local value = hooked(function() out:send(ch) end)
    assert.equal(1, lagoon.select(ch:sending { "y" }, full:sending(value)))
    assert.equal("y", ch:recv()[1])
  end))
end)

describe("a task that is cancelled before it begins", function()
  -- Issue 4: they were nobody's.
  it("gives buffers back that were moved to it", guard(function()
    local buffer = lagoon.buffer(3)
    local procs = lagoon.runtime.procs(1)
    local task = lagoon.parallel(function() end, buffer:move())
    task:cancel "no"
    lagoon.runtime.procs(procs)
    assert.equal("no", helper.error_of(task.wait, task))
    assert.equal(3, #buffer)
  end))
end)
