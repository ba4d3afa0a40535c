-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local parked, settle = helper.parked, helper.settle

describe("group", function()
  it("waits for all, with their arguments", function()
    local group, sum = lagoon.group(), lagoon.atomic(0)
    for i = 1, 20 do
      group:go(function(a, b)
        lagoon.yield()
        sum:add(a * b)
      end, i, 2)
    end
    group:wait()
    assert.equal(420, sum:get())
    group:wait()
  end)

  it("waits for those that its goroutines start", function()
    local group, n = lagoon.group(), lagoon.atomic(0)
    local function work(depth)
      n:add(1)
      if depth > 0 then
        group:go(work, depth - 1)
        group:go(work, depth - 1)
      end
    end
    group:go(work, 5)
    group:wait()
    assert.equal(63, n:get())
  end)

  it("raises the first error, after it has cancelled the others and all have ended",
    helper.unpreempted("one that is cancelled is told wherever it makes room", function()
    local group, seen, reason = lagoon.group(), {}, { "the first" }
    for i = 1, 5 do
      group:go(function()
        local ok, err = pcall(lagoon.sleep, 1000)
        seen[i] = { ok, err }
        error(err, 0)
      end)
    end
    settle(function() return helper.waiting("sleep") == 5 end)
    group:go(function()
      lagoon.yield()
      error(reason)
    end)
    assert.equal(reason, helper.error_of(group.wait, group))
    for i = 1, 5 do
      assert.same({ false, "cancelled" }, seen[i])
    end
    assert.equal(reason, helper.error_of(group.wait, group))
  end))

  it("does not start what an error has made needless", helper.unpreempted("the first one fails "
    .. "before the second one starts", function()
    local group, has_run = lagoon.group(), false
    group:go(function() error("first", 0) end)
    group:go(function() has_run = true end)
    assert.equal("first", helper.error_of(group.wait, group))
    assert.is_false(has_run)
  end))

  it("keeps the error's traceback", function()
    local group = lagoon.group()
    local function a_culprit() error("here") end
    group:go(function()
      a_culprit()
      return 1
    end)
    local err = helper.error_of(group.wait, group)
    assert.matches("group_spec.lua:%d+: here$", err)
    assert.matches("a_culprit", lagoon.traceback(err))
    assert.matches("created by.*group_spec.lua", lagoon.traceback(err))
  end)

  it("bounds how many run at once", function()
    local group, inside, seen = lagoon.group { limit = 3 }, lagoon.atomic(0), {}
    for i = 1, 30 do
      group:go(function()
        seen[i] = inside:add(1)
        lagoon.yield()
        lagoon.yield()
        inside:add(-1)
      end)
    end
    group:wait()
    assert.equal(30, #seen)
    assert.equal(3, math.max(unpack(seen)))
  end)

  it("with a limit frees its places also by errors and cancellation", function()
    local group = lagoon.group { limit = 2 }
    local gate = lagoon.chan()
    group:go(function() gate:recv() end)
    group:go(function() gate:recv() end)
    local starter = parked(lagoon.async(function() group:go(function() gate:recv() end) end))
    group:cancel()
    starter:wait()
    group:wait()
    for _ = 1, 5 do
      group:go(function() end)
    end
    group:wait()
  end)

  it("refuses a limit that is none, and what cannot be called", function()
    for _, limit in ipairs { 0, -1, 1.5, "two", 0 / 0, true } do
      assert.matches("limit", helper.message_of(function() lagoon.group { limit = limit } end))
    end
    local group = lagoon.group()
    assert.matches("bad argument #1 to 'go' %(function expected, got nil%)",
      helper.message_of(function() group:go(nil) end))
    assert.matches("group expected", helper.message_of(function() group.wait() end))
    group:wait()
  end)
end)

describe("group.cancel", function()
  it("cancels all that are alive; wait does not raise what it did itself", helper.unpreempted(
    "one that is cancelled is told wherever it makes room", function()
    local group, reasons = lagoon.group(), {}
    for i = 1, 3 do
      group:go(function()
        local _, err = pcall(lagoon.sleep, 1000)
        reasons[i] = err
        error(err, 0)
      end)
    end
    settle(function() return helper.waiting("sleep") == 3 end)
    group:cancel("enough")
    group:wait()
    assert.same({ "enough", "enough", "enough" }, reasons)
  end))

  it("ends those that have not started", function()
    local has_run, was_late
    repeat
      has_run = false
      local group = lagoon.group()
      group:go(function() has_run = true end)
      group:cancel()
      was_late = has_run -- our slice ended before the cancel
      group:wait()
    until not was_late
    assert.is_false(has_run)
  end)
end)

describe("group.wait that is cancelled", function()
  it("leaves the group whole", function()
    local group, gate = lagoon.group(), lagoon.chan()
    group:go(function() gate:recv() end)
    local waiter = parked(lagoon.async(function() group:wait() end))
    waiter:cancel("impatient")
    assert.equal("impatient", helper.error_of(waiter.wait, waiter))
    gate:close()
    group:wait()
  end)
end)

describe("lagoon.group with options that make no sense", function()
  it("is refused", function()
    for _, case in ipairs {
      { 5, "table expected, got number" }, { "x", "table expected, got string" },
      { true, "table expected, got boolean" },
      { { limit = 1e20 }, "limit must be a whole number from 1 to 2147483647, got 1e%+20" },
      { { limit = 0 }, "got 0" }, { { limit = 1.5 }, "got 1.5" }, { { limit = "1" }, "got 1" },
    } do
      assert.matches("bad argument #1 to 'group' %(.*" .. case[2], helper.message_of(function()
        local made = lagoon.group(case[1])
        return made
      end))
    end
  end)
end)
