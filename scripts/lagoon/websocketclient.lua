-- SPDX-License-Identifier: MIT
--
-- The client's half of a WebSocket's handshake (RFC 6455, 4.1).
local core = require "lagoon.core"
local net = require "lagoon.net"
local time = require "lagoon.time"
local headers = require "lagoon.httpheaders"
local httpbody = require "lagoon.httpbody"
local handshake = require "lagoon.websockethandshake"
local websocket = require "lagoon.websocket"

local raise, RAISE = core.raise, core.RAISE
local HEADER_BYTES = 64 * 1024

---@class lagoon.WebSocketDialOptions
---@field protocols string[]?  subprotocols, the best one first
---@field headers table<string, string|number|table>?  lists for repeated ones
---@field timeout number?  seconds until the handshake is done
---@field tls lagoon.TlsOptions?  for wss; if absent, as the system trusts
---@field max_message_bytes integer?  8 MB if absent: beyond it the connection ends with 1009
---@field close_timeout number?  seconds that closing waits for the other side, 5 if absent

local TYPES = { headers = "table", timeout = "number", tls = "table" }

local PORTS = { ws = ":80", wss = ":443" }

-- What the handshake says by itself.
local OWN = { "Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding",
    "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions" }

local function bad_url(url)
    return nil, "not an address of a WebSocket: " .. url:gsub("[^\32-\126]", "?"), "EINVAL"
end

-- The authority, the address to dial, the target, and whether by TLS.
local function parse(url)
    local scheme, authority, target = url:match("^(%a+)://([%w%-._~:%[%]]+)([\33-\126]*)$")
    local port = scheme and PORTS[scheme:lower()]
    if not port or target:find("^[^/?]") or target:find("#", 1, true) then
        return bad_url(url)
    end
    local address = authority:find(":%d+$") and authority or authority:gsub(":$", "") .. port
    target = target:sub(1, 1) == "/" and target or "/" .. target
    return authority, address, target, port == PORTS.wss
end

local function request_text(authority, target, key, own, protocols)
    local lines = { ("GET %s HTTP/1.1"):format(target), "Host: " .. authority,
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " .. key }
    if protocols and protocols[1] then
        lines[#lines + 1] = "Sec-WebSocket-Protocol: " .. table.concat(protocols, ", ")
    end
    for _, line in ipairs(headers.lines(own)) do
        lines[#lines + 1] = line
    end
    lines[#lines + 1] = "\r\n"
    return table.concat(lines, "\r\n")
end

local function is_offered(protocol, protocols)
    for _, name in ipairs(protocols or {}) do
        if name == protocol then
            return true
        end
    end
    return false
end

-- What is wrong with an answer; nil: nothing.
local function fault_of(status, reason, own, key, protocols)
    local given = own:all("Sec-WebSocket-Protocol")
    if status ~= 101 then
        return ("the server has answered %d %s"):format(status, reason)
    elseif not handshake.has_word(own, "Upgrade", "websocket")
        or not handshake.has_word(own, "Connection", "upgrade") then
        return "the server has switched to something else"
    elseif own:get("Sec-WebSocket-Accept") ~= core.websocket_accept(key) then
        return "the server has not read the handshake"
    elseif own:get("Sec-WebSocket-Extensions") then
        return "the server wants an extension that was not offered"
    elseif #given > 1 or (given[1] and not is_offered(given[1], protocols)) then
        return "the server wants a subprotocol that was not offered"
    end
end

local function shake(conn, authority, target, own, opts)
    local key = core.websocket_key()
    local n, err, code = conn:write(request_text(authority, target, key, own, opts.protocols))
    if not n then
        return nil, err, code
    end
    local wire = httpbody.wire(conn)
    local size, status, reason, minor, fields
    repeat -- behind those that only announce it
        size, status, reason, minor, fields = wire:head(core.http_response, HEADER_BYTES)
    until not size or status >= 200 or status == 101
    if size == false then
        return nil, "not a response of HTTP/1.1: " .. reason, "EPROTO"
    elseif not size then
        return nil, status, reason
    end
    local answer = headers.of_list(fields)
    local fault = fault_of(minor == 0 and 505 or status, reason, answer, key, opts.protocols)
    if fault then
        return nil, fault, "EPROTO"
    end
    conn:set_deadline(nil)
    return websocket.new(wire, false, opts, answer:get("Sec-WebSocket-Protocol"))
end

local function own_headers(fields)
    local own = headers.of_table(fields)
    for _, name in ipairs(OWN) do
        if own:get(name) then
            raise(RAISE, ("the header %s is the handshake's business"):format(name))
        end
    end
    return own
end

local websocketclient = {}

---As lagoon.http.websocket.
---@async
---@param url string
---@param opts? lagoon.WebSocketDialOptions
---@return lagoon.WebSocket? ws
---@return string? err
---@return string? code  as net.dial; "EPROTO" where the server does not shake hands
function websocketclient.dial(url, opts)
    opts = opts or {}
    if type(url) ~= "string" then
        raise(RAISE, ("bad argument #1 to 'websocket' (a string expected, got %s)")
            :format(type(url)))
    end
    handshake.check(opts, TYPES)
    local own = own_headers(opts.headers)
    local authority, address, target, is_secure = parse(url)
    if not authority then
        return nil, address, target
    end
    local deadline = opts.timeout and time.now() + opts.timeout
    local conn, dial_err, dial_code = net.dial("tcp", address, { timeout = opts.timeout,
        tls = is_secure and (opts.tls or true) or nil })
    if not conn then
        return nil, dial_err, dial_code
    end
    conn:set_deadline(deadline and math.max(deadline - time.now(), 0))
    local ok, ws, err, code = pcall(shake, conn, authority, target, own, opts)
    if not (ok and ws) then
        conn:close()
    end
    if not ok then
        error(ws, 0)
    end
    return ws, err, code
end

return websocketclient
