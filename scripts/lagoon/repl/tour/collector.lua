-- SPDX-License-Identifier: MIT
--
-- Pictures of the collector: the three colours at a moment, and the phases of cycles over time.
local pen = require "lagoon.repl.tour.pen"

local collector = {}

---@class lagoon.repl.tour.Collection
---@field time number
---@field heap_bytes number  alive or not yet swept
---@field black_bytes number  of them, marked by the cycle that goes on
---@field grey integer  objects that wait to be looked at
---@field phase "off"|"mark"|"sweep"

local PHASES = { off = "off: no cycle goes on", mark = "mark", sweep = "sweep" }

---One moment.
---@param p lagoon.repl.tour.Pen
---@param now lagoon.repl.tour.Collection
---@param most number  bytes that fill the width
---@return string[]
function collector.colours(p, now, most)
    local bar = p:line()
    local black = math.min(now.black_bytes, now.heap_bytes)
    p:bar(bar, {
        { black, p.glyph.full, "title" },
        { now.heap_bytes - black, p.glyph.light, "dim" },
    }, most, p.columns)
    local figures = p:line():add("black ", "title"):add(pen.bytes(black)):add("  grey ", "object")
        :add(now.grey .. " objects"):add("  not black yet ", "dim")
        :add(pen.bytes(now.heap_bytes - black))
    return { p:line():add "phase: ":add(PHASES[now.phase], "keyword"):text(), bar:text(),
        figures:text() }
end

local LETTERS = { mark = "M", sweep = "S", off = nil }

-- The sample that each column shows: the last one before its end.
local function columns_of(samples, count)
    local first, last = samples[1].time, samples[#samples].time
    local step = math.max((last - first) / count, 1e-9)
    local columns, i = {}, 1
    for column = 1, count do
        while samples[i + 1] and samples[i + 1].time <= first + column * step do
            i = i + 1
        end
        columns[column] = samples[i]
    end
    return columns
end

local LABEL, HEIGHT = 9, 5

---The heap over time, and the phases below.
---@param p lagoon.repl.tour.Pen
---@param samples lagoon.repl.tour.Collection[]
---@return string[]
function collector.history(p, samples)
    if #samples == 0 then
        return {}
    end
    local most = 1
    for _, sample in ipairs(samples) do
        most = math.max(most, sample.heap_bytes)
    end
    local columns = columns_of(samples, math.max(p.columns - LABEL, 1))
    local rows = {}
    for level = HEIGHT, 1, -1 do
        local line = p:line():add(level == HEIGHT and pen.bytes(most) or "", "dim"):to(LABEL)
        for _, sample in ipairs(columns) do
            local is_black = sample.black_bytes / most * HEIGHT > level - 0.5
            local is_there = sample.heap_bytes / most * HEIGHT > level - 0.5
            line:add(is_black and p.glyph.full or is_there and p.glyph.light or " ",
                is_black and "title" or "dim")
        end
        rows[#rows + 1] = line:text()
    end
    local phases = p:line():add("phase", "dim"):to(LABEL)
    for _, sample in ipairs(columns) do
        local letter = LETTERS[sample.phase]
        phases:add(letter or p.glyph.dot, letter and "keyword" or "dim")
    end
    rows[#rows + 1] = phases:text()
    return rows
end

return collector
