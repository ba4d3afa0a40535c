-- SPDX-License-Identifier: MIT
--
-- Hard caps for memory: of a state, of workers, of the runtime.
local helper = require "helper"
local lagoon = require "lagoon"

local runtime, message_of = lagoon.runtime, helper.message_of

local MB = 1024 ^ 2

local function used()
  collectgarbage()
  collectgarbage()
  return collectgarbage("count") * 1024
end

local function restore()
  runtime.state_cap(math.huge)
  runtime.worker_cap(math.huge)
  runtime.mem_cap(math.huge)
  collectgarbage()
end

-- Holds as many small tables as it gets; the error, and how many there were.
local function hoard()
  local held, n = nil, 0
  local ok, err = pcall(function()
    while true do
      held = { held }
      n = n + 1
    end
  end)
  held = nil
  return ok, err, n
end

describe("runtime.state_cap", function()
  after_each(restore)

  it("tells, and with an argument sets and tells what it was", function()
    assert.equal(math.huge, runtime.state_cap())
    local cap = used() + 64 * MB
    assert.equal(math.huge, runtime.state_cap(cap))
    assert.equal(math.floor(cap), runtime.state_cap("1GiB"))
    assert.equal(1024 * MB, runtime.state_cap("off"))
    assert.equal(math.huge, runtime.state_cap())
  end)

  it("refuses what makes no sense, and less than is there", function()
    for _, value in ipairs { 0, -1, 0 / 0, "", "512MB", {}, true } do
      local message = message_of(function() runtime.state_cap(value) end)
      assert.matches("bad argument #1 to 'state_cap'", message, 1, true)
    end
    assert.matches("more than the state holds already",
      message_of(function() runtime.state_cap(1000) end), 1, true)
    assert.equal(math.huge, runtime.state_cap())
  end)

  it("ends in an error that pcall catches, again and again", function()
    local counts = {}
    runtime.state_cap(used() + 8 * MB)
    for i = 1, 3 do
      local ok, err, n = hoard()
      assert.is_false(ok)
      assert.equal("not enough memory", err)
      counts[i] = n
      collectgarbage()
    end
    assert.is_true(counts[1] > 20000, counts[1])
    assert.is_true(counts[3] > counts[1] / 2, counts[3])
    assert.is_true(collectgarbage("count") * 1024 < runtime.state_cap())
  end)

  it("refuses one request that is too large, and the state goes on", function()
    runtime.state_cap(used() + 8 * MB)
    local ok, err = pcall(string.rep, "x", 16 * MB)
    assert.is_false(ok)
    assert.equal("not enough memory", err)
    assert.equal(MB, #("x"):rep(MB))
  end)

  it("is not reached by garbage", function()
    runtime.state_cap(used() + 8 * MB)
    local held = {}
    for i = 1, 20000 do
      held[i] = { i } -- nearly 2 MB
    end
    local last
    for i = 1, helper.rounds(2000000) do
      last = { i }
    end
    for i = 1, helper.rounds(300) do
      last = ("x"):rep(100000 + i)
    end
    assert.is_true(last ~= nil and #held == 20000)
  end)

  it("stays a cap where the script has stopped the collector", function()
    runtime.state_cap(used() + 4 * MB)
    collectgarbage("stop")
    local last
    local ok, err = pcall(function()
      for i = 1, 1e7 do
        last = { i }
      end
    end)
    collectgarbage("restart")
    collectgarbage()
    assert.is_false(ok, last and last[1])
    assert.equal("not enough memory", err)
  end)

  it("concerns goroutines one by one: who is refused ends, its siblings go on", function()
    runtime.state_cap(used() + 16 * MB)
    local held = {}
    local greedy = lagoon.async(function()
      for i = 1, 1e8 do
        held[i] = ("x"):rep(MB + i)
        lagoon.yield()
      end
    end)
    local sum = 0
    local modest = lagoon.async(function()
      for i = 1, 2000 do
        local ok = pcall(function() sum = sum + #{ i } end)
        if not ok then collectgarbage() end
        lagoon.yield()
      end
      return "whole"
    end)
    assert.matches("not enough memory", helper.error_of(greedy.wait, greedy))
    assert.equal("whole", modest:wait())
    assert.is_true(sum > 0 and #held < 16)
  end)
end)

describe("runtime.worker_cap", function()
  after_each(restore)

  it("tells, and with an argument sets and tells what it was", function()
    assert.equal(math.huge, runtime.worker_cap())
    assert.equal(math.huge, runtime.worker_cap(64 * MB))
    assert.equal(64 * MB, runtime.worker_cap("off"))
    assert.equal(math.huge, runtime.worker_cap())
    assert.matches("bad argument #1 to 'worker_cap'",
      message_of(function() runtime.worker_cap(0) end), 1, true)
  end)

  it("counts for states that are made from then on, and only there", function()
    runtime.worker_cap(24 * MB)
    local child = helper.script([[
      local lagoon = require "lagoon"
      lagoon.runtime.worker_cap "24MiB"
      local function hoard()
        local held = {}
        for i = 1, 1e8 do held[i] = { i } end
      end
      local tasks = {}
      for i = 1, 4 do tasks[i] = lagoon.parallel(hoard) end
      for i = 1, 4 do
        local ok, err = pcall(tasks[i].wait, tasks[i])
        assert(not ok and tostring(err):find "not enough memory", err)
      end
      assert(lagoon.parallel(function()
        return require "lagoon".runtime.state_cap()
      end):wait() == 24 * 1024 ^ 2)
      assert(lagoon.parallel(function() return 7 end):wait() == 7)
      local held = {}
      for i = 1, 1e6 do held[i] = { i } end
      print "done"
    ]])
    assert.equal("done\n", child.out .. child.err)
  end)
end)

describe("a worker state whose memory a task has used up", function()
  it("begins the next one", function()
    local child = helper.script([[
      local lagoon = require "lagoon"
      lagoon.runtime.worker_cap "24MiB"
      local function hoard()
        local held = {}
        local function more()
          for i = #held + 1, 1e8 do held[i] = { i } end
        end
        for _ = 1, 10 do pcall(more) end -- also with what is reserved for errors
      end
      for _ = 1, 10 do
        lagoon.parallel(hoard):wait()
        assert(lagoon.parallel(function() return 7 end):wait() == 7)
      end
      print "done"
    ]])
    assert.equal("done\n", child.out .. child.err)
  end)
end)

describe("runtime.mem_cap", function()
  after_each(restore)

  it("tells, and with an argument sets and tells what it was", function()
    assert.equal(math.huge, runtime.mem_cap())
    assert.equal(math.huge, runtime.mem_cap("2GiB"))
    assert.equal(2048 * MB, runtime.mem_cap())
    assert.equal(1792 * MB, runtime.mem_limit())
    assert.equal(2048 * MB, runtime.mem_cap("off"))
    assert.equal(math.huge, runtime.mem_limit())
    assert.matches("bad argument #1 to 'mem_cap'",
      message_of(function() runtime.mem_cap(0) end), 1, true)
  end)

  it("counts for all states together, and ends in an error of who asks", function()
    local child = helper.script([[
      local lagoon = require "lagoon"
      assert(lagoon.runtime.mem_cap() == 64 * 1024 ^ 2)
      local function hoard()
        local held = {}
        for i = 1, 1e8 do held[i] = { i } end
      end
      for i = 1, 3 do
        local ok, err = pcall(hoard)
        assert(not ok and err == "not enough memory", err)
        lagoon.runtime.gc()
        local task = lagoon.parallel(hoard)
        ok, err = pcall(task.wait, task)
        assert(not ok and tostring(err):find "not enough memory", err)
        lagoon.runtime.gc()
      end
      local total = lagoon.runtime.stats().memory.total
      assert(total < 68e6, total)
      print "done"
    ]], { env = { LAGOON_MEMCAP = "64MiB" } })
    assert.equal("done\n", child.out .. child.err)
  end)
end)
