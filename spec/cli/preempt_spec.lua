-- SPDX-License-Identifier: MIT
--
-- Preemption in the program: on one and two Ps, with and without the compiler; Ctrl-C.
local helper = require "helper"

local script = helper.script

-- A signal to oneself: os.execute() would have it ignored.
local PRESS = [[
  local function press() io.popen("kill -INT $PPID"):close() end
]]

local is_off = helper.lagoon({ "-e", "print((require 'lagoon'.runtime.preemption()))" }).out
  == "off\n"

describe("the specs of preemption", function()
  for _, procs in ipairs { 1, 2 } do
    for _, jit in ipairs { "-jon", "-joff" } do
      it("pass on " .. procs .. " Ps with " .. jit, function()
        local child = helper.lagoon({ jit, "spec/busted.lua", "spec/bindings/preempt_spec.lua" },
          { env = { LAGOON_PROCS = procs }, limit = 200 })
        assert.matches("%d+ passed, 0 failed\n$", child.out)
      end)
    end
  end
end)

describe("a script that computes", function()
  it("is not interrupted with asyncpreemptoff=1", function()
    local child = script([[
      local lagoon = require "lagoon"
      print(lagoon.runtime.preemption())
      local ticks = 0
      lagoon.go(function() while true do ticks = ticks + 1; lagoon.yield() end end)
      local t0 = os.clock()
      while os.clock() - t0 < 0.1 do end
      print(ticks)
    ]], { env = { LAGOON_DEBUG = "asyncpreemptoff=1" } })
    assert.matches("^off\t.*\n0\n$", child.out)
  end)
end)

if is_off then
  return
end

describe("Ctrl-C", function()
  it("interrupts a loop of goroutine 1, with its traceback", function()
    local child = script(PRESS .. [[
      local function compute()
        while true do end
      end
      press()
      compute()
    ]])
    assert.equal(1, child.status)
    assert.matches("^lagoon: interrupted\nstack traceback:\n", child.err)
    assert.matches("script.lua:3: in function 'compute'", child.err)
  end)

  it("interrupts what goroutine 1 waits in", function()
    local child = script(PRESS .. [[
      local lagoon = require "lagoon"
      lagoon.go(press)
      lagoon.sleep(100)
    ]])
    assert.equal(1, child.status)
    assert.matches("^lagoon: interrupted\n.*in function 'sleep'", child.err)
  end)

  it("can be caught, once", function()
    local child = script(PRESS .. [[
      press()
      print(pcall(function() while true do end end))
      io.stdout:flush()
      press()
      while true do end
    ]])
    assert.equal("false\tinterrupted\n", child.out)
    assert.equal(130, child.status)
  end)

  it("ends the process when goroutine 1 does not listen", function()
    local child = script(PRESS .. [[
      local lagoon = require "lagoon"
      press()
      while true do
        if not pcall(function() while true do end end) then press() end
      end
    ]])
    assert.equal(130, child.status)
  end)

  it("leaves the other goroutines alone", function()
    local child = script(PRESS .. [[
      local lagoon = require "lagoon"
      local n = 0
      local task = lagoon.async(function()
        for i = 1, 1e7 do n = n + 1 end
        return n
      end)
      press()
      pcall(lagoon.sleep, 100)
      print(task:wait())
    ]])
    assert.equal("10000000\n", child.out)
    assert.equal(0, child.status)
  end)

  it("is not ours in a process that was started without", function()
    local child = helper.child({ "bash", "-c", "trap '' INT; $B -e \"" .. PRESS:gsub('"', "'")
      .. " press() print('on')\"" }, { env = { B = helper.program } })
    assert.equal("on\n", child.out)
  end)
end)
