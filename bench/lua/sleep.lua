-- SPDX-License-Identifier: MIT
--
-- How long does it take until `size` goroutines have been started, have each slept for 1 to
-- 100 ms, and have ended? 100 ms is the floor; sleep.cpu is the CPU time of it.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function nap(seconds, done)
    lagoon.sleep(seconds)
    done:done()
end

local size = meter.size(100000)
local cpu = {}
meter.run("sleep", 1, 1, function()
    local start = meter.cpu_time()
    local done = lagoon.waitgroup()
    done:add(size)
    local random = 1
    for _ = 1, size do
        random = random * 16807 % 2147483647
        lagoon.go(nap, (1000 + random % 99001) / 1e6, done)
    end
    done:wait()
    cpu[#cpu + 1] = meter.cpu_time() - start
end)
table.remove(cpu, 1) -- the first was the warm-up
meter.report("sleep.cpu", cpu)
