-- SPDX-License-Identifier: MIT
--
-- WebSockets (RFC 6455), after their handshake: messages both ways over a connection.
--
-- One goroutine receives, any number send. Who sends has the lock, and so nobody's frame stands in
-- another one. What the other side is owed, answers to pings and to its close, goes out before the
-- next frame: by who receives or, where another one has the lock at the moment, behind that one.
-- Thus who receives never waits for who sends.
--
-- What was received and could not be returned, for a deadline or a cancellation came first, stays
-- in `kind`, `data` and `code`.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local task = require "lagoon.task"
local turn = require "lagoon.turn"
local linger = require "lagoon.linger"

local raise, RAISE = core.raise, core.RAISE
local find_next, owes = core.websocket_next, core.websocket_owes

local REASON_MAX = 123

---@class lagoon.WebSocket
---@field protocol string?  the subprotocol that both sides have agreed on
---@field close_code integer?  once it has ended: the other side's, 1005 if it has given none, 1006
---if it has gone without a word, or what it was told for breaking a rule
---@field close_reason string?
local WebSocket = { __name = "WebSocket" }
WebSocket.__index = WebSocket

-- -- the end --

-- Wakes all who wait for something that cannot come any more.
local function end_now(self, err, code)
    if self.is_over then
        return
    end
    self.is_over, self.err, self.err_code = true, err, code
    self.close_code = self.close_code or 1006
    self.ended:close()
    for _, heard in pairs(self.pings) do
        heard:close()
    end
end

local function over(self)
    return nil, self.err, self.err_code
end

-- -- sending --

local function must_answer(self)
    return self.unsent or owes(self.frames)
end

-- What is owed. After a deadline or a cancellation it is still owed, unless a part of it has gone:
-- then the connection takes nothing any more.
local function write_owed(self)
    if not must_answer(self) then
        return true
    end
    self.unsent = self.unsent or core.websocket_owed(self.frames)
    local n, err, code = self.conn:write(self.unsent)
    if not n and code == "ETIMEDOUT" then
        return nil, err, code
    end
    self.unsent = nil
    return n, err, code
end

local function write_locked(self, kind, data)
    local ok, err, code = write_owed(self)
    if not ok or not kind then
        return ok, err, code
    end
    local frame = core.websocket_frame(self.frames, kind, data)
    if not frame then
        return nil, "closed"
    end
    return self.conn:write(frame)
end

local write

-- With the lock, which it gives back. An answer that was left to who has it then goes out by a
-- goroutine of its own: whether that succeeds says nothing about this frame.
local function write_and_unlock(self, kind, data)
    local ok, n, err, code = pcall(write_locked, self, kind, data)
    self.lock:unlock()
    if not ok then
        error(n, 0)
    elseif n and must_answer(self) then
        task.go(write, self)
    end
    return n and true, err, code
end

-- A frame, or only what is owed.
function write(self, kind, data)
    self.lock:lock()
    return write_and_unlock(self, kind, data)
end

-- For who receives: false, err, code after a deadline. A connection that takes nothing any more
-- may still have something to read.
local function answer(self)
    if not must_answer(self) or not self.lock:try_lock() then
        return true
    end
    local ok, err, code = write_and_unlock(self)
    return ok or code ~= "ETIMEDOUT", err, code
end

local function check_data(data, kind)
    if type(data) ~= "string" then
        raise(RAISE, ("bad argument #1 to 'send' (a string expected, got %s)"):format(type(data)))
    elseif kind ~= "text" and kind ~= "binary" then
        raise(RAISE, "bad argument #2 to 'send' (\"text\" or \"binary\" expected)")
    elseif kind == "text" and not core.websocket_is_utf8(data) then
        raise(RAISE, "bad argument #1 to 'send' (a text must be UTF-8; send this as \"binary\")")
    end
end

