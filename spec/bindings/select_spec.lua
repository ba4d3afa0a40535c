-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local chan, async, select_ = lagoon.chan, lagoon.async, lagoon.select
local parked = helper.parked

describe("select", function()
  it("receives from the one that is ready, and tells value and ok", function()
    local a, b = chan(1), chan(1)
    b:send("v")
    assert.same({ n = 3, 2, "v", true }, { n = 3, select_(a, b) })
    b:send(nil)
    assert.same({ n = 3, 2, nil, true }, { n = select("#", 2, nil, true), select_(a, b) })
    b:close()
    local i, v, ok = select_(a, b)
    assert.same({ 2, false }, { i, ok })
    assert.is_nil(v)
  end)

  it("sends, and returns the position alone", function()
    local a, b = chan(), chan(1)
    assert.equal(1, select("#", select_(a, b:sending("x"))) - 0 == 1 and 1 or 0)
    assert.equal("x", (b:recv()))
    assert.equal(2, (select_(a, b:sending(nil))))
    assert.same({ nil, true }, { b:recv() })
  end)

  it("waits until one can go on, and takes only that one", function()
    local a, b, c = chan(), chan(), chan()
    local task = parked(async(function() return select_(a, b:sending(1), c) end))
    c:send("c")
    local i, v, ok = task:wait()
    assert.same({ 3, "c", true }, { i, v, ok })
    assert.is_false(a:try_send(1))
    assert.is_nil(select(2, b:try_recv()))
    task = parked(async(function() return select_(a, b:sending("b"), c) end))
    assert.equal("b", (b:recv()))
    assert.equal(2, (task:wait()))
  end)

  it("is woken by a close", function()
    local a, b = chan(), chan()
    local task = parked(async(function() return select_(a, b) end))
    b:close()
    local i, v, ok = task:wait()
    assert.same({ 2, false }, { i, ok })
    assert.is_nil(v)
  end)

  it("on one channel twice, to send and receive, does not meet itself", function()
    local a = chan()
    local function both(value) return function() return select_(a, a:sending(value)) end end
    local first = parked(async(both "x"))
    local second = async(both "y")
    local i, v = first:wait()
    local j, w = second:wait()
    assert.equal(3, i + j)
    assert.equal(i == 1 and "y" or "x", v or w)
  end)

  it("without cases waits for ever", function()
    local task = parked(async(function() select_() end))
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
  end)

  it("takes one case", function()
    local a = chan(1)
    a:send(1)
    assert.same({ 1, 1, true }, { select_(a) })
  end)
end)

describe("select with default", function()
  it("never waits", function()
    local a, b = chan(), chan(1)
    assert.equal(2, select_(a, lagoon.default))
    assert.equal(1, select_(lagoon.default))
    b:send(1)
    assert.equal(3, select_(a, b:sending(1), lagoon.default))
    assert.same({ 2, 1, true }, { select_(a, b, lagoon.default) })
    assert.equal(1, (select_(b:sending(1), lagoon.default)))
    b:close()
    b:recv()
    assert.same({ 1, nil, false }, { select_(b, lagoon.default) })
  end)

  it("must have it last", function()
    assert.equal("bad case #1 to select (lagoon.default must be the last)",
      helper.message_of(function() return (select_(lagoon.default, chan())) end))
  end)
end)

describe("select with a closed channel to send to", function()
  it("raises when that case is picked", function()
    local a = chan(1)
    a:close()
    assert.equal("send on closed channel",
      helper.message_of(function() return (select_(a:sending(1))) end))
    assert.equal("send on closed channel",
      helper.message_of(function() return (select_(chan(), a:sending(1), lagoon.default)) end))
    local b = chan()
    local task = parked(async(function() return (select_(b:sending(1))) end))
    b:close()
    assert.matches("select_spec.lua:%d+: send on closed channel",
      helper.error_of(task.wait, task))
  end)
end)

