-- SPDX-License-Identifier: MIT
--
-- What does an addition to one number cost that `size` Lua states make at once?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function add(number, times)
    for _ = 1, times do
        number:add(1)
    end
end

local size = meter.size(1)
meter.run("atomic", meter.ops(10000000, size), size, function(ops)
    local number, tasks = lagoon.atomic(0), {}
    for i = 1, size do
        tasks[i] = lagoon.parallel(add, number, ops / size)
    end
    for i = 1, size do
        tasks[i]:wait()
    end
    meter.check(number:get() == ops, "additions were lost")
end)
