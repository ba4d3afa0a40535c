-- SPDX-License-Identifier: MIT
--
-- A session: what inputs share, and how one is run. Each runs in a goroutine of its own, so that
-- what blocks simply waits. Where inputs come from, and what shows their ends, are others'
-- business.
local asleep = require "lagoon.asleep"
local chunk = require "lagoon.repl.chunk"
local commands = require "lagoon.repl.commands"
local core = require "lagoon.core"
local palette = require "lagoon.repl.palette"
local pretty = require "lagoon.repl.pretty"
local task = require "lagoon.task"

local session = {}

local GLOBALS = { "go", "async", "parallel", "chan", "sleep", "select", "after" }

---@class lagoon.repl.Session
local Session = {}
Session.__index = Session

---@param opts { is_coloured: boolean, width?: fun(): integer }
---@return lagoon.repl.Session
function session.new(opts)
    local lagoon = require "lagoon"
    _G.lagoon = _G.lagoon or lagoon
    for _, name in ipairs(GLOBALS) do
        if name ~= "select" and _G[name] == nil then
            _G[name] = lagoon[name]
        end
    end
    local self = setmetatable({
        locals = chunk.environment(_G),
        ninputs = 0,
        own = {}, -- goroutines of ours, by number
        paint = palette.painter(opts.is_coloured),
        width = opts.width or function() return 80 end,
        tasks = setmetatable({}, { __mode = "v" }), -- by their goroutines' numbers
    }, Session)
    lagoon.on_error(function(err, traceback)
        self:print_error(err, traceback)
    end)
    return self
end

---Prints above the prompt, as everything else that is printed.
---@param text string
function Session:print(text)
    io.stdout:write(text, "\n")
    io.stdout:flush()
end

-- Tracebacks end where our own frames begin.
local function trimmed(traceback)
    local lines = {}
    for line in traceback:gmatch "[^\n]+" do
        if not line:find("lagoon/repl/", 1, true) then
            lines[#lines + 1] = line
        end
    end
    return table.concat(lines, "\n")
end

-- Each line by itself: something else may be printed between two of them.
function Session:print_red(text)
    self:print((text:gsub("%z", "\\0"):gsub("[^\n]+", function(line)
        return self.paint("error", line)
    end)))
end

---@param err any
---@param traceback? string
function Session:print_error(err, traceback)
    local text = type(err) == "string" and err or pretty.text(err, { paint = self.paint })
    if traceback then
        text = text .. "\n" .. trimmed(traceback)
    end
    self:print_red(text)
end

-- ------------------------------------------------------------------------------------------------
-- Values
-- ------------------------------------------------------------------------------------------------

-- `_` is the last input's first value, `_3` that of the third.
function Session:keep(n, value)
    rawset(self.locals, "_", value)
    rawset(self.locals, "_" .. n, value)
end

function Session:print_values(n, ...)
    local count = select("#", ...)
    if count == 0 then
        return
    end
    self:keep(n, (...))
    local texts = {}
    for i = 1, count do
        texts[i] = pretty.text((select(i, ...)), { paint = self.paint, width = self.width() - 2 })
    end
    self:print(table.concat(texts, "\t"))
end

-- ------------------------------------------------------------------------------------------------
-- Inputs
-- ------------------------------------------------------------------------------------------------

---Whether a text is whole: it is Lua, or wrong in a way that more lines do not mend.
---@param text string
---@return boolean
function Session:is_complete(text)
    if text:find "^%s*:" or not text:find "%S" then
        return true
    end
    local code = text:gsub("&%s*$", "")
    local f, _, is_unfinished = chunk.compile(code, "=input", self.locals)
    return f ~= nil or not is_unfinished
end

---Has the goroutines that there are now count as the session's own.
function Session:own_goroutines()
    for _, info in ipairs(core.goroutines()) do
        self.own[info.id] = true
    end
end

---Whether all others wait for each other.
---@return boolean
function Session:is_stuck()
    return asleep.all(function(id)
        return self.own[id]
    end)
end

-- The end of a task, as a function prints it.
function Session:finish(n, running, ok, ...)
    if ok then
        self:print_values(n, ...)
    elseif running:status() == "cancelled" then
        self:print_red(tostring((...)))
    else
        self:print_error((...), task.traceback((...)))
    end
end

local function start(self, f, name)
    local running = task.async(f)
    running:name(name)
    self.tasks[running:id()] = running
    return running
end

-- Waits for a task, telling once if nothing is left that could wake it.
local function await(self, running)
    local is_told = false
    while true do
        local status = running:status()
        if status == "done" or status == "failed" or status == "cancelled" then
            return pcall(running.wait, running)
        end
        self.pause(running)
        if not is_told and running:status() == "waiting" and self:is_stuck() then
            is_told = true
            self:print(self.paint("error", "all goroutines are asleep - deadlock! "
                .. "Ctrl-C cancels this input"))
        end
    end
end

local function run_background(self, n, f)
    local running = start(self, f, ("input %d"):format(n))
    self:print(self.paint("dim", ("goroutine %d"):format(running:id())))
    task.go(function()
        self:finish(n, running, pcall(running.wait, running))
    end)
end

local function run_foreground(self, n, f)
    local running = start(self, f, ("input %d"):format(n))
    self.running = running
    local function ended(...)
        self.running = nil
        self:finish(n, running, ...)
    end
    ended(await(self, running))
end

---Runs an input, and returns when it has ended; one that ends with `&` runs on.
---@async
---@param text string
---@return boolean goes_on  false: it was :quit
function Session:run(text)
    if not text:find "%S" then
        return true
    end
    local command, rest = text:match "^%s*:(%S*)%s*(.-)%s*$"
    if command then
        return commands.run(self, command, rest)
    end
    local code, is_background = text, false
    if text:find "&%s*$" then
        code, is_background = text:gsub("&%s*$", ""), true
    end
    local n = self.ninputs + 1
    local f, message = chunk.compile(code, ("=input %d"):format(n), self.locals)
    if not f then
        self:print_error(message)
        return true
    end
    self.ninputs = n
    if is_background then
        run_background(self, n, f)
    else
        run_foreground(self, n, f)
    end
    return true
end

---Cancels the input that runs.
function Session:interrupt()
    if self.running then
        self.running:cancel "interrupted"
    end
end

---Waits a little, or until the task has ended.
---@async
function Session.pause(running)
    core.task_wait(running, 0.25)
end

return session
