-- SPDX-License-Identifier: MIT
--
-- Tour 4: select.
--
-- select(case, ...) waits for whichever of several channels is ready first. A case is a channel
-- to receive from, or ch:sending(v). It returns which case it was; for a receive, v and ok too.
local lagoon = require "lagoon"
local go, chan, select = lagoon.go, lagoon.chan, lagoon.select

-- Two sources, one consumer.
local fruit, stone, quit = chan(), chan(), chan()
go(function()
    for _, v in ipairs { "apple", "pear", "plum" } do
        fruit:send(v)
    end
end)
go(function()
    for _, v in ipairs { "flint", "chalk" } do
        stone:send(v)
    end
    lagoon.sleep(0.02)
    quit:close() -- a closed channel is always ready, so closing tells everybody
end)

while true do
    local i, v = select(fruit, stone, quit)
    if i == 3 then
        print "quit"
        break
    end
    print((i == 1 and "fruit" or "stone"), v)
end

-- Sending and receiving in one select: hand out numbers until somebody says stop.
local numbers, stop = chan(), chan()
go(function()
    for _ = 1, 5 do
        io.write(numbers:recv(), " ")
    end
    stop:send "enough"
end)
local n = 0
while true do
    local i, why = select(numbers:sending(n), stop)
    if i == 2 then
        print(why)
        break
    end
    n = n + 1
end

-- With lagoon.default, last, select does not wait: it tries.
local empty = chan()
local i = select(empty, lagoon.default)
print(i == 2 and "nothing to receive" or "received")

-- Among several ready cases it picks evenly at random: nobody starves.
local a, b = chan(1000), chan(1000)
for _ = 1, 1000 do
    a:send(true)
    b:send(true)
end
local picked = { 0, 0 }
for _ = 1, 1000 do
    local which = select(a, b)
    picked[which] = picked[which] + 1
end
print(("picked a %d times and b %d times"):format(picked[1], picked[2]))
