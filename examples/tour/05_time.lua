-- SPDX-License-Identifier: MIT
--
-- Tour 5: time.
--
-- Sleeping blocks the goroutine, never the program. A moment is a channel: lagoon.after(s) gets
-- a value once, lagoon.tick(s) again and again; so timeouts are just one more case of a select.
local lagoon = require "lagoon"
local go, chan, select = lagoon.go, lagoon.chan, lagoon.select

-- Sleep sort: each number sleeps as long as it is large. Never do this at work.
local sorted = chan()
local numbers = { 5, 1, 4, 2, 3 }
for _, n in ipairs(numbers) do
    go(function()
        lagoon.sleep(n / 100)
        sorted:send(n)
    end)
end
for _ = 1, #numbers do
    io.write(sorted:recv(), " ")
end
print()

-- A timeout for one call is its last argument, in seconds.
local silent = chan()
print("recv with a timeout:", silent:recv(0.02))

-- A timeout for a choice is a case.
local i = select(silent, lagoon.after(0.02))
print(i == 2 and "select: too late" or "select: a value")

-- A ticker, until a deadline. Stop it when it is no longer needed.
local start = lagoon.now()
local ticker, deadline = lagoon.tick(0.03), lagoon.after(0.1)
while select(ticker, deadline) == 1 do
    print(("tick after about %.2f s"):format(lagoon.now() - start))
end
ticker:stop()

-- A timer calls a function, as a goroutine of its own, unless it is stopped first.
local fired = chan()
local timer = lagoon.timer(0.02, function()
    fired:send "the timer fired"
end)
lagoon.timer(0.01, function()
    print "this one is stopped in time and never printed"
end):stop()
print((fired:recv()))
print("stopping it now, too late:", timer:stop())
