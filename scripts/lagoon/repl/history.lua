-- SPDX-License-Identifier: MIT
--
-- What was typed before, in this session and in earlier ones: a file with an entry for each line,
-- in which newlines and backslashes are escaped. Sessions that run at the same time append to it,
-- and the next one that begins leaves the last entries of a long one.
local history = {}

local ENTRIES_MAX = 2000 -- that a session has from the file
local LINES_MAX = 2 * ENTRIES_MAX -- that are left in it

---@class lagoon.repl.History
local History = {}
History.__index = History

local function escape(text)
    return (text:gsub("[\\\n]", { ["\\"] = "\\\\", ["\n"] = "\\n" }))
end

local function unescape(line)
    return (line:gsub("\\(.)", { ["\\"] = "\\", n = "\n" }))
end

---@return integer
function History:count()
    return #self.entries
end

---@param i integer
---@return string?
function History:get(i)
    return self.entries[i]
end

---Adds an entry, here and in the file, unless it is empty, begins with a blank, or is the last one.
---@param text string
---@return string? err  the file could not be written; told once
function History:add(text)
    local entries = self.entries
    if not text:find "^%S" or entries[#entries] == text then
        return nil
    end
    entries[#entries + 1] = text
    if self.append and not self.is_broken then
        local ok, err = self.append(escape(text) .. "\n")
        if not ok then
            self.is_broken = true
            return err
        end
    end
end

---@param text string  of the file
---@param append? fun(line: string): boolean?, string?  into the file; nil: there is none
---@return lagoon.repl.History
function history.new(text, append)
    local entries = {}
    for line in text:gmatch "([^\n]+)\n" do
        entries[#entries + 1] = unescape(line)
    end
    local first = math.max(1, #entries - ENTRIES_MAX + 1)
    return setmetatable({
        entries = { unpack(entries, first) },
        append = append,
    }, History)
end

---That of a file, which is cut when it has become long.
---@param path string
---@param terminal table  core's half
---@return lagoon.repl.History
function history.open(path, terminal)
    terminal.trim_private(path, LINES_MAX, ENTRIES_MAX)
    return history.new(require("lagoon.fs").read(path) or "", function(line)
        return terminal.append_private(path, line)
    end)
end

return history
