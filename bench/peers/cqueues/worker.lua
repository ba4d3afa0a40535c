-- SPDX-License-Identifier: MIT
--
-- How long does it take from the start of a thread, whose Lua state is always a new one, to its
-- first word?
local thread = require "cqueues.thread"
local meter = dofile "bench/lua/meter.lua"

local function work(socket)
    socket:write "1\n"
    socket:flush()
end

local size = meter.size(1)
meter.run_timed("worker.new", meter.ops(300 * size, 1), 1, function(ops)
    local clock, total = meter.clock, 0
    for _ = 1, ops do
        local start = clock()
        local other, socket = thread.start(work)
        meter.check(socket:read "*l" == "1", "a strange word")
        total = total + clock() - start
        other:join()
        socket:close()
    end
    return total
end)
