-- SPDX-License-Identifier: MIT
-- Prints the CPU time of the process, in ns, for each of the values.
local lagoon = require "lagoon"
local n = 1000000
local there, back = lagoon.chan(), lagoon.chan()
lagoon.go(function() for v in there do back:send(v) end end)
local began = os.clock()
for i = 1, n do
    there:send(i)
    back:recv()
end
print((os.clock() - began) / n * 1e9)
