-- SPDX-License-Identifier: MIT
--
-- A picture below what is printed that is drawn again and again, and has the keys for as long. What
-- others print meanwhile appears above it and stays; the picture goes without a trace.
local chan = require "lagoon.chan"
local task = require "lagoon.task"

local live = {}

local KEYS_MAX = 64
local TICK = "tick"

---@class lagoon.repl.Live
local Live = {}
Live.__index = Live

local function pass_ticks(ticks, events)
    while ticks:read() do
        events:try_send(TICK)
    end
end

---Takes the terminal of a console, which waits for the end of an input.
---@param console lagoon.repl.Console
---@return lagoon.repl.Live
function live.open(console)
    local self = setmetatable({ console = console, events = chan.new(KEYS_MAX) }, Live)
    console.mutex:lock()
    console.terminal.drain()
    console.live = self
    self.columns = console.screen.columns
    console.mutex:unlock()
    return self
end

---How many columns a row may have, and how many rows there may be.
---@return integer columns
---@return integer rows
function Live:size()
    return self.console.screen.columns - 1, math.max(self.console.screen.height - 1, 1)
end

---Draws rows, which have room, in the place of those before.
---@param rows string[]
function Live:draw(rows)
    local up = #rows > 1 and ("\27[%dA"):format(#rows - 1) or ""
    self.console.terminal.draw(table.concat(rows, "\r\n"), up .. "\r\27[J")
end

---A key, "resize", or nil after so many seconds of the runtime's clock.
---@async
---@param seconds number
---@return string?
function Live:next(seconds)
    return (self.events:recv(seconds))
end

local function start_ticks(self)
    self.ticks = self.console.terminal.tick_open()
    if self.ticks then
        self.ticker = task.async(pass_ticks, self.ticks, self.events)
        self.ticker:name "repl ticks"
        self.console.session.own[self.ticker:id()] = true
    end
    return self.ticks
end

---The same in real time: the runtime's clock may stand.
---@async
---@param seconds number
---@return string?
function Live:next_real(seconds)
    if not (self.ticks or start_ticks(self)) then
        return self:next(seconds) -- no descriptor is left
    end
    self.console.terminal.tick_set(seconds)
    local name = self.events:recv()
    return name ~= TICK and name or nil
end

-- What comes from the console, with its mutex.

---@param events lagoon.repl.Key[]
function Live:press(events)
    for _, key in ipairs(events) do
        self.events:try_send(key.name or key.text)
    end
end

---The terminal has another size. In a narrower one rows that were drawn may take two each, and
---nobody knows where they begin: then the whole screen is wiped.
function Live:resize()
    local columns = self.console.screen.columns
    if columns < self.columns then
        self.console.terminal.clear()
    end
    self.columns = columns
    self.events:try_send "resize"
end

---Gives the terminal back.
function Live:close()
    self.console.mutex:lock()
    self.console.live = nil
    self.console.terminal.leave ""
    self.console.mutex:unlock()
    if self.ticks then
        self.ticks:close()
        self.ticker:wait()
        self.console.session.own[self.ticker:id()] = nil
    end
end

return live
