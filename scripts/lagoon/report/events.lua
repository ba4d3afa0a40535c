-- SPDX-License-Identifier: MIT
--
-- The events of a trace, gathered: what ran on each P, what each goroutine did, channels, cycles
-- of the collector, counters. docs/observability.md says what stands in the file.
local json = require "lagoon.report.json"

local events = { HANDOVER = 5 }

-- Slices lie flat: start, duration, what, how many.
local STRIDE = 4
local RUN, READY, FIRST_REASON = 0, 1, 2
local P_PID, COLLECTOR_PID, COLLECTOR_STOPS = 1, 3, 2
local NO_P = 9999 -- the track of what ran where no P was known
local UNITS = { bytes = "bytes", count = "count" }

---@class lagoon.report.Goroutine
---@field id integer
---@field name string?
---@field born string?
---@field by integer?
---@field start number?
---@field stop number?  when it ended
---@field run number
---@field lane number[]

---@class lagoon.report.Gathered
---@field goroutines table<integer, lagoon.report.Goroutine>
---@field procs table<integer, number[]>
---@field channels table<integer, table>
---@field cycles table<integer, table>
---@field counters table<string, table>
---@field handovers number[]  sent at, by, received at, by, channel
---@field stops table[]  of the world, of cycles that are not told
---@field gaps number[]
---@field reasons string[]
---@field until_us number  when the last thing happened
---@field other table<string, any>  what the file says of itself

local function new_gathered()
    return {
        goroutines = {}, procs = {}, channels = {}, cycles = {}, counters = {}, handovers = {},
        gaps = {}, stops = {}, reasons = {}, reason_numbers = {}, halves = {}, lane_of = {},
        until_us = 0, other = {},
    }
end

---The one of a number, which is new if nothing is known of it.
---@param all lagoon.report.Gathered
---@param id integer
---@return lagoon.report.Goroutine
local function goroutine(all, id)
    local found = all.goroutines[id]
    if not found then
        found = { id = id, run = 0, lane = {} } -- of slices, sorted in the end
        all.goroutines[id] = found
    end
    return found
end

events.goroutine = goroutine

local function channel(all, id)
    local found = all.channels[id]
    if not found then
        found = { id = id, sends = 0, recvs = 0, handovers = 0, waits = 0, waited = 0,
            closed = false }
        all.channels[id] = found
    end
    return found
end

local function cycle(all, n)
    local found = all.cycles[n]
    if not found then
        found = { n = n, phases = {}, pauses = {} }
        all.cycles[n] = found
    end
    return found
end

local function add_slice(slices, ts, dur, what)
    local n = #slices
    slices[n + 1], slices[n + 2], slices[n + 3], slices[n + 4] = ts, dur, what, 1
end

