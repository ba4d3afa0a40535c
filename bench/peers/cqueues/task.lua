-- SPDX-License-Identifier: MIT
--
-- What does it cost to run an empty function in a thread and to see it end, `size` at a time? A
-- thread of cqueues has a Lua state of its own, a new one each time.
local thread = require "cqueues.thread"
local meter = dofile "bench/lua/meter.lua"

local function work() end

local size = meter.size(1)
meter.run("task", meter.ops(500, size), size, function(ops)
    local threads = {}
    for _ = 1, ops / size do
        for i = 1, size do
            threads[i] = thread.start(work)
        end
        for i = 1, size do
            meter.check(threads[i]:join(), "a thread has failed")
        end
        collectgarbage() -- each has a pair of sockets
    end
end)
