-- SPDX-License-Identifier: MIT
local helper = require "helper"
local lagoon = require "lagoon"

local runtime, async, parked = lagoon.runtime, lagoon.async, helper.parked

local function info_of(task)
  for _, goroutine in ipairs(runtime.goroutines()) do
    if goroutine.id == task:id() then
      return goroutine
    end
  end
end

describe("runtime.num_goroutine", function()
  it("counts those that are alive", function()
    assert.equal(1, runtime.num_goroutine())
    local gate = lagoon.chan()
    for _ = 1, 10 do
      lagoon.go(function() gate:recv() end)
    end
    assert.equal(11, runtime.num_goroutine())
    helper.quiet()
    assert.equal(11, runtime.num_goroutine())
    gate:close()
    helper.settle(function() return runtime.num_goroutine() == 1 end)
  end)
end)

-- A state that a host runs stays on the host's thread, so on one P.
local function refuses_in_host()
  local ok, message = pcall(runtime.procs, 2)
  if not ok then
    assert.matches("a state that a host runs stays on one P", message)
    assert.equal(1, runtime.procs())
  end
  return not ok
end

describe("runtime.procs", function()
  it("tells how many Ps there are, and changes it", function()
    local before = runtime.procs()
    assert.is_true(before >= 1)
    if refuses_in_host() then
      return
    end
    runtime.procs(before)
    assert.equal(before, runtime.procs(3))
    assert.equal(3, runtime.procs())
    assert.equal(3, runtime.procs(before))
  end)

  it("refuses what makes no sense", function()
    local before = runtime.procs()
    for _, value in ipairs { 0, -1, 257, 1.5, 0 / 0, math.huge, "two", {} } do
      assert.matches("bad argument #1 to 'procs'",
        helper.message_of(function() runtime.procs(value) end))
    end
    assert.equal(before, runtime.procs())
  end)

  it("changes under load without losing anything", function()
    if refuses_in_host() then
      return
    end
    local ch, sum, before = lagoon.chan(), 0, runtime.procs()
    local task = async(function()
      for v in ch do
        sum = sum + v
      end
    end)
    for i = 1, 200 do
      runtime.procs(1 + i % 6)
      ch:send(i)
    end
    ch:close()
    task:wait()
    runtime.procs(before)
    assert.equal(20100, sum)
  end)
end)

describe("runtime.num_cpu", function()
  it("is at least one", function()
    assert.is_true(runtime.num_cpu() >= 1)
  end)
end)

describe("runtime.goroutines", function()
  it("tells id, name, status, where it stands, and who created it", function()
    local gate = lagoon.chan()
    local task = parked(async(function() gate:recv() end))
    task:name("reader")
    local info = info_of(task)
    assert.equal("reader", info.name)
    assert.equal("waiting", info.status)
    assert.equal("chan receive", info.wait_reason)
    assert.is_true(info.wait_seconds >= 0 and info.wait_seconds < 60)
    assert.matches("runtime_spec.lua:%d+", info.where)
    assert.matches("runtime_spec.lua:%d+", info.created_by)
    local mine = info_of(lagoon.self())
    assert.equal("running", mine.status)
    assert.is_nil(mine.wait_reason)
    local has_run
    local fresh = async(function()
      has_run = true
      gate:recv()
    end)
    -- Ready, unless this goroutine's slice ended meanwhile.
    local status = info_of(fresh).status
    assert.equal("ready", has_run and "ready" or status)
    gate:close()
    task:wait()
    fresh:wait()
    assert.is_nil(info_of(task))
  end)

  it("knows a reason for each wait", function()
    local ch, full = lagoon.chan(), lagoon.chan(1)
    full:send(0)
    local mutex, rwmutex, cond_mutex = lagoon.mutex(), lagoon.rwmutex(), lagoon.mutex()
    local cond, wg, sema = lagoon.cond(cond_mutex), lagoon.waitgroup(), lagoon.semaphore(1)
    mutex:lock()
    rwmutex:lock()
    wg:add(1)
    sema:acquire()
    local waits = {
      ["chan receive"] = function() ch:recv() end,
      ["chan send"] = function() full:send(1) end,
      ["select"] = function() lagoon.select(ch, full:sending(1)) end,
      ["sleep"] = function() lagoon.sleep(1000) end,
      ["mutex lock"] = function() mutex:lock() end,
      ["rwmutex"] = function() rwmutex:lock() end,
      ["rlock"] = function() rwmutex:rlock() end,
      ["cond"] = function()
        cond_mutex:lock()
        local ok, err = pcall(cond.wait, cond)
        cond_mutex:unlock()
        error(err, ok and 0 or 0)
      end,
      ["waitgroup"] = function() wg:wait() end,
      ["semaphore"] = function() sema:acquire() end,
    }
    for reason, wait in pairs(waits) do
      local task = parked(async(wait))
      local told = info_of(task).wait_reason
      assert.is_string(told)
      if reason ~= "rwmutex" and reason ~= "rlock" and reason ~= "waitgroup" then
        assert.matches(reason, told, 1, true)
      end
      assert.matches("[" .. told, runtime.stack(true), 1, true)
      task:cancel()
      pcall(task.wait, task)
    end
  end)
end)

