-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local ps = require "lagoon.repl.tour.ps"

local ASIDE = "aside: its G is slow to make room, so another P runs for it"

local function figures(p, stats)
    local function line(letter, format, ...)
        return p:line():add(letter .. "  ", "title"):add(format:format(...)):text()
    end
    return {
        line("M", "%d threads, %d of them asleep", stats.threads, stats.threads_idle),
        line("G", "%d alive, global run queue: %d", stats.goroutines, stats.global_queued),
        line("-", "%d states for tasks; %d tasks wait for one", stats.states.alive,
            stats.states.waiting),
    }
end

return {
    name = "mpg",
    title = "M, P and G",
    text = [[
Three letters of Go's scheduler. G is a goroutine. M (machine) is a thread of the operating system.
P (processor) is the right to run goroutines, with a run queue of its own; there are as many as
runtime.procs() says, usually one for each CPU. An M needs a P to run a G.

Why not give each thread a queue? Because an M may block in a system call. Then its P goes to
another M, and what stands in the queue is not stuck.

Goroutines of one Lua state take turns, since a Lua state is no place for two threads: it is the
state that stands in a run queue, for all of its goroutines that can run. parallel(f, ...) starts a
task for another state. There is one such state per P, and one more; a task waits for a free one.
Here are four tasks for each P, which compute.]],
    code = [[
local function work(seconds)
    local now, n = require("lagoon").now, 0
    local stop = now() + seconds
    repeat
        for i = 1, 1000 do n = n + i % 7 end
    until now() > stop
end
local tasks = {}
for i = 1, 4 * lagoon.runtime.procs() do
    tasks[i] = parallel(work, 0.5)
end
for _, task in ipairs(tasks) do
    task:wait()
end]],
    after = [[
The numbers changed: a goroutine has its P for a slice of 10 ms, and then makes room if others wait
(that is another lesson). The picture was drawn by a goroutine, too, so one P was often seen running
"the tour". :sched has the figures.]],

    picture = function(p, now)
        local boxes, is_busy, has_queued, has_aside = now:ps(), true, false, false
        for _, box in ipairs(boxes) do
            is_busy = is_busy and box.runs ~= nil
            has_queued = has_queued or box.queued > 0
            has_aside = has_aside or box.is_aside
        end
        local rows = ps.draw(p, boxes)
        local stats = core.stats()
        for _, row in ipairs(figures(p, stats)) do
            rows[#rows + 1] = row
        end
        if has_aside then
            rows[#rows + 1] = p:line():add(ASIDE, "dim"):text()
        end
        return rows, is_busy and (has_queued or stats.states.waiting > 0)
    end,

    tidy = function(locals)
        for _, task in ipairs(rawget(locals, "tasks") or {}) do
            task:cancel()
            pcall(task.wait, task)
        end
    end,
}
