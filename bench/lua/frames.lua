-- SPDX-License-Identifier: MIT
--
-- A host's loop at 60 Hz with `size` goroutines of which each wakes now and then, beside tasks that
-- compute and make garbage on all other Ps. How many frames need over a tenth more than their
-- budget, of which the collectors have half, in per cent; and how many begin over a millisecond
-- late because of the update before? For a host:
-- LUA_CPATH="$PWD/build/release/?.so;;" luajit bench/lua/frames.lua
local ffi = require "ffi"
local lagoon = require "lagoon"

ffi.cdef "int poll(void *fds, unsigned long nfds, int timeout_ms);"

local size = tonumber(arg[1]) or 10000
local FRAMES, FRAME, BUDGET, LATE = 600, 1 / 60, 0.002, 0.001

for i = 1, size do
    lagoon.go(function()
        while true do
            lagoon.sleep(0.1 + i % 1900 / 1000)
        end
    end)
end

local over = lagoon.chan()
local function work(gate)
    local lagoon_there = require "lagoon"
    while not gate:closed() do
        local held
        for i = 1, 1000 do
            held = { held and held[1], i }
        end
        for _ = 1, 20 do
            lagoon_there.chan(#held + 200) -- what the core's collector has
        end
        lagoon_there.yield() -- where nothing interrupts it
    end
end
for _ = 2, lagoon.runtime.procs() do
    lagoon.parallel(work, over)
end

local nover, nlate = 0, 0
local due = lagoon.now()
for _ = 1, FRAMES do
    local since = lagoon.now()
    lagoon.runtime.gc_step(BUDGET / 2)
    lagoon.update(BUDGET / 2)
    nover = nover + (lagoon.now() - since > BUDGET * 1.1 and 1 or 0)
    due = due + FRAME
    nlate = nlate + (lagoon.now() > due + LATE and 1 or 0)
    ffi.C.poll(nil, 0, math.max(0, math.floor((due - lagoon.now()) * 1000)))
end
over:close()

print(("frames.over %.3f"):format(nover * 100 / FRAMES))
print(("frames.late %.3f"):format(nlate * 100 / FRAMES))