describe("select with cases that are none", function()
  local function why(...)
    return helper.message_of(function(...) return (select_(...)) end, ...)
  end

  it("names the position and the type", function()
    local a = chan(1)
    a:send(1)
    assert.equal("bad case #1 to select (channel expected, got nil)", why(nil))
    assert.equal("bad case #2 to select (channel expected, got nil)", why(a, nil, a))
    assert.equal("bad case #2 to select (channel expected, got number)", why(a, 5))
    assert.equal("bad case #3 to select (channel expected, got table)", why(a, a, {}))
    assert.equal("bad case #1 to select (channel expected, got string)", why("x", a))
    assert.equal("bad case #1 to select (channel expected, got mutex)", why(lagoon.mutex()))
    assert.equal(1, #a) -- nothing was done
  end)

  it("refuses more than 65,535", function()
    local cases = {}
    local a = chan(1)
    for i = 1, 65536 do
      cases[i] = a
    end
    a:send(1)
    local ok, err = pcall(function() return select_(unpack(cases, 1, 65536)) end)
    assert.is_false(ok)
    assert.matches("too many", err)
    assert.equal(1, #a)
  end)

  it("takes a thousand", function()
    local cases = {}
    for i = 1, 1000 do
      cases[i] = chan(1)
    end
    cases[777]:send("v")
    assert.same({ 777, "v", true }, { select_(unpack(cases)) })
    local task = parked(async(function() return select_(unpack(cases)) end))
    cases[1000]:send("w")
    assert.same({ 1000, "w", true }, { task:wait() })
  end)
end)

describe("select among ready cases", function()
  it("is fair within 5 % over 100,000 rounds", function()
    local chans, counts, rounds = {}, {}, 100000
    for i = 1, 4 do
      chans[i], counts[i] = chan(1), 0
      chans[i]:send(i)
    end
    local a, b, c, d = unpack(chans)
    for _ = 1, rounds do
      local i = select_(a, b, c, d)
      counts[i] = counts[i] + 1
      chans[i]:send(i)
    end
    for i = 1, 4 do
      assert.is_true(math.abs(counts[i] - rounds / 4) < rounds / 4 * 0.05,
        ("case %d: %d of %d"):format(i, counts[i], rounds))
    end
  end)

  it("is fair between sending and receiving", function()
    local counts, rounds = { 0, 0 }, 100000
    local full, empty = chan(1), chan(1)
    full:send(0)
    for _ = 1, rounds do
      local i = select_(full, empty:sending(1))
      counts[i] = counts[i] + 1
      if i == 1 then
        full:send(0)
      else
        empty:recv()
      end
    end
    assert.is_true(math.abs(counts[1] - counts[2]) < rounds * 0.05)
  end)
end)

describe("select under load", function()
  it("delivers each value once, and what was reported as not sent never", function()
    local random = helper.random(1)
    local chans = { chan(), chan(1), chan() }
    local quit = chan()
    local sent, received, left = {}, {}, lagoon.atomic(10)
    for sender = 1, 10 do
      lagoon.go(function()
        for i = 1, helper.rounds(3000) do
          local id = sender * 1000000 + i
          local first = random(3)
          local a, b = chans[first], chans[first % 3 + 1]
          local case = random(3) == 1
            and select_(a:sending(id), b:sending(id), lagoon.default)
            or select_(a:sending(id), b:sending(id))
          if case < 3 then
            sent[id] = true
          elseif random(2) == 1 then
            lagoon.yield()
          end
        end
        left:add(-1)
      end)
    end
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = async(function()
        while true do
          local case, id = select_(chans[1], quit, chans[2], chans[3])
          if case == 2 then
            return
          end
          assert(not received[id], "twice")
          received[id] = true
          if random(5) == 1 then
            lagoon.yield()
          end
        end
      end)
    end
    helper.settle(function() return left:get() == 0 and #chans[2] == 0 end)
    quit:close()
    for i = 1, 10 do
      tasks[i]:wait()
    end
    assert.same(sent, received)
  end)
end)

describe("ch:sending", function()
  it("keeps its value alive and may be used again", function()
    local a = chan(3)
    local case = a:sending({ "a table" })
    collectgarbage()
    select_(case)
    select_(case)
    assert.equal(2, #a)
    local first, second = a:recv(), a:recv()
    assert.equal("a table", first[1])
    assert.equal(first, second)
  end)
end)

describe("select with very many cases", function()
  it("takes 7,900, and refuses more", function()
    local cases = {}
    for i = 1, 7899 do
      cases[i] = lagoon.chan(1)
    end
    cases[7900] = lagoon.default
    assert.equal(7900, (lagoon.select(unpack(cases))))
    cases[5000]:send("here")
    assert.equal(5000, (lagoon.select(unpack(cases))))
    cases[7901] = lagoon.default
    assert.equal("too many cases to select", helper.message_of(function()
      local i = lagoon.select(unpack(cases))
      return i
    end))
  end)
end)