---Sends a message, and waits where the other side is slow. Several goroutines may: a message is
---never within another one. One that is ended by a deadline or a cancellation has not been sent;
---if a part of it has gone, it is the last one.
---@async
---@param data string
---@param kind? "text"|"binary"  "text" if absent
---@return true? ok
---@return string? err
---@return string? code
function WebSocket:send(data, kind)
    kind = kind or "text"
    check_data(data, kind)
    if self.is_over then
        return nil, self.err or "closed", self.err_code
    end
    return write(self, kind, data)
end

local function await_pong(self, heard, id, seconds)
    local ok, err, code = write(self, "ping", id)
    if not ok then
        return nil, err, code
    end
    local _, _, late = heard:recv(seconds)
    if late then
        return nil, "timeout", "ETIMEDOUT"
    elseif self.pings[id] then -- nobody has heard it
        return nil, self.err or "closed", self.err_code
    end
    return true
end

---Asks whether the other side is there, and waits until it has answered. The answer is heard by who
---receives. Pings of the other side are answered by themselves while somebody receives.
---@async
---@param seconds? number  10 if absent
---@return true? ok
---@return string? err  "timeout"
---@return string? code
function WebSocket:ping(seconds)
    if self.is_over then
        return nil, self.err or "closed", self.err_code
    end
    self.npings = self.npings + 1
    local id, heard = tostring(self.npings), chan.new()
    self.pings[id] = heard
    local ok, answered, err, code = pcall(await_pong, self, heard, id, seconds or 10)
    self.pings[id] = nil
    if not ok then
        error(answered, 0)
    end
    return answered, err, code
end

-- -- receiving --

local function hear_pong(self, id)
    local heard = self.pings[id]
    if heard then
        self.pings[id] = nil
        heard:close()
    end
end

-- The other side has closed, or broken a rule: it gets its answer, and has a moment to read it.
local function finish(self)
    local kind, text, code = self.kind, self.data, self.code
    self.close_code, self.close_reason = code, kind == "close" and text or ""
    self.conn:set_deadline(self.close_timeout)
    if write(self) then
        linger.close(self.conn)
    end
    self.conn:close()
    if kind == "fault" then
        end_now(self, text, code == 1009 and "EFBIG" or "EPROTO")
    else
        end_now(self)
    end
    return over(self)
end

-- Reads on. True, or what there is to return.
local function read_more(self)
    local ok, err, code = self.wire:more()
    if ok then
        return true
    elseif not err then
        err, code = "unexpected end of stream", "EOF"
    end
    if code ~= "ETIMEDOUT" then
        self.conn:close()
        end_now(self, err, code)
    end
    return nil, err, code
end

local function take(self)
    local wire = self.wire
    wire.at, self.kind, self.data, self.code = find_next(self.frames, wire.text, wire.at)
end

local function receive(self)
    while not self.is_over do
        if not self.kind then
            take(self)
        end
        local kind = self.kind
        if kind == "close" or kind == "fault" then
            return finish(self)
        end
        local ok, err, code = answer(self)
        if ok and not kind then
            ok, err, code = read_more(self)
        end
        if not ok then
            return nil, err, code
        elseif kind then
            local data = self.data
            self.kind, self.data = nil, nil
            if kind == "pong" then
                hear_pong(self, data)
            elseif not self.is_closing then
                return data, kind
            end
        end
    end
    return over(self)
end

local receive_alone

function receive_alone(self)
    self.receiving:lock()
    local ok, data, kind, code = pcall(receive, self)
    self.receiving:unlock()
    if not ok then
        if self.is_closing then -- who closes waits for somebody to hear the other side
            task.go(receive_alone, self)
        end
        error(data, 0)
    end
    return data, kind, code
end

