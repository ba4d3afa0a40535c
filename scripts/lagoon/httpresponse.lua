-- SPDX-License-Identifier: MIT
--
-- The response to a request, as its handler writes it.
--
-- What is written is held back at first: a short response then goes out in one piece and tells its
-- length. A longer one is chunked. To a client of HTTP/1.0, which could not tell a response
-- that breaks off from a whole one, it is held back until its length is known.
local core = require "lagoon.core"
local headers = require "lagoon.httpheaders"

local raise, RAISE = core.raise, core.RAISE
local concat, format, get = table.concat, string.format, headers.get
local load = require

local HELD_MAX = 4096

local REASONS = {
    [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No Content",
    [206] = "Partial Content",
    [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
    [307] = "Temporary Redirect", [308] = "Permanent Redirect",
    [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
    [405] = "Method Not Allowed", [406] = "Not Acceptable", [408] = "Request Timeout",
    [409] = "Conflict", [410] = "Gone", [411] = "Length Required", [412] = "Precondition Failed",
    [413] = "Content Too Large", [414] = "URI Too Long", [415] = "Unsupported Media Type",
    [416] = "Range Not Satisfiable", [417] = "Expectation Failed",
    [422] = "Unprocessable Content", [426] = "Upgrade Required", [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway",
    [503] = "Service Unavailable", [504] = "Gateway Timeout",
    [505] = "HTTP Version Not Supported",
}

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

local CONTENT_TYPE = "Content-Type: text/plain; charset=utf-8\r\n"

local date_time, date_text, date_line

local first_lines = {} -- by status

-- The moment, and the line that says it, without the names that a locale would choose.
local function date()
    local now = os.time()
    if now ~= date_time then
        local d = os.date("!*t", now)
        date_time, date_text = now, format("%s, %02d %s %d %02d:%02d:%02d GMT", DAYS[d.wday],
            d.day, MONTHS[d.month], d.year, d.hour, d.min, d.sec)
        date_line = "Date: " .. date_text .. "\r\n"
    end
    return date_text, date_line
end

---@class lagoon.HttpResponseWriter
---@field status integer  200 to 999
---@field headers lagoon.Headers
local Response = {}
Response.__index = Response

local function has_no_body(status)
    return status == 204 or status == 304
end

-- The length that the handler has promised; nil: none.
local function promised(own)
    if not get(own, "Content-Length") then
        return nil
    end
    local lengths = own:all("Content-Length")
    if #lengths > 1 or not lengths[1]:find("^%d+$") or #lengths[1] > 15 then
        raise(RAISE, "the header Content-Length must be one whole number")
    end
    return tonumber(lengths[1])
end

-- Decides how the body ends; the line that says so, "" if the handler has. is_whole: what is held
-- is all of it.
local function frame(self, is_whole)
    local own, line = self.headers, ""
    if get(own, "Transfer-Encoding") then
        raise(RAISE, "the header Transfer-Encoding is not for handlers")
    end
    self.left = promised(own)
    if has_no_body(self.status) then
        if self.nheld > 0 then
            raise(RAISE, ("a response with status %d has no body"):format(self.status))
        end
        if self.status == 204 then
            own:set("Content-Length", nil)
        end
        self.left = nil
    elseif not self.left and is_whole and (not self.is_head or self.nheld > 0) then
        self.left = self.nheld
        line = "Content-Length: " .. self.nheld .. "\r\n"
    elseif not self.left and self.minor > 0 then
        self.is_chunked = not self.is_head
        line = "Transfer-Encoding: chunked\r\n"
    end
    if self.left and self.nheld > self.left then
        raise(RAISE, "more was written than Content-Length says")
    elseif self.left and is_whole and self.nheld < self.left and not self.is_head then
        raise(RAISE, "less was written than Content-Length says")
    end
    return line
end

local function check_status(status)
    if type(status) ~= "number" or status % 1 ~= 0 or status < 200 or status > 999 then
        raise(RAISE, "the status of a response must be a whole number from 200 to 999")
    end
end

local function wants_close(own)
    local value = get(own, "Connection")
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
    if self.is_head or text == "" then
        return ""
    elseif self.is_chunked then
        return format("%x\r\n", #text) .. text .. "\r\n"
    end
    return text
end

local function first_line(status)
    local line = first_lines[status]
    if not line then
        check_status(status)
        line = format("HTTP/1.1 %d %s\r\n", status, REASONS[status] or "")
        first_lines[status] = line
    end
    return line
end

-- The line that says what becomes of the connection, if one has to.
local function connection_line(self)
    local closes = wants_close(self.headers)
    self.keeps_alive = self.keeps_alive and not closes and self:may_keep()
    if not self.keeps_alive and not closes then
        return "Connection: close\r\n"
    end
    return self.keeps_alive and self.minor == 0 and "Connection: keep-alive\r\n" or ""
end

-- The head, as text, with what is held behind it. From here on status and headers are settled.
local function begin(self, is_whole)
    local first, own = first_line(self.status), self.headers
    local framing = frame(self, is_whole)
    self.has_begun = true
    local connection = connection_line(self)
    local _, moment = date()
    if get(own, "Date") then
        moment = ""
    end
    local kind = self.nheld > 0 and not get(own, "Content-Type") and CONTENT_TYPE or ""
    return first .. headers.text(own) .. framing .. moment .. kind .. connection .. "\r\n"
        .. framed(self, take_held(self))
end

-- Sends text; what fails here makes the connection useless.
local function send(self, text)
    if self.is_broken then
        return nil, "closed"
    end
    self.before_write()
    local n, err, code = self.conn:write(text)
    if not n then
        self.is_broken = true
        return nil, err, code
    end
    return true
end

-- Sends what is held, with the head if that has not gone.
local function send_held(self, is_whole)
    return send(self, self.has_begun and framed(self, take_held(self)) or begin(self, is_whole))
end

-- Whether the length of the response must be known before any of it goes.
local function must_hold(self)
    return self.minor == 0 and not self.has_begun and not get(self.headers, "Content-Length")
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
    if self.is_finished then
        raise(RAISE, "the response is finished")
    elseif has_no_body(self.status) and text ~= "" then
        raise(RAISE, ("a response with status %d has no body"):format(self.status))
    elseif self.has_begun and self.left and not self.is_head and #text > self.left - self.nheld then
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
    if not get(self.headers, "Content-Type") then
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
    if self.is_finished or must_hold(self) then
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
    if self.is_finished then
        return true
    end
    local text = self.has_begun and framed(self, take_held(self)) or begin(self, true)
    if self.is_chunked then
        text = text .. "0\r\n\r\n"
    end
    self.is_finished = true
    if self.left and self.left > 0 and not self.is_head then
        self.is_broken = true
        raise(RAISE, "less was written than Content-Length says")
    end
    return text == "" or send(self, text)
end

---For the server: forgets what is held, for another response instead; nothing has gone yet.
---@param status integer
---@param text string
function Response:reset(status, text)
    self.status, self.headers = status, headers.of_list()
    self.held, self.nheld, self.is_finished = text, #text, false
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
    self.has_begun, self.is_finished, self.keeps_alive = true, true, false
    return send(self, concat(lines, "\r\n"))
end

local httpresponse = {}

---A response that has not begun.
---@param exchange table  conn, minor, is_head, keeps_alive; may_keep(exchange), which is asked once
---more before the head goes, and before_write(). Becomes the response
---@return lagoon.HttpResponseWriter
function httpresponse.new(exchange)
    exchange.status, exchange.headers = 200, headers.of_list()
    exchange.held, exchange.nheld = "", 0
    return setmetatable(exchange, Response)
end

---The whole text of a response that the server gives by itself, before it closes.
---@param status integer
---@param message string
---@return string
function httpresponse.refusal(status, message)
    local text = message .. "\n"
    return format("%sDate: %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s",
        first_line(status), (date()), CONTENT_TYPE, #text, text)
end

return httpresponse
