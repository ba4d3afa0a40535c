-- SPDX-License-Identifier: MIT
--
-- Texts of specs, which may hold anything, inside of formats.
local pretty = require "lagoon.repl.pretty"

local text = {}

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function code(c)
    return ("\\%d"):format(c:byte())
end

-- Bytes that are no UTF-8, and what is, but no character of XML's.
local function valid(bytes)
    return (pretty.valid(bytes):gsub("\239\191[\190\191]", function(c)
        return (c:gsub(".", code))
    end))
end

---As characters of an XML document, in an element or an attribute. What XML cannot hold is escaped
---as in Lua.
---@param s string
---@return string
function text.xml(s)
    return (s:gsub("[%z\1-\8\11\12\14-\31\127]", code):gsub("[\128-\255]+", valid)
        :gsub('[&<>"]', ENTITIES))
end

---The same in an attribute, where ends of lines would become spaces.
---@param s string
---@return string
function text.xml_attribute(s)
    return (text.xml(s):gsub("[\t\n\r]", function(c)
        return ("&#%d;"):format(c:byte())
    end))
end

---In one line, with nothing that could move a cursor.
---@param s string
---@return string
function text.line(s)
    return (s:gsub("%s+", " "):gsub("%c", code):gsub("[\128-\255]+", valid))
end

---Several lines, without what could move a cursor.
---@param s string
---@return string
function text.lines(s)
    return (s:gsub("\r\n", "\n"):gsub("[%z\1-\8\11-\31\127]", code):gsub("[\128-\255]+", valid))
end

local JSON = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

---In quotes, as JSON and YAML have it.
---@param s string
---@return string
function text.quoted(s)
    return '"' .. s:gsub("[\128-\255]+", valid):gsub('["\\\n\t\r]', JSON)
        :gsub("[%z\1-\31\127]", function(c)
            return ("\\u%04x"):format(c:byte())
        end) .. '"'
end

---All that is told of a problem: its message, the specs' own frames, the dump.
---@param problem { message: string, stack?: { lines: string[] }, dump?: string }
---@return string
function text.of_problem(problem)
    local lines = { problem.message }
    for _, line in ipairs(problem.stack and problem.stack.lines or {}) do
        lines[#lines + 1] = "  " .. line
    end
    lines[#lines + 1] = problem.dump
    return table.concat(lines, "\n")
end

return text
