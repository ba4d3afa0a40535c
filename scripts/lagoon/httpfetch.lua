-- SPDX-License-Identifier: MIT
--
-- One request and its response: what a transfer of the core's brings, as head and body. The head is
-- held against the same rules as those that the server reads.
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle
local task = require "lagoon.task"
local time = require "lagoon.time"
local headers = require "lagoon.httpheaders"
local httpbody = require "lagoon.httpbody"

local UNTIL_CLOSE = -2 -- where bodies end, the core tells

-- Seconds that are left; nil: for good.
local function left(ask)
    return ask.deadline and math.max(ask.deadline - time.now(), 0)
end

-- -- what is sent --

-- Sends what a function gives, until that is nil or the server has had enough.
local function send_pieces(ask, transfer)
    for piece in ask.body do
        if type(piece) ~= "string" then
            error("a body's function must return strings, not a " .. type(piece), 0)
        elseif not settle(core.fetch_write(transfer, piece)) then
            return
        end
    end
    core.fetch_finish(transfer)
end

-- The goroutine of that. What goes wrong in it, who waits for the response is to know.
local function pump(source)
    local ok, err = pcall(send_pieces, source.ask, source.transfer)
    if not ok and not source.is_closed then
        source.failure = { err }
        core.fetch_close(source.transfer)
    end
end

-- -- what comes --

-- What a wire reads.
local Source = {}
Source.__index = Source

-- Passes the results of a call on a transfer on, or raises what the body's function has raised.
local function but_for_failure(source, ...)
    if source.failure and not ... then
        error(source.failure[1], 0)
    end
    return ...
end

---Some of the body; nil at its end.
---@async
---@return string? data
---@return string? err
---@return string? code
function Source:read()
    return but_for_failure(self, settle(core.fetch_read(self.transfer, left(self.ask))))
end

---Ends the transfer: its connection is closed, unless all of it has come.
function Source:close()
    self.is_closed = true
    core.fetch_close(self.transfer)
    if self.pump then
        self.pump:cancel()
    end
end

-- HTTP/2 has no reasons; else its heads, as libcurl writes them, are the same.
local function parse(ask, text)
    local version = text:match("^HTTP/[^ \r\n]*")
    local is_later = version and version:find("^HTTP/[23]")
    local size, status, reason, minor, fields, framing = core.http_response(
        is_later and "HTTP/1.1" .. text:sub(#version + 1) or text, 1, 0, ask.max_header_bytes)
    if not size then
        return nil, "not a response of HTTP/1.1: " .. tostring(reason), "EPROTO"
    end
    return {
        status = status, reason = reason, headers = headers.of_list(fields), framing = framing,
        version = is_later and version or minor == 0 and "HTTP/1.0" or "HTTP/1.1",
    }
end

local function receive(ask, place, source)
    local text, err, code = but_for_failure(source,
        settle(core.fetch_head(source.transfer, left(ask))))
    if not text then
        if code == "EPROTO" and err:find("HTTP/0.9", 1, true) then
            err = "not a response of HTTP/1.1: bad version"
        end
        return nil, err, code
    end
    local res, fault, fault_code = parse(ask, text)
    if not res then
        return nil, fault, fault_code
    end
    local has_none = ask.method == "HEAD" or res.framing == 0
    res.framing = nil
    res.url = place.url
    res.source = source
    res.body = httpbody.new(httpbody.wire(source), has_none and 0 or UNTIL_CLOSE, math.huge)
    return res
end

-- -- both --

local function field_lines(ask)
    local lines = {}
    for name, value in ask.headers:each() do
        lines[#lines + 1] = value == "" and name .. ";" or name .. ": " .. value
    end
    return lines
end

local function begin(ask, place)
    local body, ca = ask.body, ask.ca
    if not body and (ask.method == "POST" or ask.method == "PUT") then
        body = ""
    end
    local is_text = ca and ca:find("-----BEGIN", 1, true)
    return core.fetch_open {
        url = place.url, method = ask.method, fields = field_lines(ask), proxy = ask.proxy,
        body = type(body) == "function" or body, max_header_bytes = ask.max_header_bytes,
        ca_text = is_text and ca or nil, ca_file = not is_text and ca or nil,
        is_unverified = ask.verify == false, is_http1 = ask.http2 == false,
        is_compressed = ask.compressed,
    }
end

local httpfetch = {}

---Asks, and returns the response when its head is there; a response's `source` is to be closed.
---A transfer that no response holds is closed at once, also when the goroutine is cancelled.
---@async
---@param ask table  what is asked for, see httpclient.lua
---@param place table  of whom, as httpurl.parse() gave it
---@return table? response
---@return string? err
---@return string? code
function httpfetch.ask(ask, place)
    if core.fetch_missing() then
        settle(core.fetch_load())
        if core.fetch_missing() then
            return nil, core.fetch_missing(), "ENOSYS"
        end
    end
    local transfer, open_err, open_code = begin(ask, place)
    if not transfer then
        return nil, open_err, open_code
    end
    local source = setmetatable({ transfer = transfer, ask = ask }, Source)
    if type(ask.body) == "function" then
        source.pump = task.async(pump, source)
    end
    local ok, res, err, code = pcall(receive, ask, place, source)
    if not (ok and res) then
        source:close()
    end
    if not ok then
        error(res, 0)
    end
    return res, err, code
end

---Closes the connections that are kept for further requests of this Lua state; where responses are
---still being read, when the last of them has ended. Go: `Client.CloseIdleConnections`.
function httpfetch.close_idle()
    core.fetch_close_idle()
end

return httpfetch
