-- SPDX-License-Identifier: MIT
--
-- The server's half of a WebSocket's handshake (RFC 6455, 4.2).
local core = require "lagoon.core"
local handshake = require "lagoon.websockethandshake"
local websocket = require "lagoon.websocket"

local raise, RAISE = core.raise, core.RAISE

---@class lagoon.WebSocketAcceptOptions
---@field protocols string[]?  subprotocols, the best one first: the client gets the first of them
---that it offers
---@field check_origin (fun(req: lagoon.HttpRequest): boolean)?  whether a page may connect. If
---absent, pages of the same host may, and clients that are no browsers
---@field max_message_bytes integer?  8 MB if absent: beyond it the connection ends with 1009
---@field close_timeout number?  seconds that closing waits for the other side, 5 if absent

local TYPES = { check_origin = "function" }

-- A browser says which page it is that asks; a page of another host may not use its cookies here.
local function is_same_origin(req)
    local origin = req.headers:get("Origin")
    local host = origin and origin:match("^%a[%w+.-]*://(.*)$")
    return not origin or (host ~= nil and host:lower() == req.host:lower())
end

local function is_key(key)
    return key ~= nil and key:find("^[%w+/]*==$") ~= nil and #key == 24
end

-- What is wrong with a handshake: status, message; nil: nothing.
local function fault_of(req, opts)
    local headers = req.headers
    if not handshake.has_word(headers, "Upgrade", "websocket")
        or not handshake.has_word(headers, "Connection", "upgrade") then
        return 426, "this is a WebSocket"
    elseif headers:get("Sec-WebSocket-Version") ~= "13" then
        return 426, "version 13 of WebSocket is wanted"
    elseif req.method ~= "GET" or req.version ~= "HTTP/1.1" or req.content_length ~= 0 then
        return 400, "a handshake is a GET of HTTP/1.1 without a body"
    elseif #headers:all("Sec-WebSocket-Key") ~= 1 or not is_key(headers["Sec-WebSocket-Key"]) then
        return 400, "bad Sec-WebSocket-Key"
    elseif not (opts.check_origin or is_same_origin)(req) then
        return 403, "this origin may not connect"
    end
end

local function refuse(res, status, message)
    res.status = status
    if status == 426 then
        res.headers["Upgrade"] = "websocket"
        res.headers["Connection"] = "Upgrade, close"
        res.headers["Sec-WebSocket-Version"] = "13"
    end
    res:write(message, "\n")
    res:finish()
    return nil, message, "EPROTO"
end

local function choose(req, names)
    local offered = {}
    for _, name in ipairs(handshake.words(req.headers, "Sec-WebSocket-Protocol")) do
        offered[name] = true
    end
    for _, name in ipairs(names or {}) do
        if offered[name] then
            return name
        end
    end
end

local websocketserver = {}

---As lagoon.HttpRequest.websocket.
---@async
---@param req table
---@param res table
---@param opts? lagoon.WebSocketAcceptOptions
---@return lagoon.WebSocket? ws
---@return string? err
---@return string? code
function websocketserver.accept(req, res, opts)
    opts = opts or {}
    handshake.check(opts, TYPES)
    if res:has_begun() or res.nheld > 0 then
        raise(RAISE, "the response has begun")
    end
    local status, message = fault_of(req, opts)
    if status then
        return refuse(res, status, message)
    end
    local protocol = choose(req, opts.protocols)
    local key = req.headers:get("Sec-WebSocket-Key")
    local ok, err, code = res:switch {
        "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Accept: " .. core.websocket_accept(key),
        protocol and "Sec-WebSocket-Protocol: " .. protocol,
    }
    if not ok then
        return nil, err, code
    end
    req.link.conn:set_deadline(nil)
    return websocket.new(req.link.wire, true, opts, protocol)
end

return websocketserver
