-- SPDX-License-Identifier: MIT
--
-- Many tasks at once. What is random can be repeated with --seed.
local lagoon = require "lagoon"
local core = require "lagoon.core"
local helper = require "helper"

local parallel, chan = lagoon.parallel, lagoon.chan

-- A task of a random graph: sends and receives tokens over some channels, starts others, waits,
-- fails, as its seed tells. Returns how many tokens it has made and how many it has taken.
local function actor(seed, chans, depth)
  local lagoon = require "lagoon"
  local state = seed % 2147483646 + 1
  local function random(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
  local made, taken, children = 0, 0, {}
  for _ = 1, random(6) do
    local ch = chans[random(#chans)]
    local what = random(8)
    if what <= 2 then
      if ch:send({ token = made, seed = seed }, 0.001 * random(3)) then
        made = made + 1
      end
    elseif what <= 4 then
      local _, ok = ch:recv(0.001 * random(3))
      if ok then
        taken = taken + 1
      end
    elseif what == 5 then
      local other = chans[random(#chans)]
      local i, _, ok = lagoon.select(ch, other:sending { seed }, lagoon.after(0.002))
      if i == 1 and ok then
        taken = taken + 1
      elseif i == 2 then
        made = made + 1
      end
    elseif what == 6 and depth > 0 then
      children[#children + 1] = lagoon.parallel(actor, seed + random(1000), chans, depth - 1)
    elseif what == 7 then
      lagoon.yield()
    elseif what == 8 then
      state = #("waste"):rep(random(100)) + state
    end
  end
  for _, child in ipairs(children) do
    local m, t = child:wait()
    made, taken = made + m, taken + t
  end
  return made, taken
end

describe("parallel under stress", function()
  it("loses and doubles nothing in random graphs of tasks", helper.guard(function()
    local random = helper.random(1)
    local chans = {}
    for i = 1, 5 do
      chans[i] = chan(random(3) - 1)
    end
    local tasks, made, taken = {}, 0, 0
    for i = 1, helper.is_stress() and 100000 or helper.rounds(400) do
      tasks[i] = parallel(actor, random(1000000), chans, 2)
    end
    for _, task in ipairs(tasks) do
      local m, t = task:wait()
      made, taken = made + m, taken + t
    end
    for _, ch in ipairs(chans) do
      taken = taken + #ch
    end
    assert.equal(made, taken)
  end))

  it("survives cancellations and errors at any moment", helper.guard(function()
    local random = helper.random(2)
    local ch = chan(2)
    local tasks = {}
    for i = 1, helper.rounds(500) do
      tasks[i] = parallel(function(ch, n)
        local lagoon = require "lagoon"
        if n % 7 == 0 then
          error { n = n }
        end
        while true do
          ch:send { n }
          ch:recv()
          lagoon.yield()
        end
      end, ch, i)
      if random(3) == 1 then
        lagoon.yield()
      end
      local victim = tasks[random(i)]
      victim:cancel(random(2) == 1 and "stop" or { why = "stop" })
    end
    for i, task in ipairs(tasks) do
      task:cancel("at last")
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      if type(err) == "table" then
        assert.is_true(err.n == i or err.why == "stop")
      else
        assert.is_true(err == "stop" or err == "at last")
      end
    end
  end))

  it("makes and closes states while others run", helper.guard(function()
    local random = helper.random(3)
    local quit = chan()
    local busy = parallel(function(quit)
      local lagoon, n = require "lagoon", 0
      while lagoon.select(quit, lagoon.default) ~= 1 do
        n = n + 1
        lagoon.yield()
      end
      return n
    end, quit)
    for i = 1, math.max(4, helper.rounds(60)) do
      local tasks = {}
      for j = 1, random(4) do
        tasks[j] = parallel(function(n) return n * n end, j)
      end
      for j, task in ipairs(tasks) do
        assert.equal(j * j, (task:wait()))
      end
      if i % 2 == 0 then
        core.retire()
        lagoon.yield()
      end
    end
    quit:close()
    assert.is_true(busy:wait() > 0)
    core.retire()
    helper.settle(function()
      core.retire()
      return lagoon.runtime.stats().states.alive == 0
    end, "all states are closed")
    local made = lagoon.runtime.stats().states.made
    assert.equal(1, (parallel(function() return 1 end):wait()))
    assert.equal(made + 1, lagoon.runtime.stats().states.made)
  end))

  it("collects channels in channels in messages", helper.guard(function()
    for _ = 1, helper.rounds(50) do
      local a, b = chan(4), chan(4)
      parallel(function(a, b)
        a:send { b, { a } }
        b:send(a)
        a:send(a)
      end, a, b):wait()
    end
  end))

  it("starts tasks from tasks without end", helper.guard(function()
    local function fib(n)
      if n < 2 then
        return n
      end
      local lagoon = require "lagoon"
      local a = lagoon.parallel(fib, n - 1)
      local b = lagoon.parallel(fib, n - 2)
      return a:wait() + b:wait()
    end
    assert.equal(144, (parallel(fib, 12):wait()))
  end))
end)
