-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local nan, huge = 0 / 0, math.huge

-- Long enough that it is compiled.
local function each_way(f)
  for _ = 1, 200 do
    f()
  end
end

lagoon.runtime.gc() -- the collector's goroutines, which stay

describe("atomic", function()
  it("is a number that is read and set, 0 at first", function()
    local a = lagoon.atomic()
    assert.equal(0, a:get())
    each_way(function()
      for _, number in ipairs { 1, -1.5, 2 ^ 53, 1e300, huge, -huge, 0 } do
        a:set(number)
        assert.equal(number, a:get())
      end
    end)
    assert.equal(7.25, lagoon.atomic(7.25):get())
    assert.equal(0, lagoon.atomic(nil):get())
  end)

  it("adds, and tells the sum", function()
    local a, sum = lagoon.atomic(10), 10
    each_way(function()
      sum = sum + 0.5
      assert.equal(sum, a:add(0.5))
    end)
    assert.equal(sum - 110, a:add(-110))
    assert.equal(sum - 110, a:get())
  end)

  it("swaps, and tells what it was", function()
    local a = lagoon.atomic(1)
    assert.equal(1, a:swap(2))
    assert.equal(2, a:swap(3))
    assert.equal(3, a:get())
  end)

  it("is exchanged where it is as expected", function()
    local a = lagoon.atomic(1)
    each_way(function()
      a:set(1)
      assert.is_false(a:cas(2, 3))
      assert.equal(1, a:get())
      assert.is_true(a:cas(1, 2))
      assert.equal(2, a:get())
    end)
  end)

  it("takes 0 and -0 for equal, as Lua does, and NaN for itself", function()
    local a = lagoon.atomic(-0)
    assert.is_true(a:cas(0, 5))
    a:set(nan)
    assert.is_true(a:get() ~= a:get())
    assert.is_false(a:cas(0, 5))
    each_way(function()
      a:set(nan)
      assert.is_true(a:cas(-nan, 5))
      assert.equal(5, a:get())
    end)
  end)

  it("goes on with NaN once it is NaN", function()
    local a = lagoon.atomic(nan)
    each_way(function()
      local sum = a:add(1)
      assert.is_true(sum ~= sum)
      local was = a:swap(nan)
      assert.is_true(was ~= was)
    end)
    a:set(huge)
    local sum = a:add(-huge)
    assert.is_true(sum ~= sum)
  end)

  it("tells its number as text", function()
    assert.matches("^atomic: 0x%x+ %(1.5%)$", tostring(lagoon.atomic(1.5)))
  end)

  it("refuses what is no number", function()
    assert.equal("bad argument #1 to 'atomic' (a number expected, got string)",
      helper.message_of(function() lagoon.atomic("1") end))
    local a = lagoon.atomic(3)
    for _, name in ipairs { "set", "add", "swap" } do
      for type, value in pairs { string = "1", table = {}, boolean = true,
        channel = lagoon.chan() } do
        assert.equal(("bad argument #1 to '%s' (a number expected, got %s)"):format(name, type),
          helper.message_of(function() a[name](a, value) end))
      end
      assert.matches("bad argument #1 to '" .. name .. "' %(a number expected, got n",
        helper.message_of(function() a[name](a) end))
    end
    assert.equal("bad argument #1 to 'cas' (a number expected, got string)",
      helper.message_of(function() a:cas("3", 4) end))
    assert.equal("bad argument #2 to 'cas' (a number expected, got nil)",
      helper.message_of(function() a:cas(3, nil) end))
    assert.equal(3, a:get())
  end)

  it("refuses to be something else", function()
    local a = lagoon.atomic()
    for _, name in ipairs { "get", "set", "add", "swap", "cas" } do
      assert.equal(("calling '%s' on bad self (atomic expected, got channel)"):format(name),
        helper.message_of(function() a[name](lagoon.chan(), 1, 1) end))
      assert.matches("atomic expected, got no value",
        helper.message_of(function() a[name]() end))
    end
  end)

  it("is dead once it has been finalised", function()
    local a = lagoon.atomic()
    getmetatable(a).__gc(a)
    for _, name in ipairs { "get", "set", "add", "swap", "cas" } do
      assert.matches("on a dead atomic$", helper.message_of(function() a[name](a, 1, 1) end))
    end
    assert.matches("^atomic: 0x%x+ %(dead%)$", tostring(a))
  end)

  it("is collected", function()
    local n = helper.rounds(20000)
    lagoon.runtime.gc()
    local before = lagoon.runtime.stats().gc.live_bytes
    for i = 1, n do
      lagoon.atomic(i)
    end
    lagoon.runtime.gc()
    assert.is_true(lagoon.runtime.stats().gc.live_bytes < before + 100000)
  end)
end)
