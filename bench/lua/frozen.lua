-- SPDX-License-Identifier: MIT
--
-- What does it cost to read a field of a frozen table, and of a plain one, of `size` fields? Their
-- names come out of a list, so that each must be looked up.
local lagoon = require "lagoon"
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function names_of(n)
    local names = {}
    for i = 1, n do
        names[i] = "field" .. i
    end
    return names
end

local function table_of(names)
    local fields = {}
    for i, name in ipairs(names) do
        fields[name] = i
    end
    return fields
end

local function read(t, names, times)
    local sum, n = 0, #names
    for _ = 1, times do
        for i = 1, n do
            sum = sum + t[names[i]]
        end
    end
    return sum
end

local size = meter.size(10)
local names = names_of(size)

local function ask(name, t)
    -- a function of its own, since LuaJIT compiles for what it meets first
    local reader = loadstring(string.dump(read))
    meter.run(name, meter.ops(10000000, size), size, function(ops)
        local sum = reader(t, names, ops / size)
        meter.check(sum == ops / size * size * (size + 1) / 2, "a field is wrong")
    end)
end

ask("frozen", lagoon.freeze(table_of(names)))
ask("frozen.plain", table_of(names))
