-- SPDX-License-Identifier: MIT
--
-- The response to a request, as its handler writes it.
--
-- What is written is held back at first: a short response then goes out in one piece and tells its
-- length. A longer one is chunked. To a client of HTTP/1.0, which could not tell a response
-- that breaks off from a whole one, it is held back until its length is known.
local core = require "lagoon.core"
local headers = require "lagoon.httpheaders"
local httpstatus = require "lagoon.httpstatus"

local raise, RAISE, OK = core.raise, core.RAISE, core.OK
local concat, format = table.concat, string.format
local first_line, plain_head, date = httpstatus.line, httpstatus.plain_head, httpstatus.date
local CONTENT_TYPE, http_send = httpstatus.CONTENT_TYPE, core.http_send
local load = require

local HELD_MAX = 4096

-- How far a response has gone.
local HELD, BEGUN, FINISHED, BROKEN = 0, 1, 2, 3

---@class lagoon.HttpResponseWriter
---@field status integer  200 to 999
---@field headers lagoon.Headers
local Response = {}

local response_mt = {}

-- Most handlers are content with the headers that there are anyway.
function response_mt.__index(self, key)
    if key ~= "headers" then
        return Response[key]
    end
    local own = self.own or headers.of_list()
    self.own = own
    return own
end

-- What the handler has set, or nil.
local function get(self, name)
    return self.own and headers.get(self.own, name)
end

local function has_no_body(status)
    return status == 204 or status == 304
end

-- The length that the handler has promised; false: none.
local function promised(self)
    if not get(self, "Content-Length") then
        return false
    end
    local lengths = self.own:all("Content-Length")
    if #lengths > 1 or not lengths[1]:find("^%d+$") or #lengths[1] > 15 then
        raise(RAISE, "the header Content-Length must be one whole number")
    end
    return tonumber(lengths[1])
end

-- Decides how the body ends; the line that says so, "" if the handler has. is_whole: what is held
-- is all of it.
local function frame(self, is_whole)
    local req, line = self.req, ""
    local is_head = req.method == "HEAD"
    if get(self, "Transfer-Encoding") then
        raise(RAISE, "the header Transfer-Encoding is not for handlers")
    end
    self.left = promised(self)
    if has_no_body(self.status) then
        if self.nheld > 0 then
            raise(RAISE, ("a response with status %d has no body"):format(self.status))
        end
        if self.status == 204 then
            self.headers:set("Content-Length", nil)
        end
        self.left = false
    elseif not self.left and is_whole and (not is_head or self.nheld > 0) then
        self.left = self.nheld
        line = "Content-Length: " .. self.nheld .. "\r\n"
    elseif not self.left and req.version == "HTTP/1.1" then
        self.is_chunked = not is_head
        line = "Transfer-Encoding: chunked\r\n"
    end
    if self.left and self.nheld > self.left then
        raise(RAISE, "more was written than Content-Length says")
    elseif self.left and is_whole and self.nheld < self.left and not is_head then
        raise(RAISE, "less was written than Content-Length says")
    end
    return line
end

local function wants_close(self)
    local value = get(self, "Connection")
    return value and value:lower():find("close", 1, true)
end

-- One piece is a string by itself, several are a table.
local function take_held(self)
    local held = self.held
    self.held, self.nheld = "", 0
    return type(held) == "table" and concat(held) or held
end

