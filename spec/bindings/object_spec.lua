-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local helper = require "helper"

-- Has a finaliser that runs after those of what `make` returns, and keeps that.
local function resurrect(make)
  local kept
  do
    local later = newproxy(true)
    local things
    getmetatable(later).__gc = function() kept = things end
    things = make()
  end
  helper.settle(function()
    collectgarbage()
    return kept
  end, "the finaliser has run")
  return kept
end

describe("an object that has been finalised", function()
  -- Issue 4: their cores had gone, and were used.
  it("is dead, and says so", helper.guard(function()
    local things = resurrect(function()
      local mutex = lagoon.mutex()
      local things = {
        mutex = { mutex, "lock", "try_lock", "unlock" },
        rwmutex = { lagoon.rwmutex(), "lock", "rlock", "unlock", "runlock", "try_rlock" },
        waitgroup = { lagoon.waitgroup(), "add", "done", "wait" },
        semaphore = { lagoon.semaphore(1), "acquire", "try_acquire", "release" },
        chan = { lagoon.chan(1), "send", "recv", "try_send", "try_recv", "close" },
        task = { lagoon.parallel(function() return 1 end),
          "cancel", "wait", "status", "id", "name" },
      }
      lagoon.parallel(function() end, things):wait()
      return things
    end)
    lagoon.runtime.gc()
    for kind, thing in pairs(things) do
      for i = 2, #thing do
        assert.matches("on a dead ", helper.message_of(function()
          thing[1][thing[i]](thing[1], 1)
        end), kind)
      end
    end
  end))

  it("is a frozen table that is not read", helper.guard(function()
    local frozen = resurrect(function() return { lagoon.freeze { 1, 2, { 3 } } } end)[1]
    lagoon.runtime.gc()
    assert.matches("dead frozen table", helper.message_of(function() return frozen[1] end))
    assert.matches("dead frozen table", helper.message_of(function() return #frozen end))
  end))

  it("is not sent", helper.guard(function()
    local things = resurrect(function()
      return { lagoon.mutex(), lagoon.atomic(), lagoon.freeze {}, lagoon.shared_map(),
        lagoon.chan(), lagoon.buffer(1), lagoon.parallel(function() end) }
    end)
    for _, thing in ipairs(things) do
      assert.matches("dead", helper.message_of(function()
        lagoon.parallel(function() end, thing)
      end))
    end
  end))

  it("is a mutex that no cond waits for", helper.guard(function()
    local kept = resurrect(function()
      local mutex = lagoon.mutex()
      return { mutex, lagoon.cond(mutex) }
    end)
    assert.matches("dead mutex", helper.message_of(function() kept[2]:wait() end))
  end))
end)

describe("a finaliser of ours", function()
  it("passes over what is not its own, when a script calls it", helper.guard(function()
    local semaphore = lagoon.semaphore(1)
    local objects = { lagoon.mutex(), lagoon.chan(), lagoon.self(), lagoon.atomic(),
      lagoon.buffer(1) }
    for _, object in ipairs(objects) do
      local finalise = getmetatable(object).__gc
      finalise()
      for _, stranger in ipairs { 1, "text", {}, io.stdout } do
        finalise(stranger)
      end
    end
    assert.is_true(semaphore:try_acquire())
  end))
end)
