-- SPDX-License-Identifier: MIT
--
-- How long does it take from the start of a thread, whose Lua state is always a new one, to its
-- first word?
local meter = dofile "bench/lua/meter.lua"

local WORK = "local word = ...\nword:push(true)\n"

local size = meter.size(1)
meter.run_timed("worker.new", meter.ops(300 * size, 1), 1, function(ops)
    local word, clock, total = love.thread.newChannel(), meter.clock, 0
    for _ = 1, ops do
        local start = clock()
        local thread = love.thread.newThread(WORK)
        thread:start(word)
        word:demand()
        total = total + clock() - start
        thread:wait()
    end
    return total
end)
