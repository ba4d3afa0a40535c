-- SPDX-License-Identifier: MIT
--
-- Structured concurrency: goroutines that are waited for together. Go: `errgroup.Group`.
--
-- A member that runs in another Lua state has a goroutine here that watches it: it is told of the
-- end, and takes the error.
local core = require "lagoon.core"
local sync = require "lagoon.sync"

local raise, RAISE, RETHROW = core.raise, core.RAISE, core.RETHROW

---@class lagoon.Group
---@field clock lagoon.Clock?  that its goroutines are on, if it was given
---@field private scope userdata  what belongs to it in this state
---@field private members table<table, boolean>  those that are alive
---@field private pending lagoon.WaitGroup
---@field private slots lagoon.Semaphore?
---@field private is_cancelled boolean
---@field private reason any
---@field private has_failed boolean
---@field private err any
---@field private at_failure fun()?  called when the first error has come
local Group = {}
Group.__index = Group
Group.__name = "group"

-- By which a group cancels its goroutines, unless it is given another reason.
local CANCELLED = "cancelled"

local function check(self, method)
    if getmetatable(self) ~= Group then
        return raise(RAISE, ("calling '%s' on bad self (group expected, got %s)"):format(method,
            self == nil and "no value" or type(self)))
    end
end

local function give_back(self)
    if self.slots then
        self.slots:release()
    end
end

local function leave(self, member)
    self.members[member] = nil
    give_back(self)
    self.pending:done()
end

-- A goroutine of this state that has not started never does, so it does not leave by itself. Those
-- of other states are the scope's.
local function cancel_member(self, member)
    if not member.is_remote and member.task:cancel(self.reason) and not member.has_started then
        leave(self, member)
    end
end

