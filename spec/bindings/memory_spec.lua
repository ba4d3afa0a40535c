-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local runtime, message_of = lagoon.runtime, helper.message_of

local MEGABYTE = 1024 ^ 2

-- Overwrites what dead calls have left on the Lua stack.
local function scrub()
  return select("#", unpack({}, 1, 240))
end

describe("runtime.gc", function()
  it("collects the state, runs its finalisers, and returns nothing", function()
    local finalised = false
    local function make()
      getmetatable(newproxy(true)).__gc = function() finalised = true end
    end
    make()
    scrub()
    assert.equal(0, select("#", runtime.gc()))
    assert.is_true(finalised)
  end)

  it("may stand in a callback, a coroutine, and in many goroutines at once", function()
    ("x"):gsub("x", function() runtime.gc() end)
    coroutine.wrap(function() runtime.gc() end)()
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = lagoon.async(function()
        local kept = { i }
        runtime.gc()
        return kept[1]
      end)
    end
    for i = 1, 10 do
      assert.equal(i, tasks[i]:wait())
    end
  end)

  it("lets the others of the state run meanwhile", function()
    local ran = false
    lagoon.go(function() ran = true end)
    runtime.gc()
    helper.settle(function() return ran end)
  end)

  it("is refused in a finaliser", function()
    local ok, message
    local function make()
      getmetatable(newproxy(true)).__gc = function() ok, message = pcall(runtime.gc) end
    end
    make()
    scrub()
    collectgarbage()
    collectgarbage()
    assert.is_false(ok)
    assert.matches("cannot collect inside a __gc metamethod", message)
  end)
end)

describe("runtime.gc_percent", function()
  after_each(function()
    runtime.gc_percent(100)
    collectgarbage("restart")
  end)

  it("tells, and with an argument sets and tells what it was", function()
    assert.equal(100, runtime.gc_percent())
    assert.equal(100, runtime.gc_percent(50))
    assert.equal(50, runtime.gc_percent("off"))
    assert.equal("off", runtime.gc_percent())
    assert.equal("off", runtime.gc_percent(0))
    assert.equal(0, runtime.gc_percent(-1))
    assert.equal("off", runtime.gc_percent(100))
    assert.equal(100, runtime.gc_percent(nil))
  end)

  local function grow(n)
    local before = collectgarbage("count")
    for i = 1, n do
      local _ = { tostring(i) }
    end
    return collectgarbage("count") - before
  end

  it("counts for the state's collector", function()
    local n = 50000 -- much more than the tenth of the heap that may pile up at 10 percent
    collectgarbage()
    runtime.gc_percent("off")
    local off = grow(n)
    collectgarbage() -- does not switch it on
    local still_off = grow(n)
    runtime.gc_percent(10)
    grow(n)
    local on = grow(n)
    assert.is_true(off > 40 / 1024 * n, off)
    assert.is_true(still_off > 40 / 1024 * n, still_off)
    assert.is_true(on < off / 2, on .. " and " .. off)
  end)

  it("that is off is not woken by channels, nor is a collector that the script has stopped",
    function()
      local function is_collected_by(n)
        local weak = setmetatable({ {} }, { __mode = "v" })
        for _ = 1, n do
          lagoon.chan(1000)
        end
        return weak[1] == nil
      end
      collectgarbage()
      runtime.gc_percent("off")
      assert.is_false(is_collected_by(1000))
      runtime.gc_percent(100)
      collectgarbage("stop")
      local is_collected = is_collected_by(1000)
      collectgarbage("restart")
      assert.is_false(is_collected)
      assert.is_true(is_collected_by(3000))
    end)

  it("leaves a collector that the script has stopped alone", function()
    collectgarbage("stop")
    runtime.gc_percent(10)
    local n = helper.rounds(50000)
    local grown = grow(n)
    collectgarbage("restart")
    assert.is_true(grown > 40 / 1024 * n, grown)
  end)

  it("refuses what makes no sense, and changes nothing", function()
    for _, value in ipairs { -2, 1.5, 0 / 0, math.huge, 2 ^ 31, "on", "50", {}, true } do
      local message = message_of(function() runtime.gc_percent(value) end)
      assert.matches("bad argument #1 to 'gc_percent'", message, 1, true)
    end
    assert.matches("got 1.5", message_of(function() runtime.gc_percent(1.5) end), 1, true)
    assert.matches("got on", message_of(function() runtime.gc_percent("on") end), 1, true)
    assert.matches("got table", message_of(function() runtime.gc_percent({}) end), 1, true)
    assert.equal(100, runtime.gc_percent())
  end)
end)

describe("runtime.mem_limit", function()
  after_each(function() runtime.mem_limit(math.huge) end)

  it("tells, and with an argument sets and tells what it was", function()
    assert.equal(math.huge, runtime.mem_limit())
    assert.equal(math.huge, runtime.mem_limit(1e9))
    assert.equal(1e9, runtime.mem_limit("512MiB"))
    assert.equal(512 * MEGABYTE, runtime.mem_limit("3KiB"))
    assert.equal(3072, runtime.mem_limit("off"))
    assert.equal(math.huge, runtime.mem_limit("77"))
    assert.equal(77, runtime.mem_limit(1e300))
    assert.equal(math.huge, runtime.mem_limit())
  end)

  it("refuses what makes no sense, and changes nothing", function()
    for _, value in ipairs { 0, -1, 0.5, 0 / 0, -math.huge, "", "many", "512MB", "0", {}, true } do
      local message = message_of(function() runtime.mem_limit(value) end)
      assert.matches("bad argument #1 to 'mem_limit'", message, 1, true)
    end
    assert.matches("got 512MB", message_of(function() runtime.mem_limit("512MB") end), 1, true)
    assert.equal(math.huge, runtime.mem_limit())
  end)

  it("below what is used is allowed, and costs time only", function()
    runtime.mem_limit(1)
    local kept = {}
    for i = 1, helper.rounds(20000) do
      kept[i] = { i }
      if i % 100 == 0 then
        lagoon.yield()
      end
    end
    assert.equal(1, kept[1][1])
    assert.equal(1, runtime.mem_limit(math.huge))
  end)

  it("gives the collector's settings back when it no longer presses", function()
    local pause, stepmul = collectgarbage("setpause", 150), collectgarbage("setstepmul", 300)
    runtime.mem_limit(1)
    runtime.mem_limit(math.huge)
    assert.equal(150, collectgarbage("setpause", pause))
    assert.equal(300, collectgarbage("setstepmul", stepmul))
  end)
end)
