-- SPDX-License-Identifier: MIT
--
-- What does a number to another Lua state and back cost when all Ps have slept? Before each there
-- is a millisecond in which nothing happens, which is not timed.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local PAUSE_SECONDS = 0.001

local function echo(there, back)
    for number in there do
        back:send(number)
    end
end

-- Of the clock in any case: it is a question of waiting.
meter.run_timed("asleep", meter.ops(400, 1), 1, function(ops)
    local there, back = lagoon.chan(), lagoon.chan()
    local task = lagoon.parallel(echo, there, back)
    local seconds = 0
    for i = 1, ops do
        lagoon.sleep(PAUSE_SECONDS)
        local start = lagoon.now()
        there:send(i)
        meter.check(back:recv() == i, "the echo is wrong")
        seconds = seconds + lagoon.now() - start
    end
    there:close()
    task:wait()
    return seconds
end)
