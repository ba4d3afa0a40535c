-- SPDX-License-Identifier: MIT
--
-- :top, and how much goroutines run in :ps, in the program.
local helper = require "helper"
local replterminal = require "replterminal"

local SPIN = "go(function() while true do lagoon.yield() end end)"
local HELP = "q ends, c i w sort"

describe(":top", function()
  after_each(replterminal.kill_all)

  it("draws goroutines again and again, and goes without a trace", function()
    local terminal = replterminal.open()
    terminal.enter(SPIN, 2)
    terminal.enter("go(function() chan():recv() end)", 3)
    terminal.type ":top 0.05\r"
    terminal.shows("2 goroutines: %d running, %d ready, 1 waiting; CPU %d+ %%, %d+ Ps,", true)
    terminal.shows("\nID +NAME +CPU .*\n%d+ +[1-9]%d* %% +%l+ .*\n%d+ +0 %% +waiting  chan", true)
    terminal.shows(HELP)
    terminal.type "q"
    terminal.shows("3> :top 0.05\n3>$", true)
    terminal.close()
  end)

  it("goes on where the clock stands, or hardly goes", function()
    for _, change in ipairs { "pause()", "scale(0.001)" } do
      local terminal = replterminal.open()
      terminal.enter(SPIN, 2)
      terminal.enter("lagoon.clock:" .. change, 3)
      terminal.type ":top 0.05\r"
      terminal.shows("\n1 goroutine: .*\n%d+ +[1-9]%d* %% .*\n" .. HELP, true)
      terminal.type "q"
      terminal.shows("3> :top 0.05\n3>$", true)
      terminal.close()
    end
  end)

  it("lets goroutines print above it", function()
    local terminal = replterminal.open()
    local path = helper.path "now"
    terminal.enter("gate = chan() go(function() for v in gate do print('seen', v) end end)", 2)
    terminal.enter("go(function() repeat sleep(0.01) until io.open('" .. path .. "') "
      .. "for i = 1, 3 do gate:send(i) end end)", 3)
    terminal.type ":top 0.05\r"
    terminal.shows "2 goroutines:"
    helper.file("now", "")
    terminal.shows("3> :top 0.05\nseen\t1\nseen\t2\nseen\t3\n1 goroutine: .*\n" .. HELP, true)
    terminal.type "\3"
    terminal.shows("seen\t3\n3>$", true)
    terminal.close()
  end)

  it("sorts, and shows the REPL's own", function()
    local terminal = replterminal.open()
    terminal.enter("for i = 1, 2 do go(function() chan():recv() end) end", 2)
    terminal.enter(SPIN, 3)
    terminal.type ":top 0.05\r"
    terminal.shows("BORN\n%d+ +[1-9]%d* %% .*\n%d+ +0 %%", true)
    terminal.type "i"
    terminal.shows("BORN\n%d+ +0 %% .*\n%d+ +0 %% .*\n%d+ +[1-9]%d* %%", true)
    terminal.type "a"
    terminal.shows "repl keys"
    terminal.type "c"
    terminal.type "\r"
    terminal.shows("3> :top 0.05\n3>$", true)
    terminal.close()
  end)

  it("follows the terminal's size", function()
    local terminal = replterminal.open { columns = 100, rows = 24 }
    terminal.enter("for i = 1, 10 do go(function() chan():recv() end) end", 2)
    terminal.type ":top 0.05\r"
    terminal.shows "10 goroutines: 0 running, 0 ready, 10 waiting; CPU"
    terminal.resize(40, 8)
    terminal.shows "10 goroutines: 0 running, 0 ready, 10 w\n"
    terminal.shows("\n%.%.%. 7 more\n" .. HELP, true)
    terminal.type "q"
    terminal.shows("2>$", true)
    terminal.close()
  end)

  it("ends with the session", function()
    local terminal = replterminal.open()
    terminal.type ":top 0.05\r"
    terminal.shows(HELP)
    assert.equal(0, terminal.close().code)
  end)

  it("prints once where nothing can be drawn", function()
    local inputs = SPIN .. "\n:top\n:top 0\n:top nan\n"
    local child = helper.child({ helper.program, "-i" }, { stdin = inputs })
    assert.matches("^1 goroutine: .-\nID .-\n%d+ +[1-9]%d* %% +ready", child.out)
    local refused = ":top takes seconds, 0%.05 at least\n"
    assert.matches("\n" .. refused .. refused .. "$", child.out)
    assert.is_nil(child.out:find "\27")
  end)
end)

describe(":ps", function()
  it("tells how much each has run lately", function()
    local child = helper.child({ helper.program, "-i" }, {
      stdin = SPIN .. "\ngo(function() chan():recv() end)\n:ps\n",
    })
    assert.matches("^ID +NAME +CPU +STATUS .-\n%d+ +[1-9]%d* %% .*\n%d+ +0 %% +waiting", child.out)
  end)
end)
