-- SPDX-License-Identifier: MIT
--
-- Those who have attached to this program: a session for each. Its inputs run in goroutines of the
-- program, and only while they run is there one.
local commands = require "lagoon.repl.commands"
local complete = require "lagoon.repl.complete"
local core = require "lagoon.core"
local guestlive = require "lagoon.repl.guestlive"
local session = require "lagoon.repl.session"
local task = require "lagoon.task"

local guests = {}

local known = {} -- sessions, by their clients' numbers
local own = {}   -- goroutines that only see to requests, of all sessions

local OUTPUT, READY, WORDS, BYE = "O", "R", "T", "B"

-- ------------------------------------------------------------------------------------------------
-- What inputs see
-- ------------------------------------------------------------------------------------------------

local NAMES = { "async", "parallel", "chan", "sleep", "after" }

-- An error in a goroutine that a guest has started is the guest's, and ends no program.
local function guarded_go(self)
    return function(f, ...)
        return task.go(function(...)
            local function ended(ok, err)
                if not ok and err ~= "cancelled" then
                    self:print_error(err, task.traceback(err))
                end
            end
            local arguments, n = { ... }, select("#", ...)
            ended(xpcall(function() return f(unpack(arguments, 1, n)) end, core.note_trace))
        end, ...)
    end
end

local function guarded_print(self)
    return function(...)
        local texts = {}
        for i = 1, select("#", ...) do
            texts[i] = tostring((select(i, ...)))
        end
        self:print(table.concat(texts, "\t"))
    end
end

-- The program's globals, and before them what the REPL has; what is set is the program's.
local function globals_with(names)
    return setmetatable({}, {
        __index = setmetatable(names, { __index = _G }),
        __newindex = function(_, name, value)
            names[name] = nil
            _G[name] = value
        end,
    })
end

-- ------------------------------------------------------------------------------------------------
-- Sessions
-- ------------------------------------------------------------------------------------------------

local function open(id, columns, rows, is_coloured)
    local lagoon = require "lagoon"
    local names = {}
    local self = session.guest(globals_with(names), {
        is_coloured = is_coloured,
        terminal = core.terminal,
        width = function() return known[id] and known[id].columns or 80 end,
        print = function(_, text)
            core.attach_write(id, OUTPUT, text .. "\n")
        end,
    })
    self.id, self.columns, self.rows, self.own = id, columns, rows, own
    if rows > 0 then
        self.open_live = function() return guestlive.open(self) end
    end
    for _, name in ipairs(NAMES) do
        if _G[name] == nil then
            names[name] = lagoon[name]
        end
    end
    names.lagoon = lagoon
    names.go = guarded_go(self)
    names.print = guarded_print(self)
    self.completer = {
        scope = self.locals, commands = commands.names(), list = complete.list_folder,
    }
    known[id] = self
    return self
end

local function say_ready(self)
    core.attach_write(self.id, READY, tostring(self.ninputs + 1))
end

local take = {}

function take.H(_, text, id)
    local columns, rows, colour = text:match "^lagoon 2 (%d+) (%d+) (%d)"
    local self = open(id, tonumber(columns) or 80, tonumber(rows) or 0, colour == "1")
    say_ready(self)
end

function take.I(self, text)
    self.handler = task.self()
    local goes_on = self:run(text)
    self.handler = nil
    if goes_on then
        say_ready(self)
    else
        core.attach_write(self.id, BYE, "")
    end
end

function take.C(self)
    if self.live then
        self.live:press "ctrl-c"
    else
        self:interrupt()
    end
end

function take.K(self, text)
    if self.live then
        self.live:press(text)
    end
end

function take.W(self, text)
    local columns, rows = text:match "^(%d+) (%d+)$"
    self.columns, self.rows = tonumber(columns) or self.columns, tonumber(rows) or self.rows
end

function take.T(self, text)
    local number, beginning = text:match "^(%d+)\n(.*)$"
    local from, words = complete.at(self.completer, beginning or "")
    core.attach_write(self.id, WORDS,
        ("%s\n%d\n%s"):format(number or "0", from, table.concat(words, "\n")))
end

-- The client is gone, and nobody waits for what it has begun in the foreground.
take[""] = function(self)
    known[self.id] = nil
    self:interrupt()
    if self.handler then
        self.handler:cancel()
    end
end

---Does what a client says. In a goroutine of its own.
---@async
---@param id integer
---@param kind string  as in attachframe.h; "" for the end
---@param text string
function guests.take(id, kind, text)
    local number = task.self():id()
    own[number] = true
    local self = known[id]
    local ok, err = true, nil
    if self or kind == "H" then
        ok, err = xpcall(take[kind], core.note_trace, self, text, id)
    end
    own[number] = nil
    if not ok then
        error(err, 0)
    end
end

return guests
