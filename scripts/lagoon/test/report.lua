-- SPDX-License-Identifier: MIT
--
-- Results for people: a line for each test as it ends, what went wrong after the last one.
local diff = require "lagoon.test.diff"
local palette = require "lagoon.repl.palette"
local text = require "lagoon.test.text"

local report = {}

-- A context of so many lines around what differs.
local CONTEXT = 3

local SIGNS = { success = "ok", failure = "FAIL", error = "ERROR", pending = "skip" }
local KINDS = { success = "string", failure = "error", error = "error", pending = "object" }

---@class lagoon.test.Report
local Report = {}
Report.__index = Report

---@param out table  a file
---@param is_coloured boolean
function report.new(out, is_coloured)
    return setmetatable({
        out = out, paint = palette.painter(is_coloured), failed = {}, pending = {},
    }, Report)
end

function Report:line(...)
    self.out:write(table.concat { ... }, "\n")
end

function Report:begin(settings)
    self.settings = settings
    local how = settings.shuffle and ", shuffled" or ""
    if settings.race_order then
        how = how .. ", race order"
    end
    self:line(self.paint("dim", ("lagoon test: seed %s%s"):format(settings.seed, how)))
end

function Report:run(n, of, seed)
    self.file = nil
    if of > 1 then
        self:line("\n", self.paint("title", ("run %d of %d, seed %d"):format(n, of, seed)))
    end
end

function Report:heading(file)
    if file ~= self.file then
        self.file = file
        self:line("\n", self.paint("title", text.line(file)))
    end
end

local function duration(seconds)
    if seconds >= 1 then
        return ("%.2f s"):format(seconds)
    end
    return ("%.1f ms"):format(seconds * 1000)
end

function Report:test(record)
    self:heading(record.file)
    local time = record.status ~= "pending" and duration(record.seconds) or ""
    local reason = record.status == "pending" and record.reason and ": " .. record.reason or ""
    self:line("  ", self.paint(KINDS[record.status], ("%-5s"):format(SIGNS[record.status])), " ",
        self.paint("dim", ("%9s"):format(time)), "  ", text.line(record.name .. reason))
    self.out:flush()
    if record.status == "failure" or record.status == "error" then
        self.failed[#self.failed + 1] = record
    end
end

---Something outside of tests.
function Report:problem(problem, file, name)
    self:heading(file)
    local where = name == "" and "in the " .. problem.where or problem.where .. " of " .. name
    self:line("  ", self.paint("error", "ERROR"), " ", text.line(where))
    self.out:flush()
    self.failed[#self.failed + 1] = {
        name = name ~= "" and name or problem.where, file = file, problems = { problem },
    }
end

-- ------------------------------------------------------------------------------------------------
-- What went wrong
-- ------------------------------------------------------------------------------------------------

function Report:indented(s, kind)
    for line in (text.lines(s) .. "\n"):gmatch "(.-)\n" do
        self:line("    ", kind and self.paint(kind, line) or line)
    end
end

-- Whether a line is near one that differs.
local function is_near(lines, i)
    for j = math.max(1, i - CONTEXT), math.min(#lines, i + CONTEXT) do
        if lines[j][1] ~= " " then
            return true
        end
    end
    return false
end

function Report:difference(expected, passed)
    self:indented("- expected", "error")
    self:indented("+ passed in", "string")
    local lines, has_gap = diff.lines(expected, passed), false
    for i, line in ipairs(lines) do
        local kind = line[1] == "-" and "error" or line[1] == "+" and "string" or nil
        if is_near(lines, i) then
            self:indented(line[1] .. " " .. line[2], kind)
            has_gap = false
        elseif not has_gap then
            self:indented("  ...", "dim")
            has_gap = true
        end
    end
end

function Report:explain(problem)
    local head, expected, passed = diff.parse(problem.message)
    self:indented(head or problem.message, "error")
    if head then
        self:difference(expected, passed)
    end
    for _, line in ipairs(problem.stack and problem.stack.lines or {}) do
        self:indented("  " .. line, "dim")
    end
    if problem.dump and problem.dump ~= "" then
        self:indented(problem.dump, "dim")
    end
end

function Report:explain_all()
    for i, record in ipairs(self.failed) do
        self:line("\n", self.paint("title", ("%d) %s"):format(i, text.line(record.name))))
        self:line("    ", self.paint("dim", text.line(record.line
            and ("%s:%d"):format(record.file, record.line) or record.file)))
        for _, problem in ipairs(record.problems) do
            self:explain(problem)
        end
    end
end

---@param file string  where it is written
---@param nhit integer  lines that have run
---@param nlines integer  all that could
function Report:coverage(file, nhit, nlines)
    self.covered = ("%d of %d lines have run (%.1f %%), %s"):format(nhit, nlines,
        nlines > 0 and nhit / nlines * 100 or 0, text.line(file))
end

local function counted(n, one, more)
    return ("%d %s"):format(n, n == 1 and one or more or one)
end

---@param counts table<string, integer>
---@param seconds number
function Report:finish(counts, seconds)
    self:explain_all()
    local words = { self.paint(KINDS.success, counted(counts.success, "passed")) }
    local bad = { failure = { "failed" }, error = { "error", "errors" } }
    for _, status in ipairs { "failure", "error" } do
        local phrase = counted(counts[status], unpack(bad[status]))
        words[#words + 1] = counts[status] > 0 and self.paint("error", phrase) or phrase
    end
    words[#words + 1] = counted(counts.pending, "skipped")
    if self.covered then
        self:line("\n", "coverage: ", self.covered)
    end
    self:line("\n", table.concat(words, ", "), self.paint("dim", (" in %s, seed %s")
        :format(duration(seconds), self.settings.seed)))
    self.out:flush()
end

return report
