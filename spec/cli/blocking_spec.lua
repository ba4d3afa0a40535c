-- SPDX-License-Identifier: MIT
--
-- Programs that end, or stand still, while threads are blocked.
local lagoon = require "lagoon"
local helper = require "helper"

-- A call that does not return: it reads from a pipe into which nobody writes.
local HEAD = [[
  local lagoon = require "lagoon"
  local function hold(started)
    local ffi = require "ffi"
    ffi.cdef "int pipe(int ends[2]); long read(int, void *, unsigned long);"
    local ends = ffi.new("int[2]")
    assert(ffi.C.pipe(ends) == 0)
    started:add(1)
    ffi.C.read(ends[0], ffi.new("char[1]"), 1)
  end
  local started = lagoon.atomic()
  local function hold_some(n)
    for _ = 1, n do
      lagoon.go(lagoon.blocking, hold, started)
    end
    while started:get() < n do
      lagoon.yield()
    end
  end
]]

for _, procs in ipairs { "1", "2" } do
  -- Where nothing interrupts a thread, a collection waits until none is blocked.
  local gc = lagoon.runtime.preemption() == "signal" and "100" or "off"
  -- Threads that are left behind are what this is about: no report of the thread sanitizer's.
  local env = { LAGOON_PROCS = procs, LAGOON_GC = gc,
    TSAN_OPTIONS = (os.getenv "TSAN_OPTIONS" or "") .. ":report_thread_leaks=0" }

  describe(("a program with threads that are blocked, with %s Ps"):format(procs), function()
    it("ends with goroutine 1", function()
      local child = helper.script(HEAD .. "hold_some(20) print 'over'", { env = env })
      assert.equal("over\n", child.out)
      assert.equal("", child.err)
      assert.equal(0, child.status)
    end)

    it("ends so, too, where that fails", function()
      local child = helper.script(HEAD .. "hold_some(3) error 'failed'", { env = env })
      assert.matches("script.lua:%d+: failed", child.err)
      assert.equal(1, child.status)
    end)

    it("ends with os.exit, in a call as well", function()
      local child = helper.script(HEAD .. "hold_some(3) os.exit(7)", { env = env })
      assert.equal(7, child.status)
      child = helper.script(HEAD .. "hold_some(3) lagoon.blocking(os.exit, 8)", { env = env })
      assert.equal(8, child.status)
    end)

    it("is not deadlocked while a call may return", function()
      local child = helper.script([[
        local lagoon = require "lagoon"
        print(lagoon.blocking(function()
          local ffi = require "ffi"
          ffi.cdef "int poll(void *fds, unsigned long n, int ms);"
          for _ = 1, 30 do
            ffi.C.poll(nil, 0, 1)
          end
          return "returned"
        end))
      ]], { env = env })
      assert.equal("returned\n", child.out)
      assert.equal("", child.err)
    end)

    it("is deadlocked when a call waits for what never comes", function()
      local child = helper.script([[
        local lagoon = require "lagoon"
        lagoon.blocking(function(ch) ch:recv() end, lagoon.chan())
      ]], { env = env })
      assert.matches("all goroutines are asleep %- deadlock!", child.err)
      assert.matches("goroutine 1 %[blocking call%]:", child.err)
      assert.equal(2, child.status)
    end)

    it("tells of a call that fails when nobody waits any more", function()
      local child = helper.script(HEAD .. [[
        local gate = lagoon.chan()
        local call = lagoon.async(lagoon.blocking, function(started, gate)
          started:add(1)
          pcall(gate.recv, gate)
          error "too late"
        end, started, gate)
        while started:get() < 1 do
          lagoon.yield()
        end
        call:cancel()
        print(pcall(call.wait, call))
        while lagoon.runtime.stats().states.calls > 0 do
          lagoon.yield()
        end
      ]], { env = env })
      assert.equal("false\tcancelled\n", child.out)
      assert.matches("a task failed, and nobody waited for it: .*too late", child.err)
    end)

    it("tells of a task that has failed though another one holds its thread", function()
      local child = helper.script([[
        local lagoon = require "lagoon"
        local holding = lagoon.atomic()
        lagoon.parallel(function(holding)
          local ffi = require "ffi"
          ffi.cdef "int poll(void *fds, unsigned long n, int ms);"
          holding:add(1)
          ffi.C.poll(nil, 0, 10000)
        end, holding)
        while holding:get() < 1 do
          lagoon.yield()
        end
        local failed = lagoon.parallel(error, "too late")
        while failed:status() ~= "failed" do
          lagoon.yield()
        end
      ]], { env = env })
      assert.matches("a task failed, and nobody waited for it: .*too late", child.err)
      assert.equal(0, child.status)
    end)
  end)
end
