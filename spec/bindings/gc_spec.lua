-- SPDX-License-Identifier: MIT
--
-- What is collected, what is not, and that memory stays flat.
local helper = require "helper"
local lagoon = require "lagoon"

local chan, async, settle, parked = lagoon.chan, lagoon.async, helper.settle, helper.parked
local quiet = helper.quiet

-- A weak table with what the function makes; the function's frame is gone when it is looked at.
local function weakly(make)
  local weak = setmetatable({}, { __mode = "k" })
  local function fill()
    for _, object in ipairs { make() } do
      weak[object] = true
    end
  end
  fill()
  return weak
end

local function scrub()
  return select("#", unpack({}, 1, 240))
end

local function check_collected(weak)
  settle(function()
    scrub()
    collectgarbage()
    collectgarbage()
    return next(weak) == nil
  end, "collected")
end

describe("a channel that nobody refers to", function()
  it("is collected with what is in it", function()
    check_collected(weakly(function()
      local ch, value = chan(2), {}
      ch:send(value)
      return ch, value
    end))
  end)

  it("is collected when it contains itself, directly or through a table", function()
    check_collected(weakly(function()
      local a, b, t = chan(1), chan(1), {}
      a:send(a)
      t.channel = b
      b:send(t)
      return a, b, t
    end))
  end)

  it("is collected in a cycle of channels", function()
    check_collected(weakly(function()
      local all = {}
      for i = 1, 10 do
        all[i] = chan(3)
      end
      for i = 1, 10 do
        all[i]:send(all[i % 10 + 1])
        all[i]:send({ all[(i + 4) % 10 + 1] })
      end
      return unpack(all)
    end))
  end)

  it("is collected when it was closed with values in it", function()
    check_collected(weakly(function()
      local ch, value = chan(2), {}
      ch:send(value)
      ch:close()
      return ch, value
    end))
  end)
end)

describe("a value in a buffer", function()
  it("stays alive until it is received, and no longer", function()
    local ch = chan(10)
    local weak = weakly(function()
      local values = {}
      for i = 1, 10 do
        values[i] = { i }
        ch:send(values[i])
      end
      return unpack(values)
    end)
    collectgarbage()
    collectgarbage()
    for i = 1, 10 do
      assert.equal(i, ch:recv()[1])
    end
    check_collected(weak)
  end)

  it("stays alive as a closure, a coroutine, and a userdata, too", function()
    local ch = chan(3)
    ch:send((function() local up = { 42 } return function() return up[1] end end)())
    ch:send(coroutine.wrap(function() coroutine.yield({ 43 }) end))
    ch:send(newproxy(true))
    collectgarbage()
    collectgarbage()
    assert.equal(42, ch:recv()())
    assert.equal(43, ch:recv()()[1])
    assert.equal("userdata", type((ch:recv())))
  end)
end)

describe("a value in the hands of one that waits", function()
  it("stays alive: sending, selecting, starting, returning", function()
    local ch = chan()
    local sender = parked(async(function() ch:send({ "sent" }) end))
    collectgarbage()
    assert.equal("sent", ch:recv()[1])
    sender:wait()
    local selector = parked(async(function() lagoon.select(chan(), ch:sending({ "selected" })) end))
    collectgarbage()
    assert.equal("selected", ch:recv()[1])
    selector:wait()
    local seen
    lagoon.go(function(v) seen = v[1] end, { "argument" })
    collectgarbage()
    quiet()
    assert.equal("argument", seen)
    local task = async(function() return { "result" } end)
    quiet()
    collectgarbage()
    assert.equal("result", task:wait()[1])
  end)

  it("is let go when the wait was cancelled or timed out", function()
    local ch = chan()
    local weak = setmetatable({}, { __mode = "k" })
    local task = parked(async(function()
      local value = {}
      weak[value] = true
      pcall(ch.send, ch, value)
      value = {}
      weak[value] = true
      ch:send(value, 0.001)
    end))
    task:cancel()
    task:wait()
    check_collected(weak)
  end)
end)

