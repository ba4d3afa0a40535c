-- SPDX-License-Identifier: MIT
--
-- The watchdog as a script sees it: what stands on stderr.
local lagoon = require "lagoon"
local helper = require "helper"

-- Each holds its P until its own stderr, whose path is the script's argument, tells of it.
local HEAD = [[
  local lagoon = require "lagoon"
  local path = ...
  local function count(part)
    local file = io.open(path)
    local _, n = file:read "*a":gsub(part, "")
    file:close()
    return n
  end
  local function of_self(pattern)
    return ("goroutine %d"):format(require("lagoon").self():id()) .. pattern
  end
  local function is_told()
    return count(of_self "[^\n]+ has held its P for") > 0
  end
  local function compute()
    repeat until is_told()
  end
  -- What Lua does is told when the watchdog is done.
  local function wait()
    repeat
      require("lagoon").yield()
    until count(of_self ", in Lua:") > 0
  end
  -- In one call: backtracking without end, almost.
  local function match()
    repeat
      string.find(("a"):rep(22), ("a*"):rep(8) .. "b")
    until is_told()
  end
]]

local function run(text, env)
  return helper.script(HEAD .. text, { args = { helper.path("err") }, env = env })
end

local UNTIL_IT_WAITS = { LAGOON_DEBUG = "asyncpreemptoff=1" }

describe("the watchdog", function()
  it("is off, and can be set and asked", function()
    local child = helper.script [[
      local runtime = require "lagoon".runtime
      print(runtime.watchdog())
      print(runtime.watchdog(1.5), runtime.watchdog())
      print(runtime.watchdog(math.huge), runtime.watchdog(0))
      for _, value in ipairs { "soon", {}, 0 / 0 } do
        print((select(2, pcall(runtime.watchdog, value)):gsub("^.-:%d+: ", "")))
      end
    ]]
    assert.equal("0\n0\t1.5\n1.5\t0\n" ..
      "bad argument #1 to 'watchdog' (seconds must be a number, got string)\n" ..
      "bad argument #1 to 'watchdog' (seconds must be a number, got table)\n" ..
      "bad argument #1 to 'watchdog' (seconds must be a number, got nan)\n", child.out)
    assert.equal("", child.err)
  end)

  it("is set by the environment, too", function()
    local child = helper.script("print(require 'lagoon'.runtime.watchdog())",
      { env = { LAGOON_DEBUG = "watchdog=250" } })
    assert.equal("0.25\n", child.out)
  end)

  for _, procs in ipairs { "1", "2" } do
    it(("names who computes, and where in Lua, with %s Ps"):format(procs), function()
      local child = run([[
        lagoon.runtime.watchdog(0.02)
        lagoon.async(function()
          lagoon.self():name("hog")
          compute()
          wait()
        end):wait()
      ]], { LAGOON_PROCS = procs, LAGOON_DEBUG = UNTIL_IT_WAITS.LAGOON_DEBUG })
      assert.equal(0, child.status)
      assert.matches("goroutine (%d+) %[hog%], created by goroutine 1, has held its P for %d+ ms",
        child.err)
      assert.matches("\ngoroutine %d+, in Lua:\n\t.*script%.lua:%d+: in function .*" ..
        "\ncreated by goroutine 1 at .*script%.lua:%d+\n", child.err)
    end)
  end

  it("says where in Lua a call of C began", function()
    local child = run [[
      lagoon.runtime.watchdog(0.02)
      lagoon.async(function()
        match()
        wait()
      end):wait()
    ]]
    assert.equal(0, child.status)
    assert.matches("has held its P for %d+ ms", child.err)
    assert.matches("\ngoroutine %d+, in Lua:\n\t", child.err)
  end)

  it("says so while it goes on, where Lua is interrupted", function()
    if lagoon.runtime.preemption() ~= "signal" then
      return
    end
    local child = run [[
      lagoon.runtime.watchdog(0.02)
      lagoon.async(function()
        match()
        repeat until count(of_self ", in Lua:") > 0
      end):wait()
    ]]
    assert.equal(0, child.status, child.err)
    assert.matches("\ngoroutine %d+, in Lua:\n\t.*script%.lua:%d+: in function.*\ncreated by",
      child.err)
  end)

  it("tells of tasks in other states", function()
    local child = run([[
      lagoon.runtime.watchdog(0.02)
      lagoon.parallel(function(path)
        compute()
        wait()
      end, path):wait()
    ]], UNTIL_IT_WAITS)
    assert.equal(0, child.status)
    assert.matches("has held its P for %d+ ms", child.err)
    assert.matches("\ngoroutine %d+, in Lua:\n\t.*script%.lua:%d+: in function", child.err)
  end)

  it("says so of one that has ended meanwhile", function()
    local child = run([[
      lagoon.runtime.watchdog(0.02)
      repeat
        local n = count "has held its P for"
        lagoon.async(function()
          repeat until count "has held its P for" > n
          for _ = 1, 100 do
            is_told()
          end
        end):wait()
      until count "it has ended" > 0
    ]], UNTIL_IT_WAITS)
    assert.matches("\ngoroutine %d+, in Lua:\n\tit has ended\n", child.err)
  end)

  it("does not tell of blocking calls", function()
    local child = helper.script [[
      local lagoon = require "lagoon"
      lagoon.runtime.watchdog(0.005)
      lagoon.blocking(function()
        local ffi = require "ffi"
        ffi.cdef "int poll(void *fds, unsigned long n, int ms);"
        for _ = 1, 20 do
          ffi.C.poll(nil, 0, 5)
        end
      end)
    ]]
    assert.equal(0, child.status)
    assert.not_matches("blocking", child.err)
    assert.not_matches("poll", child.err)
  end)
end)
