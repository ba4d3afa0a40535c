-- SPDX-License-Identifier: MIT
--
-- The report when every goroutine waits and nothing can wake one.
local helper = require "helper"

local script = helper.script

local TITLE = "fatal error: all goroutines are asleep - deadlock!\n"

local function deadlock(text)
  local child = script("local lagoon = require 'lagoon'\n" .. text)
  assert.equal(2, child.status)
  assert.equal(TITLE, child.err:sub(1, #TITLE))
  return child.err
end

describe("a deadlock", function()
  it("of one goroutine ends with status 2 and says where it waits", function()
    local report = deadlock "local ch = lagoon.chan()\nch:recv()\nprint 'not reached'"
    assert.matches("goroutine 1 [chan receive]:", report, 1, true)
    assert.matches("script.lua:3: in main chunk", report, 1, true)
    assert.is_nil(report:find("lagoon/", 1, true))
  end)

  it("by a clock that is paused says so", function()
    local report = deadlock "lagoon.clock:pause()\nlagoon.sleep(1)"
    assert.matches("\nthe clock is paused", report)
    assert.matches("goroutine 1 [sleep]:", report, 1, true)
  end)

  it("tells each goroutine's reason, traceback, birthplace and name", function()
    local report = deadlock [[
local ch, mutex = lagoon.chan(), lagoon.mutex()
mutex:lock()
local function sender() ch:send(1) end
local function locker() mutex:lock() end
lagoon.go(function() lagoon.self():name("the selector") lagoon.select(lagoon.chan()) end)
lagoon.go(locker)
local other = lagoon.async(function() ("x"):gsub("x", function() lagoon.select() end) end)
lagoon.go(function() other:wait() end)
local wg = lagoon.waitgroup()
wg:add(1)
lagoon.go(function() wg:wait() end)
lagoon.go(coroutine.wrap(function() lagoon.chan():recv() end))
local function last_words() sender() end
last_words()
]]
    assert.matches("goroutine 1 [chan send]:", report, 1, true)
    assert.matches("in function 'sender'", report, 1, true)
    assert.matches('"the selector" [select', report, 1, true)
    assert.matches("[mutex lock]", report, 1, true)
    assert.matches("created by goroutine 1 at .-script.lua:7", report)
    assert.matches("gsub", report)
    assert.equal(7, select(2, report:gsub("goroutine %d+[^\n]-%[", "")))
  end)

  it("comes also when goroutine 1 sleeps in a coroutine of its own", function()
    assert.matches("chan receive", deadlock
      "coroutine.wrap(function() lagoon.chan():recv() end)()")
  end)

  it("is found with one P and with several", function()
    for procs = 1, 3 do
      local child = script("require'lagoon'.chan():recv()",
        { env = { LAGOON_PROCS = tostring(procs) } })
      assert.equal(2, child.status)
      assert.matches("deadlock", child.err)
    end
  end)

  it("of very many is told in part", function()
    local report = deadlock [[
local ch = lagoon.chan()
for i = 1, 3000 do lagoon.go(function() ch:recv() end) end
ch:recv()
]]
    assert.is_true(#report < 1000000)
    assert.matches("more goroutines", report)
  end)

  it("is none while a timer or a sleep is pending", function()
    local child = script [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.timer(0.02, function() ch:send("timer") end)
      print((ch:recv()))
      lagoon.go(function() lagoon.sleep(0.02) ch:send("sleeper") end)
      print((ch:recv()))
      print((lagoon.select(ch, lagoon.after(0.01))))
      print(ch:recv(0.01))
    ]]
    assert.equal("timer\nsleeper\n2\nnil\tnil\ttimeout\n", child.out)
    assert.equal("", child.err)
  end)

  it("comes when the last timer is stopped", function()
    deadlock [[
local timer = lagoon.timer(1000, print)
lagoon.go(function() lagoon.sleep(0.005) timer:stop() end)
lagoon.chan():recv()
]]
  end)

  it("flushes what was printed, and writes it before", function()
    local path = helper.file("d.lua",
      "io.write('printed before\\n') require'lagoon'.chan():recv()")
    local child = helper.child { "sh", "-c", helper.program .. " " .. path .. " 2>&1" }
    assert.equal("printed before\n" .. TITLE, child.out:sub(1, #TITLE + 15))
  end)
end)
