-- SPDX-License-Identifier: MIT
--
-- Tour 7: block anywhere.
--
-- A blocking call may stand wherever Lua code may stand: under pcall, in a comparator of
-- table.sort, in a callback of string.gsub, in a metamethod, in a coroutine of your own. There
-- is no "attempt to yield across C-call boundary", and no function is of a special colour.
local lagoon = require "lagoon"
local go, chan = lagoon.go, lagoon.chan

-- A little server: it doubles what it is asked.
local requests = chan()
go(function()
    for request in requests do
        lagoon.sleep(0.001)
        request.reply:send(request.n * 2)
    end
end)

local function double(n)
    local reply = chan()
    requests:send { n = n, reply = reply }
    return (reply:recv())
end

-- Meanwhile a clock ticks: what blocks below blocks nobody else.
local ticks, running = 0, true
go(function()
    while running do
        lagoon.sleep(0.001)
        ticks = ticks + 1
    end
end)

local list = { 4, 1, 3, 2 }
table.sort(list, function(a, b)
    return double(a) < double(b)
end)
print("table.sort:   " .. table.concat(list, " "))

local text = ("1 fish, 2 fish"):gsub("%d", function(digit)
    return ("%d"):format(double(tonumber(digit)))
end)
print("string.gsub:  " .. text)

print("pcall:        ", pcall(function()
    error("asked for " .. double(21), 0)
end))

local lazy = setmetatable({}, {
    __index = function(_, n)
        return double(n)
    end,
})
print("metamethod:   " .. lazy[50])

local function doubles(n)
    local i = 0
    return function()
        i = i + 1
        return i <= n and double(i) or nil
    end
end
local seen = {}
for v in doubles(5) do
    seen[#seen + 1] = v
end
print("iterator:     " .. table.concat(seen, " "))

-- A coroutine of the script's own never notices the scheduler: its yields are its own.
local producer = coroutine.wrap(function()
    for i = 1, 3 do
        coroutine.yield(double(i * 10))
    end
end)
print("coroutine:    " .. producer() .. " " .. producer() .. " " .. producer())

local chunk = assert(loadstring "local f = ... return f(7)")
print("loaded chunk: " .. chunk(double))

running = false
print("the clock went on meanwhile:", ticks > 10)
