-- SPDX-License-Identifier: MIT
--
-- The script's modules that stand in files, what those were when the session last saw them, and
-- :reload, which brings new code into those that have changed.
local fs = require "lagoon.fs"

local loaded = package.loaded

local modules = {}

---@class lagoon.repl.Modules
---@field seen table<string, string>  by names
local Modules = {}
Modules.__index = Modules

-- What a file looks like; nil: the module stands in none, or is ours.
local function stamp_of(name)
    local is_ours = type(name) ~= "string" or name == "lagoon" or name:find "^lagoon%."
    local path = not is_ours and package.searchpath(name, package.path)
    local stat = path and fs.stat(path)
    return stat and ("%s %.9f %d"):format(path, stat.mtime, stat.size)
end

---@return lagoon.repl.Modules
function modules.new()
    local self = setmetatable({ seen = {} }, Modules)
    self:look()
    return self
end

---Sees what modules have come.
---@async
function Modules:look()
    for name in pairs(loaded) do
        if self.seen[name] == nil then
            self.seen[name] = stamp_of(name) or false
        end
    end
end

---The names of those whose files have changed, in order.
---@async
---@return string[]
function Modules:changed()
    local names = {}
    for name, stamp in pairs(self.seen) do
        if stamp and loaded[name] and (stamp_of(name) or stamp) ~= stamp then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end

local function count(n, what)
    return ("%d %s%s"):format(n, what, n == 1 and "" or "s")
end

local function print_list(session, what, list)
    if #list > 0 then
        session:print(("  %s: %s"):format(what, table.concat(list, ", ")))
    end
end

local function print_report(session, name, report)
    session:print(("%s: %s replaced in %s"):format(name, count(report.replaced, "function"),
        count(report.references, "place")))
    print_list(session, "new", report.added)
    print_list(session, "gone from the file, and still there", report.removed)
    print_list(session, "left, since somebody else's stand in their place", report.kept)
    for _, info in ipairs(report.goroutines) do
        session:print(("  goroutine %d%s is still in old code, at %s"):format(info.id,
            info.name and (" (%s)"):format(info.name) or "", info.where))
    end
    if report.hook_error ~= nil then
        session:print_error(("  its on_reload has raised: %s"):format(tostring(report.hook_error)))
    end
end

---Brings new code into one.
---@async
---@param session lagoon.repl.Session
---@param name string
function Modules:reload(session, name)
    local stamp = stamp_of(name)
    local ok, report, err = session:evaluate(function()
        return require("lagoon.reload").reload(name)
    end)
    if not ok or not report then
        local why = tostring(not ok and report or err)
        return session:print_error((why:gsub("^lagoon/[%w_/]+%.lua:%d+: ", "")))
    end
    self.seen[name] = stamp or self.seen[name]
    print_report(session, name, report)
end

---Brings new code into one, or into all whose files have changed.
---@async
---@param session lagoon.repl.Session
---@param argument string  a name, or ""
function Modules:run(session, argument)
    if argument ~= "" then
        return self:reload(session, argument)
    end
    local names = self:changed()
    if #names == 0 then
        session:print "no module's file has changed"
    end
    for _, name in ipairs(names) do
        self:reload(session, name)
    end
end

return modules
