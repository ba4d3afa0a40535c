-- SPDX-License-Identifier: MIT
--
-- Turns of our own modules: as a mutex's, but for those who are killed.
local helper = require "helper"
local lagoon = require "lagoon"
local turn = require "lagoon.turn"

local async, parked = lagoon.async, helper.parked

-- Tasks that stand in line, in this order, and note in a list that their turn has come.
local function line_of(lock, n, come)
  local tasks = {}
  for i = 1, n do
    tasks[i] = parked(async(function()
      lock:lock()
      come[#come + 1] = i
      lock:unlock()
    end))
  end
  return tasks
end

describe("a turn", function()
  it("is given to those in line in their order, and to nobody before them", function()
    local lock, come = turn.new(), {}
    assert.is_true(lock:try_lock())
    assert.is_false(lock:try_lock())
    local tasks = line_of(lock, 3, come)
    lock:unlock()
    assert.is_false(lock:try_lock())
    for _, task in ipairs(tasks) do
      task:wait()
    end
    assert.same({ 1, 2, 3 }, come)
    assert.is_false(lock:is_taken())
  end)

  it("passes by who was cancelled in line, also when it has just come", function()
    local lock, come = turn.new(), {}
    lock:lock()
    local tasks = line_of(lock, 3, come)
    tasks[1]:cancel("first")
    assert.equal("first", helper.error_of(tasks[1].wait, tasks[1]))
    lock:unlock()
    tasks[2]:cancel("second")
    pcall(tasks[2].wait, tasks[2])
    tasks[3]:wait()
    assert.equal(3, come[#come])
    assert.is_false(lock:is_taken())
  end)

  it("is taken from who is killed in it, or in line, or between", function()
    local lock, come, group = turn.new(), {}, lagoon.group()
    local function stay()
      lock:lock()
      lagoon.sleep(1000)
    end
    group:go(stay)
    helper.quiet()
    local tasks = line_of(lock, 1, come)
    group:go(stay)
    helper.quiet()
    group:kill()
    tasks[1]:wait()
    assert.is_true(lock:try_lock())

    group = lagoon.group()
    group:go(stay)
    helper.quiet()
    tasks = line_of(lock, 1, come)
    lock:unlock()
    group:kill() -- it has its turn, and perhaps has not gone on
    tasks[1]:wait()
    assert.same({ 1, 1 }, come)
    assert.is_false(lock:is_taken())
  end)

  it("stays with nobody who was killed while nobody stood in line", function()
    local lock, group = turn.new(), lagoon.group()
    group:go(lock.lock, lock)
    group:go(function()
      lock:lock()
      lagoon.sleep(1000)
    end)
    helper.quiet()
    assert.is_true(lock:is_taken())
    group:kill()
    lock:lock()
    lock:unlock()
  end)
end)
