-- SPDX-License-Identifier: MIT
--
-- What does a round trip between two goroutines cost, over two unbuffered channels?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function echo(there, back)
    for v in there do
        back:send(v)
    end
end

meter.run("pingpong", meter.ops(500000, 1), 1, function(ops)
    local there, back = lagoon.chan(), lagoon.chan()
    lagoon.go(echo, there, back)
    local total = 0
    for i = 0, ops - 1 do
        there:send(i)
        total = total + back:recv()
    end
    there:close()
    meter.check(total == ops * (ops - 1) / 2, "the echo is wrong")
end)
