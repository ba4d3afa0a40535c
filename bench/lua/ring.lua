-- SPDX-License-Identifier: MIT
--
-- What does a hop cost of a token that goes round in a ring of `size` goroutines, over unbuffered
-- channels?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function node(from, to, laps)
    for _ = 1, laps do
        to:send(1 + from:recv())
    end
end

local size = meter.size(1000)
meter.run("ring", meter.ops(500000, size), size, function(ops)
    local laps = ops / size
    local first = lagoon.chan()
    local last = first
    for _ = 2, size do
        local to = lagoon.chan()
        lagoon.go(node, last, to, laps)
        last = to
    end
    local token = 0
    for _ = 1, laps do
        first:send(1 + token)
        token = last:recv()
    end
    meter.check(token == ops, "the token is wrong")
end)
