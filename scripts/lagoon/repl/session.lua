-- SPDX-License-Identifier: MIT
--
-- A session: what inputs share, and how one is run. Each runs in a goroutine of its own, so that
-- what blocks simply waits. Where inputs come from, and what shows their ends, are others'
-- business.
local asleep = require "lagoon.asleep"
local chunk = require "lagoon.repl.chunk"
local commands = require "lagoon.repl.commands"
local core = require "lagoon.core"
local modules = require "lagoon.repl.modules"
local palette = require "lagoon.repl.palette"
local pretty = require "lagoon.repl.pretty"
local task = require "lagoon.task"

local session = {}

local GLOBALS = { "go", "async", "parallel", "chan", "sleep", "select", "after" }

---@class lagoon.repl.Session
local Session = {}
Session.__index = Session

-- One whose inputs see these globals.
local function make(globals, opts)
    return setmetatable({
        locals = chunk.environment(globals),
        ninputs = 0,
        own = {}, -- goroutines of ours, by number
        hushed = {}, -- whose errors are nobody's business, by number
        own_channels = {}, -- the same
        terminal = opts.terminal,
        character_width = opts.terminal and opts.terminal.width or string.len,
        open_live = opts.open_live,
        remember = opts.remember or function() end,
        paint = palette.painter(opts.is_coloured),
        modules = modules.new(),
        texts = {}, -- of the inputs, by their numbers
        width = opts.width or function() return 80 end,
        tasks = setmetatable({}, { __mode = "v" }), -- by their goroutines' numbers
    }, Session)
end

---One that somebody has from outside: it prints elsewhere, and leaves the program's globals and its
---handler of errors alone.
---@param globals table
---@param opts { is_coloured: boolean, width?: fun(): integer, print: fun(self, text: string),
---terminal?: table }
---@return lagoon.repl.Session
function session.guest(globals, opts)
    local self = make(globals, opts)
    self.print = opts.print
    self.is_guest = true
    return self
end

---@param opts { is_coloured: boolean, width?: fun(): integer, terminal?: table,
---open_live?: fun(): lagoon.repl.Live, remember?: fun(text: string) }  terminal: core's half;
---open_live: if it can be drawn on; remember: into the history
---@return lagoon.repl.Session
function session.new(opts)
    local lagoon = require "lagoon"
    _G.lagoon = _G.lagoon or lagoon
    for _, name in ipairs(GLOBALS) do
        if name ~= "select" and _G[name] == nil then
            _G[name] = lagoon[name]
        end
    end
    local self = make(_G, opts)
    lagoon.on_error(function(err, traceback, info)
        if not self.hushed[info.id] then
            self:print_error(err, traceback)
        end
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

---The numbers of the goroutines and channels that there are.
---@return { goroutines: table<integer, true>, channels: table<integer, true> }
function session.census()
    local census = { goroutines = {}, channels = {} }
    for _, info in ipairs(core.goroutines()) do
        census.goroutines[info.id] = true
    end
    for _, info in ipairs(core.channels()) do
        census.channels[info.number] = true
    end
    return census
end

---Has the calling goroutine, and the goroutines and channels that have come since a census, count
---as the session's own.
---@param before { goroutines: table<integer, true>, channels: table<integer, true> }
function Session:own_new(before)
    local now = session.census()
    for id in pairs(now.goroutines) do
        self.own[id] = not before.goroutines[id] or nil
    end
    for number in pairs(now.channels) do
        self.own_channels[number] = not before.channels[number] or nil
    end
    self.own[task.self():id()] = true
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

local function note_end(self, n, is_background, ok)
    if self.recorder then
        self.recorder:ended(self.texts[n], is_background, ok)
    end
end

local function run_background(self, n, f)
    local running = start(self, f, ("input %d"):format(n))
    self:print(self.paint("dim", ("goroutine %d"):format(running:id())))
    local watcher = task.async(function()
        self:finish(n, running, pcall(running.wait, running))
    end)
    self.own[watcher:id()] = true
    note_end(self, n, true, true)
end

local function run_foreground(self, n, f)
    local running = start(self, f, ("input %d"):format(n))
    self.running = running
    local function ended(ok, ...)
        self.running = nil
        self:finish(n, running, ok, ...)
        note_end(self, n, false, ok)
    end
    ended(await(self, running))
end

---Calls a function as an input's is called: Ctrl-C cancels it.
---@async
---@param f function
---@return boolean ok
---@return any ...  what it returned, or its error
function Session:evaluate(f)
    self.running = start(self, f, "command")
    local function ended(...)
        self.running = nil
        return ...
    end
    return ended(await(self, self.running))
end

---Runs an input, and returns when it has ended; one that ends with `&` runs on.
---@async
---@param text string
---@return boolean goes_on  false: it was :quit
function Session:run(text)
    local on_empty = self.on_empty -- of the tour
    self.on_empty = nil
    if not text:find "%S" then
        if on_empty then
            on_empty()
        end
        return true
    end
    if self.recorder then
        self.recorder:submitted(text)
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
        if self.recorder then
            self.recorder:ended(text, false, false)
        end
        return true
    end
    self.ninputs = n
    self.texts[n] = code
    if is_background then
        run_background(self, n, f)
    else
        run_foreground(self, n, f)
        self.modules:look()
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
---@param running lagoon.Task
---@param seconds? number
function Session.pause(running, seconds)
    core.task_wait(running, seconds or 0.25)
end

return session
