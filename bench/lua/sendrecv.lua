-- SPDX-License-Identifier: MIT
--
-- What do a send and a receive cost that never wait, one after the other in one goroutine?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local ch = lagoon.chan(128)
meter.run("sendrecv", meter.ops(3000000, 1), 1, function(ops)
    local total = 0
    for i = 0, ops - 1 do
        ch:send(i)
        total = total + ch:recv()
    end
    meter.check(total == ops * (ops - 1) / 2, "elements were lost")
end)
