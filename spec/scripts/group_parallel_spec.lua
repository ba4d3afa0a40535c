-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

-- What is sent must not have busted's environment, which cannot be.
local describe, it, assert = describe, it, assert
setfenv(1, _G)

local settle, parked = helper.settle, helper.parked

-- Waits for ever, says that it does, and tells the reason for which it has to end.
local function linger(started, ended)
  started:add(1)
  local _, err = pcall(lagoon.sleep, 1000)
  ended:send(err)
  error(err, 0)
end

describe("group.parallel", function()
  it("waits for all, with their arguments", function()
    local group, sum = lagoon.group(), lagoon.atomic(0)
    for i = 1, 20 do
      group:parallel(function(a, b)
        sum:add(a * b)
      end, i, 2)
    end
    group:wait()
    assert.equal(420, sum:get())
    group:wait()
  end)

  it("runs its members in other states", function()
    local group, results, here = lagoon.group(), lagoon.chan(4), {}
    for _ = 1, 4 do
      group:parallel(function()
        results:send(here.mark)
        here.mark = "there"
      end)
    end
    group:wait()
    assert.is_nil(here.mark)
    for _ = 1, 4 do
      assert.same({ nil, true }, { results:recv() })
    end
  end)

  it("waits for those that goroutines start, of both kinds", function()
    local group, n = lagoon.group(), lagoon.atomic(0)
    for _ = 1, 5 do
      group:go(function()
        group:parallel(function() n:add(1) end)
        group:go(function() n:add(1) end)
      end)
    end
    group:wait()
    assert.equal(10, n:get())
  end)

  it("refuses what cannot be called, and no group", function()
    local group = lagoon.group()
    assert.matches("bad argument #1 to 'parallel' %(function expected, got nil%)",
      helper.message_of(function() group:parallel(nil) end))
    assert.matches("group expected", helper.message_of(function() group.parallel() end))
    group:wait()
  end)
end)

describe("group.parallel with what cannot be sent", function()
  it("raises at once, starts nothing, and gives its place back", function()
    local group, n = lagoon.group { limit = 1 }, 0
    assert.matches("cannot send a coroutine", helper.message_of(function()
      group:parallel(function() end, coroutine.create(function() end))
    end))
    assert.matches("variable 'n'", helper.message_of(function()
      group:parallel(function() n = n + 1 end)
    end))
    group:go(function() n = n + 10 end)
    group:wait()
    assert.equal(10, n)
  end)
end)

describe("group.wait for members in other states", function()
  it("raises the first error, after it has cancelled the others and all have ended",
    helper.unpreempted("one that is cancelled is told wherever it makes room", function()
    local group, started, ended = lagoon.group(), lagoon.atomic(0), lagoon.chan(8)
    for _ = 1, 3 do
      group:parallel(linger, started, ended)
      group:go(linger, started, ended)
    end
    settle(function() return started:get() == 6 and helper.waiting("sleep") == 6 end)
    group:parallel(function() error { code = 7 } end)
    assert.same({ code = 7 }, helper.error_of(group.wait, group))
    assert.equal(6, #ended)
    for _ = 1, 6 do
      assert.equal("cancelled", (ended:recv()))
    end
    assert.same({ code = 7 }, helper.error_of(group.wait, group))
  end))

  it("is ended by an error of this state, too", helper.unpreempted("as above", function()
    local group, started, ended = lagoon.group(), lagoon.atomic(0), lagoon.chan(8)
    group:parallel(linger, started, ended)
    settle(function() return started:get() == 1 and helper.waiting("sleep") == 1 end)
    group:go(function() error("here", 0) end)
    assert.equal("here", helper.error_of(group.wait, group))
    assert.equal("cancelled", (ended:recv()))
  end))

  it("keeps the error's traceback", function()
    local group = lagoon.group()
    local function a_culprit() error("there") end
    group:parallel(function()
      a_culprit()
      return 1
    end)
    local err = helper.error_of(group.wait, group)
    assert.matches("group_parallel_spec.lua:%d+: there$", err)
    assert.matches("a_culprit", lagoon.traceback(err))
    assert.matches("created by.*group_parallel_spec.lua", lagoon.traceback(err))
  end)

  it("may be cancelled, and leaves the group whole", function()
    local group, gate = lagoon.group(), lagoon.chan()
    group:parallel(function() gate:recv() end)
    local waiter = parked(lagoon.async(function() group:wait() end))
    waiter:cancel("impatient")
    assert.equal("impatient", helper.error_of(waiter.wait, waiter))
    gate:close()
    group:wait()
  end)
end)

describe("a group's limit", function()
  it("counts members of both kinds", function()
    local group, gate = lagoon.group { limit = 3 }, lagoon.chan()
    local inside, most = lagoon.atomic(0), lagoon.atomic(0)
    local function member()
      local n = inside:add(1)
      while most:get() < n do
        most:set(n)
      end
      gate:recv()
      inside:add(-1)
    end
    local starter = lagoon.async(function()
      for i = 1, 30 do
        group[i % 2 == 0 and "go" or "parallel"](group, member)
      end
    end)
    settle(function() return inside:get() == 3 end)
    parked(starter)
    for _ = 1, 30 do
      gate:send()
    end
    starter:wait()
    group:wait()
    assert.is_true(most:get() <= 3)
  end)

  it("frees places also by errors and cancellation", function()
    local group, gate = lagoon.group { limit = 2 }, lagoon.chan()
    group:parallel(function() gate:recv() end)
    group:parallel(function() gate:recv() end)
    local starter = parked(lagoon.async(function()
      group:parallel(function() gate:recv() end)
    end))
    group:cancel()
    starter:wait()
    group:wait()
    for _ = 1, 5 do
      group:parallel(function() end)
    end
    group:wait()
  end)
end)

describe("group.cancel", function()
  it("reaches other states with its reason; wait does not raise that", function()
    for _, reason in ipairs { "enough", { why = "enough" } } do
      local group, started, ended = lagoon.group(), lagoon.atomic(0), lagoon.chan(3)
      for _ = 1, 3 do
        group:parallel(linger, started, ended)
      end
      settle(function() return started:get() == 3 end)
      group:cancel(reason)
      group:wait()
      for _ = 1, 3 do
        assert.same(reason, (ended:recv()))
      end
    end
  end)

  it("leaves a reason that cannot be sent in its own state", function()
    local group, started, ended = lagoon.group(), lagoon.atomic(0), lagoon.chan(2)
    local reason = { coroutine.create(function() end) }
    group:parallel(linger, started, ended)
    settle(function() return started:get() == 1 end)
    group:cancel(reason)
    group:wait()
    assert.equal("cancelled", (ended:recv()))
  end)

  it("starts no more members", function()
    local group, n = lagoon.group { limit = 1 }, lagoon.atomic(0)
    group:cancel()
    for _ = 1, 3 do
      group:parallel(function() n:add(1) end)
    end
    group:wait()
    assert.equal(0, n:get())
  end)

  it("tells errors that are not its doing", function()
    local group, started = lagoon.group(), lagoon.atomic(0)
    group:parallel(function()
      started:add(1)
      pcall(lagoon.sleep, 1000)
      error("while tidying up", 0)
    end)
    settle(function() return started:get() == 1 end)
    group:cancel()
    assert.equal("while tidying up", helper.error_of(group.wait, group))
  end)
end)
