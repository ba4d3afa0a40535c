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

local PLAIN = { ["nil"] = true, boolean = true, number = true, string = true }

-- How often Ctrl-C is pressed before what goes on nevertheless is left to itself.
local INTERRUPTS_MAX = 3
local LEFT = {} -- how such a one has ended

---@class lagoon.repl.Session
local Session = {}
Session.__index = Session

-- One whose inputs see these globals.
local function make(globals, opts)
    return setmetatable({
        locals = chunk.environment(globals),
        ninputs = 0,
        ninterrupts = 0, -- of what runs
        own = {}, -- goroutines of ours, by number
        hushed = {}, -- whose errors are nobody's business, by number
        own_channels = {}, -- the same
        is_unattended = opts.is_unattended,
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
---open_live?: fun(): lagoon.repl.Live, remember?: fun(text: string), is_unattended?: boolean }
---terminal: core's half; open_live: if it can be drawn on; remember: into the history;
---is_unattended: nobody can press Ctrl-C
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

-- The error of a task, of which there is a text.
function Session:print_failure(running, text, err)
    if running:status() == "cancelled" then
        self:print_red(text)
    else
        self:print_error(text, task.traceback(err))
    end
end

-- ------------------------------------------------------------------------------------------------
-- Values
-- ------------------------------------------------------------------------------------------------

-- `_` is the last input's first value, `_3` that of the third.
function Session:keep(n, value)
    rawset(self.locals, "_", value)
    rawset(self.locals, "_" .. n, value)
end

-- Values as texts, side by side.
function Session:text_of(...)
    local limits = { paint = self.paint, width = self.width() - 2 }
    local texts = {}
    for i = 1, select("#", ...) do
        texts[i] = pretty.text((select(i, ...)), limits)
    end
    return table.concat(texts, "\t")
end

-- ------------------------------------------------------------------------------------------------
-- Inputs
-- ------------------------------------------------------------------------------------------------

-- The name of a command and what stands behind it; nil: it is none. A label begins with two colons.
local function command_of(text)
    if not text:find "^%s*::" then
        return text:match "^%s*:(%S*)%s*(.-)%s*$"
    end
end

---Whether a text is whole: it is Lua, or wrong in a way that more lines do not mend.
---@param text string
---@return boolean
function Session:is_complete(text)
    local command, rest = command_of(text)
    if command == "time" then
        return self:is_complete(rest)
    elseif command or not text:find "%S" then
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

local function start(self, f, name)
    local running = task.async(f)
    running:name(name)
    self.tasks[running:id()] = running
    return running
end

-- The same, as what Ctrl-C ends.
local function start_foreground(self, f, name)
    self.ninterrupts = 0
    self.running = start(self, f, name)
    return self.running
end

local function is_over(running)
    local status = running:status()
    return status == "done" or status == "failed" or status == "cancelled"
end

-- Where nobody can press Ctrl-C the input would keep those behind it from running for ever.
local function tell_deadlock(self, running)
    local words = "all goroutines are asleep - deadlock!"
    if self.is_unattended then
        running:cancel(words)
    else
        self:print(self.paint("error", words .. " Ctrl-C cancels this input"))
    end
end

-- Waits for a task, telling once if nothing is left that could wake it. One that goes on however
-- often it is interrupted is left alone.
local function await(self, running)
    local is_told = false
    while true do
        if is_over(running) then
            return pcall(running.wait, running)
        end
        self.pause(running)
        local is_unmoved = self.running == running and self.ninterrupts >= INTERRUPTS_MAX
        if is_unmoved and not is_over(running) then
            return false, LEFT
        elseif not is_told and running:status() == "waiting" and self:is_stuck() then
            is_told = true
            tell_deadlock(self, running)
        end
    end
end

-- What f returns, called in a goroutine of its own unless all values are plain: a __tostring may do
-- anything, and Ctrl-C ends that, too.
local function described(self, is_background, ...)
    local is_plain = true
    for i = 1, select("#", ...) do
        is_plain = is_plain and PLAIN[type((select(i, ...)))]
    end
    if is_plain then
        return true, self:text_of(...)
    end
    local values, n = { ... }, select("#", ...)
    local function describe()
        return self:text_of(unpack(values, 1, n))
    end
    if is_background then
        local running = start(self, describe, "values")
        return pcall(running.wait, running)
    end
    local ok, text = await(self, start_foreground(self, describe, "values"))
    self.running = nil
    return ok, text
end

-- Tells how a task has ended.
local function finish(self, n, running, is_background, ok, ...)
    if not ok and (...) == LEFT then
        local id = running:id()
        return self:print_red(("goroutine %d goes on: it catches what cancels it; :trace %d shows "
            .. "where it is"):format(id, id))
    elseif ok and select("#", ...) == 0 then
        return
    elseif ok then
        self:keep(n, (...))
    end
    local is_described, text = described(self, is_background, ...)
    if not is_described then
        self:print_red(type(text) == "string" and text or "interrupted")
    elseif ok then
        self:print(text)
    elseif type((...)) == "string" then
        self:print_failure(running, (...), (...))
    else
        self:print_failure(running, text, (...))
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
        finish(self, n, running, true, pcall(running.wait, running))
    end)
    self.own[watcher:id()] = true
    note_end(self, n, true, true)
end

local function run_foreground(self, n, f)
    local running = start_foreground(self, f, ("input %d"):format(n))
    local function ended(ok, ...)
        self.running = nil
        finish(self, n, running, false, ok, ...)
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
    start_foreground(self, f, "command")
    local function ended(...)
        self.running = nil
        return ...
    end
    return ended(await(self, self.running))
end

-- A mistake in a command is no end of the session.
local function run_command(self, name, argument)
    local ok, goes_on = xpcall(commands.run, core.note_trace, self, name, argument)
    if not ok and goes_on == "cancelled" then
        error(goes_on, 0)
    elseif not ok then
        self:print_error(goes_on)
    end
    return not ok or goes_on
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
    local command, rest = command_of(text)
    if command then
        return run_command(self, command, rest)
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
        self.ninterrupts = self.ninterrupts + 1
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
