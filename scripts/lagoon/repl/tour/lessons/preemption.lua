-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local goroutines = require "lagoon.repl.tour.goroutines"
local pen = require "lagoon.repl.tour.pen"

local NFRAMES = 40

-- What the lanes add up to.
local function summary(p, lanes)
    local nslices, npreempted, ran = 0, 0, 0
    for _, lane in ipairs(lanes) do
        nslices, npreempted = nslices + lane.nslices, npreempted + lane.npreempted
        ran = ran + lane.ran
    end
    local average = nslices > 0 and ran / nslices or 0
    local line = p:line():add(("%d slices, %d ended by preemption; %s on average"):format(nslices,
        npreempted, pen.seconds(average)))
    local how, why = core.preemption()
    if how == "off" then
        line = p:line():add("no preemption here: " .. tostring(why), "error")
    end
    return line:text()
end

return {
    name = "preemption",
    title = "Preemption",
    text = [[
Three goroutines of one state compute and never block, never yield. In many schedulers the first
one would keep the others out until it has finished. Go's, and this one, preempts: a watcher
(sysmon) sees that a goroutine has had its P for 10 ms and asks it to make room.

Asking is a signal to its thread. The handler does not switch; it only has the goroutine stop at the
next safe instruction, in compiled Lua, too. There it goes to the end of the queue, runnable, and
the next one has its slice. It was neither parked nor told.]],
    code = [[
local function compute(name)
    lagoon.self():name(name)
    local now, n = lagoon.now, 0
    local stop = now() + 0.12
    repeat
        for i = 1, 1000 do n = n + i % 7 end
    until now() > stop
end
local a = async(compute, "red")
local b = async(compute, "green")
local c = async(compute, "blue")
a:wait()
b:wait()
c:wait()]],
    after = [[
They took turns without knowing it. What one does between two slices of another can come between
any two lines of it, so what they share needs care: one call of a C function is atomic, two lines
of Lua are not.]],

    replay = function(p, past)
        local lanes = goroutines.lanes(past.events, past:is_in_lesson())
        local from, to = past.events[1].time, past.events[#past.events].time
        local frames = {}
        for i = 1, NFRAMES do
            local rows = goroutines.timeline(p, lanes, past.names,
                { from = from, to = to, upto = from + (to - from) * i / NFRAMES })
            rows[#rows + 1] = summary(p, lanes)
            frames[i] = { rows = rows }
        end
        return frames
    end,
}
