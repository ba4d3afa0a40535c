-- SPDX-License-Identifier: MIT
--
-- Groups as owners: what was started in one ends with it, and nothing of it runs again.
local helper = require "helper"
local lagoon = require "lagoon"

local go, async, settle, error_of = lagoon.go, lagoon.async, helper.settle, helper.error_of

local function goroutines()
  return lagoon.runtime.num_goroutine()
end

-- A group with members that wait in every way. `note` is called by whatever runs again.
local function busy_group(note)
  local group, ch, mutex = lagoon.group(), lagoon.chan(), lagoon.mutex()
  local event, never = lagoon.event(), lagoon.chan()
  local ways = {
    function() lagoon.sleep(1000) end,
    function() ch:recv() end,
    function() lagoon.select(ch, never) end,
    function() lagoon.chan():send({}) end,
    function() lagoon.next_frame(1000) end,
    function() lagoon.wait_until(function() return false end) end,
    function() event:wait() end,
    function() mutex:lock() end,
    function() async(function() lagoon.sleep(1000) end):wait() end,
    function() go(function() pcall(lagoon.sleep, 1000) note() end) lagoon.sleep(1000) end,
    function() coroutine.wrap(function() pcall(lagoon.sleep, 1000) note() end)() end,
    function()
      table.sort({ 3, 2, 1 }, function(a, b)
        pcall(lagoon.sleep, 1000)
        note()
        return a < b
      end)
    end,
    function() while true do lagoon.yield() end end,
    function() lagoon.timer(0.001, note) lagoon.sleep(1000) end,
    function()
      for _ in lagoon.tick(0.001) do
        lagoon.sleep(1000)
      end
    end,
    function()
      local inner = lagoon.group()
      inner:go(function() pcall(lagoon.sleep, 1000) note() end)
      inner:wait()
    end,
  }
  mutex:lock()
  for _, way in ipairs(ways) do
    group:go(function()
      pcall(way)
      note()
    end)
  end
  helper.quiet(1) -- but for the one that yields for ever
  return group, ch, event
end

describe("group:kill", function()
  it("ends all that was started in it: nothing of it runs again, not once", function()
    local before, nruns = goroutines(), 0
    local group, ch, event = busy_group(function() nruns = nruns + 1 end)
    group:kill()
    local nruns_before = nruns
    group:wait()
    assert.is_false(ch:try_send(1))
    assert.equal(0, event:emit())
    settle(function() return goroutines() == before end)
    lagoon.sleep(0.003)
    assert.equal(nruns_before, nruns)
  end)

  it("from inside does not return", function()
    local before, has_returned = goroutines(), false
    local group = lagoon.group()
    group:go(function()
      pcall(group.kill, group)
      has_returned = true
    end)
    group:go(function()
      coroutine.wrap(function()
        group:kill()
        has_returned = true
      end)()
      has_returned = true
    end)
    group:wait()
    settle(function() return goroutines() == before end)
    assert.is_false(has_returned)
  end)

  it("keeps what has not started from starting, then and later", function()
    local has_run
    local function run() has_run = true end
    local group = lagoon.group()
    group:go(run)
    group:kill()
    has_run = false -- our slice may have been over before the kill
    group:go(run)
    group:parallel(setfenv(function() error("started") end, getfenv(0)))
    group:wait()
    helper.quiet()
    assert.is_false(has_run)
  end)

  it("makes tasks that were started in it cancelled ones", function()
    local group, task, fresh = lagoon.group(), nil, nil
    group:go(function()
      task = async(function()
        fresh = async(function() end)
        lagoon.sleep(1000)
      end)
      lagoon.sleep(1000)
    end)
    settle(function() return task and task:status() == "waiting" end)
    group:kill("gone")
    assert.equal("gone", error_of(task.wait, task))
    assert.equal("cancelled", task:status())
    pcall(fresh.wait, fresh)
  end)

  it("gives back what they waited with", function()
    local ch = lagoon.chan()
    local value = setmetatable({}, { __mode = "k" })
    local group = lagoon.group()
    group:go(function()
      local big = {}
      value[big] = true
      ch:send(big)
    end)
    group:go(function() ch:recv() end)
    group:go(function() ch:recv() end)
    helper.quiet()
    group:kill()
    group:wait()
    helper.quiet()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(value))
    assert.is_false(ch:try_send(1))
  end)

  it("of a module's loader is to the others as an error of it", function()
    local group = lagoon.group()
    package.preload["owner.slow"] = function()
      lagoon.sleep(1000)
      return "slow"
    end
    group:go(require, "owner.slow")
    helper.quiet()
    group:kill()
    helper.quiet()
    assert.matches("previous error loading module", error_of(require, "owner.slow"))
    package.preload["owner.slow"] = function() return "quick" end
    package.loaded["owner.slow"] = nil
    assert.equal("quick", require "owner.slow")
    package.loaded["owner.slow"] = nil
  end)

  it("reaches tasks in other Lua states, and what these have started", function()
    local count = lagoon.atomic(0)
    local before = goroutines()
    local group = lagoon.group()
    -- A loop that never waits ends where Lua code can be interrupted.
    local is_told = lagoon.runtime.preemption() ~= "off"
    local function work(n, computes)
      local there = require "lagoon"
      there.go(function()
        while true do
          pcall(there.sleep, 0.0001)
          n:add(1)
        end
      end)
      while true do
        pcall(function()
          for _ = 1, computes and 1e9 or 0 do end
          there.sleep(0.0001)
        end)
        n:add(1)
      end
    end
    setfenv(work, getfenv(0))
    group:parallel(work, count, is_told)
    group:go(function() lagoon.parallel(work, count, is_told) end)
    settle(function() return count:get() > 4 end)
    group:kill()
    group:wait()
    settle(function() return goroutines() == before end)
    local last = count:get()
    lagoon.sleep(0.003)
    assert.equal(last, count:get())
  end)
