-- SPDX-License-Identifier: MIT
--
-- The handshake of WebSockets, both halves, and programs of others as the other half.
local lagoon = require "lagoon"
local core = require "lagoon.core"
local helper = require "helper"
local websockets = require "websockets"
local http, net, async = lagoon.http, lagoon.net, lagoon.async

local function serving(handler, f)
  local server = assert(http.serve("127.0.0.1:0", handler))
  local ok, err = pcall(f, server:addr())
  server:close(ok and 5 or 0)
  assert(ok, err)
end

local KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

local function request(...)
  return table.concat({ "GET / HTTP/1.1", "Host: a:1", ... }, "\r\n") .. "\r\n\r\n"
end

local function good(...)
  return request("Upgrade: h2c, WebSocket", "Connection: keep-alive, UPGRADE",
    "Sec-WebSocket-Version: 13", KEY, ...)
end

-- The head of the answer to a handshake, and whether the connection ends behind it.
local function answer(address, text)
  local conn = assert(net.dial("tcp", address))
  conn:set_deadline(10)
  conn:write(text)
  local lines = {}
  for line in conn:lines() do
    if line == "\r" then
      break
    end
    lines[#lines + 1] = line:gsub("\r$", "")
  end
  conn:close()
  return table.concat(lines, "\n")
end

describe("req:websocket", function()
  it("answers a handshake, with the handler's headers", function()
    serving(function(req, res)
      res.headers["Set-Cookie"] = "a=b"
      res.headers["Content-Length"] = 7
      assert(req:websocket { protocols = { "new", "old" } })
    end, function(address)
      local head = answer(address, good("Sec-WebSocket-Protocol: old,new"))
      assert.equal("HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n"
        .. "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nSec-WebSocket-Protocol: new",
        head:match("^(.-)\nDate: "))
      assert.is_truthy(head:find("\nSet%-Cookie: a=b$"))
      assert.is_nil(answer(address, good("Sec-WebSocket-Protocol: x")):find("Protocol:"))
    end)
  end)

  it("refuses what is none, and tells the handler", function()
    local seen = {}
    serving(function(req)
      seen[#seen + 1] = { req:websocket() }
    end, function(address)
      local ok = "Upgrade: websocket\r\nConnection: Upgrade"
      local head = answer(address, request())
      assert.is_truthy(head:find("^HTTP/1.1 426 Upgrade Required\nUpgrade: websocket\n"
        .. "Connection: Upgrade, close\nSec%-WebSocket%-Version: 13\n"))
      assert.is_truthy(answer(address, request(ok, "Sec-WebSocket-Version: 12", KEY))
        :find("^HTTP/1.1 426 "))
      for _, fields in ipairs {
        { ok, "Sec-WebSocket-Version: 13" },
        { ok, "Sec-WebSocket-Version: 13", KEY, KEY },
        { ok, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short==" },
        { ok, "Sec-WebSocket-Version: 13", KEY, "Content-Length: 1" },
      } do
        assert.is_truthy(answer(address, request(unpack(fields))):find("^HTTP/1.1 400 "))
      end
      assert.is_truthy(answer(address, (good():gsub("^GET", "PUT"))):find("^HTTP/1.1 400 "))
    end)
    assert.equal(7, #seen)
    assert.same({ nil, "this is a WebSocket", "EPROTO" }, seen[1])
  end)

  it("refuses pages of other hosts, unless it is told otherwise", function()
    local checks
    serving(function(req)
      req:websocket { check_origin = checks }
    end, function(address)
      local function status(origin)
        return answer(address, good("Origin: " .. origin)):match(" (%d+) ")
      end
      assert.equal("101", status("http://A:1"))
      assert.equal("403", status("http://a"))
      assert.equal("403", status("http://a:1.example.org"))
      assert.equal("403", status("null"))
      checks = function(req)
        return req.headers["Origin"] == "http://friend"
      end
      assert.equal("101", status("http://friend"))
      assert.equal("403", status("http://a:1"))
    end)
  end)

  it("comes before anything is written, and nothing after it", function()
    local messages = {}
    serving(function(req, res)
      if req.path == "/late" then
        res:write("x")
        messages[1] = helper.message_of(function() req:websocket() end)
      else
        assert(req:websocket())
        messages[2] = helper.message_of(function() res:write("x") end)
        messages[3] = helper.message_of(function() req:websocket() end)
      end
    end, function(address)
      assert.equal("200", answer(address, (good():gsub("/", "/late", 1))):match(" (%d+) "))
      local ws = assert(http.websocket("ws://" .. address))
      assert.is_nil(ws:recv())
    end)
    assert.same({ "the response has begun", "the response is finished", "the response has begun" },
      messages)
  end)
end)

describe("http.websocket", function()
  -- A server that answers a handshake with what f makes of its key.
  local function against(f)
    local listener = assert(net.listen("tcp", "127.0.0.1:0"))
    local server = async(function()
      local conn = listener:accept()
      local key
      for line in conn:lines() do
        key = line:match("^Sec%-WebSocket%-Key: (%S+)") or key
        if line == "\r" then
          break
        end
      end
      conn:write(f(key))
      conn:read()
      conn:close()
    end)
    local results = { http.websocket("ws://" .. listener:addr(), { timeout = 5,
      protocols = { "mine" } }) }
    if results[1] then
      results[1]:close()
    end
    server:wait()
    listener:close()
    return results
  end

  local function switch(key, ...)
    return table.concat({ "HTTP/1.1 101 Switching Protocols", "Upgrade: WebSocket",
      "Connection: upgrade", "Sec-WebSocket-Accept: " .. core.websocket_accept(key), ... }, "\r\n")
      .. "\r\n\r\n"
  end

  it("takes what was sent right behind the answer, and the subprotocol", function()
    local ws = against(function(key)
      return switch(key, "Sec-WebSocket-Protocol: mine") .. "\136\4\15\160hi"
    end)[1]
    assert.same({ "mine", 4000, "hi" }, { ws.protocol, ws.close_code, ws.close_reason })
  end)

  for message, f in pairs {
    ["the server has answered 404 Not Found"] = function()
      return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    end,
    ["the server has not read the handshake"] = function()
      return switch("other")
    end,
    ["the server has switched to something else"] = function(key)
      return (switch(key):gsub("WebSocket\r", "other\r", 1))
    end,
    ["the server wants an extension that was not offered"] = function(key)
      return switch(key, "Sec-WebSocket-Extensions: permessage-deflate")
    end,
    ["the server wants a subprotocol that was not offered"] = function(key)
      return switch(key, "Sec-WebSocket-Protocol: other")
    end,
  } do
    it("says that " .. message, function()
      assert.same({ nil, message, "EPROTO" }, against(f))
    end)
  end

  it("says what the world says", function()
    local listener = assert(net.listen("tcp", "127.0.0.1:0"))
    local place = listener:addr()
    assert.same({ nil, "timeout", "ETIMEDOUT" },
      { http.websocket("ws://" .. place, { timeout = 0.01 }) })
    local task = helper.parked(async(http.websocket, "ws://" .. place))
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    listener:close()
    assert.equal("ECONNREFUSED", (select(3, http.websocket("ws://" .. place))))
    for _, url in ipairs { "http://a/", "ws:a", "ws://", "ws://a b/", "ws://a/#x", "ws://u@a/",
      "ws://a/\r\nX: y" } do
      assert.equal("EINVAL", (select(3, http.websocket(url))))
    end
  end)
end)

-- ---------------------------------------------------------------------------------------------
-- Programs of others
-- ---------------------------------------------------------------------------------------------

local function echo(req)
  local ws = assert(req:websocket { protocols = { "echo" } })
  for data, kind in ws.recv, ws do
    ws:send(data, kind)
  end
end

describe("a WebSocket with Python's websockets", function()
  local python = websockets.python("websockets")
  if not python then
    return
  end

  it("as the client", function()
    serving(echo, function(address)
      local script = helper.file("ws_client.py", [[
import asyncio, sys, websockets
async def main():
    async with websockets.connect("ws://" + sys.argv[1], subprotocols=["x", "echo"],
                                  max_size=None) as ws:
        print(ws.subprotocol)
        for message in ("h\u00e9llo", b"\x00\xff", "", "y" * 70000, ["a", "b", "c"]):
            await ws.send(message)
            got = await ws.recv()
            print(got == ("abc" if isinstance(message, list) else message))
        await (await ws.ping())
        await ws.close(3001, "bye")
    print(ws.close_code, ws.close_reason)
asyncio.run(main())
]])
      local out, exit = lagoon.process.run(python, { script, address }, { timeout = 15 })
      assert.equal("echo\nTrue\nTrue\nTrue\nTrue\nTrue\n3001 bye\n", out, exit and exit.stderr)
    end)
  end)

  it("as the server", function()
    local script = helper.file("ws_server.py", [[
import asyncio, websockets
async def serve(ws):
    print(ws.path, ws.request_headers["X-Mine"], flush=True)
    async for message in ws:
        if message == "ping":
            await (await ws.ping())
        await ws.send(message)
    print(ws.close_code, ws.close_reason, flush=True)
    done.set()
async def main():
    global done
    done = asyncio.Event()
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["b"]) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await done.wait()
asyncio.run(main())
]])
    local server = assert(lagoon.process.spawn(python, { script },
      { stdin = "null", stderr = "inherit" }))
    server.stdout:set_deadline(15)
    local ok, err = pcall(function()
      local port = assert(server.stdout:read("*l"))
      local ws = assert(http.websocket("ws://127.0.0.1:" .. port .. "/p?q", { timeout = 10,
        protocols = { "a", "b" }, headers = { ["X-Mine"] = "yes" } }))
      assert.equal("b", ws.protocol)
      for _, data in ipairs { "h\195\169", "ping", ("z"):rep(70000) } do
        assert(ws:send(data))
        assert.same({ data, "text" }, { ws:recv() })
      end
      assert(ws:send("\0\255", "binary"))
      assert.same({ "\0\255", "binary" }, { ws:recv() })
      assert.is_true(ws:close(1000, "enough")) -- another code is an error there
      assert.equal("/p?q yes\n1000 enough\n", server.stdout:read("*a"))
    end)
    if not ok then
      server:kill()
    end
    local exit = server:wait()
    server.stdout:close()
    assert(ok, err)
    assert.same({ code = 0 }, exit)
  end)
end)

describe("a WebSocket with Python's websocket-client", function()
  local python = websockets.python("websocket")
  if not python then
    return
  end

  it("as the client", function()
    serving(echo, function(address)
      local script = helper.file("wsc.py", [[
import sys, websocket
ws = websocket.create_connection("ws://" + sys.argv[1], timeout=10)
ws.send("hello")
print(ws.recv())
ws.ping("x")
ws.send_binary(b"\x01\x02")
op, frame = ws.recv_data(control_frame=True)
print(op, frame)
print(ws.recv_data())
ws.close()
]])
      local out, exit = lagoon.process.run(python, { script, address }, { timeout = 15 })
      assert.equal("hello\n10 b'x'\n(2, b'\\x01\\x02')\n", out, exit and exit.stderr)
    end)
  end)
end)
