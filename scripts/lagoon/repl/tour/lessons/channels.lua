-- SPDX-License-Identifier: MIT
local channels = require "lagoon.repl.tour.channels"
local goroutines = require "lagoon.repl.tour.goroutines"

return {
    name = "channels",
    title = "Channels",
    text = [[
Goroutines talk over channels: ch:send(v) gives a value, ch:recv() takes one. A channel is a buffer
with two queues of goroutines: those that wait to send, because it is full, and those that wait to
receive, because it is empty. First come, first served.

Here two consumers come first and wait. Then a producer sends as fast as it can. It is quicker than
they are: the buffer fills, and the producer is parked in the queue of senders until a consumer has
made room. So a channel is a brake, too.

A value for which somebody waits already does not go through the buffer: it is handed over.]],
    code = [[
local jobs = chan(4)
local function consume()
    lagoon.self():name "consumer"
    for job in jobs do
        sleep(0.3)
    end
end
go(consume)
go(consume)
sleep(0.5)
lagoon.self():name "producer"
for job = 1, 14 do
    jobs:send(job)
end
jobs:close()
sleep(1)]],
    after = [[
The producer is the input: its goroutine stood left of the buffer. Closing took nothing away: the
receivers drained what was buffered, and then their loops ended. `jobs` is still there: try #jobs,
jobs:cap(), jobs:recv().]],

    picture = function(p, now)
        local list = now:channels "jobs"
        local rows = channels.draw(p, list)
        for _, row in ipairs(goroutines.list(p, now:goroutines())) do
            rows[#rows + 1] = row
        end
        local jobs = list[1]
        return rows, jobs and jobs.senders.count > 0
    end,
}
