-- SPDX-License-Identifier: MIT
local core = require "lagoon.core"
local helper = require "helper"
local lagoon = require "lagoon"

-- How many of the events are of a kind, by goroutine, and the first one.
local function count(events, kind, g)
  local n, first = 0, nil
  for _, event in ipairs(events) do
    if event.kind == kind and (not g or event.g == g) then
      n, first = n + 1, first or event
    end
  end
  return n, first
end

describe("core.events_start", function()
  it("keeps what happens until events_stop", function()
    local recording = assert(core.events_start())
    local done = lagoon.chan()
    local task = lagoon.async(function()
      lagoon.sleep(0.001)
      done:send(1)
    end)
    done:recv()
    task:wait()
    local events, nlost = core.events_stop(recording)
    assert.equal(0, nlost)
    local n, start = count(events, "start", task:id())
    assert.equal(1, n)
    assert.equal(lagoon.self():id(), start.arg)
    local _, park = count(events, "park", task:id())
    assert.equal("sleep", park.what)
    assert.is_true(count(events, "run", task:id()) >= 2)
    assert.equal(1, (count(events, "end", task:id())))
    for i = 2, #events do
      assert.is_true(events[i - 1].time <= events[i].time)
    end
    assert.same(events, (core.events_stop(recording)))
  end)

  it("counts what it has no room for", function()
    local recording = assert(core.events_start(10))
    for _ = 1, 100 do
      lagoon.yield()
    end
    local events, nlost = core.events_stop(recording)
    assert.equal(10, #events)
    assert.is_true(nlost > 0)
  end)

  it("is one at a time", function()
    local recording = assert(core.events_start())
    local second, message, code = core.events_start()
    assert.is_nil(second)
    assert.equal("a trace is being written already", message)
    assert.equal("EBUSY", code)
    core.events_stop(recording)
    core.events_stop(assert(core.events_start()))
  end)

  it("ends with a recording that nobody has", function()
    core.events_start()
    helper.settle(function()
      collectgarbage()
      local recording = core.events_start()
      return recording and core.events_stop(recording)
    end)
  end)

  it("refuses what is no number and no recording", function()
    assert.error_matches(function() core.events_start(0) end, "bad argument #1 to 'events_start'")
    assert.error_matches(function() core.events_stop "x" end,
      "recording expected, got string")
    assert.error_matches(function() core.events_stop(io.stdout) end, "recording expected")
  end)

  it("tells of slices that were over", helper.sliced("about them", function()
    if lagoon.runtime.preemption() == "off" then
      return
    end
    local recording = assert(core.events_start())
    local is_over = false
    local task = lagoon.async(function()
      while not is_over do end -- luacheck: ignore 542
    end)
    lagoon.sleep(0.03)
    is_over = true
    task:wait()
    local preempted = 0
    for _, event in ipairs((core.events_stop(recording))) do
      if event.kind == "yield" and event.g == task:id() and event.what == "preempted" then
        preempted = preempted + 1
      end
    end
    assert.is_true(preempted > 0)
  end))

  it("tells of the collector's phases", function()
    local recording = assert(core.events_start())
    lagoon.runtime.gc()
    local events = core.events_stop(recording)
    local _, begun = count(events, "gc begin")
    local _, swept = count(events, "gc sweep")
    local _, ended = count(events, "gc end")
    assert.equal(begun.arg, swept.arg)
    assert.equal(begun.arg, ended.arg)
    assert.is_true(begun.time <= swept.time and swept.time <= ended.time)
  end)
end)

describe("core.ps", function()
  it("has the P that runs the caller", function()
    local found = false
    for i, p in ipairs(core.ps()) do
      assert.equal(i - 1, p.number)
      assert.is_true(p.queued >= 0 and p.steals >= 0 and p.rounds >= 0)
      found = found or p.g == lagoon.self():id() and p.status ~= "idle"
    end
    assert.is_true(found)
  end)
end)
