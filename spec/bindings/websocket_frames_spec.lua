-- SPDX-License-Identifier: MIT
--
-- The frames of WebSockets: what is taken, what is refused with which code, and that it makes no
-- difference in which pieces bytes come.
local core = require "lagoon.core"
local helper = require "helper"

local MAX = 100000

local function be(n, nbytes)
  local text = ""
  for _ = 1, nbytes do
    text = string.char(n % 256) .. text
    n = math.floor(n / 256)
  end
  return text
end

-- A frame of a client, whose mask of zeros changes nothing; or as opts say.
local function frame(opcode, data, opts)
  opts = opts or {}
  local n = opts.n or #data
  local mask = opts.is_bare and 0 or 128
  local size = opts.size or (n < 126 and 0 or n < 65536 and 2 or 8)
  local length = size == 0 and n or size == 2 and 126 or 127
  return string.char((opts.fin or 1) * 128 + (opts.rsv or 0) * 16 + opcode, mask + length)
    .. be(n, size) .. (opts.is_bare and "" or "\0\0\0\0") .. data
end

local function close_frame(code, reason)
  return frame(8, be(code, 2) .. (reason or ""))
end

-- All events in pieces of so many bytes, and what is answered.
local function hear(text, piece, is_client)
  local frames, events = core.websocket_frames(not is_client, MAX), {}
  for from = 1, math.max(#text, 1), piece do
    local part, at = text:sub(from, from + piece - 1), 1
    repeat
      local next_at, kind, data, code = core.websocket_next(frames, part, at)
      at = next_at
      if kind then
        events[#events + 1] = { kind, data, code }
      end
      if kind == "close" or kind == "fault" then
        return events, core.websocket_owed(frames)
      end
    until not kind
    assert.equal(#part + 1, at)
  end
  return events, core.websocket_owed(frames)
end

-- The same, which must not depend on the pieces.
local function heard(text, is_client)
  local events, owed = hear(text, #text + 1, is_client)
  for _, piece in ipairs { 1, 2, 3, 7 } do
    if #text < 2000 then
      local others, owed_to_others = hear(text, piece, is_client)
      assert.same(events, others)
      if is_client then -- masks are not the same
        assert.same({ hear(owed, 1000) }, { hear(owed_to_others, 1000) })
      else
        assert.equal(owed, owed_to_others)
      end
    end
  end
  return events, owed
end

describe("the frames of a WebSocket", function()
  it("become messages", function()
    assert.same({ { "text", "h\195\169", 0 }, { "binary", "\0\255", 0 }, { "text", "", 0 } },
      (heard(frame(1, "h\195\169") .. frame(2, "\0\255") .. frame(1, ""))))
  end)

  it("have lengths of three forms", function()
    for _, n in ipairs { 125, 126, 127, 65535, 65536, MAX } do
      local data = ("x"):rep(n)
      assert.same({ { "binary", data, 0 } }, (heard(frame(2, data))))
    end
  end)

  it("come in fragments, with pings and pongs between them", function()
    local events, owed = heard(frame(1, "one\226\130", { fin = 0 }) .. frame(9, "there?")
      .. frame(0, "", { fin = 0 }) .. frame(10, "here") .. frame(0, "\172two"))
    assert.same({ { "pong", "here", 0 }, { "text", "one\226\130\172two", 0 } }, events)
    assert.equal("\138\6there?", owed)
  end)

  it("are unmasked", function()
    assert.same({ { "text", "Hello", 0 } }, (heard("\129\133\55\250\33\61\127\159\77\81\88")))
  end)

  it("are not masked by a server", function()
    local events = heard(frame(1, "hello", { is_bare = true }), true)
    assert.same({ { "text", "hello", 0 } }, events)
  end)

  it("tell of a close, which is answered as it came", function()
    for code, reason in pairs { [1000] = "", [1001] = "bye", [1011] = "\195\164", [3000] = "x",
      [4999] = ("r"):rep(123) } do
      local events, owed = heard(close_frame(code, reason) .. frame(1, "too late"))
      assert.same({ { "close", reason, code } }, events)
      assert.equal(string.char(136, 2 + #reason) .. be(code, 2) .. reason, owed)
    end
    local events, owed = heard(frame(8, ""))
    assert.same({ { "close", "", 1005 } }, events)
    assert.equal("\136\0", owed)
  end)

  it("owe one answer to many pings, the last one's", function()
    local _, owed = hear(frame(9, "x"):rep(1000) .. frame(9, "last"), 100)
    assert.equal("\138\4last", owed)
  end)

  for what, row in pairs {
    ["reserved bits"] = { frame(1, "a", { rsv = 4 }), 1002, "reserved bits are set" },
    ["no mask"] = { frame(1, "a", { is_bare = true }), 1002, "a frame without a mask" },
    ["an unknown kind"] = { frame(3, "a"), 1002, "an unknown kind of frame" },
    ["an unknown control"] = { frame(11, "a"), 1002, "an unknown kind of frame" },
    ["a continuation first"] = { frame(0, "a"), 1002, "a continuation of nothing" },
    ["a message within another"] = { frame(1, "a", { fin = 0 }) .. frame(1, "b"), 1002,
      "a message within a message" },
    ["a ping in fragments"] = { frame(9, "a", { fin = 0 }), 1002, "no frame of a WebSocket" },
    ["a long ping"] = { frame(9, ("a"):rep(126)), 1002, "no frame of a WebSocket" },
    ["16 bits for a short length"] = { frame(2, "a", { size = 2 }), 1002,
      "no frame of a WebSocket" },
    ["64 bits for a short length"] = { frame(2, "a", { size = 8 }), 1002,
      "no frame of a WebSocket" },
    ["a negative length"] = { "\130\255" .. ("\255"):rep(8) .. "\0\0\0\0a", 1002,
      "no frame of a WebSocket" },
    ["half of a code"] = { frame(8, "\3"), 1002, "half of a code" },
    ["a code below 1000"] = { close_frame(999), 1002, "a code that nobody may send" },
    ["a code that stands for none"] = { close_frame(1005), 1002, "a code that nobody may send" },
    ["a code that stands for a loss"] = { close_frame(1006), 1002, "a code that nobody may send" },
    ["a code of nobody"] = { close_frame(2999), 1002, "a code that nobody may send" },
    ["a code above 4999"] = { close_frame(5000), 1002, "a code that nobody may send" },
    ["a reason that is no text"] = { close_frame(1000, "\255"), 1007, "invalid UTF-8" },
    ["an overlong character"] = { frame(1, "\192\128"), 1007, "invalid UTF-8" },
    ["an overlong character of three"] = { frame(1, "\224\159\191"), 1007, "invalid UTF-8" },
    ["a surrogate"] = { frame(1, "a\237\160\128"), 1007, "invalid UTF-8" },
    ["a character beyond the last"] = { frame(1, "\244\144\128\128"), 1007, "invalid UTF-8" },
    ["half of a character"] = { frame(1, "\226\130"), 1007, "invalid UTF-8" },
    ["half of a character in the last fragment"] = { frame(1, "\226", { fin = 0 })
      .. frame(0, "\130"), 1007, "invalid UTF-8" },
    ["a large frame"] = { frame(2, "x", { n = MAX + 1 }), 1009, "message too large" },
    ["large fragments"] = { frame(2, ("x"):rep(900), { fin = 0 })
      .. frame(0, "x", { n = MAX - 899 }), 1009, "message too large" },
  } do
    it("are refused: " .. what, function()
      local events, owed = heard(row[1] .. frame(1, "unheard"))
      assert.same({ { "fault", row[3], row[2] } }, events)
      assert.equal("\136\2" .. be(row[2], 2), owed)
    end)
  end

  it("are refused where a server masks", function()
    local events = heard(frame(1, "a"), true)
    assert.same({ { "fault", "a masked frame of a server", 1002 } }, events)
  end)

  it("are made so that the other side understands them, masked by clients with different masks",
    function()
      local client, server = core.websocket_frames(false, MAX), core.websocket_frames(true, MAX)
      local seen = {}
      for _, n in ipairs { 0, 1, 125, 126, 65535, 65536, MAX } do
        local data = ("x"):rep(n)
        local masked = core.websocket_frame(client, "text", data)
        assert.same({ #masked + 1, "text", data, 0 }, { core.websocket_next(server, masked, 1) })
        local bare = core.websocket_frame(server, "binary", data)
        assert.same({ #bare + 1, "binary", data, 0 }, { core.websocket_next(client, bare, 1) })
        local mask = core.websocket_frame(client, "ping", ""):sub(3)
        assert.equal(4, #mask)
        seen[#seen + 1] = not seen[mask] and 1 or nil
        seen[mask] = true
      end
      assert.is_true(#seen > 5)
    end)

  it("end with a close", function()
    local frames = core.websocket_frames(true, MAX)
    core.websocket_owe_close(frames, 1001, "bye")
    core.websocket_owe_close(frames, 1000, "again")
    assert.is_true(core.websocket_owes(frames))
    assert.equal("\136\5\3\233bye", core.websocket_owed(frames))
    assert.is_false(core.websocket_owes(frames))
    assert.is_nil(core.websocket_frame(frames, "text", "too late"))
    assert.equal("", core.websocket_owed(frames))
  end)

  it("know every character, wherever it stands, and nothing that is none", function()
    local is_utf8, byte = core.websocket_is_utf8, string.char
    local function encode(c)
      if c < 0x80 then
        return byte(c)
      elseif c < 0x800 then
        return byte(0xc0 + math.floor(c / 64), 0x80 + c % 64)
      elseif c < 0x10000 then
        return byte(0xe0 + math.floor(c / 4096), 0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
      end
      return byte(0xf0 + math.floor(c / 262144), 0x80 + math.floor(c / 4096) % 64,
        0x80 + math.floor(c / 64) % 64, 0x80 + c % 64)
    end
    for c = 0, 0x10ffff, helper.is_stress() and 1 or 251 do
      local is_surrogate = c >= 0xd800 and c < 0xe000
      assert.equal(not is_surrogate, is_utf8(("a"):rep(c % 17) .. encode(c) .. ("z"):rep(9)))
    end
    for _, c in ipairs { 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff } do
      assert.is_true(is_utf8(encode(c)))
      assert.equal(c < 0x80, is_utf8(encode(c):sub(1, -2) .. "a"))
      for n = 1, #encode(c) - 1 do
        assert.is_false(is_utf8(encode(c):sub(1, n)))
      end
    end
    for first = 0x80, 0xff do
      assert.equal(false, is_utf8(("a"):rep(first % 9) .. byte(first)))
    end
  end)

  it("take random bytes without a word of what is none", function()
    local random = helper.random()
    for _ = 1, helper.rounds(300) do
      local bytes = {}
      for i = 1, random(60) do
        bytes[i] = string.char(random(0, 255))
      end
      heard(table.concat(bytes), random(2) == 1)
    end
  end)
end)

describe("the handshake's arithmetic", function()
  it("is that of RFC 6455, 1.3", function()
    assert.equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", core.websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="))
  end)

  it("has keys of 16 bytes that are new", function()
    local seen = {}
    for _ = 1, 100 do
      local key = core.websocket_key()
      assert.is_truthy(key:find("^[%w+/]+==$") and #key == 24)
      assert.is_nil(seen[key])
      seen[key] = true
    end
  end)
end)
