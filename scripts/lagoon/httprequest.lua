-- SPDX-License-Identifier: MIT
--
-- A request, as a handler sees it.
local core = require "lagoon.core"
local task = require "lagoon.task"
local headers = require "lagoon.httpheaders"
local httptarget = require "lagoon.httptarget"

local load = require -- of what few need, when they do

---@class lagoon.HttpRequest
---@field method string
---@field target string  as it came
---@field path string  percent-decoded
---@field query string  as it came, without the question mark; "" if there is none
---@field version string  "HTTP/1.1" or "HTTP/1.0"
---@field host string  the header Host, or what stands in the target
---@field headers lagoon.Headers
---@field remote_addr string
---@field content_length integer?  nil for a chunked body
---@field tls lagoon.TlsInfo?  nil without TLS
local Request = {}

-- What few handlers ask for is made when one does.
local LATE = {
    headers = function(self)
        return headers.of_list(core.http_fields(self.fields))
    end,
    host = function(self)
        return self.headers:get("Host") or ""
    end,
    remote_addr = function(self)
        return self.link.peer
    end,
    content_length = function(self)
        return self.body.length
    end,
    tls = function(self)
        return self.link.server.opts.tls and self.link.conn:tls() or nil
    end,
}

local request_mt = {}

function request_mt.__index(self, key)
    local make = LATE[key]
    if not make then
        return Request[key]
    end
    local value = make(self)
    rawset(self, key, value)
    return value
end

---Reads the body as it comes: see lagoon.HttpBody. The first call asks a client for it that
---waits to be asked ("Expect: 100-continue").
---@async
---@param format? integer|"*l"|"*L"|"*a"
---@return string? data
---@return string? err
---@return string? code
function Request:read(format)
    return self.body:read(format)
end

---Reads the body, all of it, as JSON. Raises where lua-cjson is not installed.
---@async
---@return any value  http.null for null
---@return string? err
---@return string? code  "EPROTO" where it is no JSON
function Request:json()
    return load("lagoon.json").read(self)
end

---Takes the connection out of HTTP's hands: answers the handshake of a WebSocket. Where it is none,
---or is not allowed, it answers that, too, and the handler has nothing left to do. When the handler
---returns, the WebSocket is closed, with 1000, or with 1011 after an error. Call it before anything
---is written; `res.headers` goes along. Go: `websocket.Accept`.
---@async
---@param opts? lagoon.WebSocketAcceptOptions
---@return lagoon.WebSocket? ws
---@return string? err
---@return string? code
function Request:websocket(opts)
    local ws, err, code = load("lagoon.websocketserver").accept(self, self.link.response, opts)
    self.link.websocket = ws
    if ws and self.link.server.is_closing then
        task.go(ws.close, ws, 1001)
    end
    return ws, err, code
end

local httprequest = {}

---A request whose head has just been taken apart; nil if its target is none for its method.
---@param link table  the connection, of lagoon.httpserver
---@param method string
---@param target string
---@param minor integer
---@param fields string  their text
---@param body lagoon.HttpBody
---@param is_plain_path boolean  the target is a path, and nothing in it is to be decoded
---@return lagoon.HttpRequest?
function httprequest.new(link, method, target, minor, fields, body, is_plain_path)
    local path, query, host = target, "", nil
    if not is_plain_path then
        path, query, host = httptarget.parse(method, target)
    end
    if not path then
        return nil
    end
    local req = setmetatable({
        link = link, method = method, target = target, path = path, query = query,
        version = minor == 0 and "HTTP/1.0" or "HTTP/1.1", fields = fields, body = body,
    }, request_mt)
    if host then
        req.host = host
    end
    return req
end

return httprequest
