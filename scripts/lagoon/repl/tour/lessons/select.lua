-- SPDX-License-Identifier: MIT
local channels = require "lagoon.repl.tour.channels"

return {
    name = "select",
    title = "Select",
    text = [[
select waits for several channel operations at once and does exactly one of them: the first that can
go on, and among several that can, one at random, so that none starves.

To wait, one goroutine enters the queue of every channel that it names. Whoever comes first takes it
out of all of them. That is what you see: the same goroutine stands at three channels.

lagoon.after(1.6) is a channel that gets one value, after 1.6 seconds: so a select has a timeout.]],
    code = [[
local drums, flute, done = chan(), chan(), lagoon.after(1.6)
local function play(instrument, seconds)
    while true do
        sleep(seconds)
        instrument:send "note"
    end
end
go(play, drums, 0.35)
go(play, flute, 0.55)
local heard = { 0, 0, 0 }
repeat
    local which = lagoon.select(drums, flute, done)
    heard[which] = heard[which] + 1
until which == 3]],
    after = [[
The players had no end: when the select was over they went on, and now that the lesson is over they
were cancelled. `heard` tells how often each case was taken. A last case lagoon.default makes a
select that never waits.]],

    picture = function(p, now)
        local list = now:channels("drums", "flute", "done")
        local rows = channels.draw(p, list)
        local heard = rawget(now.locals, "heard")
        if type(heard) == "table" and #heard == 3 then
            local counts = ("drums %s, flute %s, done %s"):format(unpack(heard))
            rows[#rows + 1] = p:line():add "taken so far: ":add(counts, "string"):text()
        end
        return rows, #list == 3 and list[1].receivers.count > 0 and list[3].receivers.count > 0
    end,
}
