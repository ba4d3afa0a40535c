-- SPDX-License-Identifier: MIT
-- Each value is a job for one of four goroutines, which build a string.
local lagoon = require "lagoon"
local jobs, results = lagoon.chan(8), lagoon.chan(8)
for _ = 1, 4 do
    lagoon.go(function()
        for v in jobs do
            local text = {}
            for i = 1, 20 do text[i] = v * i end
            results:send(#table.concat(text, ","))
        end
    end)
end
lagoon.go(function()
    local v = 0
    while true do
        v = v + 1
        jobs:send(v)
    end
end)

return function(n)
    for _ = 1, n do results:recv() end
end
