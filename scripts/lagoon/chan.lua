-- SPDX-License-Identifier: MIT
--
-- Channels and select: methods out of the C halves. A blocking C function cannot raise once it has
-- waited, so it returns a code first; what is neither OK nor TIMEOUT is raised.
local core = require "lagoon.core"

local OK, TIMEOUT, SEALED = core.OK, core.TIMEOUT, core.SEALED
local open = core.open
local c_send, c_recv, c_select, raise = core.chan_send, core.chan_recv, core.select, core.raise
local class = core.classes.channel

---A queue of values between goroutines. Go: `chan any`.
---@class lagoon.Channel
---@operator len: integer
---@operator call: any
local Channel = {}

---The case of a select that sends a value.
---@class lagoon.Case

---Sends one value; waits until a receiver or a free place takes it. Go: `ch <- v`.
---@async
---@param value any
---@param seconds? number  nil waits for ever
---@return boolean? ok  nil when the seconds have passed
---@return string? err  "timeout"
function Channel:send(value, seconds)
    local code, err = c_send(self, value, seconds)
    if code == OK then
        return true
    elseif code == TIMEOUT then
        return nil, "timeout"
    end
    return raise(code, err)
end

---Receives one value; waits until there is one or the channel is closed. Go: `v, ok := <-ch`.
---@async
---@param seconds? number  nil waits for ever
---@return any value
---@return boolean? ok  false: closed and drained; nil when the seconds have passed
---@return string? err  "timeout"
function Channel:recv(seconds)
    local code, value, ok = c_recv(self, seconds)
    if code == OK then
        return value, ok
    elseif code == SEALED then
        return open(value), true
    elseif code == TIMEOUT then
        return nil, nil, "timeout"
    end
    return raise(code, value)
end

---Sends one value if that need not wait.
---@type fun(self: lagoon.Channel, value: any): boolean
Channel.try_send = core.chan_try_send

---Receives one value if that need not wait: as recv, or nil and nil.
---@type fun(self: lagoon.Channel): any, boolean?
Channel.try_recv = core.chan_try_recv

---Closes the channel: no more will be sent, receivers first drain it. Go: `close(ch)`.
---@type fun(self: lagoon.Channel)
Channel.close = core.chan_close

---How many values it holds with nobody receiving. Go: `cap(ch)`.
---@type fun(self: lagoon.Channel): integer
Channel.cap = core.chan_cap

---Whether it has been closed.
---@type fun(self: lagoon.Channel): boolean
Channel.closed = core.chan_closed

---Stops a channel that `lagoon.tick` made; true if it was ticking. Go: `Ticker.Stop`.
---@type fun(self: lagoon.Channel): boolean
Channel.stop = core.chan_stop

---The case of a select that sends a value. Go: `case ch <- v:`.
---@type fun(self: lagoon.Channel, value: any): lagoon.Case
Channel.sending = core.sending

-- `for value in ch do`
local function iterate(self)
    local code, value = c_recv(self)
    if code == OK then
        return value
    elseif code == SEALED then
        return (open(value))
    end
    return raise(code, value)
end

local function finish_select(code, first, ...)
    if code == OK then
        return first, ...
    elseif code == SEALED then
        return (...), open(first), true
    end
    return raise(code, first)
end

local chan = {}

-- So many arguments LuaJIT can hand to a function, less what it needs itself.
local CASES_MAX, nargs = 7900, select

---Makes a channel. Go: `make(chan any, capacity)`.
---@type fun(capacity?: integer): lagoon.Channel
chan.new = core.chan

---Waits until one of several operations can go on, and does that one. Go: `select`.
---@async
---@param ... lagoon.Channel|lagoon.Case  a channel receives; lagoon.default, last, does not wait
---@return integer index  of the case
---@return any value  received
---@return boolean? ok  false: the channel is closed and drained
function chan.select(...)
    if nargs("#", ...) > CASES_MAX then
        return raise(core.RAISE, "too many cases to select")
    end
    return finish_select(c_select(...))
end

chan.Channel = Channel
chan.iterate = iterate

class.__index = Channel
class.__call = iterate
class.__len = core.chan_length

return chan
