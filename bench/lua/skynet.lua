-- SPDX-License-Identifier: MIT
--
-- How long does a tree of goroutines take, ten children to each, with `size` leaves that send
-- their number up?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function skynet(up, number, size)
    if size == 1 then
        up:send(number)
        return
    end
    local ch = lagoon.chan()
    for i = 0, 9 do
        lagoon.go(skynet, ch, number + i * (size / 10), size / 10)
    end
    local sum = 0
    for _ = 1, 10 do
        sum = sum + ch:recv()
    end
    up:send(sum)
end

local size = meter.size(1000000)
meter.run("skynet", 1, 1, function()
    local ch = lagoon.chan()
    lagoon.go(skynet, ch, 0, size)
    local sum = ch:recv()
    meter.check(sum == size * (size - 1) / 2, "the sum is wrong; is the size a power of ten?")
end)
