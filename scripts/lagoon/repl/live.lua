-- SPDX-License-Identifier: MIT
--
-- A picture below what is printed that is drawn again and again, and has the keys for as long. What
-- others print meanwhile appears above it and stays; the picture goes without a trace.
local chan = require "lagoon.chan"

local live = {}

local KEYS_MAX = 64

---@class lagoon.repl.Live
local Live = {}
Live.__index = Live

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

---A key, "resize", or nil after so many seconds.
---@async
---@param seconds number
---@return string?
function Live:next(seconds)
    local name = self.events:recv(seconds)
    return name
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
end

return live
