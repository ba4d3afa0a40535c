-- SPDX-License-Identifier: MIT
--
-- Who has leaked, and who only looks like it.
local helper = require "helper"
local lagoon = require "lagoon"

local chan, async, leaks = lagoon.chan, lagoon.async, lagoon.runtime.leaks

-- Dead variables' slots count as held, so what a spec makes is made in a call of its own, and the
-- stack that this used is overwritten.
local function scrub()
  return select("#", unpack({}, 1, 240))
end

-- The numbers of the goroutines that are told.
local function leaked()
  scrub()
  local ids = {}
  for _, info in ipairs(leaks()) do
    ids[info.id] = info
  end
  return ids
end

-- A list of started tasks, to be ended in the end; handles are no way to what a goroutine holds.
local function starting()
  local tasks = {}
  local function start(f, ...)
    local task = async(f, ...)
    tasks[#tasks + 1] = task
    return task
  end
  return start, tasks
end

local function is_alive(task)
  local status = task:status()
  return status == "waiting" or status == "ready" or status == "running"
end

local function finish(tasks)
  for _, task in ipairs(tasks) do
    task:cancel()
  end
  for _, task in ipairs(tasks) do
    helper.settle(function() return not is_alive(task) end)
    pcall(task.wait, task)
  end
end

-- make(start) starts goroutines and returns what stays held while leaks() looks; says is for each
-- of them, in order, whether it has leaked.
local function check(says, make)
  local start, tasks = starting()
  local held = { make(start) }
  for _ = 1, 10 do
    lagoon.yield()
  end
  local ids = leaked()
  local told = {}
  for i, task in ipairs(tasks) do
    told[i] = ids[task:id()] ~= nil
    ids[task:id()] = nil
  end
  finish(tasks)
  assert.same(says, told)
  assert.is_nil(next(ids), "another one is told")
  return held
end

local LEAKED, LIVE = true, false

describe("runtime.leaks", function()
  it("is empty where nobody waits for ever", function()
    assert.same({}, leaks())
  end)

  it("tells what the goroutine is and where it stands", function()
    local start, tasks = starting()
    local task = start(function() chan():recv() end)
    task:name("forgotten")
    lagoon.yield()
    local info = leaked()[task:id()]
    finish(tasks)
    assert.equal("forgotten", info.name)
    assert.equal("waiting", info.status)
    assert.equal("chan receive", info.wait_reason)
    assert.is_true(info.wait_seconds >= 0)
    assert.matches("leaks_spec.lua:%d+", info.where)
    assert.matches("leaks_spec.lua:%d+", info.created_by)
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
    lagoon.yield()
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
    lagoon.yield()
    for _ = 1, 3 do
      assert.is_table(leaked()[task:id()])
    end
    task:cancel()
    task:wait()
    assert.same({ "text", "file", "kept", "userdata", 0 }, seen)
  end)

  it("leaves the collector as it was, running or stopped", function()
    local function grown_by_garbage()
      local before = collectgarbage("count")
      for i = 1, 50000 do
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
      lagoon.yield()
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
    lagoon.yield()
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
    lagoon.yield()
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
    lagoon.yield()
    lagoon.yield()
    local ids = leaked()
    finish(tasks)
    assert.is_table(ids[tasks[1]:id()])
    assert.is_table(ids[member])
  end)
end)

describe("a goroutine that can be woken", function()
  local function receiving(ch)
    return function() ch:recv() end
  end

  it("is not told: its channel is in a local, a table, an upvalue, a closure", function()
    local up = chan()
    check({ LIVE, LIVE, LIVE, LIVE, LIVE }, function(start)
      local a, b, c, d = chan(), chan(), chan(), chan()
      start(receiving(a))
      start(receiving(b))
      start(receiving(c))
      start(receiving(d))
      start(receiving(up))
      return a, { x = { [b] = true } }, setmetatable({}, { __index = function() return c end }),
        coroutine.wrap(function() return d end)
    end)
    assert.is_nil((up:try_recv()))
  end)

  it("is not told: its channel is a global, in the registry, in an environment", function()
    check({ LIVE, LIVE, LIVE }, function(start)
      local a, b, c = chan(), chan(), chan()
      rawset(_G, "leaks_spec_channel", a)
      debug.getregistry().leaks_spec_channel = b
      start(receiving(a))
      start(receiving(b))
      start(receiving(c))
      return setfenv(function() end, { c = c })
    end)
    rawset(_G, "leaks_spec_channel", nil)
    debug.getregistry().leaks_spec_channel = nil
  end)

  it("is not told: a metatable of a type has its channel", function()
    local before = debug.getmetatable(1)
    check({ LIVE }, function(start)
      local ch = chan()
      debug.setmetatable(1, { ch = ch })
      start(receiving(ch))
    end)
    debug.setmetatable(1, before)
  end)

  it("is not told: a hook has its channel", function()
    check({ LIVE }, function(start)
      local ch = chan()
      debug.sethook(function() ch:try_send(1) end, "", 1000000000)
      start(receiving(ch))
    end)
    debug.sethook()
  end)

  it("is not told: a callback of the FFI has its channel", function()
    local ffi = require "ffi"
    local callback
    check({ LIVE }, function(start)
      local ch = chan()
      callback = ffi.cast("int (*)(int)", function() return ch:try_send(1) and 1 or 0 end)
      start(receiving(ch))
    end)
    callback:free()
  end)

  it("is not told: a runnable goroutine has its channel, on its stack or as an argument", function()
    check({ LIVE, LIVE, LIVE, LIVE }, function(start)
      local a, b = chan(), chan()
      start(function(ch)
        for _ = 1, 1000 do
          lagoon.yield()
        end
        ch:send(1)
      end, a)
      start(receiving(a))
      start(receiving(b))
      for _ = 1, 10 do
        lagoon.yield()
      end
      start(function(ch) ch:send(1) end, b)
      assert.same({}, leaks())
    end)
  end)

  it("is not told: a goroutine that sleeps, or waits with a time-out, has its channel", function()
    check({ LIVE, LIVE, LIVE, LIVE, LIVE, LIVE, LIVE, LIVE }, function(start)
      local a, b, c, d = chan(), chan(), chan(), chan()
      start(receiving(a))
      start(receiving(b))
      start(receiving(c))
      start(receiving(d))
      start(function()
        lagoon.sleep(3600)
        a:send(1)
      end)
      start(function()
        chan():recv(3600)
        b:send(1)
      end)
      start(function()
        lagoon.select(lagoon.after(3600), chan())
        c:send(1)
      end)
      start(function()
        for _ in lagoon.tick(3600) do
          d:send(1)
        end
      end)
    end)
  end)

  it("is not told: a timer's function has its channel", function()
    local timer
    check({ LIVE }, function(start)
      local ch = chan()
      timer = lagoon.timer(3600, function() ch:send(1) end)
      start(receiving(ch))
    end)
    timer:stop()
    check({ LEAKED }, function(start)
      local ch = chan()
      lagoon.timer(3600, function() ch:send(1) end):stop()
      start(receiving(ch))
    end)
  end)

  it("is not told: a context with a time-out ends it", function()
    local cancel
    check({ LIVE }, function(start)
      local ctx
      ctx, cancel = lagoon.context.with_timeout(lagoon.context.background(), 3600)
      start(receiving(ctx:done()))
    end)
    cancel()
    check({ LEAKED }, function(start)
      local ctx = lagoon.context.with_cancel(lagoon.context.background())
      start(receiving(ctx:done()))
    end)
  end)

  it("is not told: the channel that another one waits for with it", function()
    check({ LIVE, LIVE, LIVE }, function(start)
      local a, b, c = chan(), chan(), chan()
      start(function() lagoon.select(a, b) end)
      start(function()
        b:recv()
        c:send(1)
      end)
      start(receiving(c))
      return a
    end)
  end)

  it("is not told: its channel is on its way in a channel that is held", function()
    check({ LIVE, LIVE, LEAKED }, function(start)
      local a, b, outer = chan(), chan(), chan()
      start(receiving(a))
      start(function() outer:send({ a }) end)
      start(receiving(b))
      return outer
    end)
  end)

  it("is not told: who has its lock can go on", function()
    check({ LIVE, LIVE, LIVE, LIVE, LIVE }, function(start)
      local mutex, rwmutex, wg = lagoon.mutex(), lagoon.rwmutex(), lagoon.waitgroup()
      local semaphore = lagoon.semaphore(1)
      wg:add(1)
      start(function()
        mutex:lock()
        rwmutex:lock()
        semaphore:acquire()
        lagoon.sleep(3600)
        mutex:unlock()
        rwmutex:unlock()
        semaphore:release()
        wg:done()
      end)
      lagoon.yield()
      start(function() mutex:lock() end)
      start(function() rwmutex:rlock() end)
      start(function() semaphore:acquire() end)
      start(function() wg:wait() end)
    end)
  end)

  it("is not told: who is in the once, or the task that it waits for, can go on", function()
    check({ LIVE, LIVE, LIVE }, function(start)
      local once = lagoon.once(function() lagoon.sleep(3600) end)
      local task = start(function() once() end)
      lagoon.yield()
      start(function() once() end)
      start(function() task:wait() end)
    end)
  end)

  it("is not told: it waits for a cond, or for the cond's mutex after a signal", function()
    local start, tasks = starting()
    local mutex = lagoon.mutex()
    local weak = setmetatable({}, { __mode = "k" })
    local function wait_on(cond)
      return start(function()
        mutex:lock()
        cond:wait()
        mutex:unlock()
      end)
    end
    local cond = lagoon.cond(mutex)
    weak[cond] = true
    local task = wait_on(cond)
    lagoon.yield()
    assert.is_nil(leaked()[task:id()])
    cond:signal() -- it now waits for the mutex
    cond = nil -- luacheck: ignore
    mutex:lock()
    lagoon.yield()
    assert.is_nil(leaked()[task:id()])
    mutex:unlock()
    task:wait()
    local function make() return wait_on(lagoon.cond(mutex)) end
    task = make()
    lagoon.yield()
    assert.is_table(leaked()[task:id()]) -- the mutex alone does not help
    finish(tasks)
  end)

  it("is not told: somebody has its coroutine, and so what is in it", function()
    local co
    check({ LIVE, LEAKED }, function(start)
      start(function()
        co = coroutine.running()
        chan():recv()
      end)
      start(function() chan():recv() end)
    end)
    assert.is_not_nil(co)
  end)

  it("is not told: it sleeps, yields, or waits with a time-out for what only it has", function()
    check({ LIVE, LIVE, LIVE, LIVE, LIVE, LIVE, LIVE, LIVE }, function(start)
      start(function() lagoon.sleep(3600) end)
      start(function()
        for _ = 1, 100 do
          lagoon.yield()
        end
      end)
      start(function() chan():recv(3600) end)
      start(function() chan():send(1, 3600) end)
      start(function() lagoon.after(3600):recv() end)
      start(function() lagoon.tick(3600):recv() end)
      start(function() lagoon.select(chan(), lagoon.after(3600)) end)
      local task = start(function() lagoon.sleep(3600) end)
      lagoon.timer(3600, function() task:cancel() end):stop()
    end)
  end)

  it("is not told: goroutine 1, and who calls", function()
    local before = lagoon.self():id()
    assert.is_nil(leaked()[before])
    local told
    local task = async(function() told = leaked() end)
    task:wait() -- the spec's goroutine waits for a task that is done by then
    assert.is_nil(told[before])
    assert.is_nil(told[task:id()])
  end)

  it("is told all the same when only a weak table has its channel, or only its task is held",
    function()
      check({ LEAKED, LEAKED }, function(start)
        local a, b = chan(), chan()
        start(receiving(a))
        start(receiving(b))
        return setmetatable({ a }, { __mode = "v" }), setmetatable({ [b] = 1 }, { __mode = "k" })
      end)
    end)
end)

describe("leaks under load", function()
  it("tells exactly those whose channels were dropped", function()
    local random = helper.random(11)
    local start, tasks = starting()
    local held, expected = {}, {}
    local function make()
      local ch = chan()
      if random(2) == 1 then
        held[#held + 1] = ch
      else
        ch = chan()
      end
      local is_held = held[#held] == ch
      local task
      local kind = random(4)
      if kind == 1 then
        task = start(function() ch:recv() end)
      elseif kind == 2 then
        task = start(function() ch:send({}) end)
      elseif kind == 3 then
        task = start(function() lagoon.select(chan(), ch) end)
      else
        task = start(function() ("x"):gsub("x", function() ch:recv() end) end)
      end
      expected[task:id()] = not is_held or nil
    end
    for _ = 1, helper.rounds(300) do
      make()
    end
    for _ = 1, 3 do
      lagoon.yield()
    end
    scrub()
    local told = {}
    for _, info in ipairs(leaks()) do
      told[info.id] = true
    end
    finish(tasks)
    assert.same(expected, told)
  end)
end)
