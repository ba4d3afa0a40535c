-- SPDX-License-Identifier: MIT
-- A round trip over two channels for each value.
local lagoon = require "lagoon"
local there, back = lagoon.chan(), lagoon.chan()
lagoon.go(function() for v in there do back:send(v) end end)

return function(n)
    for i = 1, n do
        there:send(i)
        back:recv()
    end
end
