-- SPDX-License-Identifier: MIT
--
-- What do a lock and an unlock cost when `size` goroutines do nothing but that to one mutex?
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function count(counter, times)
    local lock = counter.lock
    for _ = 1, times do
        lock:lock()
        counter.value = counter.value + 1
        lock:unlock()
    end
    counter.done:done()
end

local size = meter.size(1)
meter.run("mutex", meter.ops(2000000, size), size, function(ops)
    local counter = { lock = lagoon.mutex(), value = 0, done = lagoon.waitgroup() }
    counter.done:add(size)
    for _ = 1, size do
        lagoon.go(count, counter, ops / size)
    end
    counter.done:wait()
    meter.check(counter.value == ops, "the lock did not exclude")
end)
