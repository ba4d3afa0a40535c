-- SPDX-License-Identifier: MIT
--
-- Tasks: handles of goroutines.
local core = require "lagoon.core"

local c_wait, raise = core.task_wait, core.raise
local OK, TIMEOUT, OUTCOME = core.OK, core.TIMEOUT, core.OUTCOME
local c_outcome = core.task_outcome
local c_note = core.scope_note

local function finish(code, ...)
    if code == OK then
        return ...
    elseif code == TIMEOUT then
        return nil, "timeout"
    end
    return raise(code, (...))
end

-- A task that has ended in another state: what it ended with is opened here.
local function finish_wait(self, code, ...)
    if code == OUTCOME then
        return finish(c_outcome(self))
    end
    return finish(code, ...)
end

---The handle of a goroutine.
---@class lagoon.Task
---@field cancel fun(self: lagoon.Task, reason?: any): boolean  has its current or next blocking
---call raise the reason, "cancelled" by default; whether it was alive
---@field status fun(self: lagoon.Task): string  "ready", "running", "waiting", "done", "failed" or
---"cancelled"
---@field id fun(self: lagoon.Task): integer  the number of its goroutine
---@field name fun(self: lagoon.Task, name?: string): string?  what it is called in dumps; with a
---name, sets that
local Task = {
    cancel = core.task_cancel,
    status = core.task_status,
    id = core.task_id,
    name = core.task_name,
}

---Waits for the end of the goroutine; returns what its function returned, or raises its error.
---@async
---@param seconds? number  nil waits for ever; after them: nil, "timeout"
---@return any ...
function Task:wait(seconds)
    return finish_wait(self, c_wait(self, seconds))
end

core.classes.task.__index = Task

local task = { finish = finish }

---Starts `f(...)` as a goroutine. Go: `go f(...)`.
---@type fun(f: function, ...: any)
task.go = core.go

---Starts `f(...)` as a goroutine with a handle, which keeps its results or its error.
---@type fun(f: function, ...: any): lagoon.Task
task.async = core.async

---Runs `f(...)` on any core, in another Lua state: what is sent there and comes back is copied.
---@type fun(f: function, ...: any): lagoon.Task
task.parallel = core.parallel

-- The caller waits no more: a call that has not begun never does. One that runs is not stopped, but
-- the next that it waits for raises the reason.
local function abandon(call, code, value)
    local _, reason = pcall(raise, code, value)
    if not pcall(call.cancel, call, reason) then
        call:cancel() -- the reason cannot be sent
    end
    error(reason, 0)
end

local function finish_call(call, code, value)
    if code == OUTCOME then
        return finish(c_outcome(call))
    end
    return abandon(call, code, value)
end

local c_blocking = core.blocking

---Calls `f(...)` on a thread of its own, in another Lua state, and returns what it returned or
---raises its error: for calls that block their thread. The caller waits, nobody else does.
---@async
---@param f function
---@param ... any
---@return any ...
function task.blocking(f, ...)
    local code, call = c_blocking(f, ...)
    if code ~= OK then
        return raise(code, call)
    end
    c_note(call)
    return finish_call(call, c_wait(call))
end

---Keeps the calling goroutine, and with it its Lua state, on the thread that it is on, which runs
---nothing else, until unlock_thread() was called as often, or it ends. Go: `runtime.LockOSThread`.
---@type fun()
task.lock_thread = core.lock_thread

---Takes back one lock_thread() of the calling goroutine. Go: `runtime.UnlockOSThread`.
---@type fun()
task.unlock_thread = core.unlock_thread

---The task of the calling goroutine.
---@type fun(): lagoon.Task
task.self = core.self

---Lets the others run. Go: `runtime.Gosched`.
---@type async fun()
task.yield = core.yield

---The tracebacks of an error that `wait` has raised: of its goroutine, and where that was started.
---@type fun(err: any): string?
task.traceback = core.traceback

return task
