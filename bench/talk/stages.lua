-- SPDX-License-Identifier: MIT
-- Each value goes through three goroutines and four channels with buffers.
local lagoon = require "lagoon"
local function stage(from)
    local to = lagoon.chan(16)
    lagoon.go(function() for v in from do to:send(v + 1) end end)
    return to
end
local first = lagoon.chan(16)
local last = stage(stage(stage(first)))
lagoon.go(function() while true do first:send(1) end end)

return function(n)
    for _ = 1, n do last:recv() end
end
