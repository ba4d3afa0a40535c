-- SPDX-License-Identifier: MIT
local collector = require "lagoon.repl.tour.collector"

-- What is seen in the memo: all samples, and the most that the heap has been.
local function note(now)
    local memo = now.memo
    memo.samples = memo.samples or {}
    local sample = now:collection()
    memo.samples[#memo.samples + 1] = sample
    memo.most = math.max(memo.most or 1, sample.heap_bytes)
    return sample
end

return {
    name = "gc",
    title = "Garbage collection",
    text = [[
The collector marks with three colours. White: not seen yet. Grey: seen, but not looked at. Black:
looked at, all that it refers to is at least grey. It begins with the roots grey, and takes one grey
object after the other until none is left. Then what is still white cannot be reached: garbage.

It works beside the program, which goes on changing references. What keeps that safe is the write
barrier: while marking, a store makes grey what it overwrites or hides. The world stops twice for a
moment, to begin and to end marking. Sweeping gives the white blocks back, beside the program again.

Here the collector is off, and we make garbage that states can share (frozen tables; each state's
own Lua objects are LuaJIT's collector's business, which uses the same colours). Then we do its work
by hand, half a millisecond at a time.]],
    code = [[
local runtime = lagoon.runtime
local percent = runtime.gc_percent "off"
local map = lagoon.shared_map()
for i = 1, 30000 do
    map:set(i % 6000, lagoon.freeze { i, { i } })
end
collectgarbage()
sleep(0.4)
repeat
    local is_done = runtime.gc_step(0.0005)
    sleep(0.12)
until is_done
sleep(0.4)
runtime.gc_percent(percent)]],
    after = [[
Time goes from left to right: black grew while it marked (M), then what was not black was swept away
(S). Usually all this happens by itself, when the heap has doubled: see runtime.gc_percent(), and
:gc for pauses.]],

    picture = function(p, now)
        local sample = note(now)
        local rows = collector.colours(p, sample, now.memo.most)
        for _, row in ipairs(collector.history(p, now.memo.samples)) do
            rows[#rows + 1] = row
        end
        return rows, true
    end,

    tidy = function(locals)
        local percent = rawget(locals, "percent")
        if percent then
            require("lagoon").runtime.gc_percent(percent)
        end
    end,
}
