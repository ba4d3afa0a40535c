-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local async, settle, parked = lagoon.async, helper.settle, helper.parked

describe("mutex", function()
  it("lets one in at a time, first come, first served", function()
    local mutex, inside, order, tasks = lagoon.mutex(), 0, {}, {}
    mutex:lock()
    for i = 1, 20 do
      tasks[i] = parked(async(function()
        mutex:lock()
        inside = inside + 1
        assert(inside == 1)
        order[#order + 1] = i
        lagoon.yield()
        inside = inside - 1
        mutex:unlock()
      end))
    end
    mutex:unlock()
    for i = 1, 20 do
      tasks[i]:wait()
      assert.equal(i, order[i])
    end
  end)

  it("is tried without waiting", function()
    local mutex = lagoon.mutex()
    assert.is_true(mutex:try_lock())
    assert.is_false(mutex:try_lock())
    mutex:unlock()
    assert.is_true(mutex:try_lock())
    mutex:unlock()
  end)

  it("may be unlocked by another, but not when it is not locked", function()
    local mutex = lagoon.mutex()
    mutex:lock()
    async(function() mutex:unlock() end):wait()
    assert.equal("unlock of unlocked mutex", helper.message_of(function() mutex:unlock() end))
    mutex:lock()
    mutex:unlock()
  end)

  it("refuses to be something else", function()
    assert.matches("mutex expected, got rwmutex",
      helper.message_of(function() lagoon.mutex().lock(lagoon.rwmutex()) end))
    assert.matches("mutex expected, got no value",
      helper.message_of(function() lagoon.mutex().unlock() end))
  end)
end)

describe("rwmutex", function()
  it("lets readers in together and a writer alone", function()
    local m = lagoon.rwmutex()
    m:rlock()
    m:rlock()
    assert.is_false(m:try_lock())
    local writer = parked(async(function()
      m:lock()
      m:unlock()
    end))
    local reader = parked(async(function() -- behind the writer
      m:rlock()
      m:runlock()
    end))
    m:runlock()
    assert.equal("waiting", writer:status())
    m:runlock()
    writer:wait()
    reader:wait()
    assert.is_true(m:try_lock())
    m:unlock()
  end)

  it("lets readers behind a cancelled writer go on", function()
    local m = lagoon.rwmutex()
    m:rlock()
    local writer = parked(async(function() m:lock() end))
    local reader = parked(async(function() m:rlock() end))
    writer:cancel()
    reader:wait()
    m:runlock()
    m:runlock()
    assert.is_true(m:try_lock())
    pcall(writer.wait, writer)
  end)

  it("refuses to be unlocked by those who do not hold it", function()
    local m = lagoon.rwmutex()
    assert.matches("unlock of unlocked rwmutex", helper.message_of(function() m:unlock() end))
    assert.matches("runlock", helper.message_of(function() m:runlock() end))
    m:rlock()
    assert.matches("unlock of unlocked rwmutex", helper.message_of(function() m:unlock() end))
    m:runlock()
    m:lock()
    assert.matches("runlock", helper.message_of(function() m:runlock() end))
    m:unlock()
  end)
end)

describe("waitgroup", function()
  it("waits until all are done", function()
    local wg, done = lagoon.waitgroup(), lagoon.atomic(0)
    wg:wait()
    for _ = 1, 100 do
      wg:add(1)
      lagoon.go(function()
        lagoon.yield()
        done:add(1)
        wg:done()
      end)
    end
    wg:wait()
    assert.equal(100, done:get())
    wg:add(2)
    wg:add(-2)
    wg:wait()
  end)

  it("refuses to go below zero, and other than whole numbers", function()
    local wg = lagoon.waitgroup()
    assert.equal("negative waitgroup counter", helper.message_of(function() wg:done() end))
    wg:add(1)
    assert.equal("negative waitgroup counter", helper.message_of(function() wg:add(-2) end))
    assert.matches("'add'", helper.message_of(function() wg:add(0.5) end))
    assert.matches("'add'", helper.message_of(function() wg:add("one") end))
    assert.matches("'add'", helper.message_of(function() wg:add(0 / 0) end))
    assert.has_error(function() wg:add(2 ^ 31) end)
    assert.has_error(function() wg:add(math.huge) end)
    wg:done()
    wg:wait()
  end)
end)

describe("cond", function()
  it("wakes one for a signal, in order, and all for a broadcast", function()
    local mutex = lagoon.mutex()
    local cond, order, tasks = lagoon.cond(mutex), {}, {}
    for i = 1, 6 do
      tasks[i] = parked(async(function()
        mutex:lock()
        cond:wait()
        order[#order + 1] = i
        mutex:unlock()
      end))
    end
    assert.is_true(mutex:try_lock()) -- all of them let go of it
    mutex:unlock()
    cond:signal()
    tasks[1]:wait()
    cond:signal()
    tasks[2]:wait()
    assert.same({ 1, 2 }, order)
    cond:broadcast()
    for i = 3, 6 do
      tasks[i]:wait()
    end
    assert.equal(6, #order)
    cond:signal()
    cond:broadcast()
  end)

  it("refuses a wait without the mutex, and what is no mutex", function()
    local cond = lagoon.cond(lagoon.mutex())
    assert.equal("wait on a cond whose mutex is not locked",
      helper.message_of(function() cond:wait() end))
    assert.matches("bad argument #1 to 'cond' %(mutex expected, got nil%)",
      helper.message_of(function() lagoon.cond(nil) end))
    assert.matches("got rwmutex",
      helper.message_of(function() lagoon.cond(lagoon.rwmutex()) end))
  end)

  it("keeps its mutex alive", function()
    local cond = lagoon.cond(lagoon.mutex())
    collectgarbage()
    collectgarbage()
    assert.has_error(function() cond:wait() end)
  end)
end)

describe("once", function()
  it("runs its function once, others wait for it and get its results", function()
    local gate, n = lagoon.chan(), 0
    local once = lagoon.once(function()
      n = n + 1
      gate:recv()
      return "a", nil, "c"
    end)
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = parked(async(function() return select("#", once()), once() end))
    end
    gate:send(1)
    for i = 1, 5 do
      assert.same({ 3, "a", nil, "c" }, { tasks[i]:wait() })
    end
    assert.equal(1, n)
    assert.same({ "a", nil, "c" }, { once() })
  end)

  it("raises its error at every call", function()
    local reason = {}
    local once = lagoon.once(function() error(reason) end)
    assert.equal(reason, helper.error_of(once))
    assert.equal(reason, helper.error_of(once))
  end)

  it("refuses what cannot be called", function()
    assert.matches("bad argument #1 to 'once' %(function expected, got number%)",
      helper.message_of(function() lagoon.once(5) end))
  end)
end)

describe("semaphore", function()
  it("gives out its units, in the order of asking", function()
    local sema, order = lagoon.semaphore(5), {}
    sema:acquire(3)
    local large = parked(async(function()
      sema:acquire(5)
      order[#order + 1] = "large"
      sema:release(5)
    end))
    local small = parked(async(function()
      sema:acquire()
      order[#order + 1] = "small"
      sema:release()
    end))
    assert.is_false(sema:try_acquire())
    sema:release(3)
    large:wait()
    small:wait()
    assert.same({ "large", "small" }, order)
    assert.is_true(sema:try_acquire(5))
    assert.is_false(sema:try_acquire(1))
    sema:release(5)
  end)

  it("lets those behind a cancelled one go on", function()
    local sema = lagoon.semaphore(2)
    sema:acquire(1)
    local large = parked(async(function() sema:acquire(2) end))
    local small = parked(async(function() sema:acquire(1) end))
    large:cancel()
    small:wait()
    pcall(large.wait, large)
    sema:release(2)
  end)

  it("refuses units that make no sense", function()
    for _, value in ipairs { -1, 0.5, 0 / 0, 2 ^ 40, math.huge, "many", {} } do
      assert.matches("bad argument #1 to 'semaphore'",
        helper.message_of(function() lagoon.semaphore(value) end))
    end
    local sema = lagoon.semaphore(3)
    for _, name in ipairs { "acquire", "try_acquire" } do
      for _, value in ipairs { 0, -1, 1.5, 4, 2 ^ 40, 0 / 0, "all" } do
        assert.matches("'" .. name .. "'",
          helper.message_of(function() sema[name](sema, value) end))
      end
    end
    assert.equal("release of more units than were acquired",
      helper.message_of(function() sema:release() end))
    sema:acquire(2)
    assert.has_error(function() sema:release(3) end)
    assert.has_error(function() sema:release(0) end)
    assert.has_error(function() sema:release(-1) end)
    sema:release(2)
    assert.is_true(sema:try_acquire(3))
  end)

  it("bounds how many run at once", function()
    local sema, inside, seen = lagoon.semaphore(3), lagoon.atomic(0), {}
    local wg = lagoon.waitgroup()
    for i = 1, 50 do
      wg:add(1)
      lagoon.go(function()
        sema:acquire()
        seen[i] = inside:add(1)
        lagoon.yield()
        inside:add(-1)
        sema:release()
        wg:done()
      end)
    end
    wg:wait()
    assert.equal(50, #seen)
    assert.equal(3, math.max(unpack(seen)))
  end)
end)

describe("locks under load with cancellation", function()
  it("are never lost", helper.unpreempted("one that is cancelled is told wherever it makes room, "
    .. "with a lock in its hands, too", function()
    local random = helper.random(3)
    local mutex, rwmutex, sema = lagoon.mutex(), lagoon.rwmutex(), lagoon.semaphore(4)
    local holders, in_use, tasks = 0, lagoon.atomic(0), {}
    local function work()
      for _ = 1, 20 do
        local choice = random(3)
        if choice == 1 then
          if pcall(mutex.lock, mutex) then
            holders = holders + 1
            assert(holders == 1)
            pcall(lagoon.sleep, 0)
            holders = holders - 1
            mutex:unlock()
          end
        elseif choice == 2 then
          if pcall(rwmutex.rlock, rwmutex) then
            lagoon.yield()
            rwmutex:runlock()
          end
          if pcall(rwmutex.lock, rwmutex) then
            lagoon.yield()
            rwmutex:unlock()
          end
        else
          local n = random(4)
          if pcall(sema.acquire, sema, n) then
            assert(in_use:add(n) <= 4)
            lagoon.yield()
            in_use:add(-n)
            sema:release(n)
          end
        end
      end
    end
    for i = 1, helper.rounds(100) do
      tasks[i] = async(work)
    end
    settle(function()
      local alive = false
      for _, task in ipairs(tasks) do
        if task:status() ~= "done" then
          alive = true
          if random(10) == 1 and task:status() == "waiting" then
            task:cancel("luck")
          end
        end
      end
      return not alive
    end)
    assert.is_true(mutex:try_lock())
    assert.is_true(rwmutex:try_lock())
    assert.is_true(sema:try_acquire(4))
  end))
end)

describe("tostring", function()
  it("names the kind", function()
    for _, name in ipairs { "mutex", "rwmutex", "waitgroup" } do
      assert.matches("^" .. name .. ": 0x", tostring(lagoon[name]()))
    end
    assert.matches("^semaphore: 0x", tostring(lagoon.semaphore(1)))
    assert.matches("^cond: 0x", tostring(lagoon.cond(lagoon.mutex())))
    local timer = lagoon.timer(1000, print)
    assert.matches("^timer: 0x", tostring(timer))
    timer:stop()
  end)
end)