local function list_of(members)
    local list = {}
    for member in pairs(members) do
        list[#list + 1] = member
    end
    return list
end

-- The members, and then whatever they have started.
local function cancel_all(self, reason)
    if not self.is_cancelled then
        self.is_cancelled, self.reason = true, reason
    end
    for _, member in ipairs(list_of(self.members)) do
        cancel_member(self, member)
    end
    core.scope_cancel(self.scope, self.reason)
end

-- The first error that is not the group's own doing is the group's.
local function fail(self, err)
    if not self.has_failed then
        self.has_failed, self.err = true, err
        cancel_all(self, CANCELLED)
        if self.at_failure then
            self.at_failure()
        end
    end
end

local function run(self, member, f, ...)
    member.has_started = true
    local ok, err = xpcall(f, core.note_trace, ...)
    leave(self, member)
    if not ok and not (self.is_cancelled and rawequal(err, self.reason)) then
        fail(self, err)
    end
end

-- The reason comes back as a copy, so the task must tell whether it has ended by that.
local function watch(self, member)
    local task = member.task
    local ok, err = pcall(task.wait, task)
    leave(self, member)
    if not ok and not (self.is_cancelled and task:status() == "cancelled") then
        fail(self, err)
    end
end

local function oversee(self, member)
    core.scope_note(member.task, self.scope)
    core.go_alone(watch, self, member)
end

-- Before it starts: who has no memory for that has started nothing.
local function enter(self, member)
    self.members[member] = true
    self.pending:add(1)
end

-- Starts what a member is waited for; if that cannot be, the member leaves again.
local function start(self, member, starter, ...)
    local ok, task = pcall(starter, ...)
    if not ok then
        leave(self, member)
        return error(task, 0)
    end
    return task
end

local function try_enter(self, member)
    local ok, err = pcall(enter, self, member)
    if not ok then
        give_back(self)
        return error(err, 0)
    end
end

---Starts `f(...)`. With a limit, waits until there is room.
---@async
---@param f function
---@param ... any
function Group:go(f, ...)
    check(self, "go")
    core.check_callable(f, "go")
    if self.slots then
        self.slots:acquire()
    end
    local member = { has_started = false, task = false }
    try_enter(self, member)
    member.task = start(self, member, core.scope_async, self.scope, run, self, member, f, ...)
    if self.is_cancelled then
        cancel_member(self, member)
    end
end

---Starts `f(...)` in another Lua state, on any core, as `lagoon.parallel` does. With a limit,
---waits until there is room.
---@async
---@param f function
---@param ... any
function Group:parallel(f, ...)
    check(self, "parallel")
    core.check_callable(f, "parallel")
    if self.slots then
        self.slots:acquire()
    end
    if self.is_cancelled then
        return give_back(self)
    end
    local member = { task = false, is_remote = true }
    try_enter(self, member)
    member.task = start(self, member, core.scope_parallel, self.scope, f, ...)
    local ok, err = pcall(oversee, self, member)
    if not ok then -- it could not be ended, or nobody would hear of its end
        member.task:cancel(CANCELLED)
        leave(self, member)
        return error(err, 0)
    end
end

---Waits until all have ended; then raises the first error, if there was one.
---@async
function Group:wait()
    check(self, "wait")
    self.pending:wait()
    if self.has_failed then
        return raise(RETHROW, self.err)
    end
end

---Cancels all that was started in it and is alive (goroutines and what they have started:
---goroutines, tasks, timers, groups), and whatever is started later. From then on each of their
---blocking calls raises the reason.
---@param reason? any
function Group:cancel(reason)
    check(self, "cancel")
    cancel_all(self, reason == nil and CANCELLED or reason)
end

---Ends all that `cancel` would cancel, where it stands: nothing of it runs again, not even to
---unwind. Locks that it holds stay locked. Called from inside it does not return.
---@param reason? any
function Group:kill(reason)
    check(self, "kill")
    if not self.is_cancelled then
        self.is_cancelled, self.reason = true, reason == nil and CANCELLED or reason
    end
    core.scope_kill(self.scope, self.reason)
    for _, member in ipairs(list_of(self.members)) do
        if not member.is_remote then
            leave(self, member)
        end
    end
    return core.scope_die()
end

local group = {}

local LIMIT_MAX = 2 ^ 31 - 1 -- a semaphore's

---The `limit` among options.
---@param opts? {limit?: integer}
---@param n integer  which argument of `name` they are
---@param name string
---@return number?
function group.limit_of(opts, n, name)
    if opts ~= nil and type(opts) ~= "table" then
        return raise(RAISE, ("bad argument #%d to '%s' (table expected, got %s)"):format(n, name,
            type(opts)))
    end
    local limit = opts and opts.limit
    if limit ~= nil and (type(limit) ~= "number" or limit < 1 or
        (limit % 1 ~= 0 or limit > LIMIT_MAX) and limit ~= math.huge) then
        return raise(RAISE, ("bad argument #%d to '%s' (limit must be a whole number from 1 to "
            .. "%d, got %s)"):format(n, name, LIMIT_MAX, tostring(limit)))
    end
    return limit
end

-- `true`: one of its own, over that of the calling goroutine.
local function clock_of(opts)
    local clock = opts and opts.clock
    if clock == true then
        return core.clock_new()
    elseif clock and getmetatable(clock) ~= core.classes.clock then
        return raise(RAISE, ("bad argument #1 to 'group' (clock must be a clock or true, got %s)")
            :format(type(clock)))
    end
    return clock or nil
end

---Makes a group. It belongs to the group of the calling goroutine, if there is one: what ends
---that, ends it.
---
---`limit`: how many may run at once. `clock`: what is started in the group sleeps, ticks and times
---out on this clock; with `true` on one of its own, which is then `group.clock`.
---@param opts? {limit?: integer, clock?: lagoon.Clock|true}
---@return lagoon.Group
function group.new(opts)
    local limit = group.limit_of(opts, 1, "group")
    local clock = clock_of(opts)
    local self = setmetatable({
        scope = core.scope_new(clock),
        clock = clock,
        members = {},
        pending = sync.waitgroup(),
        slots = limit and limit < math.huge and sync.semaphore(limit) or nil,
        is_cancelled = false,
        has_failed = false,
    }, Group)
    local is_cancelled, reason = core.scope_adopt(self)
    if is_cancelled then
        cancel_all(self, reason)
    end
    return self
end

return group
