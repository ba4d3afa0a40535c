-- SPDX-License-Identifier: MIT
-- Prints the CPU time of the process, in ns, for each of the values.
local lagoon = require "lagoon"
local n = 2000000
local function stage(from)
    local to = lagoon.chan(16)
    lagoon.go(function()
        for v in from do to:send(v + 1) end
        to:close()
    end)
    return to
end
local first = lagoon.chan(16)
local last = stage(stage(stage(first)))
lagoon.go(function()
    for i = 1, n do first:send(i) end
    first:close()
end)
local began = os.clock()
for _ in last do end
print((os.clock() - began) / n * 1e9)
