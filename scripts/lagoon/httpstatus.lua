-- SPDX-License-Identifier: MIT
--
-- What responses begin with: the line of the status, the moment, and the head of those that are
-- like most, which is made once a second.
local core = require "lagoon.core"

local raise, RAISE = core.raise, core.RAISE
local format, time = string.format, os.time

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

local date_time, date_text

local lines = {} -- by status
local plain_heads = {} -- by status, of this second

local httpstatus = {
    ---What a body is that nothing is said of.
    CONTENT_TYPE = "Content-Type: text/plain; charset=utf-8\r\n",
}

---The moment, without the names that a locale would choose.
---@return string
function httpstatus.date()
    local now = time()
    if now ~= date_time then
        local d = os.date("!*t", now)
        date_time, date_text = now, format("%s, %02d %s %d %02d:%02d:%02d GMT", DAYS[d.wday],
            d.day, MONTHS[d.month], d.year, d.hour, d.min, d.sec)
        plain_heads = {}
    end
    return date_text
end

local function check_status(status)
    if type(status) ~= "number" or status % 1 ~= 0 or status < 200 or status > 999 then
        raise(RAISE, "the status of a response must be a whole number from 200 to 999")
    end
end

---The first line of a response, with its end. Raises for what is no status.
---@param status any
---@return string
function httpstatus.line(status)
    local line = lines[status]
    if not line then
        check_status(status)
        line = format("HTTP/1.1 %d %s\r\n", status, REASONS[status] or "")
        lines[status] = line
    end
    return line
end

---The head of a response with a body, of which nothing special is to be said, up to its length,
---which has to follow, with the empty line.
---@param status any
---@return string
function httpstatus.plain_head(status)
    local moment = httpstatus.date()
    local head = plain_heads[status]
    if not head then
        head = httpstatus.line(status) .. "Date: " .. moment .. "\r\n" .. httpstatus.CONTENT_TYPE
            .. "Content-Length: "
        plain_heads[status] = head
    end
    return head
end

---The whole text of a response that the server gives by itself, before it closes.
---@param status integer
---@param message string
---@return string
function httpstatus.refusal(status, message)
    local text = message .. "\n"
    return format("%sDate: %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s",
        httpstatus.line(status), httpstatus.date(), httpstatus.CONTENT_TYPE, #text, text)
end

return httpstatus
