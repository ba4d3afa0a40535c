-- SPDX-License-Identifier: MIT
--
-- Measures the Lua half of the benchmarks exactly as go/meter and native/meter.h measure the
-- other two: a warm-up with a tenth of the work, BENCH_REPS repetitions on the monotonic clock,
-- and one line with their median.
local lagoon = require "lagoon"

local meter = {}

local function setting(name, otherwise)
    local value = tonumber(os.getenv(name))
    return value and value > 0 and value or otherwise
end

---The program's first argument, or otherwise.
---@param otherwise integer
---@return integer
function meter.size(otherwise)
    if not arg[1] then
        return otherwise
    end
    local size = tonumber(arg[1])
    meter.check(size and size > 0 and size % 1 == 0, "the size must be a positive whole number")
    return size
end

---How many operations a repetition does: n, less in a quick run, and a multiple of unit.
---@param n integer
---@param unit integer
---@return integer
function meter.ops(n, unit)
    n = math.floor(n / setting("BENCH_DIVIDE", 1))
    return math.max(unit, n - n % unit)
end

---Prints the median of samples under a name.
---@param name string
---@param samples number[]
function meter.report(name, samples)
    table.sort(samples)
    local n = #samples
    local middle = samples[math.floor(n / 2) + 1] + samples[math.floor((n + 1) / 2)]
    print(("%s %.3f"):format(name, middle / 2))
end

---Reports the nanoseconds of one of ops operations, for a body that tells itself how many
---seconds it took. It does as many as it is told, always a multiple of unit.
---@async
---@param name string
---@param ops integer
---@param unit integer
---@param body fun(ops: integer): number
function meter.run_timed(name, ops, unit, body)
    local warm = math.max(unit, math.floor(ops / 10))
    body(warm - warm % unit)
    local samples = {}
    for i = 1, setting("BENCH_REPS", 5) do
        samples[i] = body(ops) * 1e9 / ops
    end
    meter.report(name, samples)
end

---The same, measuring the whole body.
---@async
---@param name string
---@param ops integer
---@param unit integer
---@param body fun(ops: integer)
function meter.run(name, ops, unit, body)
    meter.run_timed(name, ops, unit, function(count)
        local start = lagoon.now()
        body(count)
        return lagoon.now() - start
    end)
end

---What this process has used of all CPUs, in nanoseconds.
---@return number
function meter.cpu_time()
    return os.clock() * 1e9
end

---The memory of this process in bytes, page tables included.
---@return number
function meter.resident_bytes()
    local kilobytes = 0
    for line in io.lines("/proc/self/status") do
        local amount = line:match("^VmRSS:%s+(%d+)") or line:match("^VmPTE:%s+(%d+)")
        kilobytes = kilobytes + (tonumber(amount) or 0)
    end
    return kilobytes * 1024
end

---Ends the program with a message unless ok: a wrong result has no speed.
---@param ok any
---@param message string
function meter.check(ok, message)
    if not ok then
        io.stderr:write(message, "\n")
        os.exit(1)
    end
end

return meter
