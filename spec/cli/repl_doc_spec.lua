-- SPDX-License-Identifier: MIT
--
-- :doc, in the program.
local helper = require "helper"
local replterminal = require "replterminal"

-- What the program prints for these inputs.
local function printed(inputs, args)
  local child = helper.child({ helper.program, "-i", unpack(args or {}) }, { stdin = inputs })
  assert.equal(0, child.status, child.err)
  return child.out
end

describe(":doc", function()
  it("shows a function, its parameters and results", function()
    local out = printed ":doc chan\n:doc lagoon.select\n"
    assert.matches("^chan%(capacity%?%): lagoon.Channel\nMakes a channel%. Go: `make", out)
    assert.matches("\nlagoon%.select%(%.%.%.%)\nWaits until one of several .*May wait%.\n", out)
    assert.matches("\nReturns:\n  index  integer   of the case\n", out)
  end)

  it("shows methods of any expression, with dots and colons", function()
    local out = printed [[
ch = chan(1)
:doc ch.send
:doc ch:try_recv
:doc lagoon.mutex():lock
:doc require("lagoon").runtime.stats
:doc lagoon.clock:step
]]
    assert.matches("^ch:send%(value, seconds%?%)\nSends one value; waits until", out)
    assert.matches("\nch:try_recv%(%): any, boolean%?\nReceives one value if", out)
    assert.matches("\nlagoon%.mutex%(%):lock%(%)\nwaits until nobody has it.-\nMay wait%.", out)
    assert.matches("\nrequire%b()%.runtime%.stats%(%): table<string, any>\nFigures:", out)
    assert.matches("\nlagoon%.clock:step%(seconds%)\nmoves it forward", out)
  end)

  it("lists what a module and an object have", function()
    local out = printed ":doc lagoon.http\n:doc chan()\n:doc\n"
    assert.matches("^lagoon%.http\nlagoon%.http: a server .-\n  %.get%(url, opts%?%) ", out)
    assert.matches("\n  %.null  +what stands for JSON's null", out)
    assert.matches("\nlagoon%.Channel\nA queue .-\n  :close%(%)  +Closes the channel", out)
    assert.matches("\nlagoon\nThe module `lagoon`: Go's concurrency for Lua%.\n", out)
    assert.matches("\n  %.net  +lagoon%.net: ", out)
  end)

  it("finds the comments above a script's own functions", function()
    local path = helper.file("doced.lua", "-- Doubles\n-- a number.\nfunction double(n)\n"
      .. "  return 2 * n\nend\nfunction silent(a) end\nreturn {}\n")
    local out = printed([[
:doc double
:doc silent
-- halves it
local function half(n)
  return n / 2
end
:doc half
]], { path })
    assert.matches("^double%(n%)\nDoubles a number%.\n.-doced%.lua:3\n", out)
    assert.matches("\nsilent%(a%)\nNo comment stands above it%.\n", out)
    assert.matches("\nhalf%(n%)\nhalves it\ninput 2:1\n", out)
  end)

  it("names the manual of what is Lua's own", function()
    local out = printed ":doc string.format\n:doc io.read\n:doc string\n:doc bit.band\n"
    assert.matches("string%.format is Lua's own: .*#pdf%-string%.format\n", out)
    assert.matches("io%.read is Lua's own", out)
    assert.matches("string is a library of Lua's: .*manual%.html#5\n", out)
    assert.matches("bit%.band is LuaJIT's", out)
  end)

  it("says what it cannot show, and runs nothing but an expression", function()
    local out = printed [[
:doc nothing
:doc nothing.at.all
:doc 1 + 2
:doc x = 1
:doc error("raised")
x
:doc chan():recv(0.01)
]]
    assert.matches("^nothing is nil\n.-global 'nothing'.-\n", out)
    assert.matches("\nnothing is written about 1 %+ 2, a number\n", out)
    assert.matches("expected near '='\n:doc:1: raised\nnil\n", out)
  end)

  it("completes names, and wraps to the terminal's width", function()
    local terminal = replterminal.open { columns = 40 }
    terminal.type ":doc lagoon.sele\t"
    terminal.shows "1> :doc lagoon.select"
    terminal.enter("", 1)
    terminal.shows "\nWaits until one of several operations\ncan go on, and does that one."
    terminal.close()
  end)
end)
