-- SPDX-License-Identifier: MIT
--
-- net.udp: datagrams.
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle

local classes = core.classes

---@class lagoon.Udp
local Udp = {}
classes["datagram socket"].__index = Udp

---Sends one datagram, of any length up to what the network carries (EMSGSIZE beyond it). Numbers
---are cheap, names are looked up for each. Go: `net.PacketConn.WriteTo`.
---@async
---@param data string|number  may be empty
---@param address? string  "host:port"; nil: where `connect` has said
---@return integer? n
---@return string? err
---@return string? code  "ECONNREFUSED": an earlier one has found nobody, see `connect`
function Udp:send_to(data, address)
    return settle(core.udp_send(self, data, address))
end

---Receives one datagram, all of it, and who has sent it, in the form that `send_to` takes. One
---goroutine at a time. Go: `net.PacketConn.ReadFrom`.
---@async
---@return string? data
---@return string address_or_err
---@return string? code
function Udp:recv_from()
    return settle(core.udp_recv(self))
end

---From here on receives only from one address, `send_to` needs none, and what the other machine
---says is told: ECONNREFUSED. Go: `net.DialUDP`.
---@async
---@param address string
---@return true? ok
---@return string? err
---@return string? code
function Udp:connect(address)
    return settle(core.udp_connect(self, address))
end

---The address, in the form that `send_to` takes.
---@type fun(self: lagoon.Udp): string?, string?, string?
Udp.addr = core.udp_addr

---The same, as of a connection.
---@type fun(self: lagoon.Udp): string?, string?, string?
Udp.local_addr = core.udp_addr

---Closes the socket: who waits in it gets `nil, "closed"`.
---@type fun(self: lagoon.Udp): true?, string?
Udp.close = core.udp_close

---From so many seconds on its calls time out, also those that wait now; nil takes that back.
---@type fun(self: lagoon.Udp, seconds?: number): true?, string?
Udp.set_deadline = core.udp_set_deadline

---@class lagoon.UdpOptions
---@field network ("udp"|"udp4"|"udp6")?  "udp" if absent
---@field reuse_port boolean?  others may receive there as well: the system deals out

---Opens a socket for datagrams at an address. Port 0 is a free one, no host every address of this
---machine, of both families. Go: `net.ListenPacket`.
---@param address string
---@param opts? lagoon.UdpOptions
---@return lagoon.Udp? socket
---@return string? err
---@return string? code
return function(address, opts)
    opts = opts or {}
    return core.udp_open(opts.network or "udp", address, opts.reuse_port)
end
