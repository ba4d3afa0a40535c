-- SPDX-License-Identifier: MIT
--
-- The client: options, redirects, responses. libcurl does the rest (core/io/fetch.h).
local core = require "lagoon.core"
local time = require "lagoon.time"
local headers = require "lagoon.httpheaders"
local httpfetch = require "lagoon.httpfetch"
local httpurl = require "lagoon.httpurl"

local raise, RAISE = core.raise, core.RAISE
local load = require

-- The body of a redirect that is read for the sake of its connection.
local DRAINED_MAX = 16 * 1024

---@class lagoon.HttpRequestOptions
---@field url string
---@field method string?  "GET" if absent
---@field headers table<string, string|number|table>?  lists for repeated ones
---@field body string|(async fun(): string?)?  a function gives the next piece, nil at the end
---@field timeout number?  seconds for all of it, reading the body and redirects included
---@field max_redirects integer?  that are followed: 10 if absent; 0: one is a response like others
---@field max_header_bytes integer?  64 KB if absent
---@field stream boolean?  false: waits for the whole body, which is a string then
---@field compressed boolean?  asks for a compressed body, and unpacks it
---@field http2 boolean?  false: speaks HTTP/1.1 only, also with TLS
---@field proxy string?  URL of a proxy, "" for none; if absent the environment tells
---@field ca string?  file of certificates to trust instead of the system's, or their text, as PEM
---@field verify boolean?  false: trusts any certificate

---@class lagoon.HttpResponse
---@field status integer
---@field reason string
---@field version string  "HTTP/1.1", "HTTP/2"
---@field headers lagoon.Headers
---@field url string  where it came from, after redirects
---@field body string|table  a string with `stream = false`
local Response = {}
Response.__index = Response

---Reads the body: see lagoon.HttpBody. At its end the connection is free for other requests.
---@async
---@param format? integer|"*l"|"*L"|"*a"
---@return string? data
---@return string? err
---@return string? code
function Response:read(format)
    if type(self.body) == "string" then
        return nil -- all of it is there
    end
    local data, err, code = self.body:read(format)
    if self.body.is_done or self.body.err then
        self.source:close()
    end
    return data, err, code
end

---An iterator over the lines, without their newlines; raises an error other than the end.
---@return async fun(): string?
function Response:lines()
    return function()
        local line, err = self:read("*l")
        if err then
            error(err, 2)
        end
        return line
    end
end

---Reads the body, all of it, as JSON. Raises where lua-cjson is not installed.
---@async
---@return any value  http.null for null
---@return string? err
---@return string? code  "EPROTO" where it is no JSON
function Response:json()
    local json = load("lagoon.json")
    if type(self.body) == "string" then
        return json.decode(self.body)
    end
    return json.read(self)
end

---Closes the connection before the end of the body.
function Response:close()
    self.source:close()
end

-- -- options --

local TYPES = {
    url = "string", method = "string", headers = "table", body = "string or function",
    timeout = "number", max_redirects = "number",
    max_header_bytes = "number", stream = "boolean", compressed = "boolean", http2 = "boolean",
    proxy = "string", ca = "string", verify = "boolean",
}

local function check(opts)
    if type(opts) ~= "table" then
        raise(RAISE, "bad argument #1 to 'request' (a table expected, got " .. type(opts) .. ")")
    end
    for name, value in pairs(opts) do
        if not (TYPES[name] and TYPES[name]:find(type(value), 1, true)) then
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
        max_header_bytes = opts.max_header_bytes or 64 * 1024, compressed = opts.compressed,
        http2 = opts.http2, proxy = opts.proxy, ca = opts.ca, verify = opts.verify,
    }
end

-- -- redirects --

-- Where a response sends us; nil: nowhere. What a function has given cannot be given once more.
local function redirection(ask, res)
    local status = res.status
    local is_kept = status == 307 or status == 308
    if is_kept and type(ask.body) == "function" then
        return nil
    elseif is_kept or status == 301 or status == 302 or status == 303 then
        return res.headers:get("Location")
    end
end

-- What is asked for there (RFC 9110, 15.4): of those before 307 a POST becomes a GET. Secrets go to
-- no other host, and none that TLS has kept goes without.
local function redirect(ask, status, from, to)
    local is_kept = status == 307 or status == 308
    local is_get = status == 303 or ask.method == "POST" or type(ask.body) == "function"
    if not is_kept and ask.method ~= "HEAD" and is_get then
        ask.method, ask.body = "GET", nil
        ask.headers:set("Content-Type", nil)
    end
    if from.authority ~= to.authority or (from.scheme == "https" and to.scheme == "http") then
        for _, name in ipairs { "Authorization", "Cookie", "Host" } do
            ask.headers:set(name, nil)
        end
    end
end

-- Lets go of a response, and keeps its connection where that is cheap.
local function leave(res)
    local size = tonumber(res.headers:get("Content-Length") or nil)
    if size and size <= DRAINED_MAX then
        res.body:discard(DRAINED_MAX)
    end
    res.source:close()
end

local function follow(ask, place, max_redirects)
    local nredirects = 0
    while true do
        local res, err, code = httpfetch.ask(ask, place)
        local url = res and max_redirects > 0 and redirection(ask, res)
        if not url then
            return res, err, code
        end
        leave(res)
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

-- The body as a string. A cancellation closes at once, too.
local function collect(res)
    local ok, data, err, code = pcall(res.read, res, "*a")
    res:close()
    if not ok then
        error(data, 0)
    elseif not data then
        return nil, err, code
    end
    res.body = data
    return res
end

local httpclient = { close_idle = httpfetch.close_idle }

---Asks a server, and returns its response as soon as its head is there. Cancelling the goroutine
---closes the connection. Go: `Client.Do`.
---@async
---@param opts lagoon.HttpRequestOptions
---@return lagoon.HttpResponse? response
---@return string? err
---@return string? code  "EPROTO" for what is no response, "ELOOP" for too many redirects, "ECERT"
---for a certificate that is not trusted
function httpclient.request(opts)
    check(opts)
    local ask = asked(opts)
    local place, err, code = httpurl.parse(opts.url)
    if not place then
        return nil, err, code
    end
    local res
    res, err, code = follow(ask, place, opts.max_redirects or 10)
    if not res then
        return nil, err, code
    end
    setmetatable(res, Response)
    if res.body.is_done then
        res.source:close()
    end
    if opts.stream == false then
        return collect(res)
    end
    return res
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
