-- SPDX-License-Identifier: MIT
--
-- Pictures of goroutines: what each does at a moment, and what each did over time.
local pen = require "lagoon.repl.tour.pen"

local goroutines = {}

local KINDS = { running = "string", ready = "object", waiting = "dim" }

---@class lagoon.repl.tour.Goroutine
---@field id integer
---@field name? string
---@field status string
---@field wait_reason? string
---@field wait_seconds? number

---@param p lagoon.repl.tour.Pen
---@param list lagoon.repl.tour.Goroutine[]
---@return string[]
function goroutines.list(p, list)
    local rows = {}
    for _, g in ipairs(list) do
        local line = p:line():add(("G%-3d "):format(g.id)):add(("%-10s "):format(g.name or ""))
            :add(("%-8s "):format(g.status), KINDS[g.status])
        if g.wait_reason then
            line:add(g.wait_reason)
                :add(g.wait_seconds and g.wait_seconds > 0.01
                    and ", for " .. pen.seconds(g.wait_seconds) or "", "dim")
        end
        rows[#rows + 1] = line:text()
    end
    if #rows == 0 then
        rows[1] = p:line():add("none is alive", "dim"):text()
    end
    return rows
end

-- ------------------------------------------------------------------------------------------------
-- Over time
-- ------------------------------------------------------------------------------------------------

-- What an event begins for its goroutine; false: it ends.
local BEGINS = { start = "ready", ready = "ready", yield = "ready", park = "waiting", run = "run" }
BEGINS["end"] = false

---@class lagoon.repl.tour.Lane
---@field g integer
---@field spans { from: number, to: number, state: string, p: integer }[]
---@field nslices integer  how often it ran
---@field npreempted integer  how often its slice was over
---@field ran number  seconds

local function close(lane, time)
    local span = lane.open
    if span then
        span.to = time
        lane.spans[#lane.spans + 1] = span
        lane.open = nil
        if span.state == "run" then
            lane.ran = lane.ran + span.to - span.from
        end
    end
end

local function take(lane, event)
    local state = BEGINS[event.kind]
    -- One that waits is ready only once; one that runs yields or parks before it is ready again.
    if state == nil or event.kind == "ready" and lane.open and lane.open.state == "run" then
        return
    end
    close(lane, event.time)
    if state then
        lane.open = { from = event.time, state = state, p = event.p }
    end
    if state == "run" then
        lane.nslices = lane.nslices + 1
    elseif event.what == "preempted" then
        lane.npreempted = lane.npreempted + 1
    end
end

---What goroutines did, from a trace.
---@param events lagoon.TraceEvent[]
---@param is_shown fun(g: integer): boolean
---@return lagoon.repl.tour.Lane[]  in the order in which they were first seen
function goroutines.lanes(events, is_shown)
    local lanes, by_g = {}, {}
    for _, event in ipairs(events) do
        local lane = by_g[event.g]
        if not lane and event.g ~= 0 and BEGINS[event.kind] ~= nil and is_shown(event.g) then
            lane = { g = event.g, spans = {}, nslices = 0, npreempted = 0, ran = 0 }
            by_g[event.g] = lane
            lanes[#lanes + 1] = lane
        end
        if lane then
            take(lane, event)
        end
    end
    local last = events[#events]
    for _, lane in ipairs(lanes) do
        close(lane, last.time)
    end
    return lanes
end

local RANK = { waiting = 1, ready = 2, run = 3 }

-- What a lane did longest in each column; that it ran at all counts more.
local function cells(lane, from, step, columns)
    local row = {}
    for _, span in ipairs(lane.spans) do
        local first = math.max(math.floor((span.from - from) / step), 0)
        local last = math.max(math.ceil((span.to - from) / step) - 1, first)
        last = math.min(last, columns - 1)
        for column = first, last do
            local known = row[column]
            if not known or RANK[span.state] > RANK[known.state] then
                row[column] = span
            end
        end
    end
    return row
end

local function put_cell(p, line, span)
    if not span then
        return line:add " "
    elseif span.state == "run" then
        local digit = span.p >= 0 and tostring(span.p % 10) or "?"
        return line:add(digit, span.p % 2 == 0 and "string" or "number")
    elseif span.state == "ready" then
        return line:add(p.glyph.light, "object")
    end
    return line:add(p.glyph.dot, "dim")
end

local LABEL = 15

---The lanes from one moment to another; what lies behind `upto` is not seen yet.
---@param p lagoon.repl.tour.Pen
---@param lanes lagoon.repl.tour.Lane[]
---@param names table<integer, string>
---@param view { from: number, to: number, upto?: number }
---@return string[]
function goroutines.timeline(p, lanes, names, view)
    local columns = p.columns - LABEL
    local step = math.max((view.to - view.from) / columns, 1e-9)
    local seen = view.upto and math.floor((view.upto - view.from) / step) or columns
    local rows = {}
    for _, lane in ipairs(lanes) do
        local name = (names[lane.g] or ""):sub(1, LABEL - 6)
        local line = p:line():add(("G%-3d %s"):format(lane.g, name)):to(LABEL)
        local row = cells(lane, view.from, step, columns)
        for column = 0, math.min(columns, seen) - 1 do
            put_cell(p, line, row[column])
        end
        rows[#rows + 1] = line:text()
    end
    local scale = pen.seconds(view.to - view.from)
    rows[#rows + 1] = p:line():to(LABEL):add("0", "dim"):to(p.columns - #scale):add(scale, "dim")
        :text()
    rows[#rows + 1] = p:line():add("a digit", "string"):add ": runs on that P  "
        :add(p.glyph.light, "object"):add ": could run  ":add(p.glyph.dot, "dim"):add ": waits"
        :text()
    return rows
end

return goroutines
