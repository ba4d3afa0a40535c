-- SPDX-License-Identifier: MIT
--
-- A server that says back what it hears, for bench/echo: prints its port and serves until it is
-- killed.
local lagoon = require "lagoon"

local listener = assert(lagoon.net.listen("tcp4", "127.0.0.1:0"))
print((listener:addr():match(":(%d+)$")))
io.stdout:flush()
while true do
    local conn = assert(listener:accept())
    lagoon.go(function()
        local data = conn:read()
        while data and conn:write(data) do
            data = conn:read()
        end
        conn:close()
    end)
end
