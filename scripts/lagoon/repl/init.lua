-- SPDX-License-Identifier: MIT
--
-- The REPL: inputs from a terminal, with a line editor, or from anything else, line by line.
local chan = require "lagoon.chan"
local children = require "lagoon.repl.children"
local commands = require "lagoon.repl.commands"
local complete = require "lagoon.repl.complete"
local core = require "lagoon.core"
local editor = require "lagoon.repl.editor"
local history = require "lagoon.repl.history"
local keys = require "lagoon.repl.keys"
local live = require "lagoon.repl.live"
local screen = require "lagoon.repl.screen"
local session = require "lagoon.repl.session"
local signal = require "lagoon.signal"
local stdin = require "lagoon.stdin"
local sync = require "lagoon.sync"
local task = require "lagoon.task"

local repl = {}

local ESCAPE_SECONDS = 0.05 -- after which an escape is a key
local AWAY_SECONDS = 0.2 -- after which we look whether the terminal is ours again

local function greeting()
    return ("lagoon %s, %s. :help shows the commands, Ctrl-D leaves."):format(core.version,
        jit.version)
end

-- ------------------------------------------------------------------------------------------------
-- History in a file
-- ------------------------------------------------------------------------------------------------

local function state_folder()
    local state = os.getenv "XDG_STATE_HOME"
    if state and state:find "^/" then
        return state .. "/lagoon"
    end
    local home = os.getenv "HOME"
    return home and home ~= "" and home .. "/.local/state/lagoon" or nil
end

local function open_history(terminal)
    local folder = state_folder()
    if not folder then
        return history.new ""
    end
    return history.open(folder .. "/history", terminal)
end

-- ------------------------------------------------------------------------------------------------
-- On a terminal
-- ------------------------------------------------------------------------------------------------

---@class lagoon.repl.Console
local Console = {}
Console.__index = Console

local function new_console(terminal, conn, new_session)
    local is_coloured = (os.getenv "NO_COLOR" or "") == ""
    local past = open_history(terminal)
    local self = setmetatable({
        terminal = terminal,
        conn = conn,
        keys = keys.new(),
        screen = screen.new(terminal.width, is_coloured),
        history = past,
        inputs = chan.new(1), -- one at a time is submitted
        waiting = {}, -- keys that came before the prompt did
        mutex = sync.mutex(), -- over what keys do, and the change from one mode to the other
        is_editing = false,
        is_lent = false, -- a child of io.popen has the terminal
        is_away = false, -- we run in the background of a shell
        nended = 0, -- children of the input by Ctrl-C
    }, Console)
    self.screen:resize(terminal.size())
    self.session = new_session {
        is_coloured = is_coloured,
        width = function() return self.screen.columns end,
        height = function() return self.screen.height end,
        on_end = function() return self.inputs:closed() or self.inputs:close() end,
        terminal = terminal,
        open_live = function() return live.open(self) end,
        remember = function(text) self:remember(text) end,
    }
    local completer = {
        scope = self.session.locals,
        commands = commands.names(),
        list = complete.list_folder,
    }
    self.editor = editor.new {
        width = terminal.width,
        history = past,
        is_complete = function(text) return self.session:is_complete(text) end,
        complete = function(text)
            if self.session.complete then
                return self.session:complete(text)
            end
            return complete.at(completer, text)
        end,
    }
    return self
end

-- Into the history; that its file cannot be written is told once.
function Console:remember(text)
    local err = self.history:add(text)
    if err then
        self.session:print_red("history: " .. err)
    end
end

