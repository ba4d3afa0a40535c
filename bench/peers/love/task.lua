-- SPDX-License-Identifier: MIT
--
-- What does it cost to run an empty function in a thread and to see it end, `size` at a time? A
-- thread of LÖVE has a Lua state of its own, a new one each time.
local meter = dofile "bench/lua/meter.lua"

local size = meter.size(1)
meter.run("task", meter.ops(2000, size), size, function(ops)
    local threads = {}
    for _ = 1, ops / size do
        for i = 1, size do
            threads[i] = love.thread.newThread "-- does nothing\n"
            threads[i]:start()
        end
        for i = 1, size do
            threads[i]:wait()
        end
    end
end)
