-- SPDX-License-Identifier: MIT
--
-- The collectors in the hands of a host: runtime.gc_step.
local helper = require "helper"
local lagoon = require "lagoon"

local runtime, message_of = lagoon.runtime, helper.message_of

local function restore()
  runtime.gc_percent(100)
  collectgarbage("restart")
end

local function make(n)
  local held = {}
  for i = 1, n do
    held[i] = { i }
  end
  return collectgarbage("count"), #held
end

-- Makes garbage of so many tables, which only a cycle frees; returns what the state then has. Of as
-- many more as the state is large: else they are not worth a cycle.
local function litter(n)
  local full = make(n * math.ceil(collectgarbage("count") / 5000))
  local _ = select("#", unpack({}, 1, 240)) -- over what dead calls have left
  return full
end

local function step_until_done(seconds)
  local n = 0
  repeat
    local done, spent, longest = runtime.gc_step(seconds)
    assert.is_boolean(done)
    assert.is_true(spent >= 0 and longest >= 0 and longest <= spent)
    n = n + 1
    assert.is_true(n < 1e6, "never done")
  until done
  return n
end

describe("runtime.gc_step", function()
  after_each(restore)

  it("has nothing to do behind a whole collection", function()
    runtime.gc()
    runtime.gc()
    assert.is_true((runtime.gc_step(1)))
  end)

  it("is the only one who collects where the script has stopped the collector", function()
    runtime.gc()
    local before = collectgarbage("count")
    collectgarbage("stop")
    local full = litter(50000)
    assert.is_true(full > before + 1000)
    assert.is_true(step_until_done(1e-4) > 1)
    assert.is_true(collectgarbage("count") < before + (full - before) / 2)
    full = litter(50000)
    assert.is_true(litter(50000) > full, "the collector runs again")
  end)

  it("is the only one who collects where the percentage is off", function()
    runtime.gc()
    local before = collectgarbage("count")
    runtime.gc_percent("off")
    local full = litter(50000)
    step_until_done(1e-4)
    assert.is_true(collectgarbage("count") < before + (full - before) / 2)
    full = litter(50000)
    assert.is_true(litter(50000) > full, "the collector runs again")
  end)

  it("works off what was allocated meanwhile, in one long step", function()
    runtime.gc()
    collectgarbage("stop")
    local before, full = collectgarbage("count"), litter(50000)
    local done, spent, longest = runtime.gc_step(100)
    assert.is_true(done)
    assert.is_true(spent > 0 and spent < 100)
    assert.is_true(longest > 0)
    assert.is_true(collectgarbage("count") < before + (full - before) / 2)
  end)

  it("with no time does nothing", function()
    runtime.gc()
    collectgarbage("stop")
    local full = litter(50000)
    assert.is_false((runtime.gc_step(0)))
    assert.is_true(collectgarbage("count") >= full)
    step_until_done(1e-3)
  end)

  it("frees what goroutines no longer hold, and nothing else", function()
    collectgarbage("stop")
    local ch, sum = lagoon.chan(), 0
    local task = lagoon.async(function()
      for i = 1, 200 do
        ch:send { { i } }
      end
      ch:close()
    end)
    for boxed in ch do
      local inner = boxed[1]
      litter(500)
      runtime.gc_step(1e-4)
      sum = sum + inner[1]
    end
    task:wait()
    assert.equal(200 * 201 / 2, sum)
    step_until_done(1e-3)
  end)

  it("may stand in a callback and in a coroutine", function()
    ("x"):gsub("x", function() runtime.gc_step(1e-5) end)
    coroutine.wrap(function() runtime.gc_step(1e-5) end)()
  end)

  it("raises what a finaliser raises, and leaves the collector stopped", function()
    runtime.gc()
    collectgarbage("stop")
    do
      getmetatable(newproxy(true)).__gc = function() error("from a finaliser", 0) end
    end
    litter(50000)
    local ok, err = pcall(step_until_done, 1)
    local full = litter(50000)
    assert.is_true(litter(50000) > full, "the collector runs again")
    assert.is_true(ok or err == "from a finaliser", err)
    pcall(step_until_done, 1)
  end)

  it("is refused in a finaliser", function()
    local ok, message
    do
      getmetatable(newproxy(true)).__gc = function()
        ok, message = pcall(runtime.gc_step, 1)
      end
    end
    litter(1000)
    collectgarbage()
    collectgarbage()
    assert.is_false(ok)
    assert.matches("cannot collect inside a __gc metamethod", message)
  end)

  it("refuses what makes no sense", function()
    for _, value in ipairs { -1, 0 / 0, "1", {}, true } do
      local message = message_of(function() runtime.gc_step(value) end)
      assert.matches("bad argument #1 to 'gc_step'", message, 1, true)
    end
    assert.matches("a number, expected, got no value",
      message_of(function() runtime.gc_step() end), 1, true)
    runtime.gc_step(math.huge)
  end)
end)

if not helper.is_hosted() and helper.has_host() then
  describe("in a host that owns the main loop, runtime.gc_step", function()
    it("works outside of any goroutine", function()
      local child = helper.child({ "luajit", helper.file("host.lua", [[
        local lagoon = require "lagoon"
        collectgarbage() -- no cycle is under way
        collectgarbage("stop")
        local before = collectgarbage("count")
        local function litter()
          local held = {}
          for i = 1, 1e5 do held[i] = { i } end
          return collectgarbage("count"), #held
        end
        local full = litter()
        local _ = select("#", unpack({}, 1, 240)) -- over what dead calls have left
        local ran = false
        lagoon.go(function() ran = true end)
        local n = 0
        repeat n = n + 1 until lagoon.runtime.gc_step(1e-4)
        assert(collectgarbage("count") < before + (full - before) / 2)
        assert(n > 1 and not ran)
        lagoon.run(function() lagoon.yield() end)
        assert(ran)
        print "done"
      ]]) }, { env = { LUA_CPATH = helper.library:gsub("lagoon%.so$", "?.so") .. ";;" } })
      assert.equal("done\n", child.out .. child.err)
    end)
  end)
end
