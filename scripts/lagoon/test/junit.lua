-- SPDX-License-Identifier: MIT
--
-- Results as JUnit's XML, as CI servers read it: a test suite for each file, written in the end.
local text = require "lagoon.test.text"

---@class lagoon.test.Junit
local Junit = {}
Junit.__index = Junit

local junit = {}

---@param out table  a file
function junit.new(out)
    return setmetatable({ out = out, suites = {}, by_file = {} }, Junit)
end

function Junit:begin(settings)
    self.seed = settings.seed
    self.started = os.date "!%Y-%m-%dT%H:%M:%S"
end

function Junit.run() end

function Junit:suite_of(file)
    local suite = self.by_file[file]
    if not suite then
        suite = { file = file, cases = {}, success = 0, failure = 0, error = 0, pending = 0,
            seconds = 0 }
        self.by_file[file] = suite
        self.suites[#self.suites + 1] = suite
    end
    return suite
end

function Junit:test(record)
    local suite = self:suite_of(record.file)
    suite[record.status] = suite[record.status] + 1
    suite.seconds = suite.seconds + record.seconds
    suite.cases[#suite.cases + 1] = record
end

---Something outside of tests is a test that failed, so that nobody overlooks it.
function Junit:problem(problem, file, name)
    self:test {
        name = name ~= "" and name .. " (" .. problem.where .. ")" or problem.where,
        file = file, status = "error", seconds = 0, problems = { problem },
    }
end

local function element(indent, name, attributes, is_empty)
    local words = { indent, "<", name }
    for _, pair in ipairs(attributes) do
        words[#words + 1] = (' %s="%s"'):format(pair[1], text.xml_attribute(tostring(pair[2])))
    end
    words[#words + 1] = is_empty and "/>\n" or ">"
    return table.concat(words)
end

local function counts(suite)
    local n = suite.success + suite.failure + suite.error + suite.pending
    return { "tests", n }, { "failures", suite.failure }, { "errors", suite.error },
        { "skipped", suite.pending }, { "time", ("%.6f"):format(suite.seconds) }
end

function Junit:write_case(record)
    local class = record.file:gsub("%.lua$", ""):gsub("^%./", ""):gsub("/", ".")
    local attributes = {
        { "classname", class }, { "name", record.name }, { "file", record.file },
        { "time", ("%.6f"):format(record.seconds) },
    }
    if record.line then
        table.insert(attributes, 4, { "line", record.line })
    end
    local is_empty = #record.problems == 0 and record.status ~= "pending"
    self.out:write(element("    ", "testcase", attributes, is_empty))
    if is_empty then
        return
    end
    self.out:write "\n"
    for _, problem in ipairs(record.problems) do
        local first = problem.message:match "^[^\n]*"
        self.out:write(element("      ", problem.kind, { { "message", first },
            { "type", problem.where } }), text.xml(text.of_problem(problem)), "</", problem.kind,
            ">\n")
    end
    if record.status == "pending" then
        self.out:write(element("      ", "skipped", { { "message", record.reason or "" } }, true))
    end
    self.out:write "    </testcase>\n"
end

function Junit:write_suite(suite)
    self.out:write(element("  ", "testsuite", { { "name", suite.file },
        { "timestamp", self.started }, counts(suite) }), "\n")
    self.out:write(element("    ", "properties", {}), "\n",
        element("      ", "property", { { "name", "seed" }, { "value", self.seed } }, true),
        "    </properties>\n")
    for _, record in ipairs(suite.cases) do
        self:write_case(record)
    end
    self.out:write "  </testsuite>\n"
end

function Junit:finish()
    local all = { success = 0, failure = 0, error = 0, pending = 0, seconds = 0 }
    for _, suite in ipairs(self.suites) do
        for key in pairs(all) do
            all[key] = all[key] + suite[key]
        end
    end
    self.out:write('<?xml version="1.0" encoding="UTF-8"?>\n',
        element("", "testsuites", { { "name", "lagoon test" }, counts(all) }), "\n")
    for _, suite in ipairs(self.suites) do
        self:write_suite(suite)
    end
    self.out:write "</testsuites>\n"
    self.out:flush()
end

return junit
