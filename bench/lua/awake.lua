-- SPDX-License-Identifier: MIT
--
-- What does a number to another Lua state and back cost while both Ps are awake? The other state
-- looks again and again whether there is one, so it keeps its P; this one waits for the answer.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function poll(there, back)
    while true do
        local number, is_open = there:try_recv()
        if is_open then
            back:send(number)
        elseif is_open == false then
            return
        end
    end
end

meter.run("awake", meter.ops(50000, 1), 1, function(ops)
    local there, back = lagoon.chan(1), lagoon.chan(1)
    local task = lagoon.parallel(poll, there, back)
    local total = 0
    for i = 0, ops - 1 do
        there:send(i)
        total = total + back:recv()
    end
    there:close()
    task:wait()
    meter.check(total == ops * (ops - 1) / 2, "the echo is wrong")
end)
