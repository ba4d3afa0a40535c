-- SPDX-License-Identifier: MIT
--
-- Who only looks as if it had leaked.
local helper = require "helper"
local lagoon = require "lagoon"
local leaking = require "leaking"

local chan, async, leaks = lagoon.chan, lagoon.async, lagoon.runtime.leaks
local LEAKED, LIVE = leaking.LEAKED, leaking.LIVE
local leaked, starting, finish = leaking.leaked, leaking.starting, leaking.finish

local function check(says, make, nbusy)
  assert.same(says, (leaking.told_of(make, nbusy)))
end

-- Goes on for longer than it takes the others to wait.
local function go_on()
  for _ = 1, 20000 do
    lagoon.yield()
  end
end

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
        go_on()
        ch:send(1)
      end, a)
      start(receiving(a))
      start(receiving(b))
      helper.quiet(1)
      start(function(ch) ch:send(1) end, b)
      assert.same({}, leaks())
    end, 1)
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
      helper.quiet()
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
      helper.quiet()
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
    helper.quiet()
    assert.is_nil(leaked()[task:id()])
    cond:signal() -- it now waits for the mutex
    cond = nil -- luacheck: ignore
    mutex:lock()
    helper.quiet()
    assert.is_nil(leaked()[task:id()])
    mutex:unlock()
    task:wait()
    local function make() return wait_on(lagoon.cond(mutex)) end
    task = make()
    helper.quiet()
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
      start(go_on)
      start(function() chan():recv(3600) end)
      start(function() chan():send(1, 3600) end)
      start(function() lagoon.after(3600):recv() end)
      start(function() lagoon.tick(3600):recv() end)
      start(function() lagoon.select(chan(), lagoon.after(3600)) end)
      local task = start(function() lagoon.sleep(3600) end)
      lagoon.timer(3600, function() task:cancel() end):stop()
    end, 1)
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
