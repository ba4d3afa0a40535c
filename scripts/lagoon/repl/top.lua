-- SPDX-License-Identifier: MIT
--
-- :top, which shows goroutines and how much they run, again and again; where there is no terminal
-- to draw on, once.
local columns = require "lagoon.repl.columns"
local core = require "lagoon.core"
local goroutines = require "lagoon.repl.goroutines"
local time = require "lagoon.time"

local top = {}

local SECONDS, SECONDS_MIN = 1, 0.05
local HELP = "q ends, c i w sort by CPU, ID, time of waiting, a shows the REPL's own"

-- By a key, whether one comes before another.
local ORDERS = {
    c = function(a, b, shares)
        local of_a, of_b = shares[a.id] or 0, shares[b.id] or 0
        if of_a ~= of_b then
            return of_a > of_b
        end
        return a.id < b.id
    end,
    i = function(a, b)
        return a.id < b.id
    end,
    w = function(a, b)
        local of_a, of_b = a.wait_seconds or -1, b.wait_seconds or -1
        if of_a ~= of_b then
            return of_a > of_b
        end
        return a.id < b.id
    end,
}

local function summary(list, shares)
    local count, total = { ready = 0, running = 0, waiting = 0 }, 0
    for _, info in ipairs(list) do
        count[info.status] = (count[info.status] or 0) + 1
    end
    for _, share in pairs(shares) do
        total = total + share
    end
    local stats = core.stats()
    local of_goroutines = ("%d goroutine%s: %d running, %d ready, %d waiting"):format(#list,
        #list == 1 and "" or "s", count.running, count.ready, count.waiting)
    return ("%s; CPU %.0f %%, %d Ps, %d threads, %.1f MB"):format(of_goroutines, total * 100,
        stats.procs, stats.threads, stats.memory.total / 1e6)
end

---What is to be seen, as lines.
---@param list lagoon.GoroutineInfo[]
---@param shares table<integer, number>
---@param order string  "c", "i" or "w"
---@param width fun(text: string): integer  in columns
---@return string[]
function top.lines(list, shares, order, width)
    table.sort(list, function(a, b)
        return ORDERS[order](a, b, shares)
    end)
    local rows = { goroutines.HEAD }
    for _, info in ipairs(list) do
        rows[#rows + 1] = goroutines.row(info, shares)
    end
    local lines = columns.lines(rows, width)
    table.insert(lines, 1, summary(list, shares))
    return lines
end

-- Those that there is room for, clipped, the second one as a title.
local function fitted(session, lines, ncolumns, nrows)
    local shown = {}
    local nshown = #lines <= nrows and #lines or nrows - 1
    for i = 1, nshown do
        local line = columns.clip(lines[i], ncolumns, session.character_width)
        shown[i] = i == 2 and session.paint("title", line) or line
    end
    if nshown < #lines then
        shown[nrows] = ("... %d more"):format(#lines - nshown)
    end
    return shown
end

local function draw(session, live, view)
    local list = goroutines.list(session, view.all)
    local lines = top.lines(list, view.shares, view.order, session.character_width)
    local ncolumns, nrows = live:size()
    local help = session.paint("dim", columns.clip(HELP, ncolumns, session.character_width))
    local rows = fitted(session, lines, ncolumns, nrows - 1)
    table.insert(rows, help)
    live:draw(rows)
end

local ENDS = { q = true, ["ctrl-c"] = true, ["ctrl-d"] = true, escape = true, enter = true }

local function heed(view, key)
    if ORDERS[key] then
        view.order = key
    elseif key == "a" then
        view.all = not view.all
    end
end

local function watch(session, live, seconds)
    local view = { order = "c", all = false, shares = goroutines.shares(session.terminal) or {} }
    local from = goroutines.mark(session.terminal)
    local next_at = time.now() + seconds
    repeat
        draw(session, live, view)
        local key = live:next_real(math.max(next_at - time.now(), 0))
        heed(view, key)
        if not key then
            local to = goroutines.mark(session.terminal)
            view.shares, from = goroutines.between(from, to), to
            next_at = time.now() + seconds
        end
    until ENDS[key]
end

local function watch_live(session, seconds)
    local live = session.open_live()
    local is_on = session.terminal.sampler_start()
    local ok, err = pcall(watch, session, live, seconds)
    if is_on then
        session.terminal.sampler_stop()
    end
    live:close()
    if not ok then
        error(err, 0)
    end
end

---Shows it until a key ends that.
---@async
---@param session lagoon.repl.Session
---@param argument string  seconds from one picture to the next; "": one
function top.run(session, argument)
    local seconds = argument == "" and SECONDS or tonumber(argument)
    if not (seconds and seconds >= SECONDS_MIN) then -- nan is none
        return session:print_error((":top takes seconds, %.2f at least"):format(SECONDS_MIN))
    elseif session.open_live then
        return watch_live(session, seconds)
    end
    local shares = goroutines.shares(session.terminal) or {}
    local list = goroutines.list(session, false)
    for _, line in ipairs(top.lines(list, shares, "c", session.character_width)) do
        session:print(line)
    end
end

return top
