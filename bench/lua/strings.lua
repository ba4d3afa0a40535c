-- SPDX-License-Identifier: MIT
--
-- How long does it take to make `size` lines of words and numbers, to join them, and to take
-- the text apart again? All of it is new strings.
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local function make(lines)
    local random = meter.random(7)
    local out = {}
    for i = 1, lines do
        local words = {}
        for k = 1, 8 do
            words[k] = string.char(97 + random(26)):rep(1 + random(12)) .. random(1000)
        end
        local line = table.concat(words, " ")
        out[i] = i .. ": " .. line:upper() .. ("%6.2f"):format(random(10000) / 100)
    end
    return table.concat(out, "\n")
end

local function take_apart(text)
    local counts, lines, different = {}, 0, 0
    for line in text:gmatch("[^\n]+") do
        lines = lines + 1
        for word in line:gmatch("%u+%d*") do
            different = different + (counts[word] and 0 or 1)
            counts[word] = (counts[word] or 0) + 1
        end
    end
    return lines, different
end

local size = meter.ops(meter.size(20000), 1)
meter.run("strings", 1, 1, function()
    local text = make(size)
    local lines, different = take_apart(text)
    meter.check(lines == size and different > 0, "the text is wrong")
end)
meter.tell_peak("strings.peak")
