-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local settle, parked = helper.settle, helper.parked

describe("task.wait", function()
  it("returns what the function returned, all of it, as often as asked", function()
    local task = lagoon.async(function(...) return ..., nil, "last", nil end, "a")
    for _ = 1, 3 do
      local results = { n = select("#", task:wait()), task:wait() }
      assert.same({ n = 4, "a", nil, "last", nil }, results)
    end
    assert.equal(0, select("#", lagoon.async(function() end):wait()))
  end)

  it("returns 200 results", function()
    local words = {}
    for i = 1, 200 do
      words[i] = i
    end
    assert.same(words, { lagoon.async(function() return unpack(words) end):wait() })
  end)

  it("waits for a task that waits", function()
    local gate = lagoon.chan()
    local task = lagoon.async(function() return gate:recv() end)
    lagoon.go(function()
      parked(task)
      gate:send("through")
    end)
    local value, ok = task:wait()
    assert.equal("through", value)
    assert.is_true(ok)
  end)

  it("wakes all that wait for one task", function()
    local gate = lagoon.chan()
    local task = lagoon.async(function() return gate:recv() end)
    local waiters = {}
    for i = 1, 10 do
      waiters[i] = lagoon.async(function() return (task:wait()) end)
    end
    parked(unpack(waiters))
    gate:send(5)
    for i = 1, 10 do
      assert.equal(5, waiters[i]:wait())
    end
  end)

  it("raises the error itself, whatever it is, each time", function()
    local key = setmetatable({}, { __tostring = function() return "an object" end })
    for _, value in ipairs { key, "text", 5, true } do
      local task = lagoon.async(function() error(value, 0) end)
      for _ = 1, 2 do
        assert.equal(value, helper.error_of(task.wait, task))
      end
    end
    local task = lagoon.async(function() error() end)
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.is_nil(err)
  end)

  it("raises a message with the position where it was raised", function()
    local task = lagoon.async(function() error("broken") end)
    assert.matches("task_spec.lua:%d+: broken$", helper.error_of(task.wait, task))
    task = lagoon.async(function()
      local nothing = nil
      return nothing.field
    end)
    assert.matches("task_spec.lua:%d+: attempt to index", helper.error_of(task.wait, task))
  end)

  it("gives up after so many seconds, and the task goes on", function()
    local gate = lagoon.chan()
    local task = lagoon.async(function() return gate:recv() end)
    for _, seconds in ipairs { 0, -1, 0.001 } do
      local value, why = task:wait(seconds)
      assert.is_nil(value)
      assert.equal("timeout", why)
    end
    assert.equal("waiting", task:status())
    gate:send(1)
    assert.equal(1, (task:wait(10)))
    assert.equal(1, (task:wait(0)))
  end)

  it("refuses to wait for itself, at once", function()
    local task
    task = lagoon.async(function() task:wait() end)
    assert.matches("a task cannot wait for itself$", helper.error_of(task.wait, task))
    assert.equal("a task cannot wait for itself",
      helper.message_of(function() lagoon.self():wait() end))
    assert.equal("a task cannot wait for itself",
      helper.message_of(function() lagoon.self():wait(0.001) end))
  end)

  it("refuses seconds that are none", function()
    local task = lagoon.async(function() end)
    assert.matches("seconds must be a number, got string",
      helper.message_of(function() task:wait("soon") end))
    assert.matches("got nan", helper.message_of(function() task:wait(0 / 0) end))
    task:wait(math.huge)
  end)

  it("refuses to be called with a dot", function()
    assert.matches("task expected, got no value",
      helper.message_of(function() lagoon.async(function() end).wait() end))
    assert.matches("task expected, got channel",
      helper.message_of(function() lagoon.async(function() end).wait(lagoon.chan()) end))
  end)
end)

describe("async", function()
  it("refuses what cannot be called", function()
    assert.equal("bad argument #1 to 'async' (function expected, got nil)",
      helper.message_of(function() return (lagoon.async(nil)) end))
  end)
end)

describe("task.status", function()
  it("tells each state", function()
    local gate = lagoon.chan()
    local inside, is_over
    local task
    task = lagoon.async(function()
      inside = task:status()
      gate:recv()
      is_over = true
    end)
    -- Ready, unless this goroutine's slice ended meanwhile and the task had its turn.
    local status = task:status()
    assert.equal("ready", inside and "ready" or status)
    parked(task)
    assert.equal("running", inside)
    assert.equal("waiting", task:status())
    gate:send(1)
    status = task:status()
    assert.equal("ready", is_over and "ready" or status)
    task:wait()
    assert.equal("done", task:status())
    task = lagoon.async(function() error "no" end)
    pcall(task.wait, task)
    assert.equal("failed", task:status())
  end)

  it("is failed for an error, cancelled for the reason of its cancellation", function()
    local gate = lagoon.chan()
    local task = lagoon.async(function()
      pcall(gate.recv, gate)
      error "something else"
    end)
    parked(task)
    task:cancel()
    pcall(task.wait, task)
    assert.equal("failed", task:status())
    task = lagoon.async(function()
      local ok, err = pcall(gate.recv, gate)
      assert(not ok)
      error(err, 0)
    end)
    parked(task)
    task:cancel()
    pcall(task.wait, task)
    assert.equal("cancelled", task:status())
  end)
end)

