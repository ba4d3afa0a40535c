-- SPDX-License-Identifier: MIT
--
-- What specs of WebSockets share: both ends, and the other one by hand.
local lagoon = require "lagoon"
local http, net = lagoon.http, lagoon.net

local websockets = {}

---A server for the time of f(address, server, log), whose handler gets the WebSocket and the
---request.
function websockets.serving(handler, opts, f)
  local log = {}
  local server = assert(http.serve("127.0.0.1:0", function(req)
    handler(req:websocket(opts), req)
  end, { log = function(line)
    log[#log + 1] = line
  end }))
  local ok, err = pcall(f, server:addr(), server, log)
  server:close(ok and 5 or 0)
  assert(ok, err)
end

---A client of ours.
function websockets.dial(address, opts)
  local ws = assert(http.websocket("ws://" .. address .. "/chat?x=1", opts))
  ws:set_deadline(10)
  return ws
end

---The same by hand: a connection behind the handshake.
function websockets.raw(address)
  local conn = assert(net.dial("tcp", address))
  conn:set_deadline(10)
  conn:write("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
  for line in conn:lines() do
    if line == "\r" then
      break
    end
  end
  return conn
end

---A frame of a client with a mask of zeros.
function websockets.frame(opcode, data, is_part)
  assert(#data < 126)
  return string.char((is_part and 0 or 128) + opcode, 128 + #data) .. "\0\0\0\0" .. data
end

---A handler that says back what it is sent.
function websockets.echo(ws)
  for data, kind in ws.recv, ws do
    ws:send(data, kind)
  end
end

---Both ends, for the time of f(client, server).
function websockets.pair(opts, f)
  local ends, done = lagoon.chan(), lagoon.chan()
  websockets.serving(function(ws)
    ends:send(ws)
    done:recv()
  end, opts, function(address)
    local client = websockets.dial(address, opts)
    local server = ends:recv()
    local ok, err = pcall(f, client, server)
    done:close()
    client:close()
    assert(ok, err)
  end)
end

---A Python that has a module: Debian's modules are Debian's Python's, not of another one in front
---of it. nil: there is none.
function websockets.python(module)
  for _, program in ipairs { "python3", "/usr/bin/python3" } do
    if os.execute(("%s -c 'import %s' 2>/dev/null"):format(program, module)) == 0 then
      return program
    end
  end
end

return websockets
