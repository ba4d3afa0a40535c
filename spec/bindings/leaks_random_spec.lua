-- SPDX-License-Identifier: MIT
--
-- Leaks among many.
local helper = require "helper"
local lagoon = require "lagoon"
local leaking = require "leaking"

local chan, leaks = lagoon.chan, lagoon.runtime.leaks
local leaked, starting, finish, scrub =
  leaking.leaked, leaking.starting, leaking.finish, leaking.scrub

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
    helper.quiet()
    scrub()
    local told = {}
    for _, info in ipairs(leaks()) do
      told[info.id] = true
    end
    finish(tasks)
    assert.same(expected, told)
  end)
end)

-- Random goroutines that wait for some channels and hold others, in all the ways there are to
-- hold something and to wait; what leaks() says is compared with a model of who can reach what.
describe("leaks in a random world", function()
  local waiting = {
    function(cases) lagoon.select(unpack(cases)) end,
    function(cases) ("x"):gsub("x", function() lagoon.select(unpack(cases)) end) end,
    function(cases) coroutine.wrap(function() lagoon.select(unpack(cases)) end)() end,
  }
  local holding = {
    function(held, wait)
      local kept = held
      wait()
      return kept
    end,
    function(held, wait)
      local co = coroutine.create(function()
        local kept = held
        coroutine.yield()
        return kept
      end)
      coroutine.resume(co)
      wait()
      return co
    end,
    function(held, wait)
      local function recurse(n)
        if n == 0 then
          wait()
        else
          recurse(n - 1)
        end
        return held
      end
      return recurse(30)
    end,
    function(held, wait)
      return setmetatable({}, { __index = function()
        wait()
        return held
      end }).x
    end,
    function(held, wait)
      local box = chan(1)
      box:send(held)
      wait()
      return box
    end,
    function(held, wait)
      pcall(wait)
      return held
    end,
  }

  local function pick(random, n, count)
    local list = {}
    for i = 1, count do
      list[i] = random(n)
    end
    return list
  end

  -- { waits = ..., holds = ..., sleeps = ..., task = ... }
  local function make_goroutine(random, start, chans)
    local g = {
      waits = pick(random, #chans, random(3)),
      holds = pick(random, #chans, random(0, 3)),
      sleeps = random(12) == 1,
    }
    local held, cases = {}, {}
    for i, c in ipairs(g.holds) do
      held[i] = chans[c]
    end
    for i, c in ipairs(g.waits) do
      cases[i] = random(3) == 1 and chans[c]:sending(held) or chans[c]
    end
    local wait, hold, sleeps = waiting[random(#waiting)], holding[random(#holding)], g.sleeps
    g.task = start(function()
      hold(held, function()
        if sleeps then
          lagoon.sleep(3600)
        end
        wait(cases)
      end)
    end)
    return g
  end

  local function make_world(random, start)
    local chans, goroutines, is_held, held = {}, {}, {}, {}
    for i = 1, random(40) do
      chans[i] = chan()
    end
    for i = 1, random(40) do
      goroutines[i] = make_goroutine(random, start, chans)
    end
    for i = 1, #chans do
      if random(6) == 1 then
        is_held[i], held[#held + 1] = true, { [chans[i]] = true }
      end
    end
    return goroutines, is_held, held
  end

  local function is_woken(g, is_reached)
    for _, c in ipairs(g.waits) do
      if is_reached[c] then
        return true
      end
    end
    return g.sleeps
  end

  -- The numbers of those that have leaked, as the model sees it.
  local function modelled(goroutines, is_reached)
    local waits, changed = {}, true
    for _, g in ipairs(goroutines) do
      waits[g] = g.task:status() == "waiting" -- others have met somebody and ended
    end
    while changed do
      changed = false
      for g in pairs(waits) do
        if waits[g] and is_woken(g, is_reached) then
          waits[g], changed = false, true
          for _, list in ipairs { g.waits, g.holds } do
            for _, c in ipairs(list) do
              is_reached[c] = true
            end
          end
        end
      end
    end
    local ids = {}
    for g, has_leaked in pairs(waits) do
      ids[g.task:id()] = has_leaked or nil
    end
    return ids
  end

  it("says what the model says", function()
    local random = helper.random(23)
    for _ = 1, math.max(10, helper.rounds(60)) do
      local start, tasks = starting()
      local goroutines, is_held, held = make_world(random, start)
      helper.quiet()
      local told = leaked()
      for id in pairs(told) do
        told[id] = true
      end
      local expected = modelled(goroutines, is_held)
      finish(tasks)
      assert.is_table(held)
      assert.same(expected, told)
    end
  end)
end)
