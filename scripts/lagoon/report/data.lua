-- SPDX-License-Identifier: MIT
--
-- What the page shows, from what was gathered: sums for each goroutine, channel and cycle, over
-- all of it; then as much of it as a page holds, and what was left out in words.
local events = require "lagoon.report.events"
local thin = require "lagoon.report.thin"

local STRIDE, RUN, READY = events.STRIDE, events.RUN, events.READY
local FIRST_REASON = events.FIRST_REASON
local ROUNDING_US = 1

local data = {}

-- A page of a few megabytes at most.
local MOST = {
    trace_bytes = 40 * 1024 * 1024,
    proc_slices = 30000,
    lane_slices = 50000,
    handovers = 10000,
    goroutines = 1000,
    channels = 500,
    cycles = 400,
    points = 1500,
    stacks = 3000,
    stack_bytes = 1500,
    text_bytes = 200,
}
data.most = MOST

-- No character is halved.
local function short(text, most)
    most = most or MOST.text_bytes
    if #text <= most then
        return text
    end
    local head = text:sub(1, most)
    if text:find("^[\128-\191]", most + 1) then
        head = head:gsub("[\192-\247][\128-\191]*$", "")
    end
    return head .. "..."
end

local function say(notes, format, ...)
    notes[#notes + 1] = { text = format:format(...) }
end

-- ------------------------------------------------------------------------------------------------
-- Goroutines
-- ------------------------------------------------------------------------------------------------

local function seen_state(all, last_what)
    if last_what == RUN then
        return "running"
    elseif last_what == READY then
        return "ready"
    elseif last_what then
        return "waiting: " .. all.reasons[last_what - FIRST_REASON + 1]
    end
    return "alive"
end

-- The last thing that is known of one may be that it went into a gap; whether it came out is not.
local function is_lost(all, until_us)
    local gap = #all.gaps - STRIDE
    return gap >= 0 and until_us <= all.gaps[gap + 1] + ROUNDING_US
end

local function state_of(all, g, last)
    if g.bad_end then
        return g.bad_end.why and "failed" or "cancelled"
    elseif g.stop then
        return "ended"
    end
    local lane = g.lane
    local state = seen_state(all, last >= 0 and lane[last + 3] or nil)
    local until_us = last >= 0 and lane[last + 1] + lane[last + 2] or g.start or 0
    return is_lost(all, until_us) and "last seen " .. state or state
end

-- Sums over its lane, before slices are joined.
local function goroutine_row(all, g)
    local waits, ready, lane = {}, 0, g.lane
    for i = 1, #lane, STRIDE do
        local dur, what = lane[i + 1], lane[i + 2]
        if what == READY then
            ready = ready + dur
        elseif what ~= RUN then
            local wait = waits[what] or { all.reasons[what - FIRST_REASON + 1], 0, 0 }
            wait[2], wait[3] = wait[2] + 1, wait[3] + dur
            waits[what] = wait
        end
    end
    local list = {}
    for _, wait in pairs(waits) do
        list[#list + 1] = wait
    end
    table.sort(list, function(a, b)
        return a[3] > b[3] or a[3] == b[3] and a[1] < b[1]
    end)
    local last = #lane - STRIDE
    return {
        id = g.id, name = g.name and short(g.name), born = g.born and short(g.born), by = g.by,
        start = g.start or lane[1] or 0,
        ["end"] = g.stop or last >= 0 and lane[last + 1] + lane[last + 2] or all.until_us,
        run = g.run, ready = ready, waits = list, lane = lane,
        why = g.bad_end and g.bad_end.why and short(g.bad_end.why),
        state = state_of(all, g, last),
    }
end

local function by_id(a, b)
    return a.id < b.id
end

local RANKS = { failed = 3, cancelled = 3, last = 1, ended = 0 }

-- Those that have not ended well count most, then those alive, then who has done or waited most.
local function matters_more(a, b)
    local of_a, of_b = RANKS[a.state:match "^%a+"] or 2, RANKS[b.state:match "^%a+"] or 2
    if of_a ~= of_b then
        return of_a > of_b
    end
    local has_a, has_b = #a.lane > 0, #b.lane > 0
    if has_a ~= has_b then
        return has_a
    end
    return a.run > b.run or a.run == b.run and a.id < b.id
end

-- The trace does not know how one has ended.
local function give_bad_ends(all, bad_ends)
    for _, bad_end in ipairs(bad_ends) do
        events.goroutine(all, bad_end.id).bad_end = bad_end
    end
end

-- Behind a gap the figure is right, and what was seen of each is not.
local function count_alive(all, nseen)
    local counter = #all.gaps > 0 and all.counters.goroutines
    return counter and counter.points[#counter.points] or nseen
end

local function goroutine_rows(all)
    local rows, nalive = {}, 0
    for _, g in pairs(all.goroutines) do
        local row = goroutine_row(all, g)
        rows[#rows + 1] = row
        nalive = nalive + ((g.stop or g.bad_end) and 0 or 1)
    end
    return rows, count_alive(all, nalive)
end

-- ------------------------------------------------------------------------------------------------
-- Channels, the collector
-- ------------------------------------------------------------------------------------------------

-- Times in a trace have three decimals, and halves of arrows are one of the last apart.
local GRAIN = 0.0025

-- The last slice of a lane that begins at a moment or before it; nil: there is none.
local function slice_at(lane, moment)
    local low, high = 0, #lane / STRIDE
    while low < high do
        local middle = math.floor((low + high) / 2)
        if lane[middle * STRIDE + 1] <= moment + GRAIN then
            low = middle + 1
        else
            high = middle
        end
    end
    return low > 0 and (low - 1) * STRIDE or nil
end

-- How long the wait took that ends there, perhaps with being ready after it; nil: it is none.
local function wait_until(lane, i)
    if i and i >= 0 and lane[i + 3] == READY then
        i = i - STRIDE
    end
    return i and i >= 0 and lane[i + 3] >= FIRST_REASON and lane[i + 2] or nil
end

-- A receiver that has waited gets the value when it runs again.
local function receiver_waited(g, moment)
    local i = g and slice_at(g.lane, moment)
    if i and g.lane[i + 3] == RUN and g.lane[i + 1] >= moment - GRAIN then
        return wait_until(g.lane, i - STRIDE)
    end
end

-- A sender's wait lasts until somebody takes the value; one that does not wait runs then.
local function sender_waited(g, moment)
    return g and wait_until(g.lane, slice_at(g.lane, moment))
end

-- What has waited in a hand-over has no event of its own.
local function count_handovers(all)
    local list = all.handovers
    for i = 1, #list, events.HANDOVER do
        local ch = all.channels[list[i + 4]]
        if ch then
            ch.handovers = ch.handovers + 1
            local waited = receiver_waited(all.goroutines[list[i + 3]], list[i + 2])
            if waited then
                ch.recvs = ch.recvs + 1
            else
                waited = sender_waited(all.goroutines[list[i + 1]], list[i])
                ch.sends = ch.sends + (waited and 1 or 0)
            end
            ch.waits, ch.waited = ch.waits + (waited and 1 or 0), ch.waited + (waited or 0)
        end
    end
end

local function values_of(map)
    local list = {}
    for _, value in pairs(map) do
        list[#list + 1] = value
    end
    return list
end

-- Stops of the world go to the cycle that is nearest.
local function give_stops(all)
    for _, stop in ipairs(all.stops) do
        local best, least
        for _, c in pairs(all.cycles) do
            for _, phase in ipairs(c.phases) do
                local distance = math.max(phase[2] - stop[2], stop[2] - phase[2] - phase[3], 0)
                if not best or distance < least then
                    best, least = c, distance
                end
            end
        end
        if best then
            best.pauses[#best.pauses + 1] = stop
        end
    end
end

local function cycle_row(c)
    local first, last = math.huge, 0
    for _, list in ipairs { c.phases, c.pauses } do
        for _, part in ipairs(list) do
            first, last = math.min(first, part[2]), math.max(last, part[2] + part[3])
        end
    end
    return { n = c.n, ts = first, dur = math.max(last - first, 0), phases = c.phases,
        pauses = c.pauses }
end

-- ------------------------------------------------------------------------------------------------
-- Stacks
-- ------------------------------------------------------------------------------------------------

-- What stands in the text is in the order in which it is shown, all in microseconds.
local PROFILES = { cpu = "CPU", wall = "Time", delay = "Waits", mutex_delay = "Mutexes" }

local function new_profile(name)
    return { name = PROFILES[name] or name, unit = "us", sums = {}, order = {} }
end

-- Collapsed stacks, each kind behind a line "# cpu".
local function read_profiles(text)
    local list, profile = {}, new_profile("cpu")
    for line in text:gmatch("[^\n]+") do
        local name = line:match("^# ([%l_]+)$")
        local stack, value = line:match("^(.*%S) (%d+)$")
        if name then
            profile = new_profile(name)
            list[#list + 1] = profile
        elseif stack then
            if not profile.sums[stack] then
                profile.order[#profile.order + 1] = stack
            end
            profile.sums[stack] = (profile.sums[stack] or 0) + tonumber(value)
        end
    end
    return list
end

-- {name, unit, stacks = {{"main;work", 3}, ...}}, and how many do not fit.
local function profile_row(profile)
    local sums, order, stacks = profile.sums, profile.order, {}
    table.sort(order, function(a, b)
        return sums[a] > sums[b] or sums[a] == sums[b] and a < b
    end)
    for i = 1, math.min(#order, MOST.stacks) do
        stacks[i] = { short(order[i], MOST.stack_bytes), sums[order[i]] }
    end
    return { name = profile.name, unit = profile.unit, stacks = stacks }, #order - #stacks
end

local function add_stacks(report, text)
    for _, profile in ipairs(read_profiles(text)) do
        local row, nleft = profile_row(profile)
        if #row.stacks > 0 then
            report.stacks[#report.stacks + 1] = row
        end
        if nleft > 0 then
            say(report.notes, "The flame graph of %s is without its %d rarest stacks.", row.name,
                nleft)
        end
    end
end

local COUNTERS = { "runnable", "goroutines", "threads", "heap" }
local TITLES = {
    runnable = "Runnable", goroutines = "Goroutines", threads = "Threads", heap = "Memory",
}

local function counters_of(all)
    local list = {}
    for _, name in ipairs(COUNTERS) do
        local counter = all.counters[name]
        if counter then
            list[#list + 1] = { name = TITLES[name], unit = counter.unit,
                points = thin.peaks(counter.points, MOST.points) }
        end
    end
    return list
end

-- How many may run at once: there are more Ps than that where goroutines have lost their places.
local function nprocs_of(all)
    local n = 0
    for p in pairs(all.procs) do
        n = n + (p == events.NO_P and 0 or 1)
    end
    return tonumber(all.other.procs) or n
end

local function procs_of(all, grain_of)
    local numbers, list = {}, {}
    for p in pairs(all.procs) do
        numbers[#numbers + 1] = p
    end
    table.sort(numbers)
    local grain = thin.slices(all.procs, MOST.proc_slices, all.until_us)
    for i, p in ipairs(numbers) do
        list[i] = { p = p, name = p == events.NO_P and "no P" or "P" .. p, slices = all.procs[p] }
    end
    grain_of.procs = grain
    return list
end

local function thin_lanes(rows, all, grain_of)
    local lanes = {}
    for i, row in ipairs(rows) do
        lanes[i] = row.lane
    end
    grain_of.lanes = thin.slices(lanes, MOST.lane_slices, all.until_us)
    for i, row in ipairs(rows) do
        row.lane = lanes[i]
    end
end

local function tell_left_out(notes, totals, report, grain_of)
    if #report.goroutines < totals.goroutines then
        say(notes, "%d of %d goroutines are shown: those alive in the end, then those that ran "
            .. "longest.", #report.goroutines, totals.goroutines)
    end
    if #report.channels < totals.channels then
        say(notes, "%d of %d channels are shown: those with most operations.", #report.channels,
            totals.channels)
    end
    if #report.gc < totals.cycles then
        say(notes, "The %d longest of %d cycles of the collector are shown.", #report.gc,
            totals.cycles)
    end
    local grain = math.max(grain_of.procs, grain_of.lanes)
    if grain > 0 then
        say(notes, "The run has more slices than a page can hold: neighbours that are shorter "
            .. "than %.3g ms are drawn as one. Sums in the tables are of all.", grain / 1000)
    end
    if totals.handovers > MOST.handovers then
        say(notes, "%d of %d hand-overs have arrows, evenly chosen.", MOST.handovers,
            totals.handovers)
    end
end

local function gap_note(notes, gaps)
    if #gaps == 0 then
        return
    end
    local sum = 0
    for i = 1, #gaps, STRIDE do
        sum = sum + gaps[i + 1]
    end
    say(notes, "More happened than could be written down beside the program: %d %s, %.3g ms "
        .. "together, shaded in the timeline. Sums are without them.", #gaps / STRIDE,
        #gaps == STRIDE and "gap" or "gaps", sum / 1000)
end

---What a page shows. `about` has title, command, version, when and maybe notes.
---@param all lagoon.report.Gathered
---@param about table<string, any>
---@param stacks string  collapsed stacks, "# cpu" in front of each kind
---@return table
function data.of(all, about, stacks)
    count_handovers(all)
    give_stops(all)
    give_bad_ends(all, about.bad_ends or {})
    local rows, nalive = goroutine_rows(all)
    local channels, cycles = values_of(all.channels), {}
    for _, c in pairs(all.cycles) do
        cycles[#cycles + 1] = cycle_row(c)
    end
    local totals = { procs = nprocs_of(all),
        goroutines = #rows, alive = nalive, channels = #channels, cycles = #cycles,
        handovers = #all.handovers / events.HANDOVER, sends = 0, recvs = 0 }
    for _, ch in ipairs(channels) do
        totals.sends, totals.recvs = totals.sends + ch.sends, totals.recvs + ch.recvs
    end
    local grain_of, notes = {}, about.notes or {}
    local report = {
        title = short(about.title), command = short(about.command, 1000), version = about.version,
        when = about.when, duration = all.until_us, totals = totals, notes = notes,
        reasons = all.reasons, gaps = all.gaps, counters = counters_of(all), stacks = {},
        goroutines = thin.first(rows, MOST.goroutines, matters_more, by_id),
        channels = thin.first(channels, MOST.channels, function(a, b)
            local na, nb = a.sends + a.recvs, b.sends + b.recvs
            return na > nb or na == nb and a.id < b.id
        end, by_id),
        gc = thin.first(cycles, MOST.cycles, function(a, b)
            return a.dur > b.dur or a.dur == b.dur and a.n < b.n
        end, function(a, b)
            return a.n < b.n
        end),
        handovers = thin.sample(all.handovers, events.HANDOVER, MOST.handovers),
        procs = procs_of(all, grain_of),
    }
    thin_lanes(report.goroutines, all, grain_of)
    gap_note(notes, all.gaps)
    tell_left_out(notes, totals, report, grain_of)
    add_stacks(report, stacks)
    return report
end

return data
