-- SPDX-License-Identifier: MIT
-- within.lua PROGRAM SPANS FILE: CPU time of this process while a timeline is on, to the time
-- before and after it, when there is none: what differs from process to process, such as what the
-- compiler has chosen, is the same in both. Prints the ratio of each span.
local runtime = require "lagoon.runtime"
local SPAN_NS = 0.4e9

local run = dofile(("bench/talk/%s.lua"):format(arg[1]))
local nspans, file = tonumber(arg[2]), arg[3]

local function cost_of(n)
    local began = os.clock()
    run(n)
    return (os.clock() - began) / n * 1e9
end

local n = math.floor(SPAN_NS / cost_of(100000))
cost_of(n) -- until all is compiled
local before = cost_of(n)
for _ = 1, nspans do
    assert(runtime.trace_start(file))
    local on = cost_of(n)
    assert(runtime.trace_stop())
    local after = cost_of(n)
    print(on / ((before + after) / 2))
    before = after
end
os.exit(0)
