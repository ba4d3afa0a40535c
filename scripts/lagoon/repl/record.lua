-- SPDX-License-Identifier: MIT
--
-- :record. A file that ends with ".lua" gets the inputs, as a script that does the same again; any
-- other all that the terminal shows, as a recording that asciinema plays, with a marker at each
-- input. What stands in the file is valid at any moment.
local core = require "lagoon.core"
local fs = require "lagoon.fs"

local record = {}

---@class lagoon.repl.Recorder
---@field path string
---@field submitted fun(self, text: string)  an input is about to run
---@field ended fun(self, text: string, is_background: boolean, ok: boolean)  and has
---@field stop fun(self): boolean?, string?

-- ------------------------------------------------------------------------------------------------
-- What is shown
-- ------------------------------------------------------------------------------------------------

local Cast = {}
Cast.__index = Cast

function Cast:submitted(text)
    self.terminal.record_marker(text)
end

function Cast.ended()
end

function Cast:stop()
    return self.terminal.record_stop()
end

local function open_cast(session, path)
    if session.is_guest or not session.open_live then -- a guest's terminal is elsewhere
        return nil, "there is no terminal to record; a file that ends with .lua gets the inputs"
    end
    local ok, err = session.terminal.record_start(path, session.terminal.size())
    return ok and setmetatable({ path = path, terminal = session.terminal }, Cast), err
end

-- ------------------------------------------------------------------------------------------------
-- Inputs
-- ------------------------------------------------------------------------------------------------

local HEAD = [[
-- A session of lagoon %s, %s.
local lagoon = require "lagoon"
for _, name in ipairs { "go", "async", "parallel", "chan", "sleep", "after" } do
    _G[name] = _G[name] or lagoon[name]
end
local function show(...)
    if select("#", ...) > 0 then
        print(...)
    end
end

]]

local Script = {}
Script.__index = Script

-- A carriage return ends a comment, too.
local function as_comment(text)
    return "-- " .. text:gsub("\r\n?", "\n"):gsub("\n", "\n-- ")
end

local function in_function(head, code, tail)
    return head .. "\n" .. code .. "\n" .. tail
end

---An input as a statement of a script: an expression shows its values, what runs in the background
---is a goroutine, and what is no Lua or has failed is a comment.
---@param text string
---@param is_background boolean
---@param ok boolean
---@return string
function record.statement(text, is_background, ok)
    local expression = text:gsub("^%s*=", "", 1)
    local is_expression = loadstring("return " .. expression) ~= nil
    if not ok or not (is_expression or loadstring(text)) then
        return as_comment(text)
    elseif is_background then
        return in_function("go(function()", is_expression and "show(" .. expression .. "\n)"
            or text, "end)")
    elseif is_expression then
        return "show(" .. expression .. (expression:find("--", 1, true) and "\n)" or ")")
    elseif loadstring(text .. "\nlocal _") then
        return text
    end
    return in_function("show((function()", text, "end)())") -- it ends with a `return`
end

function Script:submitted(text)
    if text:find "^%s*:" then
        self:write(as_comment(text))
    end
end

function Script:ended(text, is_background, ok)
    self:write(record.statement(text, is_background, ok))
end

function Script:write(text)
    local ok, err = self.append(self.path, text .. "\n")
    self.err = self.err or not ok and err or nil
end

function Script:stop()
    return not self.err or nil, self.err
end

local function open_script(session, path)
    if not session.terminal then
        return nil, "this session cannot be recorded"
    elseif fs.stat(path) then
        return nil, ("cannot write %s: it exists"):format(path)
    end
    local append = session.terminal.append_private
    local ok, err = append(path, HEAD:format(core.version, os.date "%Y-%m-%d %H:%M"))
    return ok and setmetatable({ path = path, append = append }, Script), err
end

-- ------------------------------------------------------------------------------------------------
-- The command
-- ------------------------------------------------------------------------------------------------

local function stop(session)
    local recorder = session.recorder
    session.recorder = nil
    local ok, err = recorder:stop()
    if ok then
        session:print("recorded in " .. recorder.path)
    else
        session:print_error(err)
    end
end

local function start(session, path)
    local recorder, err = (path:find "%.lua$" and open_script or open_cast)(session, path)
    if not recorder then
        return session:print_error(err)
    end
    session.recorder = recorder
    session:print(("recording in %s; :record off ends it"):format(path))
end

---Starts a recording, or ends the one that goes on.
---@async
---@param session lagoon.repl.Session
---@param argument string  a path, "off" or ""
function record.run(session, argument)
    local is_on = session.recorder ~= nil
    if argument == "off" or argument == "" then
        if is_on then
            return stop(session)
        end
        return session:print_error(argument == "" and ":record takes a file"
            or "nothing is being recorded")
    elseif is_on then
        stop(session)
    end
    start(session, argument)
end

return record
