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
    assert.equal(42, (lagoon.parallel(function(from) return from:recv():recv() end, out):wait()))
  end))

  it("is not sent by a hook of what it holds", guard(function()
    local ch, out = chan(1), chan(2)
    lagoon.parallel(function() end, out):wait()
    local err
    ch:send(hooked(function() err = helper.error_of(out.send, out, ch) end))
    out:send(ch)
    assert.matches("while what it holds is being copied", tostring(err))
    assert.equal(42, (lagoon.parallel(function(from) return from:recv():recv() end, out):wait()))
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

-- A channel of this state hands over the value itself, a shared one a copy.
local function is_own(ch)
  local value = {}
  ch:send(value)
  for _ = 2, #ch do
    ch:send((ch:recv()))
  end
  return ch:recv() == value
end

local function nothing() end

describe("channels of one message that is refused", function()
  local function refused(what, ...)
    local args = { n = select("#", ...), ... }
    assert.matches(what, helper.message_of(function()
      lagoon.parallel(nothing, unpack(args, 1, args.n))
    end))
  end

  it("are all as they were", guard(function()
    local a, b, c = chan(4), chan(4), chan(4)
    local value = { 1 }
    a:send(value)
    b:send(coroutine.create(print))
    refused("cannot send a coroutine %(at channel's value%)", a, b, c)
    assert.equal(value, a:recv())
    assert.is_true(is_own(a))
    assert.is_true(is_own(c))
    assert.equal("thread", type(b:recv()))
    lagoon.parallel(nothing, a, b, c):wait()
    assert.is_false(is_own(a))
    assert.is_false(is_own(b))
    assert.is_false(is_own(c))
  end))

  it("are so too if they stand in each other, and in themselves", guard(function()
    local a, b, c = chan(4), chan(4), chan(4)
    a:send(a)
    a:send { b }
    b:send(c)
    b:send(a)
    c:send(print)
    c:send(coroutine.create(print))
    refused("cannot send a coroutine", a)
    c:recv()
    c:recv()
    assert.is_true(is_own(c))
    c:send "end"
    local out = lagoon.parallel(function(first)
      assert(first:recv() == first)
      local second = first:recv()[1]
      local third = second:recv()
      assert(second:recv() == first)
      return third:recv(), third
    end, a)
    local word, same = out:wait()
    assert.equal("end", word)
    assert.equal(c, same)
  end))

  it("have their buffers back, in what they hold and beside them", guard(function()
    local a, b, held, beside = chan(4), chan(4), lagoon.buffer(10), lagoon.buffer(20)
    a:send { held:move() }
    b:send(coroutine.create(print))
    refused("cannot send a coroutine", a, beside:move(), b)
    assert.equal(10, #held)
    assert.equal(20, #beside)
    local moved = beside:move()
    lagoon.parallel(nothing, moved):wait()
    local c = chan(4)
    c:send { held:move() }
    refused("buffer", c, held:move(), moved)
    assert.equal(10, #held)
    assert.is_true(is_own(c) and is_own(a))
  end))

  it("are refused if one is used while another is being copied", guard(function()
    local a, b = chan(4), chan(4)
    b:send(hooked(function() a:send { 1 } end))
    refused("a channel was used while what it holds was being copied", a, b)
    assert.equal(1, a:recv()[1])
    assert.is_true(is_own(a))
    b:recv()
    assert.is_true(is_own(b))
  end))

  it("tick on, and are collected", guard(function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local bad = chan(1)
      bad:send(coroutine.create(print))
      for i = 1, 20 do
        weak[i] = chan(1)
        refused("cannot send a coroutine", lagoon.after(1000), weak[i], bad)
      end
    end
    for _ = 1, 3 do
      collectgarbage()
      lagoon.runtime.gc()
    end
    assert.is_nil(weak[1])
    local tick = lagoon.tick(0.001)
    local other = chan(1)
    other:send(coroutine.create(print))
    refused("cannot send a coroutine", tick, other)
    tick:recv()
    tick:recv()
    tick:stop()
  end))
end)

describe("a task that is cancelled before it begins", function()
  -- Issue 4: they were nobody's.
  it("gives buffers back that were moved to it", guard(function()
    local procs = lagoon.runtime.procs(1)
    local buffer, has_run, err
    repeat -- another thread may still be faster
      buffer = lagoon.buffer(3)
      local task = lagoon.parallel(function() end, buffer:move())
      task:cancel "no"
      has_run, err = pcall(task.wait, task)
    until not has_run
    lagoon.runtime.procs(procs)
    assert.equal("no", err)
    assert.equal(3, #buffer)
  end))
end)