end)

describe("group:cancel", function()
  it("unwinds all that was started in it, and nothing else", helper.unpreempted(
    "one that is cancelled is told wherever it makes room", function()
    local before, nruns = goroutines(), 0
    local other = helper.parked(async(lagoon.sleep, 1000))
    local group = lagoon.group { clock = true }
    group.clock:pause()
    local reasons = {}
    group:go(function()
      go(function()
        local _, reason = pcall(lagoon.sleep, 1000)
        reasons[#reasons + 1] = reason
      end)
      async(function()
        local _, reason = pcall(lagoon.sleep, 1000)
        reasons[#reasons + 1] = reason
      end)
      lagoon.timer(0.001, function() nruns = nruns + 1 end)
      lagoon.sleep(1000)
    end)
    helper.quiet()
    local reason = {}
    group:cancel(reason)
    group:wait()
    settle(function() return #reasons == 2 end)
    assert.equal(reason, reasons[1])
    assert.equal(reason, reasons[2])
    group.clock:step(0.003)
    helper.quiet()
    assert.equal(0, nruns)
    assert.equal("waiting", other:status())
    other:cancel()
    pcall(other.wait, other)
    settle(function() return goroutines() == before end)
  end))

  it("is told to each blocking call from then on", helper.unpreempted("as above", function()
    local group, nraised, has_started = lagoon.group(), 0, false
    group:go(function()
      local ch = lagoon.chan()
      for _, call in ipairs { ch.recv, lagoon.sleep, lagoon.next_frame, ch.recv } do
        if not pcall(call, call == ch.recv and ch or 1000) then
          nraised = nraised + 1
        end
      end
      go(function() has_started = true end)
    end)
    helper.quiet()
    group:cancel()
    group:wait()
    helper.quiet()
    assert.equal(4, nraised)
    assert.is_false(has_started)
  end))

  it("ends goroutines quietly that nobody waits for", function()
    local group, before = lagoon.group(), goroutines()
    group:go(function()
      go(lagoon.sleep, 1000) -- else the error would end the program
    end)
    helper.quiet()
    group:cancel()
    settle(function() return goroutines() == before end)
  end)

  it("ends groups that were made in it", helper.unpreempted("as above", function()
    local group, inner, late = lagoon.group(), nil, nil
    group:go(function()
      inner = lagoon.group()
      inner:go(function() lagoon.sleep(1000) end)
      pcall(inner.wait, inner)
      late = lagoon.group()
      late:go(function() error("started") end)
    end)
    helper.quiet()
    group:cancel("up there")
    group:wait()
    inner:wait()
    late:wait()
  end))

  it("reaches tasks in other Lua states, whose calls all raise it", helper.unpreempted(
    "as above", function()
    local told = lagoon.chan(10)
    local group = lagoon.group()
    group:parallel(setfenv(function(ch)
      local there = require "lagoon"
      there.go(function()
        ch:try_send(select(2, pcall(there.sleep, 1000)))
      end)
      there.yield()
      for _ = 1, 3 do
        ch:try_send(select(2, pcall(there.sleep, 1000)))
      end
    end, getfenv(0)), told)
    settle(function() return helper.waiting("sleep") == 2 end)
    group:cancel("enough")
    group:wait()
    for _ = 1, 4 do
      assert.equal("enough", told:recv())
    end
  end))

  it("by the first error of a member reaches what the others have started", function()
    local before, group = goroutines(), lagoon.group()
    group:go(function()
      go(lagoon.sleep, 1000)
      lagoon.sleep(1000)
    end)
    group:go(function() error("oh", 0) end)
    assert.equal("oh", error_of(group.wait, group))
    settle(function() return goroutines() == before end)
  end)
end)

describe("entities that come and go", function()
  it("leave nothing behind", function()
    local before = goroutines()
    local hit = lagoon.event()
    local random = helper.random and helper.random() or math.random
    local function entity(self)
      go(function()
        while true do
          hit:wait()
          self.touched = self.touched + 1
        end
      end)
      while true do
        lagoon.sleep(random() * 0.01)
        self.touched = self.touched + 1
      end
    end
    local function churn(n)
      for i = 1, n do
        local self = { touched = 0 }
        local group = lagoon.group()
        group:go(entity, self)
        if i % 3 ~= 0 then
          lagoon.yield()
        end
        if i % 50 == 0 then
          hit:emit()
          lagoon.yield()
        end
        if i % 2 == 0 then
          group:kill()
        else
          group:cancel()
        end
        local touched = self.touched
        if i % 2 == 0 then
          lagoon.yield()
          assert.equal(touched, self.touched)
        end
      end
      settle(function() return goroutines() == before end)
      collectgarbage()
      collectgarbage()
      return collectgarbage("count")
    end
    local n = helper.rounds(2000)
    churn(n)
    local kbytes = churn(n)
    kbytes = churn(5 * n) - kbytes
    assert.is_true(kbytes < 200, kbytes .. " KB more")
    assert.same({}, lagoon.runtime.leaks())
  end)
end)
