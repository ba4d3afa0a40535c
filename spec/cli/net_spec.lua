-- SPDX-License-Identifier: MIT
--
-- lagoon.net with the peers that the world has: bash, curl and Python, as they are installed.
local helper = require "helper"

local function has(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1") == 0
end

-- A script that listens, has `command` run with PORT in its environment while `serve` sees to its
-- connections, and prints what that has printed.
local function beside(command, serve)
  local path = helper.path("port")
  os.remove(path)
  local child = helper.script(([[
    local lagoon = require "lagoon"
    local listener = assert(lagoon.net.listen("tcp", "127.0.0.1:0"))
    lagoon.go(function()
      while true do
        local conn = listener:accept()
        if not conn then return end
        lagoon.go(function() %s end)
      end
    end)
    local text = lagoon.blocking(function(command)
      local pipe = io.popen(command)
      local text = pipe:read("*a")
      pipe:close()
      return text
    end, "PORT=" .. listener:addr():match("%%d+$") .. "; export PORT; " .. arg[1])
    listener:close()
    io.write(text)
  ]]):format(serve), { args = { command } })
  assert.equal("", child.err)
  assert.equal(0, child.status)
  return child.out
end

local ECHO = "for line in conn:lines() do conn:write(line, '\\n') end conn:close()"

describe("lagoon.net with bash", function()
  it("talks to a plain client", function()
    local out = beside(
      [[bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PORT; echo hello >&3; head -1 <&3']], ECHO)
    assert.equal("hello\n", out)
  end)
end)

describe("lagoon.net with curl", function()
  if not has "curl" then
    return
  end

  it("is a telnet that hears the end of the stream", function()
    local out = beside("printf 'one\\ntwo\\n' | curl -s --max-time 5 telnet://127.0.0.1:$PORT",
      "conn:write(conn:read('*l'), '+', conn:read('*l'), '\\n') conn:close()")
    assert.equal("one+two\n", out)
  end)

  it("answers a request that it does not understand", function()
    local out = beside("curl -s --max-time 5 http://127.0.0.1:$PORT/",
      "while conn:read('*l') ~= '\\r' do end "
      .. "conn:write('HTTP/1.0 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\nhello\\n') conn:close()")
    assert.equal("hello\n", out)
  end)
end)

describe("lagoon.net with Python", function()
  if not has "python3" or os.execute("python3 -c '' 2>/dev/null") ~= 0 then
    return
  end

  local function python(text)
    return "python3 " .. helper.file("peer.py", text)
  end

  it("carries a megabyte there and back, half-closed in between", function()
    local out = beside(python [[
import os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
data = bytes(i * 7 % 251 for i in range(1 << 20))
s.sendall(data)
s.shutdown(socket.SHUT_WR)
got = b""
while True:
    piece = s.recv(65536)
    if not piece:
        break
    got += piece
print(got == data)
]], "local text = conn:read('*a') conn:write(text) conn:close()")
    assert.equal("True\n", out)
  end)

  it("hears of a reset", function()
    local out = beside(python [[
import os, socket, struct
s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
s.sendall(b"before")
s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
t = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
print(t.recv(100).decode())
]], [[
      n = (n or 0) + 1
      if n == 1 then
        conn:read(6)
        conn:write("x")
        told = select(3, conn:read())
      else
        while not told do lagoon.yield() end
        conn:write(told)
      end
      conn:close()]])
    assert.equal("ECONNRESET\n", out)
  end)
end)
