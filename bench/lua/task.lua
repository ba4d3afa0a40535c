-- SPDX-License-Identifier: MIT
--
-- What does it cost to run an empty function in another Lua state and to see it end, `size` at a
-- time? The state is there, and has the function's code from earlier.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function work() end

local size = meter.size(1)
meter.run("task", meter.ops(100000, size), size, function(ops)
    local tasks = {}
    for _ = 1, ops / size do
        for i = 1, size do
            tasks[i] = lagoon.parallel(work)
        end
        for i = 1, size do
            tasks[i]:wait()
        end
    end
end)
