-- SPDX-License-Identifier: MIT
--
-- How long does it take from `parallel` to the first word of the function? The Lua state is there
-- and has the function's code; for worker.new a new one must be made.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")
local retire = require "lagoon.core".retire

local RETRIES_MAX = 1000

-- The first word is whether the state is new. What is in package.loaded it keeps.
local function work(word)
    local is_new = not package.loaded.bench_worker
    package.loaded.bench_worker = true
    word:send(is_new)
end

local function start(word)
    local clock = meter.clock
    local moment = clock()
    local task = lagoon.parallel(work, word)
    local is_new = word:recv()
    local seconds = clock() - moment
    task:wait()
    return seconds, is_new
end

local word = lagoon.chan(1)
local size = meter.size(1)
start(word)
meter.run_timed("worker", meter.ops(20000 * size, 1), 1, function(ops)
    local total = 0
    for _ = 1, ops do
        local seconds, is_new = start(word)
        meter.check(not is_new, "the state is new")
        total = total + seconds
    end
    return total
end)

-- The former state is closed soon, not at once.
local function start_new()
    for _ = 1, RETRIES_MAX do
        retire()
        lagoon.sleep(0.001)
        local seconds, is_new = start(word)
        if is_new then
            return seconds
        end
    end
    meter.check(false, "no state is new")
end

meter.run_timed("worker.new", meter.ops(300 * size, 1), 1, function(ops)
    local total = 0
    for _ = 1, ops do
        total = total + start_new()
    end
    return total
end)
