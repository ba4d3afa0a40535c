-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local ffi = require "ffi"
local helper = require "helper"

local lock_thread, unlock_thread = lagoon.lock_thread, lagoon.unlock_thread

ffi.cdef "unsigned long pthread_self(void);"

local function thread()
  return tonumber(ffi.C.pthread_self())
end

-- The threads that so many tasks run on, each of which looks several times.
local function threads_of(ntasks)
  local tasks, seen = {}, {}
  for i = 1, ntasks do
    tasks[i] = lagoon.parallel(function()
      local lagoon, ffi, seen = require "lagoon", require "ffi", {}
      ffi.cdef "unsigned long pthread_self(void);"
      for _ = 1, 20 do
        seen[tonumber(ffi.C.pthread_self())] = true
        lagoon.yield()
      end
      return seen
    end)
  end
  for i = 1, ntasks do
    for id in pairs(tasks[i]:wait()) do
      seen[id] = true
    end
  end
  return seen
end

local function unlocked_message()
  return helper.message_of(function() unlock_thread() end)
end

describe("lock_thread", function()
  it("keeps a goroutine on its thread, whatever it waits for", helper.guard(function()
    lock_thread()
    local home, ch = thread(), lagoon.chan()
    lagoon.go(function()
      for i = 1, 100 do
        ch:send(i)
        lagoon.yield()
      end
      ch:close()
    end)
    for _ in ch do
      assert.equal(home, thread())
    end
    for _ = 1, 10 do
      lagoon.sleep(0.001)
      assert.equal(home, thread())
      table.sort({ 2, 1 }, function(a, b)
        lagoon.yield()
        assert.equal(home, thread())
        return a < b
      end)
      lagoon.parallel(function() end):wait()
      assert.equal(home, thread())
    end
    unlock_thread()
  end))

  it("keeps others away from it", helper.guard(function()
    if helper.is_hosted() then
      return -- there is one thread for all
    end
    lock_thread()
    local home = thread()
    assert.is_nil(threads_of(8)[home])
    unlock_thread()
  end))

  it("counts, and is over with its goroutine", helper.guard(function()
    lock_thread()
    lock_thread()
    unlock_thread()
    unlock_thread()
    assert.equal("unlock_thread without lock_thread", unlocked_message())
    for _ = 1, 3 do
      lagoon.async(function()
        lock_thread()
        lock_thread()
        lagoon.yield()
      end):wait()
      local task = lagoon.async(function()
        lock_thread()
        error("failed")
      end)
      assert.matches("failed", helper.error_of(task.wait, task))
    end
    assert.equal("unlock_thread without lock_thread", unlocked_message())
  end))

  it("is each goroutine's own", helper.guard(function()
    lock_thread()
    lagoon.async(function()
      assert.equal("unlock_thread without lock_thread", unlocked_message())
    end):wait()
    unlock_thread()
  end))

  it("is there in other states", helper.guard(function()
    local gate = lagoon.chan()
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = lagoon.parallel(function(gate)
        local lagoon, ffi = require "lagoon", require "ffi"
        ffi.cdef "unsigned long pthread_self(void);"
        lagoon.lock_thread()
        local home = ffi.C.pthread_self()
        for _ = 1, 50 do
          gate:recv()
          assert(home == ffi.C.pthread_self())
        end
      end, gate)
    end
    for _ = 1, 200 do
      gate:send(true)
    end
    for i = 1, 4 do
      tasks[i]:wait()
    end
  end))
end)

describe("lock_thread outside a goroutine", function()
  it("says so", function()
    if not helper.has_host() then
      return
    end
    local child = helper.child({ "luajit", helper.file("outside.lua", ([[
      package.cpath = %q
      local lagoon = require "lagoon"
      print(select(2, pcall(lagoon.lock_thread)))
      print(select(2, pcall(lagoon.unlock_thread)))
      print(lagoon.run(function()
        lagoon.lock_thread()
        lagoon.sleep(0.001)
        lagoon.unlock_thread()
        return "locked"
      end))
    ]]):format((helper.library:gsub("lagoon%.so$", "?.so")))) })
    assert.equal("", child.err)
    assert.matches("^[^\n]*lock_thread outside a goroutine\n" ..
      "[^\n]*unlock_thread outside a goroutine\nlocked\n$", child.out)
  end)
end)
