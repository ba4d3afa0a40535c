-- SPDX-License-Identifier: MIT
--
-- Blocking calls of all kinds at once. What is random can be repeated with --seed.
local lagoon = require "lagoon"
local helper = require "helper"

if helper.is_hosted() then
  return -- there are no threads for them
end

local runtime = lagoon.runtime

-- What a call does, as its seed tells. It adds 1 to `begun`, and returns its seed unless it fails.
local function act(seed, begun, depth)
  local lagoon, ffi = require "lagoon", require "ffi"
  ffi.cdef "int poll(void *fds, unsigned long n, int ms);"
  begun:add(1)
  local what = seed % 8
  if what == 0 then
    ffi.C.poll(nil, 0, seed % 3)
  elseif what == 1 then
    lagoon.sleep(seed % 3 / 1000)
  elseif what == 2 and depth > 0 then
    assert(lagoon.blocking(act, seed + 1, begun, depth - 1) == seed + 1)
  elseif what == 3 then
    local task = lagoon.parallel(function(n) return { n } end, seed)
    ffi.C.poll(nil, 0, seed % 2)
    assert(task:wait()[1] == seed)
  elseif what == 4 then
    error({ seed = seed })
  elseif what == 5 then
    local ch = lagoon.chan(3) -- who sends is not left behind by a cancellation
    lagoon.go(function()
      for i = 1, 3 do
        ch:send(i)
      end
      ch:close()
    end)
    ffi.C.poll(nil, 0, seed % 2)
    for _ in ch do
      lagoon.yield()
    end
  elseif what == 6 then
    local waste = {}
    for i = 1, seed % 1000 do
      waste[i] = { tostring(i) }
    end
    assert(#waste == seed % 1000)
  end
  return seed
end

-- Whether the seed is of a call that fails at last.
local function fails(seed, depth)
  return seed % 8 == 4 or (seed % 8 == 2 and depth > 0 and fails(seed + 1, depth - 1))
end

local function check(seed, ok, result)
  if fails(seed, 2) then
    assert.is_false(ok)
    if seed % 8 == 4 then
      assert.equal(seed, result.seed)
      assert.is_string(lagoon.traceback(result))
    end
  else
    assert.is_true(ok, tostring(result))
    assert.equal(seed, result)
  end
end

local function settle_calls()
  helper.settle(function()
    local states = runtime.stats().states
    return states.calls == 0 and states.calls_waiting == 0
  end, "no call is under way")
end

describe("blocking under stress", function()
  it("loses, doubles and confuses nothing", helper.guard(function()
    local random, begun = helper.random(3), lagoon.atomic()
    local procs, limit = runtime.procs(), runtime.blocking_limit()
    for _ = 1, helper.rounds(8) do
      runtime.procs(random(3))
      runtime.blocking_limit(random(12))
      local done = lagoon.waitgroup()
      for _ = 1, random(60) do
        local seed = random(100000)
        done:add(1)
        lagoon.go(function()
          check(seed, pcall(lagoon.blocking, act, seed, begun, 2))
          done:done()
        end)
      end
      if random(2) == 1 then
        lagoon.yield()
        runtime.blocking_limit(random(40))
      end
      done:wait()
    end
    runtime.procs(procs)
    runtime.blocking_limit(limit)
    settle_calls()
  end))

  it("survives cancellations at any moment", helper.guard(function()
    local random, begun = helper.random(4), lagoon.atomic()
    local limit = runtime.blocking_limit(5)
    for _ = 1, helper.rounds(8) do
      local calls = {}
      for i = 1, random(40) do
        local seed = random(100000)
        seed = fails(seed, 2) and 8 or seed -- one that nobody waits for would be told of
        calls[i] = lagoon.async(lagoon.blocking, act, seed, begun, 2)
        if random(3) == 1 then
          lagoon.yield()
        end
      end
      for i = 1, #calls do
        if random(2) == 1 then
          calls[i]:cancel("cancelled")
        end
        if random(4) == 1 then
          lagoon.sleep(random(2) / 1000)
        end
      end
      for i = 1, #calls do
        local ok, err = pcall(calls[i].wait, calls[i])
        assert.is_true(ok or err == "cancelled", tostring(err))
      end
    end
    runtime.blocking_limit(limit)
    settle_calls()
  end))

  it("goes on beside wired goroutines", helper.guard(function()
    local random, begun = helper.random(5), lagoon.atomic()
    for _ = 1, helper.rounds(4) do
      local done = lagoon.waitgroup()
      for i = 1, 12 do
        local seed = random(100000)
        done:add(1)
        lagoon.go(function()
          if i % 3 == 0 then
            lagoon.lock_thread()
          end
          check(seed, pcall(lagoon.blocking, act, seed, begun, 2))
          done:done()
        end)
        done:add(1)
        lagoon.parallel(function(done, n)
          local lagoon = require "lagoon"
          if n % 2 == 0 then
            lagoon.lock_thread()
          end
          for _ = 1, 5 do
            lagoon.yield()
          end
          done:done()
        end, done, i)
      end
      done:wait()
    end
    settle_calls()
  end))
end)
