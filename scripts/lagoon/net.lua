-- SPDX-License-Identifier: MIT
--
-- lagoon.net: sockets whose calls block their goroutine only.
--
-- What the outside world refuses is `nil, message, code` with libuv's names ("ECONNREFUSED"); a
-- deadline that has passed is `nil, "timeout", "ETIMEDOUT"`, something that was closed here
-- `nil, "closed"`. Misuse raises.
local core = require "lagoon.core"

local raise, classes, OK = core.raise, core.classes, core.OK

-- The results of a C half that may have waited.
local function settle(code, ...)
    if code == OK then
        return ...
    end
    return raise(code, (...))
end

local net = {}

---@class lagoon.Listener
local Listener = {}
classes.listener.__index = Listener

---The next connection that comes in. Several goroutines may wait, first come, first served. Go:
---`net.Listener.Accept`.
---@async
---@return lagoon.Conn? conn
---@return string? err
---@return string? code  "EMFILE" and the like: the next call waits a moment before it tries again
function Listener:accept()
    return settle(core.listener_accept(self))
end

---The address, in the form that `dial` takes: "127.0.0.1:40123".
---@type fun(self: lagoon.Listener): string?, string?, string?
Listener.addr = core.listener_addr

---Stops listening; who waits in `accept` gets `nil, "closed"`.
---@type fun(self: lagoon.Listener): true?, string?
Listener.close = core.listener_close

---From so many seconds on `accept` times out, also for those who wait now; nil takes that back.
---@type fun(self: lagoon.Listener, seconds?: number): true?, string?
Listener.set_deadline = core.listener_set_deadline

---@class lagoon.Conn
local Conn = {}
classes.connection.__index = Conn

---Reads: without a format what has arrived, a byte at least; a number: so many bytes, fewer only
---where the stream ends; "*l": a line without its newline, "*L" with it; "*a": all up to the end.
---nil at the end of the stream. A deadline or a cancellation loses nothing: what has come is read
---by the next call. Where "*a" ends with an error, what came before is the fourth result.
---@async
---@param format? integer|"*l"|"*L"|"*a"
---@return string? data
---@return string? err
---@return string? code
---@return string? partial
function Conn:read(format)
    return settle(core.conn_read(self, format))
end

---Writes all of it and waits where the other side is slow. Returns how many bytes; with an error,
---as the fourth result, how many of them are gone. A write that was cut in two is the last one.
---@async
---@param ... string|number
---@return integer? n
---@return string? err
---@return string? code
---@return integer? n_gone
function Conn:write(...)
    return settle(core.conn_write(self, ...))
end

---An iterator over the lines, without their newlines; raises an error other than the end.
---@return async fun(): string?
function Conn:lines()
    return function()
        local line, err = self:read("*l")
        if err then
            error(err, 2)
        end
        return line
    end
end

---Closes the connection: who waits in it gets `nil, "closed"`.
---@type fun(self: lagoon.Conn): true?, string?
Conn.close = core.conn_close

---Ends the stream that the other side reads; reading goes on.
---@type fun(self: lagoon.Conn): true?, string?, string?
Conn.close_write = core.conn_close_write

---From so many seconds on reads and writes time out, also those that wait now; nil takes that back.
---@type fun(self: lagoon.Conn, seconds?: number): true?, string?
Conn.set_deadline = core.conn_set_deadline

---@type fun(self: lagoon.Conn): string?, string?, string?
Conn.local_addr = core.conn_local_addr

---@type fun(self: lagoon.Conn): string?, string?, string?
Conn.remote_addr = core.conn_remote_addr

---@class lagoon.ListenOptions
---@field backlog integer?  connections that may wait to be accepted
---@field reuse_port boolean?  others may listen there as well: the system deals out

---Listens. Networks: "tcp", "tcp4", "tcp6" with "host:port", "unix" with a path. Port 0 is a free
---one, no host every address of this machine. Go: `net.Listen`.
---@param network "tcp"|"tcp4"|"tcp6"|"unix"
---@param address string
---@param opts? lagoon.ListenOptions
---@return lagoon.Listener? listener
---@return string? err
---@return string? code
function net.listen(network, address, opts)
    opts = opts or {}
    return core.net_listen(network, address, opts.backlog, opts.reuse_port)
end

---@class lagoon.DialOptions
---@field timeout number?  seconds, for looking the name up and all its addresses together

---Connects. Go: `net.Dial`.
---@async
---@param network "tcp"|"tcp4"|"tcp6"|"unix"
---@param address string
---@param opts? lagoon.DialOptions
---@return lagoon.Conn? conn
---@return string? err
---@return string? code
function net.dial(network, address, opts)
    return settle(core.net_dial(network, address, opts and opts.timeout))
end

---The addresses of a name. Go: `net.LookupHost`.
---@async
---@param name string
---@return string[]? addresses
---@return string? err
---@return string? code
function net.resolve(name)
    return settle(core.net_resolve(name))
end

net.udp = require "lagoon.udp"

return net
