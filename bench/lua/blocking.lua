-- SPDX-License-Identifier: MIT
--
-- What does a call of an empty function cost on a thread of its own, one after the other? Beside:
-- the same as a task of parallel, which stays on the thread that is there.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function work() end

meter.run("blocking", meter.ops(50000, 1), 1, function(ops)
    for _ = 1, ops do
        lagoon.blocking(work)
    end
end)
meter.run("blocking.parallel", meter.ops(50000, 1), 1, function(ops)
    for _ = 1, ops do
        lagoon.parallel(work):wait()
    end
end)
