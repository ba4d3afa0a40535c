-- SPDX-License-Identifier: MIT
--
-- What does an element cost that a select takes from one of two producers, over unbuffered
-- channels?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local select = lagoon.select

local function produce(ch, times)
    for _ = 1, times do
        ch:send(1)
    end
end

meter.run("select_blocking", meter.ops(500000, 2), 2, function(ops)
    local a, b = lagoon.chan(), lagoon.chan()
    local total = 0
    lagoon.go(produce, a, ops / 2)
    lagoon.go(produce, b, ops / 2)
    for _ = 1, ops do
        local _, v = select(a, b)
        total = total + v
    end
    meter.check(total == ops, "elements were lost")
end)
