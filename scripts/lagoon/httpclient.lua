-- SPDX-License-Identifier: MIT
--
-- A client of HTTP/1.1: a connection for each request, which the end of the response closes.
local core = require "lagoon.core"
local net = require "lagoon.net"
local task = require "lagoon.task"
local time = require "lagoon.time"
local headers = require "lagoon.httpheaders"
local httpbody = require "lagoon.httpbody"
local httpurl = require "lagoon.httpurl"

local raise, RAISE = core.raise, core.RAISE
local load = require

-- A body of more is sent while the response is read: a server may answer before it has all.
local SENT_AT_ONCE = 16 * 1024

---@class lagoon.HttpRequestOptions
---@field url string
---@field method string?  "GET" if absent
---@field headers table<string, string|number|table>?  lists for repeated ones
---@field body string?
---@field timeout number?  seconds for all of it, reading the body and redirects included
---@field max_redirects integer?  10 if absent; 0: a redirect is a response like others
---@field max_header_bytes integer?  64 KB if absent

---@class lagoon.HttpResponse
---@field status integer
---@field reason string
---@field version string
---@field headers lagoon.Headers
---@field url string  where it came from, after redirects
local Response = {}
Response.__index = Response

---Reads the body: see lagoon.HttpBody. Its end closes the connection.
---@async
---@param format? integer|"*l"|"*L"|"*a"
---@return string? data
---@return string? err
---@return string? code
function Response:read(format)
    local data, err, code = self.body:read(format)
    if self.body.is_done or self.body.err then
        self.conn:close()
    end
    return data, err, code
end

---Reads the body, all of it, as JSON. Raises where lua-cjson is not installed.
---@async
---@return any value  http.null for null
---@return string? err
---@return string? code  "EPROTO" where it is no JSON
function Response:json()
    return load("lagoon.json").read(self)
end

---Closes the connection before the end of the body.
function Response:close()
    self.conn:close()
end

-- -- options --

local TYPES = {
    url = "string", method = "string", headers = "table", body = "string", timeout = "number",
    max_redirects = "number", max_header_bytes = "number",
}

local function check(opts)
    if type(opts) ~= "table" then
        raise(RAISE, "bad argument #1 to 'request' (a table expected, got " .. type(opts) .. ")")
    end
    for name, value in pairs(opts) do
        if type(value) ~= TYPES[name] then
            raise(RAISE, ("bad option '%s' of request (%s)"):format(tostring(name),
                TYPES[name] and TYPES[name] .. " expected" or "there is none of that name"))
        end
    end
    if not opts.url then
        raise(RAISE, "bad option 'url' of request (string expected)")
    elseif opts.method and not opts.method:find("^[A-Za-z0-9!#$%%&'*+%-.^_`|~]+$") then
        raise(RAISE, "bad option 'method' of request (no name of a method)")
    end
end

-- What is asked for, which redirects change.
local function asked(opts)
    local own = headers.of_table(opts.headers)
    for _, name in ipairs { "Content-Length", "Transfer-Encoding", "Connection", "Expect" } do
        if own:get(name) then
            raise(RAISE, ("the header %s is the client's business"):format(name))
        end
    end
    return {
        method = opts.method or "GET", headers = own, body = opts.body,
        deadline = opts.timeout and time.now() + opts.timeout,
        max_header_bytes = opts.max_header_bytes or 64 * 1024,
    }
end

-- Seconds that are left; nil: for good.
local function left(ask)
    return ask.deadline and math.max(ask.deadline - time.now(), 0)
end

-- -- one exchange --

