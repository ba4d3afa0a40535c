-- SPDX-License-Identifier: MIT
--
-- Measures the Lua half of the benchmarks exactly as go/meter and native/meter.h measure the
-- other two: a warm-up with a tenth of the work, BENCH_REPS repetitions on the monotonic clock,
-- and one line with their median. It asks nothing of lagoon, since luajit runs some programs too.
local ffi = require "ffi"

local meter = {}

ffi.cdef [[
struct bench_moment { int64_t s, ns; };
int bench_clock(int clock, struct bench_moment *out) __asm__("clock_gettime");
]]

local CLOCK_MONOTONIC = 1
local moment = ffi.new "struct bench_moment"

local function now()
    ffi.C.bench_clock(CLOCK_MONOTONIC, moment)
    return tonumber(moment.s) + tonumber(moment.ns) / 1e9
end

local function setting(name, otherwise)
    local value = tonumber(os.getenv(name))
    return value and value > 0 and value or otherwise
end

---Seconds since some moment; on a busy machine, the CPU time of the process instead.
---@type fun(): number
meter.clock = setting("BENCH_CPU", 0) > 0 and os.clock or now

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
    local clock = meter.clock
    meter.run_timed(name, ops, unit, function(count)
        local start = clock()
        body(count)
        return clock() - start
    end)
end

---What this process has used of all CPUs, in nanoseconds.
---@return number
function meter.cpu_time()
    return os.clock() * 1e9
end

local function status_bytes(...)
    local kilobytes = 0
    for line in io.lines("/proc/self/status") do
        for _, field in ipairs { ... } do
            kilobytes = kilobytes + tonumber(line:match("^" .. field .. ":%s+(%d+)") or 0)
        end
    end
    return kilobytes * 1024
end

---The memory of this process in bytes, page tables included.
---@return number
function meter.resident_bytes()
    return status_bytes("VmRSS", "VmPTE")
end

---Prints the most memory that this process has ever held.
---@param name string
function meter.tell_peak(name)
    meter.report(name, { status_bytes("VmHWM") })
end

---Random numbers below n, the same in every run.
---@param seed integer
---@return fun(n: integer): integer
function meter.random(seed)
    local state = seed
    return function(n)
        state = (state * 16807) % 2147483647
        return state % n
    end
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
