-- SPDX-License-Identifier: MIT
--
-- lagoon.runtime: what the scheduler is and does.
local core = require "lagoon.core"
require "lagoon.task"

---@class lagoon.GoroutineInfo
---@field id integer
---@field name string?
---@field status string  "ready", "running", "waiting"
---@field wait_reason string?
---@field wait_seconds number?
---@field where string?  the line of the script
---@field created_by string?

local c_start, c_wait, c_end = core.limit_start, core.limit_wait, core.limit_end
local wait = core.classes.task.__index.wait

local runtime = {}

---How many Ps there are; with n, sets it and returns what it was. Go: `runtime.GOMAXPROCS`.
---@type fun(n?: integer): integer
runtime.procs = core.procs

---How many calls of lagoon.blocking run at once, each on a thread of its own; further ones wait in
---line. With n, 1 to 768, sets it and returns what it was.
---@type fun(n?: integer): integer
runtime.blocking_limit = core.blocking_limit

---How long a goroutine may hold its P before the watchdog tells of it, with its traceback, in
---seconds, 0 for ever; with seconds sets it and returns what it was.
---@type fun(seconds?: number): number
runtime.watchdog = core.watchdog

---How many CPUs the process may use. Go: `runtime.NumCPU`.
---@type fun(): integer
runtime.num_cpu = core.num_cpu

---How many goroutines are alive. Go: `runtime.NumGoroutine`.
---@type fun(): integer
runtime.num_goroutine = core.num_goroutine

---The traceback of the calling goroutine, or of all. Go: `runtime.Stack`.
---@type fun(all?: boolean): string
runtime.stack = core.stack

---All goroutines that are alive.
---@type fun(): lagoon.GoroutineInfo[]
runtime.goroutines = core.goroutines

---Goroutines of this state that wait for something that nothing else can reach, so that nothing
---will ever wake them. Go: the goroutine leak profile.
---@type fun(): lagoon.GoroutineInfo[]
runtime.leaks = core.leaks

---Collects garbage: of this Lua state, then of the core. Go: `runtime.GC`.
---@type async fun()
runtime.gc = core.gc

---Does the collectors' work for about so many seconds, in time that is free anyway: LuaJIT's of
---this state, also where the script has stopped it, and the core's. Returns whether nothing is
---left to do, how long it took, and how long the longest step did. Go: none.
---@type fun(seconds: number): boolean, number, number
runtime.gc_step = core.gc_step

---By how many percent the heap may grow before the next collection; with n sets it, and returns
---what it was. Go: `debug.SetGCPercent`.
---@type fun(n?: integer|"off"): integer|"off"
runtime.gc_percent = core.gc_percent

---A soft limit in bytes for all memory of the runtime, math.huge for none; with one sets it, and
---returns what it was. Go: `debug.SetMemoryLimit`.
---@type fun(bytes?: number|string): number
runtime.mem_limit = core.mem_limit

---A hard cap in bytes for the same memory, math.huge for none; with one sets it, and returns
---what it was. What would exceed it raises "not enough memory". Go: none.
---@type fun(bytes?: number|string): number
runtime.mem_cap = core.mem_cap

---A hard cap in bytes for what this state holds, math.huge for none; with one sets it, and returns
---what it was. What would exceed it raises "not enough memory". Go: none.
---@type fun(bytes?: number|string): number
runtime.state_cap = core.state_cap

---The same for each state that is made for tasks from now on. Go: none.
---@type fun(bytes?: number|string): number
runtime.worker_cap = core.worker_cap

---Writes what is in the heap, and what keeps it there, into a file. Go: `debug.WriteHeapDump`.
---@type async fun(path: string): boolean?, string?, string?
runtime.heap_dump = core.heap_dump

---Figures: procs, threads, goroutines, stacks, channels, timers, and what has happened so far; in
---`memory`, `gc` and `classes` those of the allocator and the collectors, in `frames` what frames
---of a host have cost.
---@type fun(): table<string, any>
runtime.stats = core.stats

