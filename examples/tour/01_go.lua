-- SPDX-License-Identifier: MIT
--
-- Tour 1: goroutines.
--
-- `go(f, ...)` starts f(...) beside the caller and returns at once. A goroutine of a Lua state
-- shares its variables with the others; it runs while they wait.
local lagoon = require "lagoon"
local go = lagoon.go

local finished = 0

local function say(name, times)
    for i = 1, times do
        print(("%s: %d of %d"):format(name, i, times))
        lagoon.yield() -- lets the others run, as runtime.Gosched does in Go
    end
    finished = finished + 1
end

go(say, "north", 3)
go(say, "south", 3)
print "main: both are started, neither has run yet"

-- The program ends when goroutine 1, this one, returns: it must wait for the others. Counting
-- with yield works; a channel (02) or a wait group (06) is the usual way.
while finished < 2 do
    lagoon.yield()
end

-- They are cheap, so start many: a goroutine that waits costs about a kilobyte. One that has run
-- for 10 ms makes room between any two steps, so what many count is an atomic (or has a lock: 06).
local sum, left = lagoon.atomic(0), lagoon.atomic(10000)
for i = 1, left:get() do
    go(function()
        sum:add(i)
        left:add(-1)
    end)
end
while left:get() > 0 do
    lagoon.yield()
end
print("main: 10000 goroutines added up to " .. sum:get())
