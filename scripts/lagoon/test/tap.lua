-- SPDX-License-Identifier: MIT
--
-- Results as TAP version 13: a line for each test; for those that failed, what there is to say, as
-- YAML.
local text = require "lagoon.test.text"

---@class lagoon.test.Tap
local Tap = {}
Tap.__index = Tap

local tap = {}

---@param out table  a file
function tap.new(out)
    return setmetatable({ out = out, n = 0 }, Tap)
end

-- A number sign would begin a directive.
local function described(name)
    return (text.line(name):gsub("[\\#]", "\\%0"))
end

function Tap:line(...)
    self.out:write(table.concat { ... }, "\n")
end

function Tap:begin(settings)
    self:line("TAP version 13")
    self:line("# seed ", tostring(settings.seed))
end

function Tap:run(n, of, seed)
    if of > 1 then
        self:line(("# run %d of %d, seed %d"):format(n, of, seed))
    end
end

function Tap:details(fields)
    self:line("  ---")
    for _, field in ipairs(fields) do
        if field[2] then
            self:line("  ", field[1], ": ", field[2])
        end
    end
    self:line("  ...")
end

function Tap:test(record)
    self.n = self.n + 1
    local is_ok = record.status == "success" or record.status == "pending"
    self:line(is_ok and "ok " or "not ok ", tostring(self.n), " - ", described(record.name),
        record.status == "pending" and " # SKIP " .. text.line(record.reason or "pending") or "")
    local messages = {}
    for i, problem in ipairs(record.problems) do
        messages[i] = text.of_problem(problem)
    end
    if not is_ok then
        self:details {
            { "message", text.quoted(table.concat(messages, "\n\n")) },
            { "severity", record.status == "error" and "error" or "fail" },
            { "file", text.quoted(record.file) },
            { "line", record.line and tostring(record.line) },
            { "duration_ms", ("%.3f"):format(record.seconds * 1000) },
        }
    end
    self.out:flush()
end

---Something outside of tests.
function Tap:problem(problem, file, name)
    self.n = self.n + 1
    self:line("not ok ", tostring(self.n), " - ",
        described(table.concat({ problem.where, file, name }, " ")))
    self:details {
        { "message", text.quoted(text.of_problem(problem)) },
        { "severity", "error" },
        { "file", text.quoted(file) },
    }
    self.out:flush()
end

function Tap:finish()
    self:line("1..", tostring(self.n))
    self.out:flush()
end

return tap
