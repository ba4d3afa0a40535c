-- SPDX-License-Identifier: MIT
--
-- What does a select of two empty channels and a default cost?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local select, default = lagoon.select, lagoon.default
local a, b = lagoon.chan(1), lagoon.chan(1)
meter.run("select_default", meter.ops(2000000, 1), 1, function(ops)
    local idle = 0
    for _ = 1, ops do
        if select(a, b, default) == 3 then
            idle = idle + 1
        end
    end
    meter.check(idle == ops, "an empty channel was ready")
end)
