-- SPDX-License-Identifier: MIT
--
-- A picture of the allocator: pages of the mheap, and what its size classes have.
local pen = require "lagoon.repl.tour.pen"

local heap = {}

local LABEL, FIGURES = 9, 22

-- Per class: blocks in use, in the mcaches, and free in the mcentral's spans.
local function row_of(index, class)
    local per_span = class.block_bytes > 0 and math.floor(class.span_bytes / class.block_bytes) or 0
    local total = per_span * class.spans
    local free = math.max(total - class.blocks - class.cached_blocks, 0)
    return { index = index, block_bytes = class.block_bytes, spans = class.spans,
        used = class.blocks, cached = class.cached_blocks, free = free,
        bytes = (class.blocks + class.cached_blocks + free) * class.block_bytes }
end

---The classes that have changed most since `before`, by size, as many as asked for.
---@param classes table[]  stats().classes
---@param before table[]
---@param count integer
---@return table[]
function heap.busiest(classes, before, count)
    local rows = {}
    for i, class in ipairs(classes) do
        local row = row_of(i, class)
        row.change = math.abs(class.blocks - before[i].blocks) * class.block_bytes
        rows[#rows + 1] = row
    end
    table.sort(rows, function(a, b)
        return a.change > b.change or a.change == b.change and a.index < b.index
    end)
    local busiest = { unpack(rows, 1, count) }
    table.sort(busiest, function(a, b) return a.index < b.index end)
    return busiest
end

local function class_line(p, row, most, room)
    local line = p:line():add(("%6d B"):format(row.block_bytes), "title"):to(LABEL)
    p:bar(line, {
        { row.used * row.block_bytes, p.glyph.full, "string" },
        { row.cached * row.block_bytes, p.glyph.half, "object" },
        { row.free * row.block_bytes, p.glyph.light, "dim" },
    }, most, room)
    return line:to(LABEL + room):add((" %6d used %3d spans"):format(row.used, row.spans), "dim")
        :text()
end

local function pages_line(p, memory, room)
    local total = memory.objects + memory.unused + memory.idle
    local line = p:line():add("pages", "title"):to(LABEL)
    p:bar(line, {
        { memory.objects, p.glyph.full, "string" },
        { memory.unused, p.glyph.light, "dim" },
        { memory.idle, p.glyph.dot, "dim" },
    }, total, room)
    return line:to(LABEL + room):add(" " .. pen.bytes(total) .. " backed", "dim"):text()
end

---@param p lagoon.repl.tour.Pen
---@param rows table[]  heap.busiest()
---@param memory table  stats().memory
---@return string[]
function heap.draw(p, rows, memory)
    local room = math.max(p.columns - LABEL - FIGURES, 6)
    local most = 1
    for _, row in ipairs(rows) do
        most = math.max(most, row.bytes)
    end
    local drawn = {}
    for i, row in ipairs(rows) do
        drawn[i] = class_line(p, row, most, room)
    end
    drawn[#drawn + 1] = pages_line(p, memory, room)
    drawn[#drawn + 1] = p:line():add(p.glyph.full, "string"):add " in use  "
        :add(p.glyph.half, "object"):add " in mcaches  ":add(p.glyph.light, "dim")
        :add " free in spans  ":add(p.glyph.dot, "dim"):add " idle pages":text()
    return drawn
end

return heap
