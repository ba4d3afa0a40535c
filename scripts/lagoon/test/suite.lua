-- SPDX-License-Identifier: MIT
--
-- busted, whose specs run in goroutines: what it calls of theirs is guarded, and what it tells
-- becomes records of tests for reporters.
--
-- All that is the specs' own goes through busted.safe(), which is replaced. It is called for a test
-- twice: around it with its before_each and after_each, where what it leaves behind is looked for,
-- and for its body.
local goroutines = require "lagoon.test.goroutines"
local guard = require "lagoon.test.guard"
local pretty = require "lagoon.repl.pretty"

local suite = {}

---@class lagoon.test.Problem
---@field kind "failure"|"error"
---@field where string  "it", "before_each", "leak", "goroutine", "file", ...
---@field message string
---@field stack lagoon.test.Stack?
---@field dump string?  what goroutines did then

---@class lagoon.test.Record  a test that has run
---@field name string  with those of the blocks around it
---@field file string
---@field line integer?
---@field status "success"|"failure"|"error"|"pending"
---@field seconds number
---@field problems lagoon.test.Problem[]
---@field reason string?  why it is pending

---@class lagoon.test.Suite
local Suite = {}
Suite.__index = Suite

-- Of busted's blocks, those that are a test, and those that are for several.
local TESTS = { it = true, pending = true }
local SETUPS = { lazy_setup = true, strict_setup = true }

-- What errors of busted's are, by the metatables that it gives them.
local function kind_of(err)
    local mt = debug.getmetatable(err)
    local kind = type(mt) == "table" and mt.__type
    return (kind == "failure" or kind == "pending") and kind or "error"
end

local function text_of(err)
    if type(err) == "string" or type(err) == "number" then
        return tostring(err)
    elseif kind_of(err) ~= "error" then
        return type(err.message) == "string" and err.message or pretty.text(err.message)
    end
    local mt = debug.getmetatable(err)
    if type(mt) == "table" and mt.__tostring then
        local ok, text = pcall(tostring, err)
        return ok and tostring(text) or "an error whose __tostring raises: " .. tostring(text)
    end
    return pretty.text(err)
end

-- Messages begin with a position; one that has none gets the innermost of the spec.
local function positioned(text, stack)
    if stack and not text:find "^[^\n]-:%d+: " then
        return ("%s:%d: %s"):format(stack.short_src, stack.currentline, text)
    end
    return text
end

---@param busted table
---@param opts table  timeout, leaks, ignore_leak
---@param reporter table
---@return lagoon.test.Suite
function suite.new(busted, opts, reporter)
    local self = setmetatable({
        busted = busted,
        opts = opts,
        reporter = reporter,
        known = {},    -- goroutines that were there before the test, or come of its setups
        reported = {}, -- those that were left behind
        counts = { success = 0, failure = 0, error = 0, pending = 0 },
        current = nil, -- the record of the test that runs
        before_test = function() end,
        before_step = function() end,
        after_step = function() end,
    }, Suite)
    self:listen()
    self:wrap_safe()
    return self
end

function Suite:full_name(element)
    local context = self.busted.context
    local names = {}
    while element and element.descriptor ~= "file" and element.descriptor ~= "suite" do
        table.insert(names, 1, tostring(element.name or element.descriptor))
        element = context.parent(element)
    end
    return table.concat(names, " ")
end

function Suite:file_of(element)
    while element and element.descriptor ~= "file" do
        element = self.busted.context.parent(element)
    end
    return element and tostring(element.name) or ""
end

-- ------------------------------------------------------------------------------------------------
-- Problems
-- ------------------------------------------------------------------------------------------------

-- Of the test that runs; else of the file, or of all.
function Suite:add_problem(problem, element)
    if not self.opts.keep_going then
        self.busted.skipAll = true
    end
    if self.current then
        table.insert(self.current.problems, problem)
        return
    end
    self.counts.error = self.counts.error + 1
    problem.kind = "error"
    local name = element and element.descriptor and self:full_name(element) or ""
    self.reporter:problem(problem, self:file_of(element), name)
end

function Suite:listen()
    local function on_problem(element, _, message)
        if self.is_publishing then
            return nil, true
        end
        local outcome = self.outcome
        self.outcome = nil
        self:add_problem({
            kind = outcome and kind_of(outcome.err) == "failure" and element.descriptor == "it"
                and "failure" or "error",
            where = element.descriptor or "run", -- no file is a spec
            message = tostring(message),
            stack = outcome and outcome.stack,
            dump = outcome and outcome.dump,
        }, element)
        return nil, true
    end
    self.busted.subscribe({ "error" }, on_problem)
    self.busted.subscribe({ "failure" }, on_problem)
    self.busted.subscribe({ "pending" }, function(_, _, message)
        if self.current then
            self.current.reason = message and tostring(message):gsub("^[^\n]-:%d+: ", "") or nil
        end
        return nil, true
    end)
    self.busted.subscribe({ "test", "end" }, function(_, _, status)
        if self.current then
            self.current.status = status
        end
        return nil, true
    end)
end

---An error that left a goroutine which nobody waits for.
function Suite:add_stray_error(err, traceback, info)
    local created = info.created_by and (", created by %s"):format(info.created_by) or ""
    self:add_problem {
        kind = "error",
        where = "goroutine",
        message = ("goroutine %d%s: %s"):format(info.id, created, text_of(err)),
        dump = traceback,
    }
end

