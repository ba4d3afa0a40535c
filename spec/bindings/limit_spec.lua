-- SPDX-License-Identifier: MIT
--
-- runtime.limit: code that nobody trusts, which gets so much time and memory and no more.
local helper = require "helper"
local lagoon = require "lagoon"

-- What runs in other states must not refer to busted's environment.
local function limit(bounds, f, ...)
  return lagoon.runtime.limit(bounds, setfenv(f, getfenv(0)), ...)
end

-- The states are closed behind the back of who has called.
local function all_gone()
  helper.settle(function()
    for _, info in ipairs(lagoon.runtime.goroutines()) do
      if info.name == "limit closer" then return false end
    end
    return true
  end)
end

describe("a function within its limit", function()
  it("gives its results, as pcall would", function()
    assert.same({ true, 3, "x" }, { limit({}, function(a, b) return a + b, "x" end, 1, 2) })
    assert.same({ true }, { limit({ seconds = 10, memory = 2 ^ 24 }, function() end) })
    all_gone()
  end)

  it("gives its error, as pcall would", function()
    local ok, err = limit({}, function() error({ code = 7 }) end)
    assert.is_false(ok)
    assert.same({ code = 7 }, err)
    all_gone()
  end)

  it("has an environment, and globals, of its own", function()
    limit({}, function() rawset(string, "mine", 1) end)
    assert.is_true((limit({}, function() assert(rawget(string, "mine") == nil) end)))
    assert.is_nil(rawget(string, "mine"))
    all_gone()
  end)

  it("may wait, and start goroutines", function()
    local ok, got = limit({}, function()
      local inner = require "lagoon"
      local ch = inner.chan()
      inner.go(function()
        inner.sleep(0.001)
        ch:send("sent")
      end)
      return (ch:recv())
    end)
    assert.is_true(ok)
    assert.equal("sent", got)
    all_gone()
  end)

  it("may use channels that it was given", function()
    local ch = lagoon.chan(1)
    assert.is_true((limit({}, function(out) out:send(42) end, ch)))
    assert.equal(42, (ch:recv()))
    all_gone()
  end)

  it("may produce garbage without end", function()
    local ok, n = limit({ memory = 2 ^ 20 }, function()
      local held, sum = {}, 0 -- half a megabyte
      for i = 1, 2 ^ 13 do held[i] = { i } end
      for i = 1, 2e5 do sum = sum + #{ i } end
      assert(#held == 2 ^ 13)
      return sum
    end)
    assert.is_true(ok)
    assert.equal(2e5, n)
    all_gone()
  end)
end)

describe("a function that wants too much", function()
  local function is_out_of_time(bounds, f, ...)
    assert.same({ nil, "time limit exceeded", "ETIMEDOUT" }, { limit(bounds, f, ...) })
  end

  local function is_out_of_memory(f)
    assert.same({ nil, "memory limit exceeded", "ENOMEM" }, { limit({ memory = 2 ^ 20 }, f) })
  end

  it("is left while it waits", function()
    is_out_of_time({ seconds = 0.01 }, function() require "lagoon".sleep(1000) end)
    is_out_of_time({ seconds = 0.01 }, function() require "lagoon".chan():recv() end)
    is_out_of_time({ seconds = 0.01 }, function()
      table.sort({ 1, 2, 3 }, function() require "lagoon".sleep(1000) end)
    end)
    all_gone()
  end)

  it("is left before it has begun", function()
    is_out_of_time({ seconds = 1e-9 }, function() require "lagoon".sleep(1000) end)
    all_gone()
  end)

  it("gets no more memory", function()
    is_out_of_memory(function()
      local t = {}
      for i = 1, 1e7 do t[i] = { i } end
      return #t
    end)
    is_out_of_memory(function() return #("x"):rep(2 ^ 22) end)
    all_gone()
  end)

  it("leaves nothing behind that still comes", function()
    local ch = lagoon.chan(1000)
    local task = lagoon.async(limit, {}, function(out)
      local inner = require "lagoon"
      local function again()
        out:send("timer")
        inner.timer(0.001, again)
      end
      again()
      local tick = inner.tick(0.001)
      inner.go(function() for _ in tick do out:send("tick") end end)
      inner.after(0.03)
      inner.sleep(1000)
    end, ch)
    helper.settle(function() return #ch > 2 end)
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    all_gone()
    local n = #ch
    lagoon.sleep(0.01) -- when others would have come
    assert.equal(n, #ch)
  end)

  if lagoon.runtime.preemption() == "off" then return end

  it("is left while it computes", function()
    is_out_of_time({ seconds = 0.01 }, function() while true do end end)
    all_gone()
  end)

  it("cannot catch that", function()
    is_out_of_time({ seconds = 0.01 }, function()
      while true do
        pcall(function() while true do end end)
      end
    end)
    local function hoard()
      local t = {}
      while #t >= 0 do t[#t + 1] = { t } end
    end
    is_out_of_memory(function()
      while true do pcall(hoard) end
    end)
    all_gone()
  end)

  it("takes the goroutines that it has started along", function()
    local count = lagoon.atomic(0)
    limit({}, function(n)
      require "lagoon".go(function()
        while true do n:add(1) end
      end)
      require "lagoon".yield()
    end, count)
    all_gone()
    local n = count:get()
    lagoon.sleep(0.01)
    assert.equal(n, count:get())
  end)

  it("may be many at once", function()
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = lagoon.async(limit, { seconds = 0.05 }, function(n)
        if n % 3 == 0 then return n end
        while true do pcall(function() while true do end end) end
      end, i)
    end
    for i = 1, 20 do
      local ok, got = tasks[i]:wait()
      assert(i % 3 ~= 0 or got == i or ok == nil)
      assert(i % 3 == 0 or ok == nil)
    end
    all_gone()
  end)
end)

describe("runtime.limit", function()
  it("hears of a cancellation, and leaves nothing behind", function()
    local task = lagoon.async(limit, {}, function() require "lagoon".sleep(1000) end)
    helper.parked(task)
    task:cancel("enough")
    assert.equal("enough", helper.error_of(task.wait, task))
    all_gone()
  end)

  it("refuses what is no bound, and no function", function()
    assert.matches("seconds must be a positive number", helper.error_of(limit, { seconds = -1 },
      function() end))
    assert.matches("memory must be a positive number", helper.error_of(limit, { memory = "x" },
      function() end))
    assert.matches("table expected", helper.error_of(lagoon.runtime.limit, 1))
    assert.matches("function expected", helper.error_of(lagoon.runtime.limit, {}, 1))
  end)

  it("does not let its function escape into other states", function()
    local ok, err = limit({}, function() require "lagoon".parallel(function() end) end)
    assert.is_false(ok)
    assert.matches("cannot start a task from inside runtime.limit", err)
    all_gone()
  end)

  it("works inside a worker", function()
    local task = helper.parallel(function()
      return require "lagoon".runtime.limit({ seconds = 10 }, function() return 7 end)
    end)
    assert.same({ true, 7 }, { task:wait() })
    all_gone()
  end)
end)
