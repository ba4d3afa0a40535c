-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

-- What is sent must not have busted's environment, which cannot be.
local describe, it, assert = describe, it, assert
setfenv(1, _G)

local context = lagoon.context
local settle = helper.settle

local CANCELED, EXCEEDED = "context canceled", "context deadline exceeded"

-- Sends values through another state and back.
local function there_and_back(...)
  return lagoon.parallel(function(...) return ... end, ...):wait()
end

-- Another state waits until the context is done, and tells why.
local function waiter(ctx)
  local ready = lagoon.chan()
  local task = lagoon.parallel(function()
    local done = ctx:done()
    ready:send(true)
    done:recv()
    return ctx:err()
  end)
  ready:recv()
  return task
end

describe("a context in another state", function()
  it("is done when it is cancelled here", function()
    local ctx, cancel = context.with_cancel(context.background())
    local task = waiter(ctx)
    assert.is_nil(ctx:err())
    cancel()
    assert.equal(CANCELED, task:wait())
    cancel()
  end)

  it("is done when its parent here is", function()
    local parent, cancel = context.with_cancel(context.background())
    local task = waiter((context.with_cancel(parent)))
    cancel()
    assert.equal(CANCELED, task:wait())
  end)

  it("may have been done before", function()
    local ctx, cancel = context.with_cancel(context.background())
    cancel()
    local err, is_closed = lagoon.parallel(function()
      return ctx:err(), ctx:done():closed()
    end):wait()
    assert.equal(CANCELED, err)
    assert.is_true(is_closed)
  end)

  it("has the deadline, which ends it there and here", function()
    local ctx, cancel = context.with_timeout(context.background(), 0.01)
    local task = lagoon.parallel(function()
      ctx:done():recv()
      return ctx:err(), ctx:deadline()
    end)
    local err, moment = task:wait()
    assert.equal(EXCEEDED, err)
    assert.equal(ctx:deadline(), moment)
    assert.equal(EXCEEDED, ctx:err())
    assert.is_true(ctx:done():closed())
    cancel()
  end)

  it("is done in a loop that never waits, when the time has come", function()
    local ctx, cancel = context.with_timeout(context.background(), 0.01)
    assert.equal(EXCEEDED, lagoon.parallel(function()
      while not ctx:err() do
      end
      return ctx:err()
    end):wait())
    cancel()
  end)

  it("is never done if it is the background", function()
    local is_same, err = lagoon.parallel(function(ctx)
      return ctx == lagoon.context.background(), ctx:err()
    end, context.background()):wait()
    assert.is_true(is_same)
    assert.is_nil(err)
  end)
end)

describe("a cancel function in another state", function()
  it("cancels the context there and here", function()
    local ctx, cancel = context.with_cancel(context.background())
    local child = context.with_cancel(ctx)
    local task = lagoon.parallel(function()
      cancel()
      return ctx:err(), ctx:done():closed()
    end)
    assert.same({ CANCELED, true }, { task:wait() })
    assert.equal(CANCELED, ctx:err())
    assert.equal(CANCELED, child:err())
    assert.is_true(child:done():closed())
  end)

  it("wakes who waits here, for a child too", function()
    local ctx, cancel = context.with_cancel(context.background())
    local child = context.with_cancel(ctx)
    local tasks = {}
    for i, each in ipairs { ctx, child } do
      tasks[i] = helper.parked(lagoon.async(function() return each:done():recv() end))
    end
    lagoon.parallel(cancel):wait()
    for _, task in ipairs(tasks) do
      assert.same({ nil, false }, { task:wait() })
    end
    assert.equal(CANCELED, child:err())
  end)

  it("leaves no timer here", function()
    local before = lagoon.runtime.stats().timers
    local _, cancel = context.with_timeout(context.background(), 3600)
    assert.equal(before + 1, lagoon.runtime.stats().timers)
    lagoon.parallel(cancel):wait()
    settle(function() return lagoon.runtime.stats().timers == before end)
  end)

  it("may be called by all at once: one of them wins, for all", function()
    for _ = 1, helper.rounds(100) do
      local ctx, cancel = context.with_timeout(context.background(), 0.0005)
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = lagoon.parallel(function()
          cancel()
          return ctx:err()
        end)
      end
      ctx:done():recv()
      local err = ctx:err()
      for i = 1, 3 do
        assert.equal(err, tasks[i]:wait())
      end
      cancel()
    end
  end)
end)

