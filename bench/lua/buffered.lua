-- SPDX-License-Identifier: MIT
--
-- What does an element cost that passes through a channel of 128 places, from `size` producers
-- to as many consumers?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function produce(ch, times, done)
    for i = 0, times - 1 do
        ch:send(i)
    end
    done:done()
end

local function consume(ch, times, sums, me, done)
    local total = 0
    for _ = 1, times do
        total = total + ch:recv()
    end
    sums[me] = total
    done:done()
end

local size = meter.size(1)
meter.run("buffered", meter.ops(2000000, size), size, function(ops)
    local done, ch = lagoon.waitgroup(), lagoon.chan(128)
    local sums, times = {}, ops / size
    done:add(2 * size)
    for i = 1, size do
        lagoon.go(produce, ch, times, done)
        lagoon.go(consume, ch, times, sums, i, done)
    end
    done:wait()
    local total = 0
    for i = 1, size do
        total = total + sums[i]
    end
    meter.check(total == size * times * (times - 1) / 2, "elements were lost")
end)
