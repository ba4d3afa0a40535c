-- SPDX-License-Identifier: MIT
--
-- :chans and :ps, in the program.
local helper = require "helper"
local replterminal = require "replterminal"

local function printed(inputs, args)
  local child = helper.child({ helper.program, "-i", unpack(args or {}) }, { stdin = inputs })
  assert.equal(0, child.status, child.err)
  return child.out
end

describe(":ps", function()
  it("does not sleep on a clock that stands, or creeps", function()
    local out = printed [[
go(function() lagoon.sleep(1000) end)
lagoon.clock:pause()
:ps
lagoon.clock:resume() lagoon.clock:scale(0)
:ps
lagoon.clock:scale(0.001)
:ps
]]
    local _, nrows = out:gsub("\n%d+ +waiting +sleep ", "")
    assert.equal(2, nrows, out)
    assert.matches("\n%d+ +0 %% +waiting +sleep ", out)
  end)
end)

describe(":trace", function()
  it("finds one among more goroutines than a dump shows", function()
    local out = printed [[
for _ = 1, 1010 do go(function() lagoon.sleep(1000) end) end
last = async(function() lagoon.sleep(1000) end)
last:name "the\nlast"
lagoon.yield()
commands = require "lagoon.repl.commands"
commands.run({ print = function(_, text) print(text) end }, "trace", tostring(last:id()))
commands.run({ print_error = function(_, text) print(text) end }, "trace", "999999")
]]
    assert.matches('goroutine %d+ "the%?last" %[sleep%]:\n\tinput 2:1: in function', out)
    assert.matches("there is no goroutine 999999\n", out)
  end)
end)

describe(":chans", function()
  it("lists channels with names, lengths and states, without the REPL's own", function()
    local out = printed [[
:chans
local jobs = chan(4)
jobs:send "a"
done = chan()
game = { events = chan(1) }
done:close()
:chans
:chans all
]]
    assert.matches("^none\n", out)
    assert.matches("\n%d+ +jobs +1 of 4 +open *\n", out)
    assert.matches("\n%d+ +done +0 of 0 +closed *\n", out)
    assert.matches("\n%d+ +game%.events +0 of 1 +open *\n", out)
  end)

  it("tells who waits, also in selects and in the values that are shown", function()
    local out = printed [[
a, b = chan(), chan()
for i = 1, 20 do go(function() a:recv() end) end
go(function() lagoon.select(a, b:sending(1)) end)
lagoon.yield()
:chans
b
]]
    assert.matches("\n%d+ +a +0 of 0 +open +21 receive: goroutines %d+, [%d, ]+, %.%.%.\n", out)
    assert.matches("\n%d+ +b +0 of 0 +open +1 sends: goroutine %d+\n", out)
    assert.matches("channel: 0x%x+ %(capacity 0, length 0%) <number %d+, 1 sending>\n", out)
  end)

  it("shows a hundred, those that are used first", function()
    local out = printed [[
many = { {} } for i = 1, 150 do many[1][i] = chan() end
used = chan(1) used:send(1)
:chans
]]
    assert.matches("WHO WAITS *\n%d+ +used +1 of 1 +open *\n%d+ +0 of 0 +open *\n", out)
    assert.matches("\n%.%.%. 51 more\n$", out)
  end)

  it("knows channels that other states have", function()
    local out = printed [[
shared, ready = chan(), chan()
t = parallel(function(shared, ready)
  local chan = require("lagoon").chan
  local own = chan(3)
  ready:send(true)
  shared:recv()
  return #own
end, shared, ready)
ready:recv()
:chans
shared:send(1)
t:wait()
]]
    assert.matches("\n%d+ +shared +0 of 0 +open, shared", out)
    assert.matches("\n%d+ +0 of 3 +open, of another state +not known\n", out)
    assert.matches("\n0\n$", out)
  end)
end)

describe(":ps", function()
  it("lists goroutines of a script that ran before the session", function()
    local path = helper.file("early.lua", "never = require('lagoon').chan()\n"
      .. "require('lagoon').go(function() never:recv() end)\nrequire('lagoon').yield()\n")
    local out = printed(":ps\n:chans\n", { path })
    assert.matches("\n%d+ +%d+ %% +waiting +chan receive .-early%.lua:2", out)
    assert.matches("\n%d+ +never +0 of 0 +open +1 receives: goroutine %d+\n", out)
    local terminal = replterminal.open { args = "-i " .. path, columns = 120 }
    terminal.type ":ps\r"
    terminal.shows("\n%d+ +%d+ %% +waiting +chan receive .-early%.lua:2", true)
    terminal.close()
  end)
end)
