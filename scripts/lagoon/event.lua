-- SPDX-License-Identifier: MIT
--
-- Events: whoever waits at that moment is woken, and gets the values.
--
-- Those who wait for the same emission share a cell, which the emission fills and leaves to them.
-- The cell and the channel are in the event's state: tables of the environment of its userdata.
local core = require "lagoon.core"
local chan = require "lagoon.chan"

local c_wait, c_emit, c_state = core.event_wait, core.event_emit, core.event_state
local raise = core.raise
local OK, TIMEOUT, RAISE = core.OK, core.TIMEOUT, core.RAISE
local unpack, nargs = unpack, select

---Something that happens again and again. Nothing is kept for those who come later. It stays in
---its Lua state.
---@class lagoon.Event
local Event = {}
core.classes.event.__index = Event

local event = {}

local function finish(cell, code, err)
    if code == OK then
        return unpack(cell, 1, cell.n)
    elseif code == TIMEOUT then
        return nil, "timeout"
    end
    return raise(code, err)
end

---Waits until it is emitted; returns the values of that emission.
---@async
---@param seconds? number  nil waits for ever; after them: nil, "timeout"
---@return any ...
function Event:wait(seconds)
    local state = c_state(self, "wait")
    local cell = state.cell
    if not cell then
        cell = { n = 0 }
        state.cell = cell
    end
    return finish(cell, c_wait(self, seconds))
end

---Wakes all that wait now, each once, in the order in which they came, with these values.
---@param ... any
---@return integer n  how many `wait` it has woken
function Event:emit(...)
    local state = c_state(self, "emit")
    local cell, channel = state.cell, state.channel
    state.cell, state.channel = nil, nil
    if cell then
        cell.n = nargs("#", ...)
        for i = 1, cell.n do
            cell[i] = (nargs(i, ...))
        end
    end
    local n = c_emit(self)
    if channel then
        channel:close()
    end
    return n
end

---A channel that the next emission closes: a case for `select`. The same one for all until then.
---@return lagoon.Channel
function Event:once()
    local state = c_state(self, "once")
    state.channel = state.channel or chan.new()
    return state.channel
end

---Makes an event.
---@param name? string  for tostring()
---@return lagoon.Event
function event.new(name)
    if name ~= nil and type(name) ~= "string" then
        return raise(RAISE, ("bad argument #1 to 'event' (string expected, got %s)"):format(
            type(name)))
    end
    local self, state = core.event_new()
    state.name = name
    return self
end

return event