describe("task.name", function()
  it("is nil until it is set, and shows in reports", function()
    local gate = lagoon.chan()
    local task = lagoon.async(function() gate:recv() end)
    assert.is_nil(task:name())
    task:name("a reader")
    assert.equal("a reader", task:name())
    parked(task)
    local found
    for _, goroutine in ipairs(lagoon.runtime.goroutines()) do
      if goroutine.id == task:id() then
        found = goroutine
      end
    end
    assert.equal("a reader", found.name)
    assert.matches("a reader", lagoon.runtime.stack(true))
    assert.matches("string expected, got table",
      helper.message_of(function() task:name {} end))
    gate:close()
    task:wait()
    assert.equal("a reader", task:name())
    task:name("the late reader")
    assert.equal("the late reader", task:name())
  end)
end)

describe("task.cancel", function()
  it("raises the reason in the blocking call, by default \"cancelled\"", function()
    local gate = lagoon.chan()
    local caught
    local task = lagoon.async(function()
      local _
      _, caught = pcall(gate.recv, gate)
    end)
    parked(task)
    assert.is_true(task:cancel())
    task:wait()
    assert.equal("cancelled", caught)
    assert.equal("done", task:status())
    assert.is_false(task:cancel())
  end)

  it("takes any value for a reason, unchanged", function()
    local gate = lagoon.chan()
    for _, reason in ipairs { "enough", 42, { why = "enough" }, true } do
      local task = lagoon.async(function() gate:recv() end)
      parked(task)
      task:cancel(reason)
      assert.equal(reason, helper.error_of(task.wait, task))
      assert.equal("cancelled", task:status())
    end
  end)

  it("never starts what has not started", function()
    local has_run, task
    repeat -- it has run where this goroutine was interrupted just here
      has_run = false
      task = lagoon.async(function() has_run = true end)
    until task:cancel("not needed")
    assert.equal("not needed", helper.error_of(task.wait, task))
    assert.equal("cancelled", task:status())
    helper.quiet()
    assert.is_false(has_run)
  end)

  it("reaches the next blocking call of one that runs", function()
    local gate = lagoon.chan()
    local task
    task = lagoon.async(function()
      assert(task:cancel("by itself"))
      lagoon.yield() -- does not notice
      gate:recv()
    end)
    assert.equal("by itself", helper.error_of(task.wait, task))
  end)

  it("ends one wait; later ones are ordinary", function()
    local gate = lagoon.chan()
    local seen = {}
    local task = lagoon.async(function()
      seen[1] = select(2, pcall(gate.recv, gate))
      seen[2] = gate:recv()
    end)
    parked(task)
    task:cancel()
    settle(function() return seen[1] and task:status() == "waiting" end)
    gate:send("ordinary")
    task:wait()
    assert.same({ "cancelled", "ordinary" }, seen)
  end)

  it("unwinds through pcall and leaves nothing sent", function()
    local ch = lagoon.chan()
    local steps = {}
    local task = lagoon.async(function()
      local ok, err = pcall(function()
        local ok, err = pcall(function() ch:send("never") end)
        steps[#steps + 1] = tostring(ok) .. " " .. err
        error(err, 0)
      end)
      steps[#steps + 1] = tostring(ok) .. " " .. err
    end)
    parked(task)
    task:cancel()
    task:wait()
    assert.same({ "false cancelled", "false cancelled" }, steps)
    local v, ok = ch:try_recv()
    assert.is_nil(v)
    assert.is_nil(ok)
  end)

  local function every_wait()
    local ch, full = lagoon.chan(), lagoon.chan(1)
    full:send(0)
    local mutex, rwmutex, cond_mutex = lagoon.mutex(), lagoon.rwmutex(), lagoon.mutex()
    local cond = lagoon.cond(cond_mutex)
    local wg, sema, group = lagoon.waitgroup(), lagoon.semaphore(1), lagoon.group { limit = 1 }
    local other = lagoon.async(function() ch:recv() end)
    local once = lagoon.once(function() ch:recv() end)
    local first = lagoon.async(once)
    mutex:lock()
    rwmutex:lock()
    wg:add(1)
    sema:acquire()
    group:go(function() ch:recv() end)
    parked(other, first)
    local cleanup = function()
      ch:close()
      other:wait()
      first:wait()
      group:wait()
    end
    return {
      recv = function() ch:recv() end,
      ["recv with seconds"] = function() ch:recv(1000) end,
      send = function() full:send(1) end,
      ["for"] = function() for _ in ch do end end, -- luacheck: ignore 542
      select = function() lagoon.select(ch, full:sending(1)) end,
      ["select of nothing"] = function() lagoon.select() end,
      sleep = function() lagoon.sleep(1000) end,
      wait = function() other:wait() end,
      ["wait with seconds"] = function() other:wait(1000) end,
      ["mutex"] = function() mutex:lock() end,
      ["rwmutex to write"] = function() rwmutex:lock() end,
      ["rwmutex to read"] = function() rwmutex:rlock() end,
      cond = function()
        cond_mutex:lock()
        local ok, err = pcall(cond.wait, cond)
        cond_mutex:unlock() -- it is held again, however the wait ended
        if not ok then
          error(err, 0)
        end
      end,
      waitgroup = function() wg:wait() end,
      semaphore = function() sema:acquire() end,
      once = function() once() end,
      ["group.wait"] = function() group:wait() end,
      ["group.go"] = function() group:go(function() end) end,
    }, cleanup
  end

  it("ends every kind of wait", function()
    local waits, cleanup = every_wait()
    local reason = {}
    for name, wait in pairs(waits) do
      if name ~= "group.wait" then
        local task = lagoon.async(wait)
        parked(task)
        assert.is_true(task:cancel(reason), name)
        assert.equal(reason, helper.error_of(task.wait, task), name)
        assert.equal("cancelled", task:status(), name)
      end
    end
    cleanup()
  end)

  it("ends every kind of wait that keeps its C stack", function()
    local waits, cleanup = every_wait()
    for name, wait in pairs(waits) do
      if name ~= "group.wait" then
        local task = lagoon.async(function()
          ("x"):gsub("x", function() wait() end)
        end)
        parked(task)
        assert.is_true(task:cancel("why"), name)
        assert.equal("why", helper.error_of(task.wait, task), name)
      end
    end
    cleanup()
  end)

  it("of the one that nobody waits for any more is no misuse", function()
    local task = lagoon.async(function() return 1 end)
    task:wait()
    assert.is_false(task:cancel())
    assert.equal(1, (task:wait()))
  end)

  it("in a race with the send gives the value to one of two, or to nobody", helper.unpreempted(
    "who is told where it makes room, with the value in its hands, loses it", function()
    for _ = 1, helper.rounds(2000) do
      local ch = lagoon.chan()
      local got = {}
      local a = lagoon.async(function() got.a = ch:recv() end)
      local b = lagoon.async(function() got.b = ch:recv() end)
      parked(a, b)
      assert.is_true(ch:try_send("value"))
      a:cancel()
      b:cancel()
      pcall(a.wait, a)
      pcall(b.wait, b)
      assert.equal("value", got.a)
      assert.is_nil(got.b)
    end
  end))
end)

describe("traceback", function()
  it("has the stack of the goroutine that failed and where it was started", function()
    local function inner_function() error("deep") end
    local task = lagoon.async(function() inner_function() end)
    local err = helper.error_of(task.wait, task)
    local trace = lagoon.traceback(err)
    assert.matches("stack traceback", trace)
    assert.matches("task_spec.lua:%d+: in", trace)
    assert.matches("created by", trace)
    assert.matches("created by.*task_spec.lua:%d+", trace)
  end)

  it("of equal strings is the latest, not all of them", function()
    for _ = 1, 100 do
      local task = parked(lagoon.async(function() lagoon.sleep(100) end))
      task:cancel("the same")
      helper.error_of(task.wait, task)
    end
    assert.is_true(#lagoon.traceback("the same") < 2000)
  end)

  it("finds that of an object, too", function()
    local object = {}
    local task = lagoon.async(function() error(object) end)
    helper.error_of(task.wait, task)
    assert.matches("created by", lagoon.traceback(object))
  end)
end)

describe("tostring of a task", function()
  it("tells its number", function()
    local task = lagoon.async(function() end)
    assert.matches(tostring(task:id()), tostring(task))
    task:wait()
  end)
end)

describe("a task that is cancelled twice before it hears of it", function()
  it("is told the first reason, and later the next", function()
    local heard = {}
    local task = lagoon.async(function()
      for i = 1, 2 do
        local _, err = pcall(lagoon.sleep, 100)
        heard[i] = err
      end
    end)
    helper.parked(task)
    task:cancel("first")
    task:cancel("second")
    helper.settle(function() return heard[1] end, "it is told")
    helper.parked(task)
    task:cancel("third")
    task:wait()
    assert.same({ "first", "third" }, heard)
  end)
end)
