-- SPDX-License-Identifier: MIT
--
-- The module `lagoon`: Go's concurrency for Lua.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local sync = require "lagoon.sync"
local shared = require "lagoon.shared"
local time = require "lagoon.time"
local task = require "lagoon.task"
local group = require "lagoon.group"
local frozen = require "lagoon.frozen"
local iteration = require "lagoon.pairs"
local map = require "lagoon.map"
local frame = require "lagoon.frame"

require("lagoon.fast").install(chan, sync, time)
require("lagoon.fastshared").install(shared)

---@class lagoon.ErrorInfo
---@field id integer  of the goroutine
---@field name string?
---@field parent integer?  the goroutine that started it
---@field created_by string?  where, as "game.lua:12"

---@class lagoon
local lagoon = {
    ---@type string
    VERSION = core.version,

    go = task.go,
    async = task.async,
    parallel = task.parallel,
    blocking = task.blocking,
    lock_thread = task.lock_thread,
    unlock_thread = task.unlock_thread,
    self = task.self,
    yield = task.yield,
    traceback = task.traceback,
    group = group.new,
    map = map.map,

    chan = chan.new,
    select = chan.select,
    ---The case of a select that is taken when no other one can go on; the last one.
    default = core.default,

    now = time.now,
    sleep = time.sleep,
    after = time.after,
    tick = time.tick,
    timer = time.timer,
    ---The runtime's clock.
    clock = require "lagoon.clock",

    next_frame = frame.next_frame,
    wait_until = frame.wait_until,
    frame = frame.frame,
    event = require("lagoon.event").new,

    mutex = sync.mutex,
    rwmutex = sync.rwmutex,
    waitgroup = sync.waitgroup,
    cond = sync.cond,
    once = sync.once,
    semaphore = sync.semaphore,

    freeze = frozen.freeze,
    thaw = frozen.thaw,
    pairs = iteration.pairs,
    ipairs = iteration.ipairs,
    atomic = shared.atomic,
    buffer = shared.buffer,
    shared_map = shared.shared_map,

    net = require "lagoon.net",
    fs = require "lagoon.fs",
    process = require "lagoon.process",
    signal = require "lagoon.signal",
    context = require "lagoon.context",
    runtime = require "lagoon.runtime",
}

---Has f(err, traceback, info) called, in a goroutine of its own, for an error that leaves a
---goroutine and that nobody handles; nil takes that back. Without it a program ends, and a host
---gets the report on stderr. info tells whose it was.
---@type fun(f?: fun(err: any, traceback: string, info: lagoon.ErrorInfo))
lagoon.on_error = core.on_error

---Gives a metatable a name, by which it travels between Lua states: tables that have it arrive with
---the metatable that the other state has under that name, or else with a copy of this one. Returns
---the metatable.
---@type fun(name: string, mt: table): table
lagoon.class = core.class

---For hosts: runs f as a goroutine, and the others with it, until f has ended; returns what f
---returned, or raises its error. Inside a goroutine it just calls f.
---@param f function
---@param ... any
---@return any ...
function lagoon.run(f, ...)
    core.check_callable(f, "run")
    if core.is_inside() then
        return f(...)
    end
    return task.finish(core.run(f, ...))
end

---For the host's loop, once a frame: runs the goroutines of this state that are ready, due timers,
---and what has come in, on the calling thread. It does not wait.
---@type fun(seconds?: number): ready: integer, wait: number, longest: number
---Begins nothing more after so many seconds, but for one step of a goroutine; nil: until nothing
---is ready. Returns how many goroutines are ready still; the seconds after which it should be
---called again, 0 if some are, math.huge if only another thread can bring something; and the
---seconds that the longest step took.
lagoon.update = core.update

-- What not every state needs, and would pay for with its memory: loaded when it is asked for.
local load = require

---@class lagoon
---@field http lagoon.http
---@field reload async fun(module: string|table|function): lagoon.ReloadReport?, any
---@field input fun(name: string, f: fun(emit: fun(value: any), ...: any), ...: any): lagoon.Chan
setmetatable(lagoon, {
    __index = function(self, name)
        local value
        if name == "http" then
            value = load "lagoon.http"
        elseif name == "reload" then
            value = load("lagoon.reload").reload
        elseif name == "input" then
            value = load("lagoon.input").open
        end
        rawset(self, name, value)
        return value
    end,
})

return lagoon
