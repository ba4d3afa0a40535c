-- SPDX-License-Identifier: MIT
--
-- How long does the binary-trees program of the benchmarks game take at depth `size`?
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local DEPTH_MIN = 4

local function grow(depth)
    if depth == 0 then
        return {}
    end
    return { grow(depth - 1), grow(depth - 1) }
end

local function count(tree)
    return tree[1] and 1 + count(tree[1]) + count(tree[2]) or 1
end

local function check(tree, depth)
    meter.check(count(tree) == 2 ^ (depth + 1) - 1, "a tree is wrong")
end

local size = meter.size(15)
size = meter.ops(size, 1) == size and size or size - 3 -- less in a quick run
meter.run("trees", 1, 1, function()
    check(grow(size + 1), size + 1)
    local lasting = grow(size)
    for depth = DEPTH_MIN, size, 2 do
        for _ = 1, 2 ^ (size - depth + DEPTH_MIN) do
            check(grow(depth), depth)
        end
    end
    check(lasting, size)
end)
meter.tell_peak("trees.peak")
