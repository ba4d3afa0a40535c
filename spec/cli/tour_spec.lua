-- SPDX-License-Identifier: MIT
--
-- The scripts of the tour: each runs to its end, and says something.
local helper = require "helper"

local function scripts()
  local paths = {}
  local list = io.popen("ls examples/tour/*.lua")
  for path in list:lines() do
    paths[#paths + 1] = path
  end
  list:close()
  return paths
end

describe("a script of the tour", function()
  it("is one of many", function()
    assert.is_true(#scripts() >= 9)
  end)

  for _, path in ipairs(scripts()) do
    it("runs: " .. path:match("([^/]+)%.lua$"), function()
      for _, procs in ipairs { 1, 2 } do
        local child = helper.lagoon({ path }, { env = { LAGOON_PROCS = procs } })
        assert.equal("", child.err)
        assert.equal(0, child.status)
        assert.is_true(#child.out > 0)
      end
    end)
  end
end)

describe("the tour's script of every core", function()
  it("tells what is true", function()
    local child = helper.lagoon { "examples/tour/09_parallel.lua" }
    for _, line in ipairs {
      "primes up to 40000:\t4203\n",
      "1. ebb has 3 letters; 2. flood has 5 letters; 3. slack has 5 letters; 4. spring tide has 10",
      "not this one:\t3\n",
      "\nfalse\t[^\n]*assigns the captured variable 'total' %(.*09_parallel.lua:%d+%)",
      "squares added up:\t91\n",
      "hits:\t15\n",
      "it was told: context canceled\n",
    } do
      assert.matches(line, child.out)
    end
  end)
end)
