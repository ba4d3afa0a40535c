-- SPDX-License-Identifier: MIT
--
-- Tour 2: channels.
--
-- Goroutines talk by sending values. A channel without a buffer is a meeting: `send` waits for a
-- receiver and `recv` for a sender, so each exchange also puts the two in step.
local lagoon = require "lagoon"
local go, chan = lagoon.go, lagoon.chan

-- Two players and one ball, which is a table: within a state it travels by reference.
local table_side, wall_side = chan(), chan()

local function player(name, from, to)
    while true do
        local ball = from:recv()
        ball.hits = ball.hits + 1
        print(("%s hits (%d)"):format(name, ball.hits))
        to:send(ball)
    end
end

go(player, "  ping", table_side, wall_side)

local ball = { hits = 0 }
for _ = 1, 3 do
    table_side:send(ball)
    local back = wall_side:recv()
    assert(back == ball) -- the same table, no copy
    print("pong returns it")
end

-- Waiting for a result is receiving it.
local function fib(n)
    return n < 2 and n or fib(n - 1) + fib(n - 2)
end

local result = chan()
go(function()
    result:send(fib(20))
end)
print("fib(20) = " .. result:recv())

-- try_send and try_recv never wait.
print("someone there to take it?", result:try_send(1))
-- The player still waits for a ball. That is fine: the program ends with goroutine 1.