describe("a child of a context of another state", function()
  it("is done when that is", function()
    local ctx, cancel = context.with_cancel(context.background())
    local ready = lagoon.chan()
    local task = lagoon.parallel(function()
      local child = lagoon.context.with_cancel(ctx)
      local grandchild = lagoon.context.with_cancel(child)
      ready:send(true)
      grandchild:done():recv()
      return child:err(), grandchild:err()
    end)
    ready:recv()
    cancel()
    assert.same({ CANCELED, CANCELED }, { task:wait() })
  end)

  it("has its deadline", function()
    local ctx, cancel = context.with_timeout(context.background(), 0.01)
    local is_same, err = lagoon.parallel(function()
      local child = lagoon.context.with_timeout(ctx, 3600)
      child:done():recv()
      return child:deadline() == ctx:deadline(), child:err()
    end):wait()
    assert.is_true(is_same)
    assert.equal(EXCEEDED, err)
    cancel()
  end)

  it("does not end its parent, and leaves nothing behind when it is done", function()
    local ctx, cancel = context.with_timeout(context.background(), 3600)
    lagoon.parallel(type, ctx):wait() -- from now on one waits here for its end
    local before = lagoon.runtime.num_goroutine()
    assert.is_nil(lagoon.parallel(function()
      for _ = 1, 10 do
        local _, cancel_child = lagoon.context.with_timeout(ctx, 3600)
        cancel_child()
      end
      return ctx:err()
    end):wait())
    settle(function() return lagoon.runtime.num_goroutine() <= before end)
    cancel()
  end)

  it("may be sent on, and back", function()
    local ctx, cancel = context.with_cancel(context.background())
    local child, cancel_child = lagoon.parallel(function()
      return lagoon.context.with_cancel(ctx)
    end):wait()
    assert.is_nil(child:err())
    local task = waiter(child)
    cancel_child()
    assert.equal(CANCELED, task:wait())
    assert.equal(CANCELED, child:err())
    assert.is_nil(ctx:err())
    cancel()
  end)
end)

describe("a context that comes back", function()
  it("is the same table", function()
    local ctx, cancel = context.with_cancel(context.background())
    local holder = context.with_value(ctx, "k", "v")
    local background = context.background()
    local a, b, c, d = there_and_back(ctx, holder, background, ctx)
    assert.equal(ctx, a)
    assert.equal(holder, b)
    assert.equal(background, c)
    assert.equal(ctx, d)
    cancel()
  end)

  it("is the same there, if it comes twice", function()
    local ctx, cancel = context.with_cancel(context.background())
    local holder = context.with_value(ctx, "k", "v")
    local contexts = lagoon.chan(4)
    for _ = 1, 2 do
      contexts:send(ctx)
      contexts:send(holder)
    end
    local is_same, is_same_holder = lagoon.parallel(function()
      local ctx_1, holder_1 = contexts:recv(), contexts:recv()
      local ctx_2, holder_2 = contexts:recv(), contexts:recv()
      return rawequal(ctx_1, ctx_2), rawequal(holder_1, holder_2)
    end):wait()
    assert.is_true(is_same)
    assert.is_true(is_same_holder)
    cancel()
  end)
end)

describe("the values of a context in another state", function()
  it("are there, the nearest first, from above and below", function()
    local a = context.with_value(context.background(), "a", "outer")
    local b, cancel = context.with_cancel(context.with_value(a, "b", { 1, 2 }))
    local c = context.with_value(context.with_value(b, "a", "inner"), "none", nil)
    local values = lagoon.parallel(function()
      return { c:value("a"), c:value("b"), a:value("a"), b:value("a"), c:value("no such") }
    end):wait()
    assert.same({ "inner", { 1, 2 }, "outer", "outer" }, values)
    cancel()
  end)

  it("belong to contexts that are done with their parent", function()
    local ctx, cancel = context.with_cancel(context.background())
    local task = waiter(context.with_value(ctx, "k", "v"))
    cancel()
    assert.equal(CANCELED, task:wait())
  end)

  it("are refused if they cannot be sent", function()
    local ctx = context.with_value(context.background(), "k", coroutine.create(function() end))
    assert.matches("cannot send a coroutine", helper.message_of(function()
      lagoon.parallel(function() end, ctx)
    end))
  end)
end)

describe("contexts of several states", function()
  it("tell the same to all, whoever ends them", function()
    local random = helper.random(7)
    for _ = 1, helper.rounds(30) do
      local root, cancel_root = context.with_timeout(context.background(), random(3) / 1000)
      local group, results = lagoon.group(), lagoon.chan(8)
      for i = 1, 8 do
        group:parallel(function(is_hasty)
          local child, cancel = lagoon.context.with_cancel(root)
          if is_hasty then
            cancel_root()
          end
          child:done():recv()
          cancel()
          results:send(root:err())
        end, random(8) == 1)
        if i == 5 then
          context.with_cancel(root)
        end
      end
      group:wait()
      for _ = 1, 8 do
        assert.equal(root:err(), (results:recv()))
      end
    end
  end)
end)
