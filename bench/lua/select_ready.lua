-- SPDX-License-Identifier: MIT
--
-- What does a select over `size` channels (2 or 8) cost when all are ready to be received from?
-- Filling them again is not counted.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local select = lagoon.select
local PLACES = 256 -- of each channel: as many selects can never leave one empty too early
local ROUNDS = math.floor(800000 / PLACES)

local function select2(ch)
    local a, b = ch[1], ch[2]
    local total = 0
    for _ = 1, PLACES do
        local _, v = select(a, b)
        total = total + v
    end
    return total
end

local function select8(ch)
    local a, b, c, d, e, f, g, h = unpack(ch)
    local total = 0
    for _ = 1, PLACES do
        local _, v = select(a, b, c, d, e, f, g, h)
        total = total + v
    end
    return total
end

local size = meter.size(2)
meter.check(size == 2 or size == 8, "the size must be 2 or 8")
local run = size == 2 and select2 or select8
local ch = {}
for i = 1, size do
    ch[i] = lagoon.chan(PLACES)
end
meter.run_timed("select_ready", meter.ops(ROUNDS * PLACES, PLACES), PLACES, function(ops)
    local took = 0
    for _ = 1, ops / PLACES do
        for i = 1, size do
            while #ch[i] < PLACES do
                ch[i]:send(1)
            end
        end
        local start = lagoon.now()
        local total = run(ch)
        took = took + lagoon.now() - start
        meter.check(total == PLACES, "elements were lost")
    end
    return took
end)
