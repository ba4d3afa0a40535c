-- SPDX-License-Identifier: MIT
local goroutines = require "lagoon.repl.tour.goroutines"

return {
    name = "goroutines",
    title = "Goroutines",
    text = [[
A goroutine is a function that runs beside the others: go(f, ...) starts f and does not wait for it.
It is no thread: it begins small, a switch from one to another costs nanoseconds, and you can have
a hundred thousand of them.

What blocks - here sleep() - blocks its goroutine only. It is parked: it gives its place to one
that can run, and comes back when what it waits for has happened. Nothing polls meanwhile.

Two goroutines run now, and the input, which waits for them: async() is go() for those who want to
wait for its end. Watch what they wait for.]],
    code = [[
local function run(name, seconds)
    lagoon.self():name(name)
    for lap = 1, 3 do
        sleep(seconds)
    end
    print(name .. " has arrived")
end
local hare = async(run, "hare", 0.2)
local tortoise = async(run, "tortoise", 0.4)
hare:wait()
tortoise:wait()]],
    after = [[
Each line above was one goroutine over time, drawn from the trace of the scheduler: nearly always
waiting, and running for moments that are too short for the scale. An input is a goroutine itself;
:ps shows all that are alive.]],

    picture = function(p, now)
        local list = now:goroutines()
        return goroutines.list(p, list), #list > 0
    end,

    replay = function(p, past)
        local lanes = goroutines.lanes(past.events, past:is_in_lesson())
        local from, to = past.events[1].time, past.events[#past.events].time
        return { { rows = goroutines.timeline(p, lanes, past.names, { from = from, to = to }) } }
    end,
}
