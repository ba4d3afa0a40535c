-- SPDX-License-Identifier: MIT
--
-- What does a wake-up cost when `size` goroutines each wait for the next frame, and one begins
-- them?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function entity(frames, ended)
    for _ = 1, frames do
        lagoon.next_frame()
    end
    ended:done()
end

local size = meter.size(1000)
lagoon.frame() -- from now on nobody else begins any
meter.run("frame", meter.ops(2000000, size), size, function(ops)
    local frames, ended = ops / size, lagoon.waitgroup()
    ended:add(size)
    for _ = 1, size do
        lagoon.go(entity, frames, ended)
    end
    for _ = 1, frames do
        lagoon.yield() -- all wait again
        lagoon.frame()
    end
    ended:wait()
end)
