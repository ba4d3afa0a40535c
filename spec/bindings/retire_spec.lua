-- SPDX-License-Identifier: MIT
local lagoon = require "lagoon"
local helper = require "helper"

local core = require "lagoon.core"
local parallel, chan = lagoon.parallel, lagoon.chan

describe("a worker that has nothing to do", function()
  -- Issue 4: they were put into the list of a worker that had gone.
  it("stays while tasks that it has started wait for a place", helper.guard(function()
    for _ = 1, helper.rounds(50) do
      local done, n = chan(100), 60
      parallel(function(ch, count)
        local start = require "lagoon".parallel
        for _ = 1, count do
          start(function(to) to:send(1) end, ch)
        end
      end, done, n):wait()
      core.retire()
      for _ = 1, n do
        assert.equal(1, (done:recv()))
      end
    end
  end))

  -- Issue 4: a tick came into a strand that was being closed.
  it("stays while a channel of its own ticks", helper.guard(function()
    for _, make in ipairs { "tick", "after" } do
      for _ = 1, helper.rounds(30) do
        local task = parallel(function(name)
          for i = 1, 20 do
            require("lagoon")[name](0.0001 * i)
          end
          return name
        end, make)
        assert.equal(make, task:wait())
        for _ = 1, 5 do
          core.retire()
          lagoon.sleep(0.0003)
        end
      end
    end
  end))
end)
