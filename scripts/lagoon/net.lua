-- SPDX-License-Identifier: MIT
--
-- lagoon.net: sockets whose calls block their goroutine only.
--
-- What the outside world refuses is `nil, message, code` with libuv's names ("ECONNREFUSED"); a
-- deadline that has passed is `nil, "timeout", "ETIMEDOUT"`, something that was closed here
-- `nil, "closed"`. Misuse raises.
local core = require "lagoon.core"
local stream = require "lagoon.stream"
local settle = require("lagoon.waited").settle

local classes, OK = core.classes, core.OK
local load = require -- of what few need, when they do

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

---@class lagoon.Conn: lagoon.Stream
local Conn = stream.new_class(core.conn_read, core.conn_write)
classes.connection.__index = Conn

---Closes the connection: who waits in it gets `nil, "closed"`.
---@type fun(self: lagoon.Conn): true?, string?
Conn.close = core.conn_close

---Ends the stream that the other side reads; reading goes on. Waits only with TLS.
---@async
---@return true? ok
---@return string? err
---@return string? code
function Conn:close_write()
    return settle(core.conn_close_write(self))
end

---With TLS: shakes hands, which the first read or write does otherwise. Go: `tls.Conn.Handshake`.
---@async
---@param seconds? number
---@return true? ok
---@return string? err
---@return string? code  "ECERT": the other side's certificate is not to be trusted; "ETLS"
function Conn:handshake(seconds)
    return settle(core.conn_handshake(self, seconds))
end

---@class lagoon.TlsInfo
---@field version string  "TLSv1.3"
---@field cipher string
---@field alpn string?  the protocol that both sides speak
---@field server_name string?  that the client has asked for
---@field peer string?  whom the other side's certificate names: "/CN=localhost"

---What both sides have agreed on; nil without TLS, and before they have shaken hands.
---@type fun(self: lagoon.Conn): lagoon.TlsInfo?
Conn.tls = core.conn_tls_info

---The protocol that both sides have agreed on by ALPN, or nil.
---@return string?
function Conn:alpn()
    local info = core.conn_tls_info(self)
    return info and info.alpn
end

---From so many seconds on reads and writes time out, also those that wait now; nil takes that back.
---@type fun(self: lagoon.Conn, seconds?: number): true?, string?
Conn.set_deadline = core.conn_set_deadline

---The address of this side.
---@type fun(self: lagoon.Conn): string?, string?, string?
Conn.local_addr = core.conn_local_addr

---The address of the other side.
---@type fun(self: lagoon.Conn): string?, string?, string?
Conn.remote_addr = core.conn_remote_addr

---@class lagoon.ListenOptions
---@field backlog integer?  connections that may wait to be accepted
---@field reuse_port boolean?  others may listen there as well: the system deals out
---@field tls lagoon.TlsOptions?  what is accepted speaks TLS

---Listens. Networks: "tcp", "tcp4", "tcp6" with "host:port", "unix" with a path. Port 0 is a free
---one, no host every address of this machine. Go: `net.Listen`.
---@async
---@param network "tcp"|"tcp4"|"tcp6"|"unix"
---@param address string
---@param opts? lagoon.ListenOptions
---@return lagoon.Listener? listener
---@return string? err
---@return string? code
function net.listen(network, address, opts)
    opts = opts or {}
    local config, err, code
    if opts.tls then
        config, err, code = load("lagoon.tls").server(opts.tls)
        if not config then
            return nil, err, code
        end
    end
    return core.net_listen(network, address, opts.backlog, opts.reuse_port, config)
end

---@class lagoon.DialOptions
---@field timeout number?  seconds, for looking the name up, all its addresses and TLS together
---@field tls (true|lagoon.TlsOptions)?  speaks TLS; true: as the system trusts

-- What follows on a connection that is open; closes it if that fails, or raises.
local function secure(conn, config, name, seconds)
    local ok, err, code = core.conn_tls(conn, config, name)
    if ok then
        local result, a, b, c = core.conn_handshake(conn, seconds)
        if result ~= OK then
            conn:close()
        end
        ok, err, code = settle(result, a, b, c)
    end
    if not ok then
        conn:close()
        return nil, err, code
    end
    return conn
end

local function dial_tls(network, address, opts)
    local tls = load "lagoon.tls"
    local seconds = opts.timeout
    local deadline = type(seconds) == "number" and core.now() + seconds
    local function left()
        return deadline and deadline - core.now() or seconds
    end
    local config, name, code = tls.client(opts.tls, tls.host_of(network, address))
    if not config then
        return nil, name, code
    end
    local conn, err
    conn, err, code = settle(core.net_dial(network, address, left()))
    if not conn then
        return nil, err, code
    end
    return secure(conn, config, name, left())
end

---Connects; with TLS only to whom the certificate fits, unless `verify` says no. Go: `net.Dial`,
---`tls.Dial`.
---@async
---@param network "tcp"|"tcp4"|"tcp6"|"unix"
---@param address string
---@param opts? lagoon.DialOptions
---@return lagoon.Conn? conn
---@return string? err
---@return string? code
function net.dial(network, address, opts)
    if opts and opts.tls and type(address) == "string" then
        return dial_tls(network, address, opts)
    end
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
