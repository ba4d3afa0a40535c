-- SPDX-License-Identifier: MIT
--
-- What does it cost to start a goroutine and see it end, `size` at a time?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function work(done)
    done:done()
end

local size = meter.size(1)
meter.run("spawn", meter.ops(300000, size), size, function(ops)
    local done = lagoon.waitgroup()
    for _ = 1, ops / size do
        done:add(size)
        for _ = 1, size do
            lagoon.go(work, done)
        end
        done:wait()
    end
end)
