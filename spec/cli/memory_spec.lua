-- SPDX-License-Identifier: MIT
--
-- A program that the system gives no more memory.
local helper = require "helper"

-- Sanitizers reserve terabytes; and the LuaJIT of Debian 12 ends with a fault when memory runs
-- out inside compiled code (docs/decisions/internal_unwinding.md).
local is_sanitized = tonumber(os.getenv("LAGOON_SPEC_SLOWNESS") or 1) >= 5
local has_stock_jit = helper.lagoon({ "-v" }).out:find("beta", 1, true) ~= nil

local hungry = [[
  local kinds = {
    function() local s = "x" for _ = 1, 1e9 do s = s .. s end end,
    function() local t = {} for i = 1, 1e9 do t[i] = i end end,
    function() local t = {} for i = 1, 1e9 do t[i * 1.5] = i end end,
  }
  for i, kind in ipairs(kinds) do
    for _ = 1, 3 do
      local ok, err = pcall(kind)
      assert(not ok and err == "not enough memory", i)
    end
  end
  print "still here"
]]

describe("memory that runs out", function()
  it("is an error that pcall catches, in compiled code too", function()
    if is_sanitized or has_stock_jit then
      return
    end
    local path = helper.file("hungry.lua", hungry)
    local child = helper.child { "sh", "-c", 'ulimit -v 400000; exec "$0" "$1"', helper.program,
      path }
    assert.equal("", child.err)
    assert.equal("still here\n", child.out)
    assert.equal(0, child.status)
  end)
end)
