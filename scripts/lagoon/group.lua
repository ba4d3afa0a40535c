-- SPDX-License-Identifier: MIT
--
-- Structured concurrency: goroutines that are waited for together. Go: `errgroup.Group`.
local core = require "lagoon.core"
local sync = require "lagoon.sync"

local raise, RAISE, RETHROW = core.raise, core.RAISE, core.RETHROW

---@class lagoon.Group
---@field private members table<table, boolean>  those that are alive
---@field private pending lagoon.WaitGroup
---@field private slots lagoon.Semaphore?
---@field private is_cancelled boolean
---@field private reason any
---@field private has_failed boolean
---@field private err any
local Group = {}
Group.__index = Group

-- By which a group cancels its goroutines, unless it is given another reason.
local CANCELLED = "cancelled"

local function check(self, method)
    if getmetatable(self) ~= Group then
        return raise(RAISE, ("calling '%s' on bad self (group expected, got %s)"):format(method,
            self == nil and "no value" or type(self)))
    end
end

local function leave(self, member)
    self.members[member] = nil
    if self.slots then
        self.slots:release()
    end
    self.pending:done()
end

-- One that has not started never does, so it does not leave by itself.
local function cancel_member(self, member)
    if member.task:cancel(self.reason) and not member.has_started then
        leave(self, member)
    end
end

local function cancel_all(self, reason)
    self.is_cancelled, self.reason = true, reason
    local members = {}
    for member in pairs(self.members) do
        members[#members + 1] = member
    end
    for _, member in ipairs(members) do
        cancel_member(self, member)
    end
end

-- The first error that is not the group's own doing is the group's.
local function fail(self, err)
    if self.is_cancelled and rawequal(err, self.reason) then
        return
    end
    if not self.has_failed then
        self.has_failed, self.err = true, err
        cancel_all(self, CANCELLED)
    end
end

local function run(self, member, f, ...)
    member.has_started = true
    local ok, err = xpcall(f, core.note_trace, ...)
    leave(self, member)
    if not ok then
        fail(self, err)
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
    local member = { has_started = false }
    member.task = core.async(run, self, member, f, ...)
    self.members[member] = true
    self.pending:add(1)
    if self.is_cancelled then
        cancel_member(self, member)
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

---Cancels all that are alive, and whatever is started later.
---@param reason? any
function Group:cancel(reason)
    check(self, "cancel")
    cancel_all(self, reason == nil and CANCELLED or reason)
end

local group = {}

local LIMIT_MAX = 2 ^ 31 - 1 -- a semaphore's

---Makes a group.
---@param opts? {limit?: integer}  how many may run at once
---@return lagoon.Group
function group.new(opts)
    if opts ~= nil and type(opts) ~= "table" then
        return raise(RAISE, ("bad argument #1 to 'group' (table expected, got %s)"):format(
            type(opts)))
    end
    local limit = opts and opts.limit
    if limit ~= nil and (type(limit) ~= "number" or limit < 1 or
        (limit % 1 ~= 0 or limit > LIMIT_MAX) and limit ~= math.huge) then
        return raise(RAISE, ("bad argument #1 to 'group' (limit must be a whole number from 1 to "
            .. "%d, got %s)"):format(LIMIT_MAX, tostring(limit)))
    end
    return setmetatable({
        members = {},
        pending = sync.waitgroup(),
        slots = limit and limit < math.huge and sync.semaphore(limit) or nil,
        is_cancelled = false,
        has_failed = false,
    }, Group)
end

return group
