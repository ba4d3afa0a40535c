-- SPDX-License-Identifier: MIT
--
-- What does a yield cost among `size` goroutines that do nothing else?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function yielder(times, done)
    for _ = 1, times do
        lagoon.yield()
    end
    done:done()
end

local size = meter.size(2)
meter.run("yield", meter.ops(2000000, size), size, function(ops)
    local done = lagoon.waitgroup()
    done:add(size)
    for _ = 1, size do
        lagoon.go(yielder, ops / size, done)
    end
    done:wait()
end)
