-- SPDX-License-Identifier: MIT
--
-- What a connection brings, as heads and bodies of HTTP messages.
--
-- A wire holds what has been read of a connection and not been used. A body reads on until its
-- message is over, and not a byte further: what follows is the next message's.
local core = require "lagoon.core"

local raise, RAISE = core.raise, core.RAISE
local chunk, sub, concat, find = core.http_chunk, string.sub, table.concat, string.find

local CHUNKED, UNTIL_CLOSE = -1, -2

---@class lagoon.HttpWire
local Wire = {}
Wire.__index = Wire

---Waits for more. nil at the end of the stream, or nil, err, code.
---@async
---@return true? ok
---@return string? err
---@return string? code
function Wire:more()
    local data, err, code = self.conn:read()
    if not data then
        return nil, err, code
    end
    if self.at <= #self.text then
        data = sub(self.text, self.at) .. data
    end
    self.text, self.at = data, 1
    return true
end

---Whether something is there that has not been used.
---@return boolean
function Wire:has_text()
    return self.at <= #self.text
end

---Reads a head: what `parse` returns, or nil, err, code.
---@async
---@param parse function  of core: for requests or for responses
---@param max_bytes integer
---@param on_partial? fun(arg: any)  is called once there is a part of a head, but not all
---@param arg? any
---@return any ...
function Wire:head(parse, max_bytes, on_partial, arg)
    local scanned = 0
    while true do
        if self:has_text() then
            local size, b, c, d, e, f, g, h, i = parse(self.text, self.at, scanned, max_bytes)
            if size then
                self.at = self.at + size
            end
            if size ~= nil then
                return size, b, c, d, e, f, g, h, i
            end
            if scanned == 0 and on_partial then
                on_partial(arg)
            end
            scanned = b
        end
        local ok, err, code = self:more()
        if not ok then
            return nil, err or "unexpected end of stream", code or "EOF"
        end
    end
end

---@class lagoon.HttpBody
local Body = {}
Body.__index = Body

local function fail(self, err, code)
    self.err, self.code = err, code
    return nil, err, code
end

-- Of so many bytes.
local function take_counted(self, wire)
    local data
    if wire.at == 1 and #wire.text <= self.left then
        data, wire.text = wire.text, ""
    else
        data = sub(wire.text, wire.at, wire.at + self.left - 1)
        wire.at = wire.at + #data
    end
    self.left = self.left - #data
    self.is_done = self.left == 0
    return data
end

-- Of chunks. nil: there is not enough, or the body is over, or it is wrong.
local function take_chunked(self, wire)
    local data, at = chunk(self.chunks, wire.text, wire.at)
    if data == false then
        return fail(self, at, "EPROTO")
    end
    wire.at = at
    if data == true then
        self.is_done = true
        return nil
    end
    self.size = self.size + (data and #data or 0)
    if self.size > self.max_bytes then
        return fail(self, "body too large", "EFBIG")
    end
    return data
end

local function take(self, wire)
    if self.left then
        return take_counted(self, wire)
    elseif self.chunks then
        return take_chunked(self, wire)
    end
    local data = sub(wire.text, wire.at)
    wire.text, wire.at = "", 1
    return data
end

-- The stream has ended, or cannot be read just now.
local function at_end(self, err, code)
    if err then
        return nil, err, code
    elseif self.left or self.chunks then
        return fail(self, "unexpected end of stream", "EOF")
    end
    self.is_done = true
end

---What comes next. nil at the end of the body, or nil, err, code.
---@async
---@return string? data
---@return string? err
---@return string? code
function Body:piece()
    if self.before_first then
        local ok, err, code = self.before_first()
        if not ok then
            return nil, err, code
        end
        self.before_first = nil
    end
    local wire = self.wire
    while not self.is_done and not self.err do
        local data = wire:has_text() and take(self, wire)
        if data then
            return data
        elseif not self.is_done and not self.err then
            if self.before_read then
                self.before_read()
            end
            local ok, err, code = wire:more()
            if not ok then
                return at_end(self, err, code)
            end
        end
    end
    return nil, self.err, self.code
end

-- Reads on until n bytes are pending. What came before an error stays pending.
local function collect(self, n)
    local parts, total = { self.pending }, #self.pending
    local data, err, code
    while total < n do
        data, err, code = self:piece()
        if not data then
            break
        end
        parts[#parts + 1] = data
        total = total + #data
    end
    self.pending = concat(parts)
    return err, code
end

-- The first n of what is pending.
local function shift(self, n)
    local data = self.pending
    self.pending = sub(data, n + 1)
    return sub(data, 1, n)
end

local function read_some(self)
    if self.pending ~= "" then
        return shift(self, #self.pending)
    end
    return self:piece()
end

local function read_count(self, n)
    local err, code = collect(self, n)
    if err and #self.pending < n then
        return nil, err, code
    elseif self.pending == "" and n > 0 then
        return nil
    end
    return shift(self, n)
end

local function read_line(self, keeps_newline)
    local from = 1
    while true do
        local at = find(self.pending, "\n", from, true)
        if at then
            local line = shift(self, at)
            return keeps_newline and line or sub(line, 1, -2)
        end
        from = #self.pending + 1
        local err, code = collect(self, from)
        if err then
            return nil, err, code
        elseif #self.pending < from then -- the end
            return from > 1 and shift(self, from) or nil
        end
    end
end

local function read_all(self)
    local err, code = collect(self, math.huge)
    if err then
        return nil, err, code
    end
    return shift(self, #self.pending)
end

---Reads as a connection does: what has come, so many bytes, "*l", "*L" or "*a". nil at the end of
---the body. What came before an error or a time-out is read by the next call.
---@async
---@param format? integer|"*l"|"*L"|"*a"
---@return string? data
---@return string? err
---@return string? code  "EOF" where the other side has left in the middle, "EFBIG" beyond the limit
function Body:read(format)
    if format == nil then
        return read_some(self)
    elseif type(format) == "number" and format >= 0 then
        return read_count(self, format)
    end
    local letter = type(format) == "string" and format:gsub("^%*", "")
    if letter == "a" then
        return read_all(self)
    elseif letter == "l" or letter == "L" then
        return read_line(self, letter == "L")
    end
    raise(RAISE, "bad argument #1 to 'read' (invalid format)")
end

---Reads and forgets what is left. Whether that was all.
---@async
---@param max_bytes integer  no more than about so many
---@return boolean?
function Body:discard(max_bytes)
    self.pending = ""
    local n = 0
    while n <= max_bytes do
        local data = self:piece()
        if not data then
            break
        end
        n = n + #data
    end
    return self.is_done
end

local httpbody = {
    ---That of all requests without one: nothing ever changes in it.
    NONE = setmetatable({ pending = "", is_done = true, length = 0, code = false,
        before_first = false }, Body),
}

---What comes over a connection.
---@param conn lagoon.Conn
function httpbody.wire(conn)
    return setmetatable({ conn = conn, text = "", at = 1 }, Wire)
end

---The body behind a head that has just been read.
---@param wire table
---@param framing number  what the parser said of it
---@param max_bytes number  for chunks
---@param before_read? fun()
---@return lagoon.HttpBody
function httpbody.new(wire, framing, max_bytes, before_read)
    local body = { wire = wire, pending = "", size = 0, max_bytes = max_bytes,
        before_read = before_read }
    if framing == CHUNKED then
        body.chunks = core.http_chunks()
    elseif framing ~= UNTIL_CLOSE then
        body.left, body.length = framing, framing
        body.is_done = framing == 0
    end
    return setmetatable(body, Body)
end

return httpbody
