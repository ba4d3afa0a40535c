-- SPDX-License-Identifier: MIT
--
-- A host's loop at 60 Hz with `size` goroutines of which each wakes now and then, beside tasks that
-- compute and make garbage on all other Ps. How many frames need over a tenth more than their
-- budget, in per cent, and how many begin over a millisecond late because of the update before; how
-- long is the world stopped at most, in microseconds? For a host:
-- LUA_CPATH="$PWD/build/release/?.so;;" luajit bench/lua/frames.lua
local ffi = require "ffi"
local lagoon = require "lagoon"

ffi.cdef "int poll(void *fds, unsigned long nfds, int timeout_ms);"

local size = tonumber(arg[1]) or 10000
local FRAMES, FRAME, BUDGET, LATE, GC_EVERY = 600, 1 / 60, 0.002, 0.001, 30

for i = 1, size do
    lagoon.go(function()
        while true do
            lagoon.sleep(0.1 + i % 1900 / 1000)
        end
    end)
end

local over = lagoon.chan()
local function work(over)
    local lagoon = require "lagoon"
    while not over:closed() do
        local held = {}
        for i = 1, 1000 do
            held[i] = { i }
        end
        lagoon.chan(16)
    end
end
for _ = 2, lagoon.runtime.procs() do
    lagoon.parallel(work, over)
end

local nover, nlate = 0, 0
local due = lagoon.now()
for frame = 1, FRAMES do
    local since = lagoon.now()
    if frame % GC_EVERY == 0 then
        lagoon.go(lagoon.runtime.gc)
    end
    lagoon.update(BUDGET)
    nover = nover + (lagoon.now() - since > BUDGET * 1.1 and 1 or 0)
    due = due + FRAME
    nlate = nlate + (lagoon.now() > due + LATE and 1 or 0)
    ffi.C.poll(nil, 0, math.max(0, math.floor((due - lagoon.now()) * 1000)))
end
over:close()

local gc = lagoon.runtime.stats().gc
print(("frames.over %.3f"):format(nover * 100 / FRAMES))
print(("frames.late %.3f"):format(nlate * 100 / FRAMES))
print(("frames.cycles %d"):format(gc.cycles))
print(("frames.stop %.1f"):format(gc.pause_max * 1e6))
