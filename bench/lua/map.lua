-- SPDX-License-Identifier: MIT
--
-- What do a look-up, a store under a key that is there, an addition, and a key's coming and going
-- cost in a shared map, when `size` Lua states do that at once? Each has 1024 keys of its own; the
-- look-ups are among the keys of all.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local KEYS = 1024

-- Keys as a program has them: numbers that are near each other.
local function key_of(number, i)
    return number * KEYS + i % KEYS
end

local function get(map, number, nworkers, times)
    local n, sum, state = KEYS * nworkers, 0, number + 1
    for _ = 1, times do
        state = (state * 16807) % 2147483647
        local key = state % n
        sum = sum + map:get(key) - key
    end
    if sum ~= 0 then
        error "a wrong value"
    end
end

local function set(map, number, _, times)
    for i = 1, times do
        local key = key_of(number, i)
        map:set(key, key)
    end
end

-- All add to the first key of each.
local function add(map, _, nworkers, times)
    for i = 1, times do
        map:add(KEYS * (i % nworkers), 1)
    end
end

local function put_and_take(map, number, _, times)
    for i = 1, times do
        local key = -1 - key_of(number, i)
        map:set(key, key)
        map:set(key, nil)
    end
end

local function filled(nworkers)
    local map = lagoon.shared_map()
    for key = 0, KEYS * nworkers - 1 do
        map:set(key, key)
    end
    return map
end

local function ask(name, work, ops, size)
    meter.run(name, meter.ops(ops, size), size, function(count)
        local map, tasks = filled(size), {}
        for i = 1, size do
            tasks[i] = lagoon.parallel(work, map, i - 1, size, count / size)
        end
        for i = 1, size do
            tasks[i]:wait()
        end
        meter.check(map:len() == KEYS * size, "keys were lost")
    end)
end

local size = meter.size(1)
ask("map", get, 2000000, size)
ask("map.set", set, 2000000, size)
ask("map.add", add, 1000000, size)
ask("map.new", put_and_take, 1000000, size)
