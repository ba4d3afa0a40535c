-- SPDX-License-Identifier: MIT
--
-- How long does the fannkuch program of the benchmarks game take for `size`? It allocates next to
-- nothing, so that it tells what else differs between two programs.
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function count_flips(order, copy, n)
    local flips = 0
    for i = 1, n do
        copy[i] = order[i]
    end
    local first = copy[1]
    while first ~= 1 do
        local low, high = 1, first
        while low < high do
            copy[low], copy[high] = copy[high], copy[low]
            low, high = low + 1, high - 1
        end
        flips = flips + 1
        first = copy[1]
    end
    return flips
end

-- Makes the next permutation; false after the last.
local function step(order, turns, n)
    for i = 2, n do
        local first = order[1]
        for k = 1, i - 1 do
            order[k] = order[k + 1]
        end
        order[i] = first
        turns[i] = turns[i] - 1
        if turns[i] > 0 then
            return true
        end
        turns[i] = i
    end
    return false
end

local function most_flips(n)
    local order, turns, copy, most = {}, {}, {}, 0
    for i = 1, n do
        order[i], turns[i], copy[i] = i, i, i
    end
    repeat
        most = math.max(most, count_flips(order, copy, n))
    until not step(order, turns, n)
    return most
end

-- What is known of 6 to 10.
local KNOWN = { [6] = 10, [7] = 16, [8] = 22, [9] = 30, [10] = 38 }

local size = meter.size(9)
meter.check(KNOWN[size], "the size must be 6 to 10")
meter.run("fannkuch", 1, 1, function()
    meter.check(most_flips(size) == KNOWN[size], "the permutations are wrong")
end)
meter.tell_peak("fannkuch.peak")
