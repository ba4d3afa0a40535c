-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local chan, go, async = lagoon.chan, lagoon.go, lagoon.async
local settle, parked = helper.settle, helper.parked

describe("chan", function()
  it("makes one without a buffer, or with", function()
    assert.equal(0, chan():cap())
    assert.equal(0, chan(nil):cap())
    assert.equal(0, chan(0):cap())
    assert.equal(7, chan(7):cap())
    assert.equal(0, #chan(7))
    assert.is_false(chan():closed())
  end)

  it("refuses a capacity that is none, and says why", function()
    local function why(...)
      return helper.message_of(function(...) return (chan(...)) end, ...)
    end
    assert.equal("bad argument #1 to 'chan' (capacity must not be negative, got -1)", why(-1))
    assert.matches("must not be negative", why(-math.huge))
    assert.equal("bad argument #1 to 'chan' (capacity must be a whole number, got 1.5)", why(1.5))
    assert.matches("nan", why(0 / 0))
    assert.matches("capacity must be at most %d+, got 1e%+15", why(1e15))
    assert.matches("capacity must be at most %d+", why(math.huge))
    assert.matches("capacity must be at most %d+", why(2 ^ 31))
    assert.matches("capacity must be a number, got table", why {})
    assert.matches("capacity must be a number, got boolean", why(true))
    assert.matches("capacity must be a number, got string", why("many"))
  end)

  it("is shown with capacity and length", function()
    local ch = chan(3)
    ch:send(1)
    assert.matches("3", tostring(ch))
    assert.matches("1", tostring(ch))
    assert.matches("^channel", tostring(ch))
  end)
end)

describe("a channel's methods", function()
  it("refuse anything else as self", function()
    local ch = chan(1)
    for _, name in ipairs { "send", "recv", "try_send", "try_recv", "close", "cap", "closed",
      "sending" } do
      local message = helper.message_of(function() ch[name]() end)
      assert.matches(name, message)
      assert.matches("channel expected, got no value", message)
      assert.matches("got number", helper.message_of(function() ch[name](5) end))
      assert.matches("got table", helper.message_of(function() ch[name]({}) end))
    end
  end)

  it("are refused on a dead channel", function()
    local ch, zombie = chan(1), nil
    -- A finalizer that runs later than the channel's sees it dead.
    local keeper = newproxy(true)
    getmetatable(keeper).__gc = function() zombie = ch end
    local channel_gc = debug.getmetatable(ch) and debug.getmetatable(ch).__gc
    if type(channel_gc) == "function" then
      channel_gc(ch)
      for _, name in ipairs { "send", "recv", "try_send", "try_recv", "close", "cap" } do
        assert.matches("dead channel", helper.message_of(function() ch[name](ch, 1) end))
      end
    end
    assert.is_nil(zombie)
  end)

  it("are nobody's to change", function()
    assert.has_error(function() chan().send = nil end)
    assert.has_error(function() chan().field = 1 end)
  end)
end)

describe("chan with a buffer", function()
  it("keeps values in order", function()
    local ch = chan(3)
    for round = 0, 4 do
      for i = 1, 3 do
        assert.is_true(ch:send(round * 3 + i))
        assert.equal(i, #ch)
      end
      for i = 1, 3 do
        local v, ok = ch:recv()
        assert.equal(round * 3 + i, v)
        assert.is_true(ok)
      end
    end
  end)

  it("carries every type by reference", function()
    local ch = chan(20)
    local table_sent, f, co = {}, function() end, coroutine.create(function() end)
    local cdata = pcall(require, "ffi") and require("ffi").new("int64_t", 5) or 5
    local userdata = newproxy()
    local values = { 1, -0.5, math.huge, true, false, "text", ("x"):rep(100000), table_sent, f, co,
      cdata, userdata, ch, "zero\0inside" }
    for _, value in ipairs(values) do
      ch:send(value)
    end
    for _, value in ipairs(values) do
      local v, ok = ch:recv()
      assert.is_true(rawequal(value, v) or value == v)
      assert.is_true(ok)
    end
    ch:send(0 / 0)
    local nan = ch:recv()
    assert.is_true(nan ~= nan)
    ch:send(-0)
    assert.equal(-math.huge, 1 / ch:recv())
  end)

  it("carries nil as a value", function()
    local ch = chan(2)
    assert.is_true(ch:send(nil))
    assert.is_true(ch:send())
    assert.equal(2, #ch)
    local v, ok, why = ch:recv()
    assert.is_nil(v)
    assert.is_true(ok)
    assert.is_nil(why)
    v, ok = ch:try_recv()
    assert.is_nil(v)
    assert.is_true(ok)
  end)

  it("makes a sender wait when it is full, and takes its value in order", function()
    local ch = chan(1)
    ch:send(1)
    local senders = {}
    for i = 2, 5 do
      senders[i] = async(function() return ch:send(i) end)
      parked(senders[i])
    end
    assert.equal(1, #ch)
    for i = 1, 5 do
      assert.equal(i, (ch:recv()))
    end
    for i = 2, 5 do
      assert.is_true(senders[i]:wait())
    end
    assert.equal(0, #ch)
  end)
end)

describe("chan without a buffer", function()
  it("lets sender and receiver meet", function()
    local ch = chan()
    local sender = async(function() return ch:send("hello") end)
    parked(sender)
    assert.equal(0, #ch)
    assert.equal("hello", (ch:recv()))
    assert.is_true(sender:wait())
    local receiver = async(function() return ch:recv() end)
    parked(receiver)
    assert.is_true(ch:send("again"))
    assert.equal("again", (receiver:wait()))
  end)

  it("serves receivers first come, first served", function()
    local ch, order = chan(), {}
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = async(function() order[i] = ch:recv() end)
      parked(tasks[i])
    end
    for i = 1, 20 do
      ch:send(i)
    end
    for i = 1, 20 do
      tasks[i]:wait()
      assert.equal(i, order[i])
    end
  end)
end)

describe("chan.send and chan.recv with seconds", function()
  it("give up with nil, \"timeout\" and nil, nil, \"timeout\"", function()
    local ch = chan()
    for _, seconds in ipairs { 0, -3, 0.002 } do
      assert.same({ n = 2, nil, "timeout" }, { n = select("#", ch:send(1, seconds)),
        ch:send(1, seconds) })
      assert.same({ n = 3, nil, nil, "timeout" }, { n = select("#", ch:recv(seconds)),
        ch:recv(seconds) })
    end
    assert.is_false(ch:try_send(1)) -- nobody is left behind
    assert.is_nil(select(2, ch:try_recv()))
  end)

  it("wait so long and no shorter", function()
    local ch, start = chan(), lagoon.now()
    ch:recv(0.02)
    assert.is_true(lagoon.now() - start >= 0.02)
  end)

  it("go on when they can", function()
    local ch = chan(1)
    assert.is_true(ch:send("v", 0))
    local v, ok, why = ch:recv(0)
    assert.equal("v", v)
    assert.is_true(ok)
    assert.is_nil(why)
    local receiver = async(function() return ch:recv(1000) end)
    parked(receiver)
    ch:send("w", 1000)
    assert.equal("w", (receiver:wait()))
    assert.is_true(ch:send(1, math.huge))
    ch:recv(math.huge)
  end)

  it("refuse seconds that are none", function()
    local ch = chan(1)
    assert.matches("bad argument #2 to 'send' %(seconds must be a number, got string%)",
      helper.message_of(function() ch:send(1, "soon") end))
    assert.matches("bad argument #1 to 'recv' %(seconds must be a number, got table%)",
      helper.message_of(function() ch:recv {} end))
    assert.matches("got nan", helper.message_of(function() ch:recv(0 / 0) end))
    assert.equal(0, #ch)
  end)
end)

describe("chan.try_send and chan.try_recv", function()
  it("never wait", function()
    local ch = chan()
    assert.is_false(ch:try_send(1))
    assert.same({ n = 2 }, { n = select("#", ch:try_recv()), ch:try_recv() })
    ch = chan(1)
    assert.is_true(ch:try_send(1))
    assert.is_false(ch:try_send(2))
    local v, ok = ch:try_recv()
    assert.equal(1, v)
    assert.is_true(ok)
    v, ok = ch:try_recv()
    assert.is_nil(v)
    assert.is_nil(ok)
  end)

  it("meet one that waits", function()
    local ch = chan()
    local receiver = parked(async(function() return ch:recv() end))
    assert.is_true(ch:try_send(1))
    assert.equal(1, (receiver:wait()))
    local sender = parked(async(function() return ch:send(2) end))
    assert.equal(2, (ch:try_recv()))
    sender:wait()
  end)

  it("tell closed from empty", function()
    local ch = chan(1)
    ch:send(1)
    ch:close()
    assert.equal("send on closed channel", helper.message_of(function() ch:try_send(1) end))
    local v, ok = ch:try_recv()
    assert.equal(1, v)
    assert.is_true(ok)
    v, ok = ch:try_recv()
    assert.is_nil(v)
    assert.is_false(ok)
  end)
end)

describe("chan.close", function()
  it("lets receivers drain the buffer first", function()
    local ch = chan(3)
    ch:send(1)
    ch:send(nil)
    ch:close()
    assert.is_true(ch:closed())
    assert.equal(2, #ch)
    assert.same({ 1, true }, { ch:recv() })
    assert.same({ n = 2, nil, true }, { n = select("#", ch:recv()), nil, true })
    for _ = 1, 3 do
      assert.same({ nil, false }, { ch:recv() })
      assert.same({ nil, false }, { ch:recv(1) })
    end
  end)

  it("wakes all who receive", function()
    local ch, tasks = chan(), {}
    for i = 1, 10 do
      tasks[i] = async(function() return ch:recv() end)
    end
    parked(unpack(tasks))
    ch:close()
    for i = 1, 10 do
      assert.same({ nil, false }, { tasks[i]:wait() })
    end
  end)

  it("fails all who send, and nothing of theirs arrives", function()
    local ch = chan(1)
    ch:send("before")
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = async(function() ch:send(i) end)
    end
    parked(unpack(tasks))
    ch:close()
    for i = 1, 5 do
      assert.matches("chan_spec.lua:%d+: send on closed channel$",
        helper.error_of(tasks[i].wait, tasks[i]))
    end
    assert.equal("before", (ch:recv()))
    assert.is_false(select(2, ch:recv()))
  end)

  it("of a closed one, and a send to it, raise", function()
    local ch = chan(1)
    ch:close()
    assert.equal("close of closed channel", helper.message_of(function() ch:close() end))
    assert.equal("send on closed channel", helper.message_of(function() ch:send(1) end))
    assert.equal("send on closed channel", helper.message_of(function() ch:send(1, 0) end))
    assert.equal(0, #ch)
  end)
end)

describe("for over a channel", function()
  it("receives until it is closed and drained", function()
    local ch, seen = chan(2), {}
    go(function()
      for i = 1, 10 do
        ch:send(i)
      end
      ch:close()
    end)
    for v in ch do
      seen[#seen + 1] = v
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, seen)
  end)

  it("ends at a nil that was sent", function()
    local ch = chan(3)
    ch:send(1)
    ch:send(nil)
    ch:send(3)
    local n = 0
    for _ in ch do
      n = n + 1
    end
    assert.equal(1, n)
    assert.equal(3, (ch:recv()))
  end)

  it("carries false and other values", function()
    local ch, seen = chan(2), {}
    ch:send(false)
    ch:send(0)
    ch:close()
    for v in ch do
      seen[#seen + 1] = v
    end
    assert.same({ false, 0 }, seen)
  end)
end)

describe("many goroutines on one channel", function()
  for _, cap in ipairs { 0, 1, 10 } do
    it(("of capacity %d lose nothing, and keep each sender's order"):format(cap), function()
      local ch, n, left = chan(cap), helper.rounds(5000), lagoon.atomic(8)
      for sender = 1, 8 do
        go(function()
          for i = 1, n do
            ch:send(sender * 1000000 + i)
          end
          if left:add(-1) == 0 then
            ch:close()
          end
        end)
      end
      local count, tasks = lagoon.atomic(0), {}
      for i = 1, 4 do
        tasks[i] = async(function()
          local last = {}
          for v in ch do
            local sender, number = math.floor(v / 1000000), v % 1000000
            if number <= (last[sender] or 0) then
              error(("sender %d: %d after %d"):format(sender, number, last[sender]))
            end
            last[sender] = number
            count:add(1)
          end
        end)
      end
      for i = 1, 4 do
        tasks[i]:wait()
      end
      assert.equal(8 * n, count:get())
    end)
  end

  it("pass tables on by identity", function()
    local there, back = chan(), chan()
    go(function()
      for v in there do
        v.seen = true
        back:send(v)
      end
    end)
    for _ = 1, 100 do
      local v = {}
      there:send(v)
      assert.equal(v, (back:recv()))
      assert.is_true(v.seen)
    end
    there:close()
    settle(function() return lagoon.runtime.num_goroutine() == 1 end)
  end)
end)