describe("runtime.stack", function()
  it("shows where the caller stands, without frames of lagoon's own", function()
    local function a_function_here() return runtime.stack() .. "" end
    local stack = a_function_here()
    assert.matches("^goroutine %d+", stack)
    assert.matches("runtime_spec.lua:%d+: in function 'a_function_here'", stack)
    local gate = lagoon.chan()
    local task = parked(async(function() gate:recv() end))
    local all = runtime.stack(true)
    assert.matches("goroutine " .. task:id() .. " [chan receive]:", all, 1, true)
    assert.is_nil(all:find("lagoon/chan.lua", 1, true))
    assert.is_nil(all:find("lagoon/fast.lua", 1, true))
    assert.matches("created by", all)
    assert.is_not_nil(all:find(runtime.stack():match("^goroutine %d+"), 1, true))
    gate:close()
    task:wait()
  end)

  it("shows the frames of one that keeps its C stack", function()
    local gate = lagoon.chan()
    local function in_a_callback() gate:recv() end
    local task = parked(async(function()
      table.sort({ 1, 2 }, function()
        in_a_callback()
        return true
      end)
    end))
    local all = runtime.stack(true)
    assert.matches("in_a_callback", all)
    assert.matches("sort", all)
    gate:close()
    task:wait()
  end)
end)

describe("runtime.stats", function()
  it("tells of the scheduler, the memory, the collectors and the size classes", function()
    local stats = runtime.stats()
    for _, name in ipairs { "procs", "threads", "goroutines", "channels", "switches" } do
      assert.is_number(stats[name])
    end
    for _, name in ipairs { "total", "objects", "unused", "idle", "meta", "stacks", "released",
      "collected", "limit" } do
      assert.is_true(stats.memory[name] >= 0, name)
    end
    for _, name in ipairs { "other", "states", "channels", "goroutines", "buffers" } do
      assert.is_true(stats.memory.uses[name] >= 0, name)
    end
    for _, name in ipairs { "cycles", "live_bytes", "goal_bytes", "pause_max", "pause_total",
      "cpu_share", "lua_bytes", "lua_cycles", "lua_step_max" } do
      assert.is_true(stats.gc[name] >= 0, name)
    end
    for _, name in ipairs { "count", "over", "total", "last", "max", "p50", "p90", "p99" } do
      assert.is_true(stats.frames[name] >= 0, name)
    end
    assert.is_true(stats.gc.lua_bytes > 10000)
    assert.is_table(stats.gc.pauses)
    for i, class in ipairs(stats.classes) do
      assert.is_true(class.block_bytes > (i > 1 and stats.classes[i - 1].block_bytes or 0))
      assert.is_true(class.span_bytes >= class.block_bytes)
    end
  end)

  it("counts the cycles of both collectors", function()
    local before = runtime.stats().gc
    runtime.gc()
    runtime.gc()
    local after = runtime.stats().gc
    assert.is_true(after.lua_cycles >= before.lua_cycles + 1)
    assert.equal(before.lua_forced + 2, after.lua_forced)
    assert.is_true(after.lua_forced_max > 0)
    assert.is_true(after.forced >= before.forced + 2)
  end)
end)

describe("require \"lagoon\"", function()
  it("gives the same module again, also after a reload", function()
    assert.equal(lagoon, require "lagoon")
    package.loaded["lagoon"] = nil
    local again = require "lagoon"
    assert.equal(lagoon, again)
    local ch = again.chan(1)
    lagoon.select(ch:sending(1))
    assert.equal(1, (ch:recv()))
  end)

  it("makes no globals", function()
    local found = {}
    for _, name in ipairs { "lagoon", "chan", "async", "sleep", "parallel" } do
      found[#found + 1] = rawget(_G, name) and name or nil
    end
    assert.same({}, found)
  end)
end)