local function reason_number(all, reason)
    local number = all.reason_numbers[reason]
    if not number then
        all.reasons[#all.reasons + 1] = reason
        number = FIRST_REASON + #all.reasons - 1
        all.reason_numbers[reason] = number
    end
    return number
end

-- ------------------------------------------------------------------------------------------------
-- Events by their kind
-- ------------------------------------------------------------------------------------------------

local take = {}

-- A stop of the world may come without its cycle.
local function take_collector(all, e)
    local list = all.stops
    if e.args.cycle then
        local of = cycle(all, e.args.cycle)
        list = e.tid == COLLECTOR_STOPS and of.pauses or of.phases
    end
    list[#list + 1] = { e.name, e.ts, e.dur }
end

local function take_run(all, p, ts, dur, g)
    all.procs[p] = all.procs[p] or {}
    add_slice(all.procs[p], ts, dur, g.id)
    g.run = g.run + dur
end

function take.X(all, e)
    local args = e.args
    if e.cat == "run" and e.pid == P_PID and args.g then
        take_run(all, e.tid - 1, e.ts, e.dur, goroutine(all, args.g))
    elseif e.cat == "state" and args.g then
        local g, is_running = goroutine(all, args.g), e.name == "running"
        add_slice(g.lane, e.ts, e.dur, is_running and RUN or READY)
        if is_running and not args.p then
            take_run(all, NO_P, e.ts, e.dur, g)
        end
    elseif (e.cat == "wait" or e.cat == "io") and args.g then
        add_slice(goroutine(all, args.g).lane, e.ts, e.dur, reason_number(all, e.name))
    elseif e.cat == "gc" and e.pid == COLLECTOR_PID then
        take_collector(all, e)
    elseif e.cat == "gap" then
        add_slice(all.gaps, e.ts, e.dur, 0)
    end
    all.until_us = math.max(all.until_us, e.ts + e.dur)
end

function take.i(all, e)
    local args = e.args
    if e.cat == "chan" and args.chan then
        local ch = channel(all, args.chan)
        if e.name == "send" then
            ch.sends = ch.sends + 1
        elseif e.name == "recv" then
            ch.recvs = ch.recvs + 1
        elseif e.name == "close" then
            ch.closed = true
        end
    elseif e.cat == "go" and args.g then
        local g = goroutine(all, args.g)
        if e.name == "start" then
            g.start, g.by = e.ts, args.by
        else
            g.stop = e.ts
        end
    end
    all.until_us = math.max(all.until_us, e.ts)
end

-- The halves of a hand-over, in any order. Their lanes are told apart by their threads.
local function take_half(all, e, is_start)
    local id = e.id
    local other = all.halves[id]
    if not other or other.is_start == is_start then
        all.halves[id] = { is_start = is_start, e = e }
        return
    end
    all.halves[id] = nil
    local from, to = is_start and e or other.e, is_start and other.e or e
    local list, n = all.handovers, #all.handovers
    list[n + 1], list[n + 2], list[n + 3], list[n + 4] = from.ts, from.tid, to.ts, to.tid
    list[n + 5] = tonumber(e.name:match("^chan (%d+)$")) or 0
    all.until_us = math.max(all.until_us, to.ts)
end

function take.s(all, e)
    take_half(all, e, true)
end

function take.f(all, e)
    take_half(all, e, false)
end

function take.C(all, e)
    for key, value in pairs(e.args) do
        local counter = all.counters[e.name]
        if not counter then
            counter = { name = e.name, unit = UNITS[key] or "count", points = {} }
            all.counters[e.name] = counter
        end
        local n = #counter.points
        counter.points[n + 1], counter.points[n + 2] = e.ts, value
    end
    all.until_us = math.max(all.until_us, e.ts)
end

-- "7 worker (crawl.lua:12)": a name may have anything in it, a birthplace ends what stands there.
local function lane_name(text)
    local id, rest = text:match("^(%d+)%s?(.*)$")
    local name, born = (rest or ""):match("^(.-)%s?%(([^()]*)%)$")
    if not born then
        name, born = rest, nil
    end
    return tonumber(id), name ~= "" and name or nil, born
end

function take.M(all, e)
    if e.name == "thread_name" and e.pid == P_PID + 1 and e.args.name then
        local id, name, born = lane_name(e.args.name)
        if id then
            local g = goroutine(all, id)
            g.name, g.born = name, born
            all.lane_of[e.tid] = id
        end
    end
end

-- ------------------------------------------------------------------------------------------------
-- The file
-- ------------------------------------------------------------------------------------------------

local NO_ARGS = {}

-- What stands in front of the events: {"displayTimeUnit": ..., "otherData": {...}, ...
local function take_head(all, line)
    local at = line:match('"otherData"%s*:%s*()')
    local other = at and json.read(line, at)
    if type(other) == "table" then
        all.other = other
    end
end

local function take_line(all, line)
    local e = json.read(line)
    local f = type(e) == "table" and take[e.ph]
    if not f then
        return
    end
    e.ts, e.dur, e.args, e.name = e.ts or 0, e.dur or 0, e.args or NO_ARGS, e.name or ""
    f(all, e)
end

-- Puts what is out of order into order; most is in order.
local function sort_slices(slices)
    local is_sorted = true
    for i = STRIDE + 1, #slices, STRIDE do
        is_sorted = is_sorted and slices[i - STRIDE] <= slices[i]
    end
    if is_sorted then
        return
    end
    local rows = {}
    for i = 1, #slices, STRIDE do
        rows[#rows + 1] = { slices[i], slices[i + 1], slices[i + 2], slices[i + 3], i }
    end
    table.sort(rows, function(a, b)
        return a[1] < b[1] or a[1] == b[1] and a[5] < b[5]
    end)
    for i, row in ipairs(rows) do
        for k = 1, STRIDE do
            slices[(i - 1) * STRIDE + k] = row[k]
        end
    end
end

-- Halves name lanes; from here on goroutines are meant.
local function name_handovers(all)
    local list = all.handovers
    for i = 1, #list, events.HANDOVER do
        list[i + 1] = all.lane_of[list[i + 1]] or 0
        list[i + 3] = all.lane_of[list[i + 3]] or 0
    end
end

---Gathers the events of a trace. Lines that are none are passed over.
---@param lines fun(): string?  the next line, as of a file
---@return lagoon.report.Gathered
function events.gather(lines)
    local all = new_gathered()
    for line in lines do
        local at = line:find('{"', 1, true)
        if at and line:find('"ph"', 1, true) then
            take_line(all, at == 1 and line or line:sub(at))
        elseif at then
            take_head(all, line)
        end
    end
    for _, slices in pairs(all.procs) do
        sort_slices(slices)
    end
    for _, g in pairs(all.goroutines) do
        sort_slices(g.lane)
    end
    name_handovers(all)
    return all
end

events.NO_P = NO_P
events.STRIDE, events.RUN, events.READY, events.FIRST_REASON = STRIDE, RUN, READY, FIRST_REASON

return events
