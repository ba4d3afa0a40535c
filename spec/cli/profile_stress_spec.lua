-- SPDX-License-Identifier: MIT
--
-- Programs that are sampled all the time come to the same results as those that nobody looks at;
-- and profiles begin and end while goroutines do whatever they do.
local helper = require "helper"
local pprof = require "pprof"

local seed = helper.random()(1, 1e6)

-- As in preempt_stress_spec.lua.
local modes = { "-Ohotloop=3,hotexit=2", "-jon", "-joff" }
if not helper.is_stress() then modes = { modes[1] } end

local function run(mode, procs, debug, code)
  local child = helper.lagoon({ mode, "-e", code, "spec/stress/compute.lua",
    tostring(helper.rounds(5)), tostring(seed) },
    { env = { LAGOON_PROCS = procs, LAGOON_DEBUG = debug }, limit = 300 })
  assert.equal("", child.err)
  assert.equal(0, child.status)
  return child.out
end

describe("a program that is sampled 10,000 times a second, seed " .. seed, function()
  local path = helper.path("stress.pb.gz")
  local code = ("assert(require 'lagoon'.runtime.profile_start(%q, { hz = 10000 }))"):format(path)
  for _, mode in ipairs(modes) do
    for _, procs in ipairs(helper.is_stress() and { 1, 2 } or { 2 }) do
      it("computes what it does alone: " .. mode .. " on " .. procs .. " Ps", function()
        local alone = run(mode, procs, "asyncpreemptoff=1", "")
        assert.equal(alone, run(mode, procs, "", code))
        assert.equal(alone, run(mode, procs, "preemptstress=50", code))
        assert.is_true(#pprof.read(path).samples > 0)
      end)
    end
  end
end)

describe("a profile, seed " .. seed, function()
  it("begins and ends at any moment", function()
    local path = helper.path("moment.pb.gz")
    local child = helper.script([[
      local lagoon = require "lagoon"
      local runtime, path, rounds = lagoon.runtime, arg[1], tonumber(arg[2])
      math.randomseed(tonumber(arg[3]))
      local function task(n)
        local lagoon = require "lagoon"
        local ch, m, s = lagoon.chan(), lagoon.mutex(), 0
        lagoon.go(function() for i = 1, n do ch:send(i) end ch:close() end)
        for v in ch do
          m:lock() s = s + v m:unlock()
          for i = 1, 1000 do s = s + i % 3 end
        end
        local co = coroutine.wrap(function() lagoon.yield() coroutine.yield(1) end)
        co()
        table.sort({ 3, 1, 2 }, function(a, b) lagoon.yield() return a < b end)
        local t = lagoon.async(function() local x for i = 1, 1e5 do x = i end return x end)
        lagoon.yield()
        t:cancel()
        pcall(t.wait, t)
        return s
      end
      for _ = 1, rounds do
        local tasks = {}
        for i = 1, 4 do tasks[i] = lagoon.parallel(task, math.random(20)) end
        for i = 5, 8 do tasks[i] = lagoon.async(task, math.random(20)) end
        for _ = 1, 3 do
          assert(runtime.profile_start(path, { hz = math.random(10000), wait_seconds = 1e-9 }))
          for _ = 1, math.random(5) do lagoon.yield() end
          lagoon.sleep(math.random() / 1000)
          assert(runtime.profile_stop())
        end
        for i = 1, 8 do tasks[i]:wait() end
      end
      print "done"
    ]], { args = { path, helper.rounds(4), seed }, limit = 120 })
    assert.equal("", child.err)
    assert.equal("done\n", child.out)
    pprof.read(path)
  end)
end)
