-- SPDX-License-Identifier: MIT
--
-- Memory that runs out at the n-th request, in the check build's program: see spec/nomem.lua.
local helper = require "helper"

local has_hook = not helper.is_hosted() and pcall(function()
  local ffi = require "ffi"
  ffi.cdef "int lg_check_fail_alloc(int n, bool is_for_good);"
  return ffi.C.lg_check_fail_alloc
end)

if has_hook then
  -- Every so many-th request; all of them under --stress.
  local step = helper.is_stress() and 1 or 11

  describe("a program that is refused the n-th request for memory", function()
    for _, name in ipairs { "goroutines", "timers", "locks", "context", "callbacks", "shared",
      "frozen", "map", "step", "net", "select", "channels", "parallel", "errors", "files",
      "crossing", "http" } do
      it("is told so, loses nothing and goes on: " .. name, function()
        local child = helper.lagoon({ "spec/nomem.lua", tostring(step), "once", name },
          { env = { LAGOON_PROCS = "1" }, limit = 200 })
        assert.matches(name .. ": %d+ requests, %d+ errors\n$", child.out .. child.err)
        assert.equal(0, child.status)
      end)
    end
  end)
end