describe("a goroutine that waits", function()
  it("lives on though nobody refers to it", function()
    local ch, seen = chan(), nil
    lagoon.go(function() seen = ch:recv() end)
    quiet()
    collectgarbage()
    collectgarbage()
    ch:send("alive")
    quiet()
    assert.equal("alive", seen)
  end)

  it("in a callback or in a coroutine lives on, with its stack", function()
    local ch, seen = chan(), {}
    lagoon.go(function()
      ("x"):gsub("x", function()
        local kept = { "local" }
        seen[1] = ch:recv()
        seen[2] = kept[1]
      end)
    end)
    quiet() -- the first to come has the first value
    lagoon.go(coroutine.wrap(function()
      local kept = { "other" }
      seen[3] = ch:recv()
      seen[4] = kept[1]
    end))
    quiet()
    for _ = 1, 3 do
      collectgarbage()
    end
    ch:send(1)
    ch:send(2)
    quiet()
    assert.same({ 1, "local", 2, "other" }, seen)
  end)
end)

describe("a task that has ended", function()
  it("is collected with its results", function()
    check_collected(weakly(function()
      local result = {}
      local task = async(function() return result end)
      task:wait()
      return task, result
    end))
  end)

  it("lets go of its function and arguments at its end", function()
    local task
    local weak = weakly(function()
      local argument = {}
      local function f(_) return 1 end
      task = async(f, argument)
      task:wait()
      return argument
    end)
    check_collected(weak)
    assert.equal(1, task:wait())
  end)
end)

describe("cycles through what is ours", function()
  it("are collected: locks and their kin in channels that they hold", function()
    check_collected(weakly(function()
      local objects = { lagoon.mutex(), lagoon.rwmutex(), lagoon.waitgroup(), lagoon.semaphore(1) }
      objects[5] = lagoon.cond(objects[1])
      objects[6] = chan(10)
      objects[7] = { unpack(objects) }
      for i = 1, 7 do
        objects[6]:send(objects[i])
      end
      return unpack(objects)
    end))
  end)

  it("are collected: a task whose result holds it, and the channel that it came from", function()
    check_collected(weakly(function()
      local ch, result = chan(1), {}
      local task = async(function()
        ch:send(result)
        return result
      end)
      result.task, result.channel = task, ch
      task:wait()
      return ch, result, task
    end))
  end)

  it("are collected: a once and a group that hold themselves", function()
    check_collected(weakly(function()
      local group, box = lagoon.group(), {}
      box.once = lagoon.once(function() return box end)
      box.once()
      group.box, box.group = box, group
      group:go(function() return box end)
      group:wait()
      return group, box, box.once
    end))
  end)

  it("are collected: a stopped timer and a ticker in their own functions and channels", function()
    check_collected(weakly(function()
      local box = {}
      box.timer = lagoon.timer(3600, function() return box end)
      box.timer:stop()
      box.ticker = lagoon.tick(3600)
      box.after = lagoon.after(3600)
      return box, box.timer, box.ticker, box.after
    end))
  end)

  it("leave the figures as they were", function()
    local function figures()
      for _ = 1, 3 do
        scrub()
        collectgarbage()
      end
      local stats = lagoon.runtime.stats()
      return { channels = stats.channels, goroutines = stats.goroutines, timers = stats.timers,
        memory = stats.memory.uses.channels }
    end
    local function make()
      for i = 1, 1000 do
        local ch = chan(2)
        ch:send({ ch, lagoon.after(3600), lagoon.mutex() })
        ch:send(async(function() return ch, i end))
      end
      settle(function() return lagoon.runtime.num_goroutine() == 1 end)
    end
    make()
    local before = figures()
    make()
    assert.same(before, figures())
  end)
end)

