-- SPDX-License-Identifier: MIT
--
-- How long does a computation take that is shared out among `size` tasks, which need nobody?
-- They add up 1 / i^2, of which the sum is known.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function add_up(first, last)
    local sum = 0
    for i = first, last do
        sum = sum + 1 / (i * i)
    end
    return sum
end

local size = meter.size(8)
local share = meter.ops(25000000, 1)
meter.run("cores", 1, 1, function()
    local tasks, sum = {}, 0
    for i = 1, size do
        tasks[i] = lagoon.parallel(add_up, (i - 1) * share + 1, i * share)
    end
    for i = 1, size do
        sum = sum + tasks[i]:wait()
    end
    meter.check(math.abs(sum - math.pi * math.pi / 6) < 1e-6, "the sum is wrong")
end)
