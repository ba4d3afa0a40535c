-- SPDX-License-Identifier: MIT
--
-- A server of HTTP/1.1: a goroutine that accepts, and one for each connection, which reads a
-- request, calls the handler, and goes on with the next.
--
-- A connection is idle between two requests, and busy from the first byte of one until its
-- response is done. Closing the server ends the idle ones at once.
local core = require "lagoon.core"
local net = require "lagoon.net"
local task = require "lagoon.task"
local chan = require "lagoon.chan"
local time = require "lagoon.time"
local httpbody = require "lagoon.httpbody"
local httprequest = require "lagoon.httprequest"
local httpresponse = require "lagoon.httpresponse"
local httpstatus = require "lagoon.httpstatus"
local linger = require "lagoon.linger"

local raise, RAISE, OK = core.raise, core.RAISE, core.OK
local new_request, new_response = httprequest.new, httpresponse.new
local finish, NONE, http_next = httpresponse.finish, httpbody.NONE, core.http_next
local QUIET_S = 10 -- between two lines about connections that cannot be accepted

---@class lagoon.HttpServeOptions
---@field network ("tcp"|"tcp4"|"tcp6"|"unix")?  "tcp" if absent
---@field backlog integer?  as for net.listen
---@field reuse_port boolean?  as for net.listen
---@field tls lagoon.TlsOptions?  as for net.listen: https. alpn is "http/1.1" if absent
---@field header_timeout number?  seconds for a head, from its first byte on, 10 if absent
---@field idle_timeout number?  seconds between two requests of a connection, 60 if absent
---@field io_timeout number?  seconds for one read of a body or one write, 60 if absent
---@field close_timeout number?  seconds that `close` waits if it is not told; if absent, for good
---@field max_header_bytes integer?  64 KB if absent: beyond it 431, or 414 for the first line
---@field max_body_bytes number?  8 MB if absent: beyond it 413; math.huge for no limit
---@field workers integer?  states that serve, each on a core; if absent, the caller's own serves
---@field log (fun(line: string))?  gets errors of handlers; to stderr if absent

local DEFAULTS = {
    network = "tcp", header_timeout = 10, idle_timeout = 60, io_timeout = 60,
    max_header_bytes = 64 * 1024, max_body_bytes = 8 * 1024 * 1024,
    log = function(line)
        io.stderr:write(line, "\n")
    end,
}

-- -- one exchange --

local function refuse(link, status, message)
    link.conn:set_deadline(link.server.opts.io_timeout)
    if link.conn:write(httpstatus.refusal(status, message)) then
        linger.close(link.conn)
    end
    return false
end

-- The body that follows a head.
local function body_of(link, framing)
    if framing == 0 then
        return NONE
    end
    return httpbody.new(link.wire, framing, link.server.opts.max_body_bytes, link.rearm)
end

local function note_trace(err)
    return { err = err, trace = debug.traceback("", 2) }
end

-- Where memory ran out nobody noted a trace.
local function text_of(failure)
    if type(failure) ~= "table" then
        return tostring(failure)
    end
    return tostring(failure.err) .. failure.trace
end

local function handle(server, req, res)
    server.handler(req, res)
    if req.body.code == "EFBIG" and not res:has_begun() then
        req.link.keeps_alive = false
        res:reset(413, "body too large\n")
    end
    finish(res)
end

-- What the client gets for a handler's error: 500, or a response that it can see to be broken.
local function answer_failure(server, req, res, failure)
    server.opts.log(("http: %s %s: %s"):format(req.method, req.target, text_of(failure)))
    req.link.keeps_alive = false
    if not res:has_begun() then
        res:reset(500, "Internal Server Error\n")
        pcall(finish, res)
    end
end

-- Has a client that waits to be asked for its body be asked, by who reads first.
local function ask_first(link, res, body)
    body.before_first = function()
        link.rearm()
        return res:has_begun() or link.conn:write("HTTP/1.1 100 Continue\r\n\r\n")
    end
end

-- The handler's part, and what it leaves to be done. Whether the connection goes on.
local function answer(link, req, expects)
    local server, body = link.server, req.body
    local res = new_response(req)
    link.response = res
    if expects and body ~= NONE then
        ask_first(link, res, body)
    end
    local ok, failure = xpcall(handle, note_trace, server, req, res)
    link.response = nil
    if not ok then
        answer_failure(server, req, res, failure)
    end
    if link.websocket then
        link.websocket:close(ok and 1000 or 1011)
        return false
    end
    local is_whole = res:is_whole()
    if is_whole and not link.keeps_alive then
        linger.close(link.conn)
    end
    if body == NONE then
        return is_whole and link.keeps_alive
    end
    body.before_first = nil
    return is_whole and link.keeps_alive and body:discard(linger.MAX_BYTES)
end

