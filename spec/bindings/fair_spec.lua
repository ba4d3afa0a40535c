-- SPDX-License-Identifier: MIT
--
-- What several want all the time: each has had its least before all together have had ten times
-- as much. LAGOON_DEBUG=preemptstress=100 makes slices of 100 microseconds of it.
local helper = require "helper"
local lagoon = require "lagoon"

local LEAST, UNFAIR = 100, 10

-- Runs contestants, goroutines of this state: contestant(who, take), which ends when take(who)
-- is false.
local function contest(n, contestant)
  local got, wanting, total, tasks = {}, n, 0, {}
  local function take(who)
    got[who] = (got[who] or 0) + 1
    total = total + 1
    if got[who] == LEAST then wanting = wanting - 1 end
    return wanting > 0
  end
  for who = 1, n do
    tasks[who] = lagoon.async(function() contestant(who, take) end)
  end
  for who = 1, n do tasks[who]:wait() end
  assert(total <= UNFAIR * LEAST * n, "they got " .. table.concat(got, " "))
end

describe("goroutines of one state that want the same all the time", function()
  it("share a mutex, though one holds it whenever another runs", function()
    local mutex = lagoon.mutex()
    contest(6, function(who, take)
      repeat
        mutex:lock()
        lagoon.yield()
        local goes_on = take(who)
        mutex:unlock()
      until not goes_on
    end)
    assert.is_true(mutex:try_lock())
  end)

  it("share a rwmutex, one as a writer", function()
    local m = lagoon.rwmutex()
    contest(6, function(who, take)
      local goes_on
      repeat
        if who == 1 then m:lock() else m:rlock() end
        lagoon.yield()
        goes_on = take(who)
        if who == 1 then m:unlock() else m:runlock() end
      until not goes_on
    end)
    assert.is_true(m:try_lock())
  end)

  it("share a semaphore, one of them wanting all of it", function()
    local semaphore = lagoon.semaphore(8)
    contest(6, function(who, take)
      local units = who == 1 and 8 or 1 + who % 3
      local goes_on
      repeat
        semaphore:acquire(units)
        lagoon.yield()
        goes_on = take(who)
        semaphore:release(units)
      until not goes_on
    end)
    assert.is_true(semaphore:try_acquire(8))
  end)

  it("share a channel as senders and as receivers", function()
    local up, down = lagoon.chan(), lagoon.chan(2)
    lagoon.go(function()
      for value in up do down:send(value) end
      down:close()
    end)
    local received = lagoon.async(function()
      contest(3, function(who, take)
        while down:recv() do take(who) end
      end)
    end)
    contest(6, function(who, take)
      repeat up:send(who) until not take(who)
    end)
    up:close()
    received:wait()
  end)

  it("are chosen by a select as often as others", function()
    local ROUNDS, counts, cases = 4000, { 0, 0, 0, 0 }, {}
    for i = 1, 4 do
      cases[i] = lagoon.chan(1)
      cases[i]:send(i)
    end
    for _ = 1, ROUNDS do
      local which = lagoon.select(cases[1], cases[2], cases[3], cases[4])
      counts[which] = counts[which] + 1
      cases[which]:send(which)
    end
    for i = 1, 4 do -- a standard deviation is 27
      assert(math.abs(counts[i] - ROUNDS / 4) < 200, table.concat(counts, " "))
    end
  end)
end)

-- The same in states of their own, which begin together: contestant(who, shared, take).
local function contest_of_tasks(n, contestant, shared)
  local got, tasks, wanting = {}, {}, lagoon.atomic(n)
  local begun, start = lagoon.waitgroup(), lagoon.chan()
  begun:add(n)
  for who = 1, n do got[who] = lagoon.atomic(0) end
  for who = 1, n do
    tasks[who] = helper.parallel(function(mine)
      begun:done()
      start:recv()
      contestant(who, shared, function()
        local x = 0
        -- A thread that is put aside for a moment misses some turns, not thousands.
        for i = 1, 60000 do x = x + i % 7 end
        if mine:add(1) == LEAST then wanting:add(-1) end
        return wanting:get() > 0
      end)
    end, got[who])
  end
  begun:wait()
  start:close()
  local total, text = 0, {}
  for who = 1, n do
    tasks[who]:wait()
    text[who] = tostring(got[who]:get())
    total = total + got[who]:get()
  end
  assert(total <= UNFAIR * LEAST * n, "they got " .. table.concat(text, " "))
end

-- On one P, and never interrupted, the first one has it all: it never has to wait.
-- On one thread those that nothing interrupts do not meet; a host's own runs no tasks.
if lagoon.runtime.preemption() == "off"
  and lagoon.runtime.procs() <= (helper.is_hosted() and 2 or 1) then
  return
end

describe("tasks in several states that want the same all the time", function()
  it("share a mutex", function()
    contest_of_tasks(6, function(_, mutex, take)
      local goes_on
      repeat
        mutex:lock()
        goes_on = take()
        mutex:unlock()
      until not goes_on
    end, lagoon.mutex())
  end)

  it("share a rwmutex, one as a writer", function()
    contest_of_tasks(6, function(who, m, take)
      local goes_on
      repeat
        if who == 1 then m:lock() else m:rlock() end
        goes_on = take()
        if who == 1 then m:unlock() else m:runlock() end
      until not goes_on
    end, lagoon.rwmutex())
  end)

  it("share a semaphore, one of them wanting all of it", function()
    contest_of_tasks(6, function(who, semaphore, take)
      local units = who == 1 and 8 or 1 + who % 3
      local goes_on
      repeat
        semaphore:acquire(units)
        goes_on = take()
        semaphore:release(units)
      until not goes_on
    end, lagoon.semaphore(8))
  end)

  it("share a channel", function()
    local ch = lagoon.chan()
    local drain = helper.parallel(function() for _ in ch do end end)
    contest_of_tasks(6, function(who, up, take)
      repeat up:send(who) until not take()
    end, ch)
    ch:close()
    drain:wait()
  end)
end)
