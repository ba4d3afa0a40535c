-- SPDX-License-Identifier: MIT
--
-- What the pictures of the report show: a kitchen. Waiters bring orders, cooks share two boards,
-- ovens are tasks on any core, and somebody keeps the books. All of it makes garbage.
local lagoon = require "lagoon"

local NORDERS = 120
local orders, trays, dishes = lagoon.chan(3), lagoon.chan(2), lagoon.chan()
local boards = lagoon.semaphore(2)

local function waiter(first)
    lagoon.self():name("waiter")
    for n = first, NORDERS, 3 do
        orders:send { n = n, size = 100 + n % 7 * 60 }
        lagoon.sleep(0.0005 * (n % 5))
    end
end

local function chop(n)
    local pieces = {}
    for i = 1, n do
        pieces[i] = { i, tostring(i * 7919) }
    end
    table.sort(pieces, function(a, b)
        return a[2] < b[2]
    end)
    return #pieces
end

local function cook()
    lagoon.self():name("cook")
    for order in orders do
        boards:acquire()
        local pieces = chop(order.size)
        boards:release()
        trays:send { n = order.n, pieces = pieces }
    end
end

local function bake(seed)
    local heat = seed
    for _ = 1, 150000 + seed % 5 * 60000 do
        heat = heat * 16807 % 2147483647
    end
    return heat
end

local function oven(from, to)
    for tray in from do
        tray.heat = bake(tray.n)
        to:send(tray)
    end
end

local function keep_books(done)
    lagoon.self():name("bookkeeper")
    local pieces, nserved, bell = 0, 0, lagoon.tick(0.01)
    while nserved < NORDERS do
        local i, dish = lagoon.select(dishes, bell)
        if i == 1 then
            pieces, nserved = pieces + dish.pieces, nserved + 1
        end
        if nserved == 60 then
            lagoon.runtime.gc()
        end
    end
    bell:stop()
    done:send(pieces)
end

local function radio()
    lagoon.self():name("radio")
    lagoon.chan():recv()
end

local done = lagoon.chan()
for _ = 1, 2 do
    lagoon.parallel(oven, trays, dishes):name("oven")
end
for _ = 1, 4 do
    lagoon.go(cook)
end
for i = 1, 3 do
    lagoon.go(waiter, i)
end
lagoon.go(radio)
lagoon.go(keep_books, done)
print(done:recv())
