-- SPDX-License-Identifier: MIT
--
-- How long does it take to replace tables at random places among `size` that live? A third are
-- records of three fields, a third arrays that grow, a third hash tables that grow.
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local REPLACED = 400000

local function record(i)
    return { id = i, name = "record", next = false }
end

local function array(i, n)
    local t = {}
    for k = 1, n do
        t[k] = i + k
    end
    return t
end

local function hash(i, n)
    local t = {}
    for k = 1, n do
        t[(i + k * 7919) % 65536 + 0.5] = k
    end
    return t
end

local size = meter.size(10000)
local replaced = meter.ops(REPLACED, 3)
meter.run("tables", 1, 1, function()
    local random = meter.random(11)
    local live = {}
    for i = 1, size do
        live[i] = record(i)
    end
    for i = 1, replaced, 3 do
        live[1 + random(size)] = record(i)
        live[1 + random(size)] = array(i, 1 + random(24))
        live[1 + random(size)] = hash(i, 1 + random(16))
    end
    meter.check(#live == size, "a table is lost")
end)
meter.tell_peak("tables.peak")