---os.exit() would end the run: it raises this instead, and who catches that has failed, too.
function Suite:note_exit(code)
    self.exit = ("os.exit(%s) was called"):format(code == nil and "" or tostring(code))
    return self.exit
end

-- ------------------------------------------------------------------------------------------------
-- Guarded functions
-- ------------------------------------------------------------------------------------------------

-- Raises what a function has ended with, so that busted sees it.
local function raise(self, outcome)
    local err = outcome.err
    local kind = kind_of(err)
    self.outcome = outcome
    if kind == "pending" then
        self.outcome = nil
        error(err, 0)
    elseif kind == "failure" and type(err.message) == "string" then
        err.message = positioned(err.message, outcome.stack)
        error(err, 0)
    end
    error(positioned(text_of(err), outcome.stack), 0)
end

-- Where a block is written, for errors that have no stack.
local function place_of(element)
    local trace = element.trace
    return trace and { short_src = trace.short_src, currentline = trace.currentline, lines = {} }
end

-- A function of a spec, in a goroutine; `finally` has no element of its own.
function Suite:guarded(descriptor, run, element)
    local name = descriptor == "it" and self:full_name(element) or descriptor
    return function()
        self.exit = nil
        self.before_step(element, descriptor)
        local outcome = guard.run(name, self.opts.timeout, run)
        self.after_step()
        if SETUPS[descriptor] then
            self:know_all()
        end
        if outcome.left then
            self.reported[outcome.left:id()] = true
            outcome.err = outcome.err .. ", and it goes on: it does not end when it is cancelled"
        elseif outcome.ok and self.exit then
            outcome.ok, outcome.err = false, self.exit
        end
        if outcome.why == "interrupt" then
            self.is_interrupted, self.busted.skipAll = true, true
        end
        if not outcome.ok then
            outcome.stack = outcome.stack or place_of(element)
            raise(self, outcome)
        end
    end
end

function Suite:wrap_safe()
    local busted, safe, get_trace = self.busted, self.busted.safe, self.busted.getTrace
    function busted.safe(descriptor, run, element)
        if TESTS[descriptor] and run ~= element.run and not self.current then
            return self:run_test(safe, descriptor, run, element)
        elseif run == element.run or descriptor == "finally" then
            run = self:guarded(descriptor, run, element)
        elseif descriptor == "file" and not self.file then
            return self:run_file(safe, run, element)
        end
        return safe(descriptor, run, element)
    end
    -- The error's own stack is another goroutine's.
    function busted.getTrace(element, level, message)
        local stack = self.outcome and self.outcome.stack
        if not stack then
            return get_trace(element, level or 3, message)
        end
        return {
            short_src = stack.short_src,
            currentline = stack.currentline,
            source = "@" .. stack.short_src,
            what = "Lua",
            traceback = "\n\t" .. table.concat(stack.lines, "\n\t"),
            message = message,
        }
    end
end

function Suite:is_ignored(info)
    for _, pattern in ipairs(self.opts.ignore_leak) do
        if (info.name or ""):find(pattern) or (info.created_by or ""):find(pattern) then
            return true
        end
    end
    return false
end

-- Those that are alive now are nobody's fault.
function Suite:know_all()
    for id in pairs(goroutines.alive()) do
        self.known[id] = true
    end
end

function Suite:look_for_leaks(where, known, element)
    local left = self.opts.leaks and goroutines.left(known, self.opts.leaks, function(info)
        return self.reported[info.id] or self:is_ignored(info)
    end)
    for _, goroutine in ipairs(left or {}) do
        self.reported[goroutine.id] = true
        self:add_problem({
            kind = "failure",
            where = "leak",
            message = ("%s has left %s behind"):format(where,
                goroutine.text:match "^(goroutine [^\n]*):" or "a goroutine"),
            dump = goroutine.text,
        }, element)
    end
end

local function status_of(record)
    local worst = record.status or "error"
    for _, problem in ipairs(record.problems) do
        if problem.kind == "error" or worst ~= "error" then
            worst = problem.kind
        end
    end
    return worst
end

---A test with its before_each and after_each.
function Suite:run_test(safe, descriptor, run, element)
    local record = {
        name = self:full_name(element),
        file = self:file_of(element),
        line = element.trace and element.trace.currentline,
        problems = {},
    }
    self.known = {}
    self:know_all()
    self.current = record
    self.before_test(record)
    local started = self.busted.monotime()
    local status = safe(descriptor, run, element)
    if not record.status and #record.problems == 0 then
        record.reason, record.status = "its setup has failed", "pending"
    end
    record.seconds = self.busted.monotime() - started
    self:look_for_leaks("the test", self.known)
    record.status = status_of(record)
    self.current = nil
    self.counts[record.status] = self.counts[record.status] + 1
    self.reporter:test(record)
    self:publish_late(record, element)
    return status
end

-- Output handlers of busted's have heard of the test's end before we knew all.
function Suite:publish_late(record, element)
    self.is_publishing = true
    for _, problem in ipairs(record.problems) do
        if problem.where == "leak" or problem.where == "goroutine" then
            self.busted.publish({ "error", "it" }, element, self.busted.context.parent(element),
                problem.message .. "\n" .. problem.dump, element.trace)
        end
    end
    self.is_publishing = false
end

---A file: what its setups leave behind is looked for at its end.
function Suite:run_file(safe, run, element)
    local before = goroutines.alive()
    self.file = element
    local status = safe("file", run, element)
    self:look_for_leaks("the file", before, element)
    self.file = nil
    return status
end

return suite