-- One request and its response. Whether the connection goes on.
local function exchange(link, method, target, minor, fields, framing, keeps_alive, expects,
                        is_plain_path)
    if method == "CONNECT" then
        return refuse(link, 501, "CONNECT is not implemented")
    end
    local body = body_of(link, framing)
    local req = new_request(link, method, target, minor, fields, body, is_plain_path)
    if not req then
        return refuse(link, 400, "bad target")
    elseif framing > link.server.opts.max_body_bytes then
        return refuse(link, 413, "body too large")
    end
    link.keeps_alive = keeps_alive
    return answer(link, req, expects)
end

-- -- one connection --

local function note_partial(link)
    link.is_partial, link.is_idle = true, false
    link.conn:set_deadline(link.server.opts.header_timeout)
end

local function has_input(link)
    return link.wire:has_text() or core.http_has_input(link.conn)
end

-- The next request, or why there is none. Mostly a request comes in one piece, and is taken apart
-- where it lies.
local function next_request(link, seconds)
    local wire, max = link.wire, link.server.opts.max_header_bytes
    if not wire:has_text() then
        local result, size, b, c, d, e, f, g, h, i = http_next(link.conn, max, seconds)
        if result ~= OK then
            raise(result, size)
        elseif size ~= nil or type(b) ~= "number" then
            return size, b, c, d, e, f, g, h, i
        end
    end
    link.conn:set_deadline(seconds)
    return wire:head(core.http_request, max, note_partial, link)
end

-- Whether the connection goes on.
local function serve_next(link, seconds)
    link.is_partial = false
    local size, b, c, d, e, f, g, h, i = next_request(link, seconds)
    link.is_idle = false
    if size then
        return exchange(link, b, c, d, e, f, g, h, i)
    elseif size == false then
        return refuse(link, b, c)
    elseif c == "ETIMEDOUT" and link.is_partial then
        return refuse(link, 408, "the request took too long")
    end
    return false
end

local function serve_connection(link)
    local server = link.server
    local seconds = server.opts.header_timeout
    repeat
        link.is_idle = true
        if server.is_closing and not has_input(link) then
            break
        end
        local goes_on = serve_next(link, seconds)
        seconds = server.opts.idle_timeout
    until not goes_on
end

local function forget(server, link)
    link.conn:close()
    server.links[link] = nil
    server.nlinks = server.nlinks - 1
    if server.is_closing and server.nlinks == 0 and server.has_stopped then
        server.done:close()
    end
end

-- Whether it has failed, or was cancelled, its task knows when it has ended.
local function log_failure(link, failure)
    pcall(link.task.wait, link.task)
    if link.task:status() == "failed" then
        link.server.opts.log("http: " .. text_of(failure))
    end
end

local function run_connection(link)
    local ok, failure = xpcall(serve_connection, note_trace, link)
    forget(link.server, link)
    if not ok then
        core.go_alone(log_failure, link, failure)
        error(type(failure) == "table" and failure.err or failure, 0)
    end
end

local function start_connection(server, conn)
    local link = { server = server, conn = conn, wire = httpbody.wire(conn),
        peer = conn:remote_addr() or "", is_idle = true }
    function link.rearm()
        conn:set_deadline(server.opts.io_timeout)
    end
    server.links[link] = true
    local ok, connection = pcall(task.async, run_connection, link)
    if not ok then
        server.links[link] = nil
        return error(connection, 0)
    end
    link.task = connection
    server.nlinks = server.nlinks + 1 -- it has not run yet
end

-- -- the server --

-- A shortage of descriptors passes: the listener waits a moment by itself before the next try, and
-- tells us of each. The log hears of it now and then.
local function note_refusal(server, err, code)
    local now = time.now()
    if now >= server.quiet_until then
        server.quiet_until = now + QUIET_S
        server.opts.log("http: accept: " .. err)
    end
    if code ~= "EMFILE" and code ~= "ENFILE" then
        time.sleep(0.01)
    end
end

local function accept_one(server)
    local conn, err, code = server.listener:accept()
    if conn then
        local ok, failure = pcall(start_connection, server, conn)
        if not ok then
            conn:close()
            return error(failure, 0)
        end
    elseif err ~= "closed" then
        note_refusal(server, err, code)
    end
end

local function is_shortage(err)
    return type(err) == "string" and (err:find("not enough memory", 1, true)
        or err:find("out of memory", 1, true)) ~= nil
end

-- A shortage of memory passes, too, by the end of some request.
local function accept_until_closing(server)
    while not server.is_closing do
        local ok, err = pcall(accept_one, server)
        if not ok and not is_shortage(err) then
            return error(err, 0)
        elseif not ok then
            note_refusal(server, "not enough memory", "ENOMEM")
        end
    end
end

local function stop(server)
    server.is_closing = true
    server.listener:close()
    for link in pairs(server.links) do
        if link.is_idle and not has_input(link) then
            link.conn:close()
        elseif link.websocket then
            task.go(link.websocket.close, link.websocket, 1001)
        end
    end
