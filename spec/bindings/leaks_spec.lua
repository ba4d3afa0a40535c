-- SPDX-License-Identifier: MIT
--
-- Who has leaked.
local helper = require "helper"
local lagoon = require "lagoon"
local leaking = require "leaking"

local chan, leaks = lagoon.chan, lagoon.runtime.leaks
local LEAKED, LIVE, scrub = leaking.LEAKED, leaking.LIVE, leaking.scrub
local leaked, starting, finish = leaking.leaked, leaking.starting, leaking.finish

local function check(says, make)
  assert.same(says, (leaking.told_of(make)))
end

describe("runtime.leaks", function()
  after_each(function() collectgarbage("restart") end)

  it("is empty where nobody waits for ever", function()
    assert.same({}, leaks())
  end)

  it("tells what the goroutine is and where it stands", function()
    local start, tasks = starting()
    local task = start(function() chan():recv() end)
    task:name("forgotten")
    helper.quiet()
    local info = leaked()[task:id()]
    finish(tasks)
    assert.equal("forgotten", info.name)
    assert.equal("waiting", info.status)
    assert.equal("chan receive", info.wait_reason)
    assert.is_true(info.wait_seconds >= 0)
    assert.matches("leaks_spec.lua:%d+", info.where)
    assert.matches("leaking.lua:%d+", info.created_by)
  end)

  it("tells of goroutines that go started", function()
    local before = lagoon.runtime.num_goroutine()
    local main, task = lagoon.self(), nil
    local weak = setmetatable({}, { __mode = "v" })
    local function make()
      local ch = chan()
      weak.ch = ch
      lagoon.go(function()
        task = lagoon.self()
        pcall(ch.recv, ch)
      end)
    end
    make()
    helper.quiet()
    local ids = leaked()
    assert.is_table(ids[task:id()])
    assert.is_nil(ids[main:id()])
    task:cancel()
    helper.settle(function() return lagoon.runtime.num_goroutine() == before end)
  end)

  it("changes nothing: a leaked goroutine can still be cancelled, and has what it had", function()
    local start = starting()
    local path = helper.file("held", "text")
    local finalised, seen = 0, nil
    local task = start(function()
      local proxy, file, ch = newproxy(true), io.open(path), chan(3)
      getmetatable(proxy).__gc = function() finalised = finalised + 1 end
      ch:send("kept")
      pcall(function() chan():recv() end)
      seen = { file:read("*a"), io.type(file), ch:recv(), type(proxy), finalised }
      file:close()
    end)
    helper.quiet()
    for _ = 1, 3 do
      assert.is_table(leaked()[task:id()])
    end
    task:cancel()
    task:wait()
    assert.same({ "text", "file", "kept", "userdata", 0 }, seen)
  end)

  it("leaves the collector as it was, running or stopped", function()
    -- Four times what is alive: a collector that runs begins at twice.
    collectgarbage()
    local ntables = math.max(50000, math.ceil(4 * collectgarbage("count") * 1024 / 100))
    local function grown_by_garbage()
      local before = collectgarbage("count")
      for i = 1, ntables do
        local _ = { tostring(i) }
      end
      return collectgarbage("count") - before
    end
    collectgarbage("stop")
    leaks()
    local stopped = grown_by_garbage()
    collectgarbage("restart")
    leaks()
    local running = grown_by_garbage()
    assert.is_true(stopped > 2 * running, ("%d and %d KB"):format(stopped, running))
  end)

  it("is refused in a finaliser", function()
    local ok, message
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = function() ok, message = pcall(leaks) end
    proxy = nil -- luacheck: ignore
    scrub()
    collectgarbage()
    collectgarbage()
    assert.is_false(ok)
    assert.matches("cannot look for leaks inside a __gc metamethod", message)
  end)

  it("lets a finaliser wake whom it holds", function()
    local start, tasks = starting()
    local woken = false
    local function make()
      local ch, proxy = chan(), newproxy(true)
      getmetatable(proxy).__gc = function() ch:try_send(1) end
      start(function()
        ch:recv()
        woken = true
      end)
      helper.quiet()
    end
    make()
    assert.is_nil(leaked()[tasks[1]:id()])
    helper.settle(function() return woken end)
    tasks[1]:wait()
  end)
end)

