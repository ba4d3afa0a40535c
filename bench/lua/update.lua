-- SPDX-License-Identifier: MIT
--
-- What does a frame's lagoon.update() cost: of nothing, beside `size` goroutines that sleep, and
-- for one step of each of a thousand? And how many frames keep a budget of 1 ms? For a host:
-- LUA_CPATH="$PWD/build/release/?.so;;" luajit bench/lua/update.lua
local lagoon = require "lagoon"

local size = tonumber(arg[1]) or 10000
local BUDGET = 0.001

-- The best of five: nothing else runs in here, and the machine is not ours alone.
local function measure(name, ops, body)
    local best = math.huge
    for _ = 1, 5 do
        local since = lagoon.now()
        local n = body(ops)
        best = math.min(best, (lagoon.now() - since) / (n or ops))
    end
    print(("%s %.1f"):format(name, best * 1e9))
end

local function empty(ops)
    for _ = 1, ops do
        lagoon.update(BUDGET)
    end
end

measure("update.empty", 200000, empty)
for _ = 1, size do
    lagoon.go(lagoon.sleep, 3600)
end
lagoon.update()
measure("update.asleep", 200000, empty)

local steps = 0
for _ = 1, 1000 do
    lagoon.go(function()
        while true do
            steps = steps + 1
            lagoon.yield()
        end
    end)
end
measure("update.step", 500, function(ops)
    local before = steps
    for _ = 1, ops do
        lagoon.update(BUDGET)
    end
    return steps - before
end)

local late, FRAMES = 0, 2000
for _ = 1, FRAMES do
    local since = lagoon.now()
    lagoon.update(BUDGET)
    if lagoon.now() - since > BUDGET * 1.1 then
        late = late + 1
    end
end
print(("update.late %.3f"):format(late * 100 / FRAMES))