end

-- However it ends, who closes the server does not wait for it. If by a cancellation, nobody is left
-- waiting in the queue of connections.
local function accept_all(server)
    local ok, err = pcall(accept_until_closing, server)
    if not ok then
        stop(server)
    end
    server.has_stopped = true
    if server.nlinks == 0 then
        server.done:close()
    end
    if not ok then
        return error(err, 0)
    end
end

-- Connections whose goroutines were killed, or cancelled before they began: those forget nothing.
local function forget_dead(server)
    local links = {}
    for link in pairs(server.links) do
        links[#links + 1] = link
    end
    for _, link in ipairs(links) do
        pcall(link.task.wait, link.task)
        if server.links[link] then
            forget(server, link)
        end
    end
end

-- In no group: does what is left to do of those that have not ended by themselves.
local function oversee(server, acceptor)
    local ok, err = pcall(acceptor.wait, acceptor)
    if not server.has_stopped then
        server.is_closing, server.has_stopped = true, true
        server.listener:close()
        if server.nlinks == 0 then
            server.done:close()
        end
    end
    forget_dead(server)
    if not ok and acceptor:status() == "failed" then
        error(err, 0)
    end
end

local function start(server)
    core.go_alone(oversee, server, task.async(accept_all, server))
end

---@class lagoon.HttpServer
local Server = {}
Server.__index = Server

---The address, in the form that `net.dial` takes.
---@return string? address
---@return string? err
---@return string? code
function Server:addr()
    return self.listener:addr()
end

---Accepts no more, closes idle connections, and waits until the busy ones have done their
---responses. After so many seconds those are closed, too. A handler would wait for itself; it can
---`go(server.close, server)`. Go: `Server.Shutdown`.
---@async
---@param seconds? number  instead of the option close_timeout; 0 does not wait
---@return true? ok
---@return string? err  "timeout": some were closed in the middle
---@return string? code
function Server:close(seconds)
    if not self.is_closing then
        stop(self)
    end
    local _, _, err = self.done:recv(seconds or self.opts.close_timeout)
    if not err then
        return true
    end
    for link in pairs(self.links) do
        link.conn:close()
    end
    return nil, "timeout", "ETIMEDOUT"
end

---Waits until the server has been closed and its last response is done.
---@async
function Server:wait()
    self.done:recv()
end

local TYPES = {
    network = "string", backlog = "number", reuse_port = "boolean", header_timeout = "number",
    idle_timeout = "number", io_timeout = "number", close_timeout = "number",
    max_header_bytes = "number", max_body_bytes = "number", log = "function", workers = "number",
    tls = "table",
}

-- We speak nothing else: a client that could is told so.
local function with_alpn(tls)
    local own = { alpn = { "http/1.1" } }
    for name, value in pairs(tls) do
        own[name] = value
    end
    return own
end

local httpserver = {}

---Checks options. Raises.
---@param opts? lagoon.HttpServeOptions
---@return table own  a copy, over the defaults
function httpserver.options_of(opts)
    local own = {}
    for name, value in pairs(DEFAULTS) do
        own[name] = value
    end
    for name, value in pairs(opts or {}) do
        if type(value) ~= TYPES[name] then
            raise(RAISE, ("bad option '%s' of serve (%s)"):format(tostring(name),
                TYPES[name] and TYPES[name] .. " expected" or "there is none of that name"))
        end
        own[name] = value
    end
    if own.max_header_bytes < 1 or own.max_header_bytes > 2 ^ 30 then
        raise(RAISE, "bad option 'max_header_bytes' of serve (out of range)")
    elseif own.workers and (own.workers % 1 ~= 0 or own.workers < 1 or own.workers > 256) then
        raise(RAISE, "bad option 'workers' of serve (a whole number from 1 to 256 expected)")
    elseif own.workers and own.network == "unix" then
        raise(RAISE, "bad option 'workers' of serve (not for the network 'unix')")
    end
    own.tls = own.tls and with_alpn(own.tls)
    return own
end

---Serves in the caller's state.
---@param address string  as for net.listen
---@param handler fun(req: lagoon.HttpRequest, res: lagoon.HttpResponseWriter)
---@param opts? lagoon.HttpServeOptions
---@return lagoon.HttpServer? server
---@return string? err
---@return string? code
function httpserver.serve(address, handler, opts)
    core.check_callable(handler, "serve")
    local own = httpserver.options_of(opts)
    local listener, err, code = net.listen(own.network, address, own)
    if not listener then
        return nil, err, code
    end
    local server = setmetatable({ listener = listener, handler = handler, opts = own, links = {},
        nlinks = 0, quiet_until = 0, is_closing = false, has_stopped = false,
        done = chan.new() }, Server)
    local ok, failure = pcall(start, server)
    if not ok then
        server.is_closing = true
        listener:close()
        error(failure, 0)
    end
    return server
end

return httpserver