describe("a goroutine that waits for something that only itself holds", function()
  local waits = {
    ["to receive"] = function() chan():recv() end,
    ["to receive in a loop"] = function() for _ in chan() do end end,
    ["to send"] = function() chan():send({}) end,
    ["to send into a full buffer"] = function()
      local ch = chan(1)
      ch:send({})
      ch:send({})
    end,
    ["in a select"] = function() lagoon.select(chan(), chan(2), chan():sending({})) end,
    ["in a select of many"] = function()
      local cases = {}
      for i = 1, 100 do
        cases[i] = chan()
      end
      lagoon.select(unpack(cases))
    end,
    ["in a select of nothing"] = function() lagoon.select() end,
    ["for a mutex"] = function()
      local mutex = lagoon.mutex()
      mutex:lock()
      mutex:lock()
    end,
    ["to write"] = function()
      local rwmutex = lagoon.rwmutex()
      rwmutex:rlock()
      rwmutex:lock()
    end,
    ["to read"] = function()
      local rwmutex = lagoon.rwmutex()
      rwmutex:lock()
      rwmutex:rlock()
    end,
    ["for a waitgroup"] = function()
      local wg = lagoon.waitgroup()
      wg:add(1)
      wg:wait()
    end,
    ["for a semaphore"] = function()
      lagoon.semaphore(0)
      local semaphore = lagoon.semaphore(2)
      semaphore:acquire(2)
      semaphore:acquire()
    end,
    ["for a once that it is in"] = function()
      local once
      once = lagoon.once(function() return once() end)
      once()
    end,
    ["for an after that never comes"] = function() lagoon.after(math.huge):recv() end,
    ["for a ticker that was stopped"] = function()
      local ch = lagoon.tick(3600)
      ch:stop()
      ch:recv()
    end,
    ["for ever, by its seconds"] = function() chan():recv(math.huge) end,
    ["in a callback"] = function()
      ("x"):gsub("x", function() chan():recv() end)
    end,
    ["in a coroutine"] = function()
      coroutine.wrap(function() chan():recv() end)()
    end,
    ["in a metamethod"] = function()
      local object = setmetatable({}, { __index = function() return (chan():recv()) end })
      return object.x
    end,
    ["with extra arguments"] = function()
      (function(...)
        local _ = select("#", ...)
        chan():recv()
      end)(chan(), chan())
    end,
  }

  for name, wait in pairs(waits) do
    it(name .. " has leaked", function()
      check({ LEAKED }, function(start) start(wait) end)
    end)
  end

  it("for an after that has been has leaked", function()
    local start, tasks = starting()
    local has_been = false
    local task = start(function()
      local ch = lagoon.after(0.001)
      ch:recv()
      has_been = true
      ch:recv()
    end)
    helper.settle(function() return has_been end)
    helper.parked(task)
    assert.is_table(leaked()[task:id()])
    finish(tasks)
  end)

  it("for a cond, also when it has been signalled and its mutex is not free", function()
    local function wait()
      local mutex = lagoon.mutex()
      local cond = lagoon.cond(mutex)
      mutex:lock()
      cond:wait()
    end
    local start, tasks = starting()
    local task = start(wait)
    helper.quiet()
    assert.is_table(leaked()[task:id()])
    -- A cancelled wait takes the mutex again, which nobody holds.
    finish(tasks)
  end)

  it("has leaked though it was compiled for a channel of its own", function()
    check({ LEAKED }, function(start)
      local ch = chan(1)
      start(function()
        for i = 1, 1000 do
          ch:send(i)
          ch:recv()
        end
        ch:recv()
      end)
    end)
  end)

  it("is told with 1,000 others, each once", function()
    local start, tasks = starting()
    for _ = 1, 1000 do
      start(function() chan():recv() end)
    end
    helper.quiet()
    local list = leaks()
    finish(tasks)
    assert.equal(1000, #list)
    for i = 2, #list do
      assert.is_true(list[i - 1].id < list[i].id)
    end
  end)
end)

describe("goroutines that only hold each other", function()
  it("have leaked: a chain, and a ring", function()
    check({ LEAKED, LEAKED, LEAKED }, function(start)
      local chans = { chan(), chan(), chan() }
      for i = 1, 3 do
        local from, to = chans[i], chans[i % 3 + 1]
        start(function()
          for v in from do
            to:send(v)
          end
        end)
      end
    end)
  end)

  it("have leaked: one that waits for the other's task", function()
    check({ LEAKED, LEAKED }, function(start)
      local task = start(function() chan():recv() end)
      start(function() task:wait() end)
    end)
  end)

  it("have leaked: a chain of tasks, though all handles are held", function()
    local tasks
    check({ LEAKED, LEAKED, LEAKED, LIVE }, function(start)
      tasks = { start(function() chan():recv() end) }
      tasks[2] = start(function() tasks[1]:wait() end)
      tasks[3] = start(function() tasks[2]:wait() end)
      tasks[4] = start(function() tasks[3]:wait(3600) end)
    end)
  end)

  it("have leaked: through tables, closures, upvalues, metatables and environments", function()
    check({ LEAKED, LEAKED }, function(start)
      local a, b = chan(), chan()
      local t = { setmetatable({}, { __index = function() return b end }) }
      t.t = t
      start(setfenv(function()
        local _ = b
        a:recv()
      end, { b = b }))
      start(function()
        local _ = t
        b:recv()
      end)
    end)
  end)

  it("have leaked: a channel that travels in a channel", function()
    check({ LEAKED, LEAKED }, function(start)
      local inner, outer = chan(), chan(1)
      outer:send({ inner })
      start(function() inner:recv() end)
      start(function() outer:send(1) end)
    end)
  end)

  it("have leaked: a lock that a leaked goroutine has", function()
    check({ LEAKED, LEAKED }, function(start)
      local mutex = lagoon.mutex()
      start(function()
        mutex:lock()
        chan():recv()
        mutex:unlock()
      end)
      start(function() mutex:lock() end)
    end)
  end)

  it("have leaked: a group that waits for one of them", function()
    local member
    local start, tasks = starting()
    start(function()
      local group = lagoon.group()
      group:go(function()
        tasks[2] = lagoon.self()
        member = lagoon.self():id()
        chan():recv()
      end)
      group:wait()
    end)
    helper.quiet()
    helper.quiet()
    local ids = leaked()
    finish(tasks)
    assert.is_table(ids[tasks[1]:id()])
    assert.is_table(ids[member])
  end)
end)