local function head_text(ask, place)
    local lines = headers.lines(ask.headers)
    table.insert(lines, 1, ("%s %s HTTP/1.1"):format(ask.method, place.target))
    if not ask.headers:get("Host") then
        table.insert(lines, 2, "Host: " .. place.authority)
    end
    if ask.body or ask.method == "POST" or ask.method == "PUT" then
        lines[#lines + 1] = "Content-Length: " .. #(ask.body or "")
    end
    lines[#lines + 1] = "Connection: close\r\n\r\n"
    return table.concat(lines, "\r\n")
end

-- What cannot be sent is no error yet: a server that wants no more may have said why.
local function send(ask, place, conn)
    local text, body = head_text(ask, place), ask.body or ""
    if #body <= SENT_AT_ONCE then
        conn:write(text, body)
    else
        task.go(conn.write, conn, text, body)
    end
end

-- The response, behind those that only announce it.
local function receive(ask, place, conn)
    local wire = httpbody.wire(conn)
    local size, status, reason, minor, fields, framing
    repeat
        size, status, reason, minor, fields, framing = wire:head(core.http_response,
            ask.max_header_bytes)
    until not size or status >= 200 or status == 101
    if size == false then
        return nil, "not a response of HTTP/1.1: " .. reason, "EPROTO"
    elseif not size then
        return nil, status, reason
    end
    local body = httpbody.new(wire, ask.method == "HEAD" and 0 or framing, math.huge)
    if body.is_done then
        conn:close()
    end
    return setmetatable({
        status = status, reason = reason, version = minor == 0 and "HTTP/1.0" or "HTTP/1.1",
        headers = headers.of_list(fields), url = place.url, body = body, conn = conn,
    }, Response)
end

local function exchange(ask, place, conn)
    conn:set_deadline(left(ask))
    send(ask, place, conn)
    return receive(ask, place, conn)
end

-- A connection that no response holds is closed at once, also when the goroutine is cancelled.
local function fetch(ask, place)
    local conn, dial_err, dial_code = net.dial("tcp", place.address, { timeout = left(ask) })
    if not conn then
        return nil, dial_err, dial_code
    end
    local ok, res, err, code = pcall(exchange, ask, place, conn)
    if not (ok and res) then
        conn:close()
    end
    if not ok then
        error(res, 0)
    end
    return res, err, code
end

-- -- redirects --

-- Where a response sends us; nil: nowhere.
local function redirection(res)
    local status = res.status
    if status == 301 or status == 302 or status == 303 or status == 307 or status == 308 then
        return res.headers:get("Location")
    end
end

-- What is asked for there (RFC 9110, 15.4): of those before 307 a POST becomes a GET. Secrets go to
-- no other host.
local function redirect(ask, status, from, to)
    local is_kept = status == 307 or status == 308
    if not is_kept and ask.method ~= "HEAD" and (status == 303 or ask.method == "POST") then
        ask.method, ask.body = "GET", nil
        ask.headers:set("Content-Type", nil)
    end
    if from.authority ~= to.authority then
        for _, name in ipairs { "Authorization", "Cookie", "Host" } do
            ask.headers:set(name, nil)
        end
    end
end

local function follow(ask, place, max_redirects)
    local nredirects = 0
    while true do
        local res, err, code = fetch(ask, place)
        local url = res and max_redirects > 0 and redirection(res)
        if not url then
            return res, err, code
        end
        res:close()
        nredirects = nredirects + 1
        if nredirects > max_redirects then
            return nil, "too many redirects", "ELOOP"
        end
        local to
        to, err, code = httpurl.parse(httpurl.join(place, url))
        if not to then
            return nil, err, code
        end
        redirect(ask, res.status, place, to)
        place = to
    end
end

local httpclient = {}

---Asks a server, and returns its response as soon as its head is there. Cancelling the goroutine
---closes the connection. Go: `Client.Do`.
---@async
---@param opts lagoon.HttpRequestOptions
---@return lagoon.HttpResponse? response
---@return string? err
---@return string? code  "EPROTO" for what is no response, "ELOOP" for too many redirects
function httpclient.request(opts)
    check(opts)
    local ask = asked(opts)
    local place, err, code = httpurl.parse(opts.url)
    if not place then
        return nil, err, code
    end
    return follow(ask, place, opts.max_redirects or 10)
end

---The same for a page. Go: `http.Get`.
---@async
---@param url string
---@param opts? lagoon.HttpRequestOptions
---@return lagoon.HttpResponse? response
---@return string? err
---@return string? code
function httpclient.get(url, opts)
    local own = { url = url }
    for name, value in pairs(opts or {}) do
        own[name] = value
    end
    return httpclient.request(own)
end

return httpclient
