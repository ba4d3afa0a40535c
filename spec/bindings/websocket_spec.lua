-- SPDX-License-Identifier: MIT
--
-- Messages over WebSockets, between a server and a client of ours, and against connections that say
-- exactly what a fact needs.
local lagoon = require "lagoon"
local helper = require "helper"
local websockets = require "websockets"
local http, async = lagoon.http, lagoon.async
local serving, pair = websockets.serving, websockets.pair
local dial, echo = websockets.dial, websockets.echo
local raw, frame = websockets.raw, websockets.frame

describe("a WebSocket", function()
  it("carries texts and bytes both ways, of any size", function()
    serving(echo, nil, function(address)
      local ws = dial(address)
      for _, data in ipairs { "", "h\195\169llo", ("x"):rep(126), ("y"):rep(70000) } do
        assert.is_true(ws:send(data))
        assert.same({ data, "text" }, { ws:recv() })
      end
      local bytes = ("\0\255\128"):rep(500000)
      local task = async(ws.send, ws, bytes, "binary") -- both sides write at once
      local data, kind = ws:recv()
      assert.is_true(data == bytes)
      assert.equal("binary", kind)
      assert.is_true(task:wait())
      assert.is_true(ws:close())
    end)
  end)

  it("hears fragments, answers the pings between them, and takes what comes with the handshake",
    function()
      serving(echo, nil, function(address)
        local conn = raw(address)
        conn:write(frame(1, "one ", true), frame(9, "?"), frame(0, "two"))
        assert.equal("\138\1?", conn:read(3))
        assert.equal("\129\7one two", conn:read(9))
        conn:write(frame(8, "\3\232"))
        assert.equal("\136\2\3\232", conn:read("*a"))
        conn:close()
      end)
    end)

  it("loses nothing to a deadline or a cancellation of who receives", function()
    pair(nil, function(client, server)
      server:set_deadline(0.005)
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { server:recv() })
      server:set_deadline()
      local task = helper.parked(async(server.recv, server))
      task:cancel("enough")
      assert.equal("enough", helper.error_of(task.wait, task))
      client:send("all of it")
      assert.equal("all of it", server:recv())
    end)
  end)

  it("loses nothing of a message that is there in part", function()
    serving(function(ws)
      ws:set_deadline(0.01)
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { ws:recv() })
      ws:set_deadline(5)
      ws:send("go on")
      assert.equal("half and half", ws:recv())
      assert.is_nil(ws:recv())
    end, nil, function(address, _, log)
      local conn = raw(address)
      conn:write((frame(1, "half and half"):sub(1, 12)))
      assert.equal("\129\5go on", conn:read(7))
      conn:write((frame(1, "half and half"):sub(13)), frame(8, ""))
      assert.equal("\136\0", conn:read("*a"))
      conn:close()
      assert.same({}, log)
    end)
  end)

  it("keeps messages of many senders whole", function()
    serving(echo, nil, function(address)
      local ws, senders = dial(address), lagoon.group()
      for i = 1, 8 do
        senders:go(function()
          for j = 1, 5 do
            assert(ws:send(("%d"):format(i):rep(j * 20000)))
          end
        end)
      end
      local sizes = {}
      for _ = 1, 40 do
        local data = ws:recv()
        local digit = data:sub(1, 1)
        assert.is_true(data == digit:rep(#data))
        sizes[digit] = (sizes[digit] or 0) + #data
      end
      senders:wait()
      for i = 1, 8 do
        assert.equal(300000, sizes[("%d"):format(i)])
      end
      ws:close()
    end)
  end)

  it("goes on receiving while somebody sends to a slow reader, and answers pings then", function()
    local received = lagoon.chan(10)
    serving(function(ws)
      local sending = async(ws.send, ws, ("x"):rep(8 * 1024 * 1024), "binary")
      helper.parked(sending)
      for data in ws.recv, ws do
        received:send(data)
      end
      assert(sending:wait())
    end, nil, function(address, _, log)
      local conn = raw(address)
      conn:write(frame(1, "one"), frame(9, "?"), frame(1, "two"))
      assert.equal("one", received:recv(10))
      assert.equal("two", received:recv(10))
      assert.equal(8 * 1024 * 1024 + 10, #conn:read(8 * 1024 * 1024 + 10))
      assert.equal("\138\1?", conn:read(3))
      conn:write(frame(8, ""))
      assert.equal("\136\0", conn:read("*a"))
      conn:close()
      assert.same({}, log)
    end)
  end)

  it("sends nothing behind a message that was cut in two", function()
    local seen
    serving(function(ws)
      ws:set_deadline(0.02)
      local first = { ws:send(("x"):rep(8 * 1024 * 1024), "binary") }
      ws:set_deadline(5)
      seen = { first, { ws:send("more") }, { ws:recv() } }
    end, { close_timeout = 0.02 }, function(address)
      local conn = raw(address)
      conn:write(frame(1, "hello"))
      helper.settle(function()
        return seen
      end)
      conn:close()
    end)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { unpack(seen[1], 1, 3) })
    assert.equal("EPIPE", seen[2][3])
    assert.same({ "hello", "text" }, seen[3])
  end)

  it("does not send what was cancelled before its turn, and goes on", function()
    pair(nil, function(client, server)
      local large = ("x"):rep(8 * 1024 * 1024)
      local first = helper.parked(async(client.send, client, large, "binary"))
      local second = helper.parked(async(client.send, client, "second"))
      second:cancel("enough")
      assert.equal("enough", helper.error_of(second.wait, second))
      local third = helper.parked(async(client.send, client, "third"))
      assert.is_true(server:recv() == large)
      assert.is_true(first:wait())
      assert.is_true(third:wait())
      assert.equal("third", server:recv())
      local closing = async(client.close, client)
      assert.is_nil(server:recv())
      assert.is_true(closing:wait())
    end)
  end)

  it("waits for nobody who was killed while it sent or received", function()
    pair({ close_timeout = 0.02 }, function(client, server)
      local group = lagoon.group()
      group:go(client.send, client, ("x"):rep(8 * 1024 * 1024), "binary")
      group:go(client.recv, client)
      helper.quiet()
      local waiting = helper.parked(async(client.send, client, "more"))
      group:kill()
      assert.same({ nil, "an earlier write was cut short", "EPIPE" }, { waiting:wait(10) })
      client:set_deadline(0.005)
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { client:recv() })
      assert.equal("EPIPE", select(3, async(client.close, client):wait(10)))
      server:set_deadline(0.005)
    end)
  end)

  it("works in other states, and is not sent there", function()
    serving(echo, nil, function(address)
      local task = helper.parallel(function(place)
        local ws = assert(require("lagoon").http.websocket("ws://" .. place))
        ws:send("over there")
        local data = ws:recv()
        return data, ws:close()
      end, address)
      assert.same({ "over there", true }, { task:wait() })
      local ws = dial(address)
      assert.is_truthy(helper.message_of(function()
        lagoon.parallel(function() end, ws)
      end):find("^cannot send a WebSocket"))
      ws:close()
    end)
  end)

  it("tells by a ping whether the other side is there", function()
    pair(nil, function(client, server)
      local reader = async(client.recv, client)
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { server:ping(0.005) }) -- nobody hears it
      local hearing = async(server.recv, server)
      assert.is_true(server:ping(5))
      client:send("x")
      assert.equal("x", hearing:wait())
      hearing = async(server.recv, server)
      local task = async(server.ping, server)
      assert.is_true(task:wait())
      server:send("y")
      assert.equal("y", reader:wait())
      task = async(client.close, client, 4000)
      assert.is_nil(hearing:wait())
      assert.is_true(task:wait())
      assert.same({ nil, "closed" }, { server:ping() })
    end)
  end)

  it("wakes who waits for a pong when it ends", function()
    serving(function(ws)
      local hearing = async(ws.recv, ws)
      assert.same({ nil, "unexpected end of stream", "EOF" }, { ws:ping(5) })
      hearing:wait()
    end, nil, function(address, server, log)
      local conn = raw(address)
      assert.equal("\137\1\49", conn:read(3))
      conn:close()
      assert.is_true(server:close(5))
      assert.same({}, log)
    end)
  end)

  it("is received from by one goroutine at a time, and refuses what cannot be sent", function()
    pair(nil, function(client, server)
      local other = async(server.recv, server)
      local task = helper.parked(async(client.recv, client))
      assert.equal("another goroutine is receiving on this WebSocket at the moment",
        helper.message_of(function() client:recv() end))
      for message, call in pairs {
        ["bad argument #1 to 'send' (a string expected, got nil)"] = function() client:send() end,
        ["bad argument #1 to 'send' (a text must be UTF-8; send this as \"binary\")"] = function()
          client:send("\255")
        end,
        ["bad argument #2 to 'send' (\"text\" or \"binary\" expected)"] = function()
          client:send("", "blob")
        end,
        ["bad argument #1 to 'close' (no code of a close)"] = function() client:close(1005) end,
        ["bad argument #2 to 'close' (at most 123 bytes of UTF-8 expected)"] = function()
          client:close(1000, ("x"):rep(124))
        end,
        ["bad option 'max' of websocket (there is none of that name)"] = function()
          http.websocket("ws://a", { max = 1 })
        end,
        ["bad option 'protocols' of websocket (a list of names expected)"] = function()
          http.websocket("ws://a", { protocols = { "a b" } })
        end,
        ["bad option 'max_message_bytes' of websocket (out of range)"] = function()
          http.websocket("ws://a", { max_message_bytes = 0 })
        end,
        ["the header Host is the handshake's business"] = function()
          http.websocket("ws://a", { headers = { Host = "a" } })
        end,
      } do
        assert.equal(message, helper.message_of(call))
      end
      client:close()
      assert.is_nil(task:wait())
      assert.is_nil(other:wait())
    end)
  end)
end)
