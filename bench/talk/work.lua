-- SPDX-License-Identifier: MIT
-- Prints the CPU time of the process, in ns, for each of the values.
local lagoon = require "lagoon"
local n = 200000
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
lagoon.go(function() for i = 1, n do jobs:send(i) end end)
local began = os.clock()
for _ = 1, n do results:recv() end
print((os.clock() - began) / n * 1e9)