describe("timers, mutexes and contexts that nobody refers to", function()
  it("are collected", function()
    check_collected(weakly(function()
      local timer = lagoon.timer(3600, function() end)
      timer:stop()
      return lagoon.mutex(), lagoon.rwmutex(), lagoon.waitgroup(), lagoon.semaphore(1),
        lagoon.cond(lagoon.mutex()), lagoon.group(), timer,
        (lagoon.context.with_cancel(lagoon.context.background()))
    end))
  end)
end)

describe("memory under churn", function()
  local function settle_kilobytes()
    for _ = 1, 3 do
      collectgarbage()
    end
    return collectgarbage("count")
  end

  local function growth(step)
    local before = settle_kilobytes()
    for _ = 1, 10 do
      step(helper.rounds(500))
    end
    return settle_kilobytes() - before
  end

  -- A weak table that becomes larger, for what is garbage until the next cycle, does so once or
  -- twice, and has that size from then on; what leaks does so each time.
  local function check_flat(step)
    for _ = 1, 3 do
      step(helper.rounds(500))
    end
    local grown
    for _ = 1, 3 do
      grown = growth(step)
      if grown < 200 then
        return
      end
    end
    error(("%.0f KB more, for the third time"):format(grown))
  end

  it("of goroutines stays flat", function()
    check_flat(function(n)
      local left = lagoon.atomic(n)
      for _ = 1, n do
        lagoon.go(function() left:add(-1) end)
      end
      settle(function() return left:get() == 0 end)
    end)
  end)

  it("of goroutines that fail stays flat", function()
    check_flat(function(n)
      for _ = 1, n do
        local task = async(function() error("x") end)
        pcall(task.wait, task)
      end
    end)
  end)

  it("of cancelled waits stays flat", function()
    local gate = chan()
    check_flat(function(n)
      for _ = 1, n do
        local task = parked(async(function() gate:recv() end))
        task:cancel()
        pcall(task.wait, task)
      end
    end)
  end)

  it("of channels, values and selects stays flat", function()
    local other = chan()
    check_flat(function(n)
      for i = 1, n do
        local ch = chan(1)
        ch:send({ i })
        lagoon.select(ch, other)
        lagoon.select(ch:sending(i), other)
      end
    end)
  end)

  it("of waits that keep their C stack stays flat", function()
    check_flat(function(n)
      for _ = 1, n / 5 do
        local task = async(string.gsub, "x", "x", function() lagoon.yield() end)
        task:wait()
      end
    end)
  end)

  it("of channels alone makes the collector run", function()
    local before = lagoon.runtime.stats().channels
    local most = 0
    for i = 1, helper.rounds(20000) do
      chan(1000)
      if i % 1000 == 0 then
        most = math.max(most, lagoon.runtime.stats().channels)
      end
    end
    assert.is_true(most - before < 20000, most .. " channels at once")
  end)
end)

describe("the collector at every chance", function()
  it("finds nothing that is still in use", function()
    collectgarbage("setpause", 0)
    collectgarbage("setstepmul", 5000)
    local random = helper.random(5)
    local ch, count = chan(3), 0
    local sent = {} -- each goroutine its own: they are interrupted between any two steps
    local tasks = {}
    for i = 1, 20 do
      sent[i] = 0
      tasks[i] = async(function()
        for _ = 1, helper.rounds(60) do
          local choice = random(5)
          if choice == 1 then
            ch:send({ n = i })
            sent[i] = sent[i] + i
          elseif choice == 2 then
            if lagoon.select(ch:sending({ n = i }), lagoon.default) == 1 then
              sent[i] = sent[i] + i
            end
          elseif choice == 3 then
            ("x"):gsub("x", function()
              ch:send({ n = i })
              sent[i] = sent[i] + i
            end)
          elseif choice == 4 then
            collectgarbage("step", 10)
          else
            lagoon.yield()
          end
        end
      end)
    end
    local reader = async(function()
      for v in ch do
        count = count + v.n
      end
    end)
    for i = 1, 20 do
      tasks[i]:wait()
    end
    ch:close()
    reader:wait()
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
    local total = 0
    for i = 1, 20 do
      total = total + sent[i]
    end
    assert.equal(total, count)
  end)
end)
