-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local context = lagoon.context
local settle, parked = helper.settle, helper.parked

describe("context.background", function()
  it("is never done", function()
    local ctx = context.background()
    assert.is_nil(ctx:err())
    assert.is_nil(ctx:value("key"))
    assert.equal(2, (lagoon.select(ctx:done(), lagoon.default)))
    assert.equal(ctx, context.background())
  end)
end)

describe("a loop that never waits", function()
  if lagoon.runtime.preemption() == "off" then return end

  it("sees that the context's time is over", function()
    local ctx = context.with_timeout(context.background(), 0.002)
    local n = 0
    while not ctx:err() do n = n + 1 end
    assert.equal("context deadline exceeded", ctx:err())
    assert.is_true(n > 0)
  end)

  it("is ended by who watches the context", function()
    local ctx = context.with_timeout(context.background(), 0.002)
    local task = lagoon.async(function()
      while true do end
    end)
    lagoon.go(function()
      ctx:done():recv()
      task:cancel(ctx:err())
    end)
    assert.equal("context deadline exceeded", helper.error_of(task.wait, task))
  end)
end)

describe("context.with_cancel", function()
  it("is done when it is cancelled, once and for all", function()
    local ctx, cancel = context.with_cancel(context.background())
    assert.is_nil(ctx:err())
    local task = parked(lagoon.async(function() return ctx:done():recv() end))
    cancel()
    assert.same({ nil, false }, { task:wait() })
    assert.equal("context canceled", ctx:err())
    assert.is_true(ctx:done():closed())
    cancel()
    assert.equal("context canceled", ctx:err())
  end)

  it("is done when its parent is, not the reverse", function()
    local parent, cancel_parent = context.with_cancel(context.background())
    local child, cancel_child = context.with_cancel(parent)
    local sibling = context.with_cancel(parent)
    local grandchild = context.with_cancel(child)
    cancel_child()
    assert.is_nil(parent:err())
    assert.is_nil(sibling:err())
    assert.equal("context canceled", grandchild:err())
    cancel_parent()
    assert.equal("context canceled", sibling:err())
    local late = context.with_cancel(parent)
    assert.equal("context canceled", late:err())
    assert.is_true(late:done():closed())
  end)

  it("stops those who select on it", function()
    local ctx, cancel = context.with_cancel(context.background())
    local jobs, left = lagoon.chan(), lagoon.atomic(5)
    for _ = 1, 5 do
      lagoon.go(function()
        while true do
          local i = lagoon.select(jobs, ctx:done())
          if i == 2 then
            left:add(-1)
            return
          end
        end
      end)
    end
    jobs:send(1)
    cancel()
    settle(function() return left:get() == 0 end)
  end)
end)

describe("context.with_timeout", function()
  it("is done after so long", function()
    local start = lagoon.now()
    local ctx = context.with_timeout(context.background(), 0.01)
    ctx:done():recv()
    assert.equal("context deadline exceeded", ctx:err())
    assert.is_true(lagoon.now() - start >= 0.01)
  end)

  it("is done at once for a time that has passed", function()
    assert.equal("context deadline exceeded",
      context.with_timeout(context.background(), 0):err())
    assert.equal("context deadline exceeded",
      context.with_deadline(context.background(), lagoon.now() - 1):err())
  end)

  it("is cancelled before, and leaves no timer", function()
    local before = lagoon.runtime.stats().timers
    local ctx, cancel = context.with_timeout(context.background(), 3600)
    assert.equal(before + 1, lagoon.runtime.stats().timers)
    cancel()
    assert.equal("context canceled", ctx:err())
    assert.equal(before, lagoon.runtime.stats().timers)
  end)

  it("is never longer than its parent's", function()
    local parent = context.with_timeout(context.background(), 0.005)
    local child, cancel = context.with_timeout(parent, 3600)
    child:done():recv()
    assert.equal("context deadline exceeded", child:err())
    cancel()
  end)

  it("refuses what is no number, and what is no context", function()
    for _, name in ipairs { "with_timeout", "with_deadline" } do
      assert.matches(name, helper.message_of(function()
        context[name](context.background(), "soon")
      end))
      assert.matches("nan", helper.message_of(function()
        context[name](context.background(), 0 / 0)
      end))
    end
    for _, name in ipairs { "with_cancel", "with_timeout", "with_deadline", "with_value" } do
      assert.matches("bad argument #1 to '" .. name .. "' %(context expected, got nil%)",
        helper.message_of(function() context[name](nil, 1, 2) end))
      assert.matches("got table", helper.message_of(function() context[name]({}, 1, 2) end))
    end
    assert.matches("bad self", helper.message_of(function() context.background().done() end))
  end)
end)

describe("context.with_value", function()
  it("answers its key, the nearest first, and false is a value", function()
    local key = {}
    local a = context.with_value(context.background(), key, "outer")
    local b = context.with_value(a, "other", false)
    local c = context.with_value(b, key, "inner")
    assert.equal("outer", a:value(key))
    assert.equal("outer", b:value(key))
    assert.equal("inner", c:value(key))
    assert.is_false(c:value("other"))
    assert.is_nil(a:value("other"))
    assert.is_nil(c:value("no such"))
    assert.matches("key", helper.message_of(function() context.with_value(a, nil, 1) end))
  end)

  it("is done when its parent is", function()
    local parent, cancel = context.with_cancel(context.background())
    local ctx = context.with_value(parent, "k", "v")
    cancel()
    assert.equal("context canceled", ctx:err())
    assert.equal("v", ctx:value("k"))
  end)
end)

describe("contexts that are forgotten", function()
  it("are collected, background's children too", function()
    for _ = 1, 200 do
      local ctx = context.with_cancel(context.background())
      context.with_value(ctx, "k", "v")
    end
    -- The guard finds what is left.
  end)
end)
