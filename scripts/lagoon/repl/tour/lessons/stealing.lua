-- SPDX-License-Identifier: MIT
local pen = require "lagoon.repl.tour.pen"
local ps = require "lagoon.repl.tour.ps"

local MOVES_MAX = 60 -- of one replay
local STEAL_SECONDS, MOVE_SECONDS = 0.8, 0.15

local function draw_move(p, move, since)
    local is_steal = move.kind == "steal"
    local rows = ps.draw(p, move.boxes)
    table.insert(rows, 1, p:line():add(("%9s  "):format(pen.seconds(move.time - since)), "dim")
        :add(move.text, is_steal and "error" or nil):text())
    rows[#rows + 1] = p:line():add(("global queue: %d"):format(move.nglobal), "dim"):text()
    return { rows = rows, seconds = is_steal and STEAL_SECONDS or MOVE_SECONDS }
end

-- What stays: the biggest steal, and what all of them add up to.
local function draw_sum(p, moves, since)
    local ntasks, nstates, biggest = 0, 0, nil
    for _, move in ipairs(moves) do
        if move.kind == "steal" and move.g ~= 0 then
            nstates = nstates + move.n
        elseif move.kind == "steal" then
            ntasks = ntasks + move.n
            biggest = biggest and biggest.n >= move.n and biggest or move
        end
    end
    local frame = biggest and draw_move(p, biggest, since) or { rows = {} }
    table.insert(frame.rows, p:line():add(("stolen: %d tasks; states with a goroutine: %d")
        :format(ntasks, nstates), "title"):text())
    return frame
end

return {
    name = "stealing",
    title = "Work stealing",
    text = [[
What a goroutine starts or wakes goes to the run queue of the P that it runs on: no lock, no other
CPU is involved. But then one P may have all the work, and the others none.

So a P that has nothing to do - its own queue, the global one and the poller have nothing - looks at
the other Ps, beginning with a random one, and steals half of a queue, the older half. Half, so that
it need not come back at once. While it looks, its M spins: it keeps a CPU busy for a moment, to be
quick when something comes.

Here one goroutine starts 16 tasks for other Lua states. A square is a task that has not begun; it
has no goroutine yet. Much of this takes microseconds: it is recorded, and then replayed slowly.]],
    code = [[
local function work(seconds)
    local now, n = require("lagoon").now, 0
    local stop = now() + seconds
    repeat
        for i = 1, 1000 do n = n + i % 7 end
    until now() > stop
end
local tasks = {}
for i = 1, 16 do
    tasks[i] = parallel(work, 0.004)
end
for _, task in ipairs(tasks) do
    task:wait()
end]],
    after = [[
Every step was one of the scheduler's events, in its real order; run it again, and it will be
another one. With one P nobody steals: see lagoon.runtime.procs(), and try procs(4) before
:tour again.]],

    replay = function(p, past)
        local moves, frames = ps.moves(past.events, past.names), {}
        local since = past.events[1].time
        for i = 1, math.min(#moves, MOVES_MAX) do
            frames[i] = draw_move(p, moves[i], since)
        end
        frames[#frames + 1] = draw_sum(p, moves, since)
        return frames
    end,

    tidy = function(locals)
        for _, task in ipairs(rawget(locals, "tasks") or {}) do
            task:cancel()
            pcall(task.wait, task)
        end
    end,
}