---Begins to write a timeline of the whole runtime into a file: what runs where, what waits for
---what, hand-overs, the collector, as Chrome trace events, which ui.perfetto.dev shows. `nil`, a
---message and a code if it cannot; "EBUSY" if one is being written already. Go: `trace.Start`.
---@type fun(path: string): boolean?, string?, string?
runtime.trace_start = core.trace_start

---Ends it: everything that has happened is in the file. `nil`, a message and a code if a part of it
---could not be written. Go: `trace.Stop`.
---@type fun(): boolean?, string?, string?
runtime.trace_stop = core.trace_stop

---Whether Lua code that computes is interrupted, and how: "signal", by a signal to its thread, in
---compiled code too; or "off", and why not.
---@type fun(): string, string?
runtime.preemption = core.preemption

---Lets `lagoon attach` look at this program from now on, as `--attach` does. Returns the path of
---the socket. With `stays`, a program whose goroutines are all asleep says so and stays to be
---looked at, instead of ending. Go: none.
---@type fun(stays?: boolean): string?, string?
runtime.attach = core.attach_start

local c_profile_start = core.profile_start

---Begins a profile: what goroutines use of the CPU, and how long they wait and where, of all Lua
---states. `profile_stop()` or the end of the program writes it into the file: as pprof's protocol
---buffer (`cpu.pb.gz`, `.pb` uncompressed), or as collapsed stacks (`.folded`, `.collapsed`,
---`.txt`), in which one value of each stack stands, times in microseconds. Returns `nil` and a
---message if it cannot be written, or there is a profile already. Go: `pprof.StartCPUProfile`.
---@param path string
---@param opts? { value?: string, hz?: integer, wait_seconds?: number }  value of collapsed stacks:
---  "cpu" (default), "samples", "wall", "delay", "contentions", "mutex_delay", "mutex_contentions";
---  hz: samples a second, 100; wait_seconds: waits of that length and more all count, shorter ones
---  at random, 0.00001
---@return boolean? ok
---@return string? err
function runtime.profile_start(path, opts)
    opts = opts or {}
    if type(opts) ~= "table" then
        error("bad argument #2 to 'profile_start' (table expected, got " .. type(opts) .. ")", 2)
    end
    return c_profile_start(path, opts.value, opts.hz, opts.wait_seconds)
end

---Ends the profile, also that of `--profile`, and writes its file. Of goroutines that wait at that
---moment those of the calling state are in it. Go: `pprof.StopCPUProfile`.
---@type fun(): boolean?, string?
runtime.profile_stop = core.profile_stop

local function check_bound(bounds, name)
    local bound = bounds[name]
    if bound ~= nil and not (type(bound) == "number" and bound > 0) then
        error(("bad argument #1 to 'limit' (%s must be a positive number)"):format(name), 3)
    end
    return bound
end

---Calls `f(...)` in a Lua state of its own, as `parallel` would, and waits for that: at most so
---many seconds, and while it holds at most so many bytes. As `pcall` it returns `true` and what
---`f` returns, or `false` and its error; `nil`, a message and "ETIMEDOUT" or "ENOMEM" if it wanted
---more. Then, and whenever it has ended, nothing that it has started runs on. It cannot catch
---that; an error in a goroutine that it has started is dropped. Go: none.
---@async
---@param bounds { seconds?: number, memory?: number }
---@param f function
---@param ... any  for f
---@return boolean? ok
---@return any ...
function runtime.limit(bounds, f, ...)
    if type(bounds) ~= "table" then
        error("bad argument #1 to 'limit' (table expected, got " .. type(bounds) .. ")", 2)
    elseif type(f) ~= "function" then
        error("bad argument #2 to 'limit' (function expected, got " .. type(f) .. ")", 2)
    end
    local seconds, memory = check_bound(bounds, "seconds"), check_bound(bounds, "memory")
    local task = c_start(memory, f, ...)
    local code, reason = c_wait(task, seconds)
    if c_end(task) then
        return nil, "memory limit exceeded", "ENOMEM"
    elseif code == core.OK then
        return pcall(wait, task)
    elseif code == core.TIMEOUT then
        return nil, "time limit exceeded", "ETIMEDOUT"
    end
    return core.raise(code, reason)
end

return runtime
