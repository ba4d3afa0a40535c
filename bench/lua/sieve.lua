-- SPDX-License-Identifier: MIT
--
-- How long does the chain of filters take to find the first `size` primes, one goroutine and one
-- unbuffered channel for each?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function is_prime(n)
    for d = 2, math.floor(math.sqrt(n)) do
        if n % d == 0 then
            return false
        end
    end
    return true
end

-- The size-th prime. Ending by number and not by count lets the chain run empty and stop, so that
-- repetitions do not meet each other's leftovers.
local function bound(size)
    local n, found = 1, 0
    while found < size do
        n = n + 1
        found = found + (is_prime(n) and 1 or 0)
    end
    return n
end

local function generate(to, last)
    for n = 2, last do
        to:send(n)
    end
    to:close()
end

local function filter(from, to, prime)
    for n in from do
        if n % prime ~= 0 then
            to:send(n)
        end
    end
    to:close()
end

local size = meter.size(2000)
local last = bound(size)
meter.run("sieve", 1, 1, function()
    local from = lagoon.chan()
    lagoon.go(generate, from, last)
    local primes = 0
    local prime = from:recv()
    while prime do
        primes = primes + 1
        local to = lagoon.chan()
        lagoon.go(filter, from, to, prime)
        from = to
        prime = from:recv()
    end
    meter.check(primes == size, "primes were lost")
end)