---The next message, and "text" or "binary". nil once the other side has closed: see `close_code`.
---nil, err, code for what is not an end as it should be, and after `set_deadline`'s deadline, which
---loses nothing. `for data, kind in ws.recv, ws do` receives all.
---@async
---@return string? data
---@return string? kind  or the error
---@return string? code  "EOF" where the other side has gone without a word, "EPROTO" where it has
---broken a rule, "EFBIG" for a message beyond the limit
function WebSocket:recv()
    if self.is_closing and not self.is_over then -- who closes hears the rest
        self.ended:recv()
    end
    if self.is_over then
        return over(self)
    elseif self.receiving:is_taken() then
        raise(RAISE, "another goroutine is receiving on this WebSocket at the moment")
    end
    return receive_alone(self)
end

-- -- closing --

local function check_reason(code, reason)
    if type(code) ~= "number" or not core.websocket_is_code(code) then
        raise(RAISE, "bad argument #1 to 'close' (no code of a close)")
    elseif type(reason) ~= "string" or #reason > REASON_MAX
        or not core.websocket_is_utf8(reason) then
        raise(RAISE, ("bad argument #2 to 'close' (at most %d bytes of UTF-8 expected)")
            :format(REASON_MAX))
    end
end

-- Waits until the other side has closed, too.
local function hear_close(self)
    if self.receiving:is_taken() then
        local _, _, late = self.ended:recv(self.close_timeout)
        if late then
            return nil, "timeout", "ETIMEDOUT"
        end
    else
        receive_alone(self)
    end
    if not self.is_over then
        return nil, "timeout", "ETIMEDOUT"
    end
    return self.err == nil or nil, self.err, self.err_code
end

local function shake(self, code, reason)
    self.conn:set_deadline(self.close_timeout)
    core.websocket_owe_close(self.frames, code, reason)
    local ok, err, err_code = write(self)
    if not ok then
        return nil, err, err_code
    end
    return hear_close(self)
end

local function close_now(self)
    self.conn:close()
    end_now(self, "closed")
end

-- In no group: who is killed while it closes does not come to that.
local function oversee_close(self, closing)
    pcall(closing.wait, closing)
    close_now(self)
end

---Says that nothing follows, waits until the other side has said so, too, but no longer than
---close_timeout, and closes the connection, in any case. Messages that come meanwhile are dropped.
---@async
---@param code? integer  1000, "all is said", if absent; 3000 to 4999 are for applications
---@param reason? string  123 bytes at most
---@return true? ok
---@return string? err  "timeout": no answer
---@return string? err_code
function WebSocket:close(code, reason)
    code, reason = code or 1000, reason or ""
    check_reason(code, reason)
    if self.is_over or self.is_closing then
        return nil, "closed"
    end
    local overseer = core.async_alone(oversee_close, self, core.self())
    self.is_closing = true
    local ok, closed, err, err_code = pcall(shake, self, code, reason)
    close_now(self)
    overseer:cancel()
    if not ok then
        error(closed, 0)
    end
    return closed, err, err_code
end

---From so many seconds on `recv` and `send` time out, also those that wait now; nil takes that
---back.
---@param seconds? number
---@return true? ok
---@return string? err
function WebSocket:set_deadline(seconds)
    return self.conn:set_deadline(seconds)
end

---The address of the other side.
---@return string? address
---@return string? err
---@return string? code
function WebSocket:remote_addr()
    return self.conn:remote_addr()
end

local websocket = {}

---A WebSocket whose handshake is done.
---@param wire table  with what has come behind the handshake
---@param is_server boolean
---@param opts table
---@param protocol string?
---@return lagoon.WebSocket
function websocket.new(wire, is_server, opts, protocol)
    return setmetatable({
        conn = wire.conn, wire = wire, protocol = protocol,
        frames = core.websocket_frames(is_server, opts.max_message_bytes or 8 * 1024 * 1024),
        close_timeout = opts.close_timeout or 5,
        lock = turn.new(), receiving = turn.new(), ended = chan.new(), pings = {}, npings = 0,
    }, WebSocket)
end

return websocket
