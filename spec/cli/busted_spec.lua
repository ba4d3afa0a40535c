-- SPDX-License-Identifier: MIT
--
-- The runner of our own specs, and what --race-order does to them.
local helper = require "helper"

-- Additions that are lost where another goroutine comes between reading and writing; the same where
-- the spec is spared.
local RACES = [[
local helper = require "helper"
local lagoon = require "lagoon"
local function sum()
  local n, group = 0, lagoon.group()
  for _ = 1, 4 do
    group:go(function()
      for _ = 1, 25 do
        local before = n
        n = before + 1
      end
    end)
  end
  group:wait()
  return n
end
describe("a sum", function()
  it("is lost", function() print("lost " .. sum()) end)
  it("is kept", helper.unpreempted("it must not be", function() print("kept " .. sum()) end))
  it("is whole", helper.sliced("it has no points", function() print("whole " .. sum()) end))
end)
]]

local function run(...)
  local path = helper.file("races_spec.lua", RACES)
  local child = helper.lagoon({ "spec/busted.lua", path, ... }, { limit = 60 })
  assert(child.status == 0, child.out .. child.err)
  return child.out
end

describe("spec/busted.lua", function()
  it("fails the spec whose time was over at its end, not the next one", function()
    local path = helper.file("late_spec.lua", [[
      local lagoon = require "lagoon"
      describe("of two", function()
        it("one is late", function()
          lagoon.clock:step(1e6)
          for _ = 1, 1000 do lagoon.yield() end -- which notices no cancellation
        end)
        it("one waits", function() for _ = 1, 10 do lagoon.sleep(0.001) end end)
      end)
    ]])
    local child = helper.lagoon({ "spec/busted.lua", path }, { limit = 60 })
    assert.equal(1, child.status)
    assert.matches("FAIL of two one is late\n[^\n]*\n[^\n]*still running after", child.out)
    assert.matches("1 passed, 1 failed\n$", child.out)
  end)
end)

describe("spec/busted.lua --race-order", function()
  it("finds what the usual order hides, again with the same seed, alone or not", function()
    assert.matches("lost 100", run())
    local seed, n = 0
    repeat
      seed = seed + 1
      n = tonumber(run("--race-order", "--seed", seed):match "lost (%d+)")
    until n < 100
    assert(seed < 10, "few seeds find the race")
    assert.matches("race order, seed " .. seed .. "\n", run("--race-order", "--seed", seed))
    assert.matches("lost " .. n .. "\n", run("--race-order", "--seed", seed))
    assert.matches("lost " .. n .. "\n", run("--race-order", "--seed", seed, "--only", "is lost"))
  end)

  it("spares what says that it must not be preempted", function()
    for seed = 1, 5 do
      local out = run("--race-order", "--seed", seed)
      assert.matches("kept 100\n", out)
      assert.matches("whole 100\n", out)
    end
  end)

  it("is refused in a host", helper.with_host(function()
    local cpath = helper.library:gsub("lagoon%.so$", "?.so") .. ";;"
    local child = helper.child({ "luajit", "spec/busted.lua", "--race-order" },
      { env = { LUA_CPATH = cpath } })
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("%-%-race%-order is for specs inside the program lagoon\n$", child.err)
  end))
end)
