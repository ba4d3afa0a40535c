-- SPDX-License-Identifier: MIT
--
-- How many bytes does a goroutine hold that waits on a channel, when there are `size` of them?
-- Counted is what the process grows by, page tables included.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function wait(gate, started, ended)
    started:done()
    gate:recv()
    ended:done()
end

local function park(size)
    local started, ended = lagoon.waitgroup(), lagoon.waitgroup()
    local gate = lagoon.chan()
    started:add(size)
    ended:add(size)
    collectgarbage()
    local before = meter.resident_bytes()
    for _ = 1, size do
        lagoon.go(wait, gate, started, ended)
    end
    started:wait()
    for _ = 1, 10 do
        lagoon.yield()
    end
    local grown = meter.resident_bytes() - before
    gate:close()
    ended:wait()
    return grown / size
end

local size = meter.size(100000)
park(10)
meter.report("parked", { park(size) })