function Console:view()
    local view = self.editor:view()
    view.prompt = ("%d> "):format(self.session.ninputs + 1)
    view.continuation = (" "):rep(#view.prompt)
    return view
end

function Console:redraw()
    if self.is_editing then
        self.terminal.draw(self.screen:draw(self:view()))
    end
end

-- The line is done with: what is typed from here on belongs to what runs.
function Console:submit(text, view)
    self.is_editing = false
    view.text, view.at, view.menu, view.search = text, #text, nil, nil
    self.terminal.leave(self.screen:draw_last(view))
end

-- What a key has brought about; true: the line was submitted.
function Console:act(action, text, view)
    if action == "submit" then
        self:submit(text, view)
        self:remember(text)
        self.inputs:try_send(text)
        return true
    elseif action == "eof" then
        self:submit("", view)
        self.inputs:close()
        return true
    elseif action == "interrupt" then
        self:submit(text .. "^C", view)
        self.editor:clear()
        self.is_editing = true
    elseif action == "suspend" then
        self.terminal.leave(self.screen:draw_last(view))
        self.terminal.suspend()
    elseif action == "clear" then
        self.terminal.clear()
    end
end

function Console:press(events)
    for i, key in ipairs(events) do
        local view = self:view()
        local action, text = self.editor:press(key)
        if self:act(action, text, view) then
            for rest = i + 1, #events do
                table.insert(self.waiting, events[rest])
            end
            return
        end
    end
    self:redraw()
end

function Console:take(bytes)
    self.mutex:lock()
    if self.is_editing then
        self:press(bytes and self.keys:feed(bytes) or self.keys:flush())
    elseif self.live then
        self.live:press(bytes and self.keys:feed(bytes) or self.keys:flush())
    elseif bytes then
        self.terminal.type(bytes)
    end
    self.mutex:unlock()
end

-- Whether who calls is the input that the prompt waits for, and nothing is drawn meanwhile.
function Console:is_foreground()
    local running = self.session.running
    return running and not self.live and running:id() == task.self():id()
end

-- A child may have the terminal, also while the state is free: it alone hears the keys. What names
-- it, and whether it is standard error, too.
function Console:lend(fd)
    self.is_lent = true
    self:share_keys()
    return self.terminal.lend(fd)
end

function Console:take_back()
    if self.is_lent then
        self.is_lent = false
        self.terminal.take_back()
        self:share_keys()
    end
end

-- Leaves the keys to others, or takes them again.
function Console:share_keys()
    local is_theirs = self.is_lent or self.is_away
    if is_theirs and not self.is_back then
        self.is_back = chan.new()
        self.terminal.leave_keys(self.conn)
    elseif self.is_back and not is_theirs then
        self.conn = self.terminal.keys()
        self.is_back:close()
        self.is_back = nil
    end
end

-- Whatever runs is to end.
function Console:interrupt()
    if self.live then
        self.live:press { { name = "ctrl-c" } }
    else
        self.session:interrupt()
    end
end

-- The next keys; nil: none in a while, or there will be none, as err says.
function Console:read()
    while true do
        local conn = self.conn
        if self.keys:is_undecided() then
            conn:set_deadline(ESCAPE_SECONDS)
        end
        local bytes, err = conn:read()
        if bytes or err == "timeout" or conn == self.conn and not self.is_back then
            conn:set_deadline(nil)
            return bytes, err
        elseif self.is_back then
            self.is_back:recv()
        end
    end
end

-- Keys, until the terminal is gone.
function Console:read_keys()
    while true do
        local bytes, err = self:read()
        if not bytes and err ~= "timeout" then
            self:interrupt()
            return self.inputs:closed() or self.inputs:close()
        end
        self:take(bytes)
    end
end

function Console:prompt()
    self.mutex:lock()
    self:take_back()
    self.nended = 0
    self.terminal.drain()
    local typed = self.terminal.typed()
    self.is_editing = true
    self:redraw()
    local events = self.waiting
    self.waiting = {}
    for _, key in ipairs(self.keys:feed(typed)) do
        events[#events + 1] = key
    end
    if #events > 0 then
        self:press(events)
    end
    self.mutex:unlock()
end

-- The process goes on, or has gone on in the background of a shell, which does not tell when it
-- gives the terminal back.
function Console:go_on()
    self.is_away = not self.terminal.resume()
    self:share_keys()
end

function Console:heed_one(name)
    if name == "SIGINT" then
        self:interrupt()
    elseif name == "SIGTERM" or name == "SIGHUP" then
        if self.is_editing then
            self:submit("", self:view())
        end
        self.terminal.close()
        os.exit(name == "SIGTERM" and 143 or 129)
    else
        self.mutex:lock()
        if name ~= "SIGWINCH" then
            self:go_on()
        end
        if not self.is_away then
            self.screen:resize(self.terminal.size())
            self:redraw()
            if self.live then
                self.live:resize()
            end
        end
        self.mutex:unlock()
    end
end

function Console:heed(signals)
    while true do
        local name, is_open = signals:recv(self.is_away and AWAY_SECONDS or nil)
        if is_open == false then
            return
        end
        self:heed_one(name)
    end
end

-- A mistake of ours: without keys and signals there is no session.
function Console:fail(err)
    self.terminal.close()
    io.stderr:write("lagoon: ", tostring(err), "\n", task.traceback(err) or "", "\n")
    os.exit(1)
end

function Console:run(before)
    self.session:print(self.session.greeting or greeting())
    local names = { "SIGINT", "SIGWINCH", "SIGCONT" }
    if core.preemption() == "signal" then -- else an endless loop would keep us from hearing of them
        names[4], names[5] = "SIGTERM", "SIGHUP"
    end
    local signals = assert(signal.notify(unpack(names)))
    local function start(f, ...)
        local arguments = { ... }
        return task.async(function()
            local ok, err = xpcall(function() f(self, unpack(arguments)) end, core.note_trace)
            if not ok and err ~= "cancelled" then
                self:fail(err)
            end
        end)
    end
    local helpers = { start(self.heed, signals), start(self.read_keys) }
    helpers[1]:name "repl signals"
    helpers[2]:name "repl keys"
    children.install(self, os, io)
    stdin.on_wait(function()
        if self.is_lent and self:is_foreground() then
            self:take_back() -- the input reads what is typed itself
        end
    end)
    self:prompt()
    self.session:own_new(before)
    for text in self.inputs do
        if not self.session:run(text) then
            break
        end
        self:prompt()
    end
    self.terminal.close()
    signal.stop(signals)
    for _, helper in ipairs(helpers) do
        helper:cancel()
    end
end

-- ------------------------------------------------------------------------------------------------
-- Without one
-- ------------------------------------------------------------------------------------------------

---@class lagoon.repl.Plain
---@field text? string  lines of an input that is not finished
local Plain = {}
Plain.__index = Plain

-- The prompt is printed only where somebody may see it.
function Plain:prompt()
    if self.is_terminal then
        io.stdout:write(self.text and ">> " or ("%d> "):format(self.session.ninputs + 1))
        io.stdout:flush()
    end
end

-- Ctrl-C, as on a terminal with an editor. What stands in the line the terminal itself takes away.
function Plain:heed(signals)
    for _ in signals do
        if self.is_reading then
            self.text = nil
            io.stdout:write "\n"
            self:prompt()
        else
            self.session:interrupt()
        end
    end
end

-- The next input; nil: there is none.
function Plain:read()
    self.text = nil
    while not (self.text and self.session:is_complete(self.text)) do
        self:prompt()
        self.is_reading = true
        local line = io.read "*l"
        self.is_reading = false
        if not line then
            break
        end
        self.text = self.text and self.text .. "\n" .. line or line
    end
    return self.text
end

-- Lines from standard input.
local function run_plain(terminal, is_terminal, new_session, before)
    local self = setmetatable({ is_terminal = is_terminal }, Plain)
    self.session = new_session {
        is_coloured = false,
        terminal = terminal,
        is_unattended = not is_terminal,
    }
    if is_terminal and core.preemption() == "signal" then -- else it is better that it ends us
        local signals = assert(signal.notify "SIGINT")
        task.async(function() self:heed(signals) end):name "repl signals"
    end
    self.session:own_new(before)
    for text in self.read, self do
        if not self.session:run(text) then
            return
        end
    end
end

---Reads inputs and runs them until they end. In goroutine 1 of the program.
---@async
---@param terminal table  core's half
---@param is_terminal boolean  whether standard input is one
---@param new_session? fun(opts: table): lagoon.repl.Session  whose inputs run elsewhere
function repl.run(terminal, is_terminal, new_session)
    new_session = new_session or session.new
    local before = session.census()
    local conn = is_terminal and (os.getenv "TERM" or "dumb") ~= "dumb" and terminal.open()
    if conn then
        return new_console(terminal, conn, new_session):run(before)
    end
    return run_plain(terminal, is_terminal, new_session, before)
end

return repl
