-- SPDX-License-Identifier: MIT
--
-- Keeps a report small, whatever ran: slices that lie close together become one, and lists end.
local STRIDE = 4

local thin = {}

-- Slices with those of them joined that are shorter than a grain and nearer than that to each
-- other. What the longest of them was stands for all.
local function joined(slices, grain)
    local out, n, longest = {}, 0, 0
    for i = 1, #slices, STRIDE do
        local ts, dur, what, count = slices[i], slices[i + 1], slices[i + 2], slices[i + 3]
        local last = n - STRIDE
        local gap = n > 0 and ts - out[last + 1] - out[last + 2]
        if gap and gap < grain and dur < grain and out[last + 2] < grain * 2 then
            out[last + 2] = math.max(out[last + 2], ts + dur - out[last + 1])
            out[last + 4] = out[last + 4] + count
            if dur > longest then
                longest, out[last + 3] = dur, what
            end
        else
            out[n + 1], out[n + 2], out[n + 3], out[n + 4] = ts, dur, what, count
            n, longest = n + STRIDE, dur
        end
    end
    return out
end

local function total(tracks)
    local n = 0
    for _, slices in pairs(tracks) do
        n = n + #slices / STRIDE
    end
    return n
end

---Joins slices until all tracks together have no more than so many. Returns the grain, 0 if that
---was not needed.
---@param tracks table<any, number[]>  changed in place
---@param most integer
---@param duration number  of the run
---@return number grain_us
function thin.slices(tracks, most, duration)
    local grain = 0
    while total(tracks) > most and grain <= duration do
        grain = grain == 0 and math.max(duration / 1e6, 0.1) or grain * 2
        for key, slices in pairs(tracks) do
            tracks[key] = joined(slices, grain)
        end
    end
    return grain
end

---Every k-th of a list's groups of numbers, so that no more than so many stay.
---@param list number[]
---@param width integer  numbers of a group
---@param most integer
---@return number[]
function thin.sample(list, width, most)
    local n = #list / width
    if n <= most then
        return list
    end
    local out = {}
    for k = 0, most - 1 do
        local from = math.floor(k * n / most) * width
        for j = 1, width do
            out[#out + 1] = list[from + j]
        end
    end
    return out
end

---The points of a counter, {moment, value, ...}: of each piece of the run the highest.
---@param points number[]
---@param most integer
---@return number[]
function thin.peaks(points, most)
    local n = #points / 2
    if n <= most then
        return points
    end
    local out = {}
    for k = 0, most - 1 do
        local best
        for i = math.floor(k * n / most), math.floor((k + 1) * n / most) - 1 do
            if not best or points[i * 2 + 2] > points[best * 2 + 2] then
                best = i
            end
        end
        out[#out + 1], out[#out + 2] = points[best * 2 + 1], points[best * 2 + 2]
    end
    return out
end

---The first of a list, after sorting by `is_before`, then again in the order of `is_shown_before`.
---@generic T
---@param list T[]
---@param most integer
---@param is_before fun(a: T, b: T): boolean
---@param is_shown_before fun(a: T, b: T): boolean
---@return T[]
function thin.first(list, most, is_before, is_shown_before)
    table.sort(list, is_before)
    local out = {}
    for i = 1, math.min(most, #list) do
        out[i] = list[i]
    end
    table.sort(out, is_shown_before)
    return out
end

return thin
