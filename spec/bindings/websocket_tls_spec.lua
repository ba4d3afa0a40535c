-- SPDX-License-Identifier: MIT
--
-- WebSockets over TLS: wss.
local lagoon = require "lagoon"
local helper = require "helper"
local certificates = require "certificates"
local websockets = require "websockets"
local http = lagoon.http

if not certificates.can_be_made() then
  return
end

local function serving(f)
  local server = assert(http.serve("127.0.0.1:0", function(req)
    local ws = assert(req:websocket())
    for data, kind in ws.recv, ws do
      ws:send(data, kind)
    end
  end, { tls = certificates.server(), log = function() end }))
  local ok, err = pcall(f, server:addr())
  server:close(ok and 5 or 0)
  assert(ok, err)
end

describe("a WebSocket over TLS", function()
  it("carries messages both ways, and is closed as one without", function()
    serving(function(address)
      local ws = assert(http.websocket("wss://" .. address .. "/", {
        tls = { ca = certificates.path("ca.pem") } }))
      ws:set_deadline(10)
      local large = ("\0\255x"):rep(300000)
      local task = lagoon.async(ws.send, ws, large, "binary")
      assert.is_true(ws:recv() == large)
      assert.is_true(task:wait())
      assert.is_true(ws:close(3000, "done"))
      assert.same({ 3000, "done" }, { ws.close_code, ws.close_reason })
    end)
  end)

  it("refuses whom nobody vouches for", function()
    serving(function(address)
      local ws, err, code = http.websocket("wss://" .. address .. "/")
      assert.is_nil(ws)
      assert.is_truthy(err:find("certificate"), err)
      assert.equal("ECERT", code)
    end)
  end)

  local python = websockets.python("websockets")
  if python then
    it("with Python's websockets", function()
      serving(function(address)
        local script = helper.file("wss_client.py", [[
import asyncio, ssl, sys, websockets
async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    async with websockets.connect("wss://" + sys.argv[1], ssl=context, max_size=None) as ws:
        for message in ("h\u00e9llo", b"\x00" * 200000):
            await ws.send(message)
            print(await ws.recv() == message)
        await ws.close(3001, "bye")
    print(ws.close_code, ws.close_reason)
asyncio.run(main())
]])
        local out, exit = lagoon.process.run(python, { script, address,
          certificates.path("ca.pem") }, { timeout = 15 })
        assert.equal("True\nTrue\n3001 bye\n", out, exit and exit.stderr)
      end)
    end)
  end
end)