local function hold(self, text)
    local held = self.held
    if held == "" then
        self.held = text
    elseif type(held) == "table" then
        held[#held + 1] = text
    else
        self.held = { held, text }
    end
    self.nheld = self.nheld + #text
end

-- A part of the body as it goes over the wire.
local function framed(self, text)
    if self.left then
        self.left = self.left - #text
    end
    if self.req.method == "HEAD" or text == "" then
        return ""
    elseif self.is_chunked then
        return format("%x\r\n", #text) .. text .. "\r\n"
    end
    return text
end

-- Who still waits to be asked for the body may send it or not: nobody knows.
local function keeps_alive(self)
    local req = self.req
    local link = req.link
    return link.keeps_alive and not link.server.is_closing and not req.body.before_first
end

-- The line that says what becomes of the connection, if one has to.
local function connection_line(self)
    local req, closes = self.req, wants_close(self)
    local keeps = keeps_alive(self) and not closes
    req.link.keeps_alive = keeps
    if not keeps and not closes then
        return "Connection: close\r\n"
    end
    return keeps and req.version == "HTTP/1.0" and "Connection: keep-alive\r\n" or ""
end

-- Whether all of the response is there, and there is nothing special to be said of it.
local function is_plain(self)
    local req = self.req
    return not self.own and self.nheld > 0 and not has_no_body(self.status)
        and req.version == "HTTP/1.1" and req.method ~= "HEAD" and keeps_alive(self)
end

-- The head, as text, with what is held behind it. From here on status and headers are settled.
local function begin(self, is_whole)
    if is_whole and is_plain(self) then
        local head, size = plain_head(self.status), self.nheld
        self.stage, self.left = BEGUN, 0
        return head .. size .. "\r\n\r\n" .. take_held(self)
    end
    local first = first_line(self.status)
    local framing = frame(self, is_whole)
    self.stage = BEGUN
    local connection = connection_line(self)
    local moment = get(self, "Date") and "" or "Date: " .. date() .. "\r\n"
    local kind = self.nheld > 0 and not get(self, "Content-Type") and CONTENT_TYPE or ""
    return first .. (self.own and headers.text(self.own) or "") .. framing .. moment .. kind
        .. connection .. "\r\n" .. framed(self, take_held(self))
end

-- Sends text; what fails here makes the connection useless.
local function send(self, text)
    if self.stage == BROKEN then
        return nil, "closed"
    end
    local link = self.req.link
    local result, n, err, code = http_send(link.conn, link.server.opts.io_timeout, text)
    if result ~= OK then
        raise(result, n)
    elseif not n then
        self.stage = BROKEN
        return nil, err, code
    end
    return true
end

-- Sends what is held, with the head if that has not gone.
local function send_held(self, is_whole)
    return send(self, self.stage == HELD and begin(self, is_whole)
        or framed(self, take_held(self)))
end

-- Whether the length of the response must be known before any of it goes.
local function must_hold(self)
    return self.req.version == "HTTP/1.0" and self.stage == HELD
        and not get(self, "Content-Length")
end

local function check_text(...)
    for i = 1, select("#", ...) do
        local kind = type((select(i, ...)))
        if kind ~= "string" and kind ~= "number" then
            raise(RAISE, ("bad argument #%d to 'write' (a string expected, got %s)")
                :format(i, kind))
        end
    end
end

---Writes a part of the body. The first 4 KB are held back, unless `flush` is called: until then
---status and headers can be changed. Where the client is slow, it waits. Raises for more than a
---Content-Length, or a body where there is none. Go: `ResponseWriter.Write`.
---@async
---@param ... string|number
---@return integer? n
---@return string? err  the client has gone, or takes nothing any more
---@return string? code
function Response:write(...)
    local text = ...
    if type(text) ~= "string" or select("#", ...) > 1 then
        check_text(...)
        text = concat { ... }
    end
    if self.stage == FINISHED then
        raise(RAISE, "the response is finished")
    elseif has_no_body(self.status) and text ~= "" then
        raise(RAISE, ("a response with status %d has no body"):format(self.status))
    elseif self.stage == BEGUN and self.left and self.req.method ~= "HEAD"
        and #text > self.left - self.nheld then
        raise(RAISE, "more was written than Content-Length says")
    end
    hold(self, text)
    if self.nheld >= HELD_MAX and not must_hold(self) then
        local ok, err, code = send_held(self, false)
        if not ok then
            return nil, err, code
        end
    end
    return #text
end

---Writes a value as JSON, of the type application/json unless the handler has set another one.
---Raises for what JSON has no word for, and where lua-cjson is not installed.
---@async
---@param value any  http.null for null
---@return integer? n
---@return string? err
---@return string? code
function Response:json(value)
    local text = load("lagoon.json").encode(value)
    if not get(self, "Content-Type") then
        self.headers:set("Content-Type", "application/json")
    end
    return self:write(text)
end

---Sends what has been held back. Nothing goes to a client of HTTP/1.0 before the length is
---known. Go: `Flusher.Flush`.
---@async
---@return true? ok
---@return string? err
---@return string? code
function Response:flush()
    if self.stage == FINISHED or must_hold(self) then
        return true
    end
    return send_held(self, false)
end

---Ends the response; it is done for a handler that returns.
---@async
---@return true? ok
---@return string? err
---@return string? code
function Response:finish()
    if self.stage == FINISHED then
        return true
    elseif self.stage == BROKEN then
        return nil, "closed"
    end
    local text = self.stage == HELD and begin(self, true) or framed(self, take_held(self))
    if self.is_chunked then
        text = text .. "0\r\n\r\n"
    end
    if self.left and self.left > 0 and self.req.method ~= "HEAD" then
        self.stage = BROKEN
        raise(RAISE, "less was written than Content-Length says")
    end
    self.stage = FINISHED
    return text == "" or send(self, text)
end

---For the server: whether a part of it may have gone.
---@return boolean
function Response:has_begun()
    return self.stage ~= HELD
end

---For the server: whether it is done, and nothing went wrong.
---@return boolean
function Response:is_whole()
    return self.stage == FINISHED
end

---For the server: forgets what is held, for another response instead; nothing has gone yet.
---@param status integer
---@param text string
function Response:reset(status, text)
    self.status, self.own = status, false
    self.held, self.nheld, self.stage = text, #text, HELD
end

-- What a handler's headers cannot say of a response without a body.
local NOT_SWITCHED = { "Content-Length", "Transfer-Encoding", "Connection", "Upgrade" }

---For the server: sends a head after which the connection is no longer HTTP's.
---@async
---@param own_lines string[]  fields, before the handler's
---@return true? ok
---@return string? err
---@return string? code
function Response:switch(own_lines)
    for _, name in ipairs(NOT_SWITCHED) do
        self.headers:set(name, nil)
    end
    local lines = { "HTTP/1.1 101 Switching Protocols", concat(own_lines, "\r\n"),
        "Date: " .. date() }
    for _, line in ipairs(headers.lines(self.headers)) do
        lines[#lines + 1] = line
    end
    lines[#lines + 1] = "\r\n"
    self.stage, self.req.link.keeps_alive = FINISHED, false
    return send(self, concat(lines, "\r\n"))
end

local httpresponse = {}

httpresponse.finish = Response.finish

---A response that has not begun.
---@param req lagoon.HttpRequest
---@return lagoon.HttpResponseWriter
function httpresponse.new(req)
    return setmetatable({ req = req, status = 200, held = "", nheld = 0, stage = HELD,
        left = false, is_chunked = false, own = false }, response_mt)
end

return httpresponse
