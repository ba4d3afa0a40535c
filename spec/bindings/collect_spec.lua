-- SPDX-License-Identifier: MIT
--
-- How the state's collector is steered.
local helper = require "helper"
local lagoon = require "lagoon"

local runtime = lagoon.runtime

-- Also where a spec has been cut short: the others must not run without a collector.
local function restore()
  runtime.gc_percent(100)
  runtime.mem_limit(math.huge)
  collectgarbage("restart")
end

describe("with 10,000 goroutines that wait", function()
  after_each(restore)

  local function parked(n, f)
    local gate, done = lagoon.chan(), lagoon.waitgroup()
    done:add(n)
    local function wait()
      gate:recv()
      done:done()
    end
    for _ = 1, n do
      lagoon.go(wait)
    end
    lagoon.yield()
    f()
    gate:close()
    done:wait()
  end

  it("the collection runs between goroutines, and its longest step is told", function()
    parked(10000, function()
      runtime.gc()
      local before = runtime.stats().gc
      local held
      helper.settle(function()
        for i = 1, 1000 do
          held = { i, { held and held[1] } }
        end
        local gc = runtime.stats().gc
        return gc.lua_cycles > before.lua_cycles + 2 and gc.lua_steps > before.lua_steps + 10
          and gc.lua_step_last > 0
      end, "cycles")
      local after = runtime.stats().gc
      assert.is_true(after.lua_step_max > 0 and after.lua_step_max < 5, after.lua_step_max)
      assert.is_true(after.lua_step_last > 0)
      assert.is_true(after.lua_steps_total >= after.lua_step_max)
    end)
  end)

  it("a cycle that has begun ends though nobody allocates any more", function()
    parked(10000, function()
      runtime.gc()
      runtime.gc()
      local steps, held = runtime.stats().gc.lua_steps, nil
      helper.settle(function()
        for i = 1, 1000 do
          held = { i, { held and held[1] } }
        end
        return runtime.stats().gc.lua_steps > steps
      end, "a step")
      local cycles = runtime.stats().gc.lua_cycles
      helper.settle(function()
        lagoon.sleep(0.001)
        return runtime.stats().gc.lua_cycles > cycles
      end, "the end of the cycle")
    end)
  end)

  it("a collector that the script has stopped stays so", function()
    parked(10000, function()
      collectgarbage()
      collectgarbage("stop")
      local before, held = runtime.stats().gc, nil
      for i = 1, helper.rounds(300000) do
        held = { i, { held and held[1] } }
        if i % 100 == 0 then
          lagoon.yield()
        end
      end
      local after = runtime.stats().gc
      collectgarbage("restart")
      assert.equal(before.lua_cycles, after.lua_cycles)
    end)
  end)
end)

describe("under a memory limit", function()
  after_each(restore)

  -- Makes garbage, with some of it held for a while; the most that the state has had.
  local function churn(megabytes, held_bytes)
    local most, ring = 0, {}
    local size = math.floor(held_bytes / 1100)
    for i = 1, megabytes * 1000 do
      ring[i % size + 1] = ("%d"):format(i):rep(1000 / #tostring(i))
      if i % 20 == 0 then
        lagoon.yield()
        most = math.max(most, collectgarbage("count") * 1024)
      end
    end
    assert.is_true(#ring > 0)
    return most
  end

  it("the state stays below it where it would have grown beyond", function()
    collectgarbage()
    collectgarbage()
    local stats = runtime.stats()
    local used = math.max(stats.memory.total, collectgarbage("count") * 1024)
    local held = 16e6
    runtime.mem_limit(used + held * 1.6)
    local n = math.max(60, helper.rounds(300))
    local most = churn(n, held)
    assert.is_true(most < used + held * 1.6, ("%.1f of %.1f MB"):format(most / 1e6,
      (used + held * 1.6) / 1e6))
    assert.is_true(most > held, most)
    runtime.mem_limit(math.huge)
    assert.equal(200, collectgarbage("setpause", 200))
  end)

  it("the state stays below it also with the percentage off", function()
    collectgarbage()
    collectgarbage()
    local used = math.max(runtime.stats().memory.total, collectgarbage("count") * 1024)
    runtime.gc_percent("off")
    runtime.mem_limit(used + 32e6)
    local most = churn(math.max(60, helper.rounds(300)), 8e6)
    runtime.gc_percent(100)
    assert.is_true(most < used + 32e6, ("%.1f of %.1f MB"):format(most / 1e6, used / 1e6 + 32))
  end)

  it("that is far below what is used, it still gets on", function()
    runtime.mem_limit(1)
    local start = os.clock()
    churn(20, 1e6)
    assert.is_true(os.clock() - start < 10)
  end)
end)
