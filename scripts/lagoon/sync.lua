-- SPDX-License-Identifier: MIT
--
-- Locks and their kin: methods out of the C halves. Codes are as in chan.lua.
local core = require "lagoon.core"

local raise, classes = core.raise, core.classes
local OK, RETHROW = core.OK, core.RETHROW

-- A method that waits and has no results.
local function waiting(wait)
    return function(self, argument)
        local code, err = wait(self, argument)
        if code ~= OK then
            return raise(code, err)
        end
    end
end

local function class(name, methods)
    classes[name].__index = methods
    return methods
end

local sync = {}

---Mutual exclusion; not recursive. Go: `sync.Mutex`.
---@class lagoon.Mutex
---@field lock async fun(self: lagoon.Mutex)  waits until nobody has it, and takes it
---@field try_lock fun(self: lagoon.Mutex): boolean  takes it if nobody has it; whether it did
---@field unlock fun(self: lagoon.Mutex)  lets another one have it
sync.Mutex = class("mutex", {
    lock = waiting(core.mutex_lock),
    try_lock = core.mutex_try_lock,
    unlock = core.mutex_unlock,
})

---Many readers or one writer. Go: `sync.RWMutex`.
---@class lagoon.RWMutex
---@field lock async fun(self: lagoon.RWMutex)  to write: waits until nobody else has it
---@field rlock async fun(self: lagoon.RWMutex)  to read, beside other readers
---@field try_lock fun(self: lagoon.RWMutex): boolean  as lock, if that need not wait
---@field try_rlock fun(self: lagoon.RWMutex): boolean  as rlock, if that need not wait
---@field unlock fun(self: lagoon.RWMutex)  takes back one lock
---@field runlock fun(self: lagoon.RWMutex)  takes back one rlock
sync.RWMutex = class("rwmutex", {
    lock = waiting(core.rwmutex_lock),
    rlock = waiting(core.rwmutex_rlock),
    try_lock = core.rwmutex_try_lock,
    try_rlock = core.rwmutex_try_rlock,
    unlock = core.rwmutex_unlock,
    runlock = core.rwmutex_runlock,
})

---Waits for a count to come down to zero. Go: `sync.WaitGroup`.
---@class lagoon.WaitGroup
---@field add fun(self: lagoon.WaitGroup, n: integer)  adds to the count, before what it counts
---@field done fun(self: lagoon.WaitGroup)  one less
---@field wait async fun(self: lagoon.WaitGroup)  waits until the count is zero
sync.WaitGroup = class("waitgroup", {
    add = core.waitgroup_add,
    done = core.waitgroup_done,
    wait = waiting(core.waitgroup_wait),
})

---A place to wait for a change of what a mutex guards. Go: `sync.Cond`.
---@class lagoon.Cond
---@field wait async fun(self: lagoon.Cond)  unlocks the mutex, waits for a signal, locks it again
---@field signal fun(self: lagoon.Cond)  wakes who has waited longest
---@field broadcast fun(self: lagoon.Cond)  wakes all who wait
sync.Cond = class("cond", {
    wait = waiting(core.cond_wait),
    signal = core.cond_signal,
    broadcast = core.cond_broadcast,
})

---A number of units to be taken and given back. Go: `semaphore.Weighted`.
---@class lagoon.Semaphore
---@field acquire async fun(self: lagoon.Semaphore, units?: integer)  waits for them, 1 by default
---@field try_acquire fun(self: lagoon.Semaphore, units?: integer): boolean  if it need not wait
---@field release fun(self: lagoon.Semaphore, units?: integer)  gives them back, 1 by default
sync.Semaphore = class("semaphore", {
    acquire = waiting(core.semaphore_acquire),
    try_acquire = core.semaphore_try_acquire,
    release = core.semaphore_release,
})

---Makes a mutex. Go: `sync.Mutex`.
---@type fun(): lagoon.Mutex
sync.mutex = core.mutex

---Makes a lock of many readers or one writer. Go: `sync.RWMutex`.
---@type fun(): lagoon.RWMutex
sync.rwmutex = core.rwmutex

---Makes a wait group, whose count is zero. Go: `sync.WaitGroup`.
---@type fun(): lagoon.WaitGroup
sync.waitgroup = core.waitgroup

---Makes a condition variable of what a mutex guards. Go: `sync.NewCond`.
---@type fun(mutex: lagoon.Mutex): lagoon.Cond
sync.cond = core.cond

---Makes a semaphore with so many units. Go: `semaphore.NewWeighted`.
---@type fun(units: integer): lagoon.Semaphore
sync.semaphore = core.semaphore

local function pack(ok, ...)
    return { ok = ok, n = select("#", ...), ... }
end

---Makes a function that runs f at its first call; calls meanwhile wait for that, and all calls
---have its results, or its error. Go: `sync.OnceValues`.
---@param f fun(): ...
---@return async fun(): ...
function sync.once(f)
    core.check_callable(f, "once")
    -- No variable that the function assigns: `once` says why it cannot be sent.
    local once, done = core.once(), {}
    return function()
        if not done.outcome then
            local code, is_first = core.once_begin(once)
            if code ~= OK then
                return raise(code, is_first)
            elseif is_first then
                done.outcome = pack(xpcall(f, core.note_trace))
                core.once_end(once)
            end
        end
        local outcome = done.outcome
        if outcome.ok then
            return unpack(outcome, 1, outcome.n)
        end
        return raise(RETHROW, (unpack(outcome, 1, 1)))
    end
end

return sync
