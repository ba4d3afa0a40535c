-- SPDX-License-Identifier: MIT
--
-- How WebSockets end.
local lagoon = require "lagoon"
local helper = require "helper"
local websockets = require "websockets"
local async = lagoon.async
local serving, pair = websockets.serving, websockets.pair
local dial, echo = websockets.dial, websockets.echo
local raw, frame = websockets.raw, websockets.frame

describe("the end of a WebSocket", function()
  it("tells the code and the reason of a close, on both sides", function()
    local seen
    serving(function(ws)
      seen = { ws:recv() }
      seen.code, seen.reason = ws.close_code, ws.close_reason
    end, nil, function(address)
      local ws = dial(address)
      assert.is_true(ws:close(3000, "done"))
      assert.same({ 3000, "done" }, { ws.close_code, ws.close_reason })
      assert.same({ nil, "closed" }, { ws:send("x") })
      assert.same({ nil, "closed" }, { ws:close() })
      assert.is_nil(ws:recv())
    end)
    assert.same({ code = 3000, reason = "done" }, seen)
  end)

  it("is closed when the handler returns, with 1011 when it fails", function()
    serving(function(_, req)
      assert(req.headers["X-Fail"] == nil, "failed")
    end, nil, function(address, _, log)
      local ws = dial(address)
      assert.is_nil(ws:recv())
      assert.equal(1000, ws.close_code)
      ws = dial(address, { headers = { ["X-Fail"] = "yes" } })
      assert.is_nil(ws:recv())
      assert.equal(1011, ws.close_code)
      assert.is_truthy(log[1]:find("GET /chat%?x=1: .*failed"))
    end)
  end)

  it("is closed with 1001 when the server is, also while its handler works", function()
    local working = lagoon.chan()
    local ended = {}
    serving(function(ws, req)
      if req.headers["X-Work"] then
        working:recv()
      end
      ended[#ended + 1] = { ws:recv() }
    end, nil, function(address, server)
      local idle, busy = dial(address), dial(address, { headers = { ["X-Work"] = "yes" } })
      local closing = async(server.close, server, 5)
      for _, ws in ipairs { idle, busy } do
        assert.is_nil(ws:recv())
        assert.equal(1001, ws.close_code)
      end
      working:close()
      assert.is_true(closing:wait())
    end)
    assert.same({ {}, {} }, ended)
  end)

  it("ends with EOF where the other side goes without a word", function()
    local seen
    serving(function(ws)
      seen = { ws:recv() }
      seen.code = ws.close_code
      assert.same({ nil, "unexpected end of stream", "EOF" }, { ws:recv() })
      assert.same({ nil, "unexpected end of stream", "EOF" }, { ws:ping() })
    end, nil, function(address)
      local conn = raw(address)
      conn:write(frame(1, "half of it", true))
      conn:close()
    end)
    assert.same({ nil, "unexpected end of stream", "EOF", code = 1006 }, seen)
  end)

  for code, row in pairs {
    [1002] = { frame(3, ""), "an unknown kind of frame", "EPROTO" },
    [1007] = { frame(1, "\255"), "invalid UTF-8", "EPROTO" },
    [1009] = { frame(2, ("x"):rep(101)), "message too large", "EFBIG" },
  } do
    it("ends with " .. code .. " where the other side breaks that rule", function()
      local seen
      serving(function(ws)
        seen = { ws:recv() }
        seen.code = ws.close_code
        assert.same({ nil, row[2], row[3] }, { ws:recv() })
      end, { max_message_bytes = 100 }, function(address)
        local conn = raw(address)
        conn:write(row[1])
        assert.equal(("\136\2\3%s"):format(string.char(code - 768)), conn:read("*a"))
        conn:close()
      end)
      assert.same({ nil, row[2], row[3], code = code }, seen)
    end)
  end

  it("says that a close was not answered, and is closed all the same", function()
    local seen
    serving(function(ws)
      seen = { ws:close(1000, "bye") }
      assert.same({ nil, "closed" }, { ws:recv() })
    end, { close_timeout = 0.02 }, function(address)
      local conn = raw(address)
      assert.equal("\136\5\3\232bye", conn:read("*a"))
      conn:close()
    end)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, seen)
  end)

  it("comes in time where who receives is cancelled meanwhile", function()
    pair(nil, function(client, server)
      local receiving = helper.parked(async(client.recv, client))
      local closing = helper.parked(async(client.close, client))
      receiving:cancel("enough")
      assert.equal("enough", helper.error_of(receiving.wait, receiving))
      assert.is_nil(server:recv())
      assert.is_true(closing:wait())
    end)
  end)

  it("is closed, too, where closing is cancelled", function()
    pair(nil, function(client, server)
      local closing = helper.parked(async(client.close, client))
      closing:cancel("enough")
      assert.equal("enough", helper.error_of(closing.wait, closing))
      assert.same({ nil, "closed" }, { client:recv() })
      assert.same({ nil, "closed" }, { client:send("x") })
      assert.is_nil(server:recv())
      assert.equal(1000, server.close_code)
    end)
  end)

  it("is closed, too, where who closes it is killed", function()
    pair(nil, function(client, server)
      local group = lagoon.group()
      local pinging = helper.parked(async(client.ping, client, 1000))
      group:go(client.close, client)
      helper.quiet()
      local receiving = helper.parked(async(client.recv, client))
      group:kill()
      assert.same({ nil, "closed" }, { receiving:wait(10) })
      assert.same({ nil, "closed" }, { pinging:wait(10) })
      assert.same({ nil, "closed" }, { client:send("x") })
      assert.is_nil(server:recv())
      assert.equal(1000, server.close_code)
    end)
  end)

  it("tells each side of a damaged stream, and leaves nothing behind", function()
    local random = helper.random()
    serving(echo, { max_message_bytes = 1000, close_timeout = 0.5 }, function(address, server)
      for _ = 1, helper.rounds(10) do
        local conn, bytes = raw(address), {}
        for i = 1, random(40) do
          bytes[i] = string.char(random(0, 255))
        end
        conn:write(frame(1, "hello"), table.concat(bytes))
        assert.equal("\129\5hello", conn:read(7))
        if random(2) == 1 then
          conn:close_write()
          conn:read("*a")
        end
        conn:close()
      end
      assert.is_true(server:close(5))
    end)
  end)

end)
