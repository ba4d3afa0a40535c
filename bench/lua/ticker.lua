-- SPDX-License-Identifier: MIT
--
-- How late does a goroutine wake that sleeps for a millisecond, beside one that computes for
-- ever: with size 1 in the same Lua state, with 2 in another one?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local TICK_SECONDS = 0.001

local function hog()
    local n = 0
    while true do
        n = n + 1
    end
end

local function quantile(sorted, share)
    return sorted[math.max(1, math.ceil(share * #sorted))]
end

local size = meter.size(1)
local ticks = meter.ops(400, 1)
local task = size == 1 and lagoon.async(hog) or lagoon.parallel(hog)
lagoon.sleep(0.02) -- until it is compiled

local late = {}
for i = 1, ticks do
    local due = lagoon.now() + TICK_SECONDS
    lagoon.sleep(TICK_SECONDS)
    late[i] = (lagoon.now() - due) * 1e9
end
meter.check(task:cancel("enough"), "the hog has ended by itself")
meter.check(not pcall(task.wait, task), "the hog has not been cancelled")

table.sort(late)
meter.report("ticker", { quantile(late, 0.5) })
meter.report("ticker.late-p99", { quantile(late, 0.99) })
meter.report("ticker.late-max", { late[#late] })
