-- SPDX-License-Identifier: MIT
--
-- Programs that are interrupted all the time come to the same results as those that nobody
-- interrupts.
local helper = require "helper"

local seed = helper.random()(1, 1e6)

-- A compiler that records everything, and gives it up soon, is interrupted in more of its states.
local modes = { "-jon", "-joff", "-Ohotloop=3,hotexit=2" }

local function run(mode, procs, debug)
  local child = helper.lagoon({ mode, "spec/stress/compute.lua", tostring(helper.rounds(40)),
    tostring(seed) }, { env = { LAGOON_PROCS = procs, LAGOON_DEBUG = debug }, limit = 300 })
  assert.equal("", child.err)
  assert.equal(0, child.status)
  return child.out
end

describe("an interrupted program, seed " .. seed, function()
  for _, mode in ipairs(modes) do
    for _, procs in ipairs { 1, 2 } do
      it("computes what it does alone: " .. mode .. " on " .. procs .. " Ps", function()
        assert.equal(run(mode, procs, "asyncpreemptoff=1"), run(mode, procs, "preemptstress=50"))
      end)
    end
  end
end)
