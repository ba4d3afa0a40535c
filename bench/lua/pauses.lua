-- SPDX-License-Identifier: MIT
--
-- How long does LuaJIT's collector stop everything with `size` goroutines that wait? Its longest
-- step is the atomic phase, which visits every coroutine. CPU time, in milliseconds.
--
--     for n in 10000 100000 300000; do build/release/lagoon bench/lua/pauses.lua $n; done
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local STEP_KBYTES = 16

-- The longest step and the sum of a whole cycle.
local function cycle()
    local longest, sum = 0, 0
    local done
    repeat
        local start = meter.cpu_time()
        done = collectgarbage("step", STEP_KBYTES)
        local took = meter.cpu_time() - start
        longest, sum = math.max(longest, took), sum + took
    until done
    return longest / 1e6, sum / 1e6
end

local function wait(gate, ended)
    gate:recv()
    ended:done()
end

local size = meter.size(100000)
local gate, ended = lagoon.chan(), lagoon.waitgroup()
ended:add(size)
for _ = 1, size do
    lagoon.go(wait, gate, ended)
end
lagoon.yield()
collectgarbage()
local longest, sums = {}, {}
for i = 1, 5 do
    longest[i], sums[i] = cycle()
end
meter.report("longest", longest)
meter.report("cycle", sums)
local start = meter.cpu_time()
meter.check(#lagoon.runtime.leaks() == 0, "nobody has leaked")
meter.report("leaks", { (meter.cpu_time() - start) / 1e6 })
gate:close()
ended:wait()
