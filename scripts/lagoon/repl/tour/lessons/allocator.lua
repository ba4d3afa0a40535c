-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local heap = require "lagoon.repl.tour.heap"

local NCLASSES = 6

return {
    name = "allocator",
    title = "The allocator",
    text = [[
Memory comes in three steps, as in Go. The mheap has pages, 8 KB each. A run of pages becomes a
span, cut into blocks of one size class, from 8 bytes to 32 KB; bigger things get pages of their
own. The mcentral of each class has its spans, under a lock. And each P has an mcache: some free
blocks of every class, taken without any lock, since no other thread has that P.

So nearly every allocation is: look at the class, pop a pointer. Only an empty mcache asks the
mcentral for a batch, and only a mcentral without free blocks asks the mheap for a span.

Lua's own memory comes from there, too. Six times some thousand tables and strings are made, then
all are dropped. You see the classes that have changed most.]],
    code = [[
local kept = {}
for round = 1, 6 do
    for i = 1, 4000 do
        kept[#kept + 1] = { round, "text " .. i .. " of " .. round }
    end
    sleep(0.25)
end
kept = nil
collectgarbage()
sleep(0.5)]],
    after = [[
The bars grew by spans, whole ones, and what was free again stayed in them: used blocks go down at
once, spans go back when all their blocks are free. lagoon.runtime.stats().classes has the figures
of all classes, .memory those of the mheap.]],

    picture = function(p, now)
        local stats = core.stats()
        now.memo.before = now.memo.before or stats.classes
        local rows = heap.busiest(stats.classes, now.memo.before, NCLASSES)
        return heap.draw(p, rows, stats.memory), rawget(now.locals, "kept") ~= nil
    end,
}
