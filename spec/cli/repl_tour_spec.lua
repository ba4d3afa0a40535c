-- SPDX-License-Identifier: MIT
--
-- :tour, in the program. The runtime's clock is made quick where a lesson sleeps.
local helper = require "helper"
local lagoon = require "lagoon"
local replterminal = require "replterminal"

local QUICK = "lagoon.clock:scale(10)"

-- A lesson on a terminal, to its end. A key skips what is left of a replay.
local function play(name, opts)
  opts = opts or {}
  local terminal = replterminal.open { columns = opts.columns or 80, rows = 60,
    locale = opts.locale or "C.UTF-8", no_color = opts.no_color }
  local n = 1
  if not opts.is_slow then
    terminal.enter(QUICK, 2)
    n = 2
  end
  terminal.type(":tour " .. name .. "\r")
  if opts.is_slow then
    terminal.shows "times slower"
    terminal.type " "
  end
  terminal.shows(("\n%d>"):format(n + 1))
  return terminal
end

-- Nothing that the lesson has started is left.
local function leaves_nothing(terminal)
  terminal.shows("\n%d+>$", true) -- until then keys are the picture's
  terminal.type ":ps\r"
  terminal.shows("\nnone\n%d+>$", true)
  assert.equal(0, terminal.close().code)
end

-- What each lesson is to show.
local SHOWS = {
  goroutines = function(terminal)
    terminal.shows "1 of 8: Goroutines"
    terminal.shows "hare has arrived"
    terminal.shows("\nG%d+ +hare +.+·", true)
    terminal.shows("\nG%d+ +tortoise +.+·", true)
    terminal.shows '\nEnter goes on to "channels"'
  end,

  channels = function(terminal)
    terminal.shows("as it was after [%d.]+ s", true)
    terminal.shows("\njobs  4 of 4 buffered\n +G%d+ ─▶ │■■■■│ ─▶ nobody\n", true)
    terminal.shows("\nG%d+ +producer +waiting +chan send", true)
  end,

  -- The same goroutine stands at all of its channels.
  select = function(terminal)
    terminal.shows("nobody ─▶ ││ ─▶ G(%d+)\nflute  unbuffered\n +nobody ─▶ ││ ─▶ G%1\n"
      .. "done  0 of 1 buffered\n +nobody ─▶ │·│ ─▶ G%1\n", true)
    terminal.type "heard[3]\r"
    terminal.shows "\n1\n"
    assert.is_nil(terminal.screen:text():find("traceback", 1, true))
  end,

  mpg = function(terminal)
    terminal.shows("╭─ P%d+", true)
    terminal.shows("│ runs  G%d+", true)
    terminal.shows("\nM  %d+ threads, %d+ of them asleep\nG  %d+ alive, global run queue", true)
  end,

  stealing = function(terminal)
    terminal.shows("stolen: %d+ tasks; states with a goroutine: %d+", true)
    terminal.shows("recorded: [%d.]+ m?s; replayed %d+ times slower", true)
  end,

  preemption = function(terminal)
    terminal.shows("\n%d+ slices, %d+ ended by preemption; ", true)
    terminal.shows("\nG%d+ +%a* +.*%d", true)
  end,

  allocator = function(terminal)
    terminal.shows(" +%d+ B █.+ %d+ used +%d+ spans\n", true)
    terminal.shows("\npages .+ MB backed\n", true)
  end,

  gc = function(terminal)
    terminal.shows("\nphase +[^\n]*M", true)
    terminal.enter("lagoon.runtime.gc_percent()", 4)
    terminal.shows "\n100\n"
  end,
}

describe(":tour on a terminal", function()
  after_each(replterminal.kill_all)

  it("plays every lesson, which shows what it says and leaves nothing", function()
    local group = lagoon.group { limit = 4 }
    for name, shows in pairs(SHOWS) do
      group:go(function()
        local terminal = play(name, { is_slow = name == "preemption" })
        shows(terminal)
        leaves_nothing(terminal)
      end)
    end
    group:wait()
  end)

  it("goes on with Enter, back and again, and to its end", function()
    local terminal = replterminal.open { rows = 60 }
    terminal.type ":tour\r"
    terminal.shows("\n +1  goroutines +Goroutines\n.+\n +8  gc +Garbage collection\n", true)
    terminal.shows ":tour next begins"
    terminal.type ":tour back\r"
    terminal.shows "the tour has not begun"
    terminal.type ":tour 9\r"
    terminal.shows 'there is no lesson "9"'
    terminal.enter(QUICK, 2)
    terminal.type ":tour 1\r"
    terminal.shows "\n3>"
    terminal.type "\r"
    terminal.shows "2 of 8: Channels"
    terminal.shows "\n4>"
    terminal.type ":tour\r"
    terminal.shows "\nx 1  goroutines"
    terminal.shows "\n> 2  channels"
    terminal.type "\r'a blank line does not go on'\r"
    terminal.shows "\n5>"
    terminal.type ":tour back\r"
    terminal.shows "\n6>"
    terminal.type "\27[A\27[A" -- the code is a line of the history
    terminal.shows "6> local function run(name, seconds)"
    terminal.type "\21\3:tour end\r"
    terminal.shows "The tour is over"
    leaves_nothing(terminal)
  end)

  it("draws for code of the user's", function()
    local terminal = replterminal.open { rows = 60, locale = "C.UTF-8" }
    terminal.type ":tour with x = 1\r"
    terminal.shows "the tour has not begun"
    terminal.enter(QUICK, 2)
    terminal.enter(":tour 2", 3)
    terminal.type ":tour with\r"
    terminal.shows "code is needed"
    terminal.type ":tour with jobs = chan(7) jobs:send(1) jobs:send(2) sleep(1)\r"
    terminal.shows "\n4>"
    terminal.shows "jobs  2 of 7 buffered"
    terminal.type ":tour with nonsense(\r"
    terminal.shows "unexpected symbol"
    leaves_nothing(terminal)
  end)

  it("is left with Ctrl-C, and cancels what it has started", function()
    local terminal = replterminal.open { rows = 60 }
    terminal.type ":tour select\r"
    terminal.shows "taken so far"
    terminal.type "\3"
    terminal.shows "The lesson was left"
    terminal.type ":tour mpg\r"
    terminal.shows("runs  G", true)
    terminal.type "\3"
    terminal.shows("The lesson was left.*The lesson was left", true)
    leaves_nothing(terminal)
  end)

  it("is ASCII where the locale is, and fits 40 columns", function()
    local terminal = play("channels", { columns = 40, locale = "C", no_color = "1" })
    terminal.shows("\n +G%d+ %-> |####| %-> nobody\n", true)
    assert.is_nil(terminal.raw():find "[\128-\255]")
    assert.is_nil(terminal.raw():find("\27%[[%d;]*m"))
    leaves_nothing(terminal)
  end)

  it("draws for the size that the terminal gets", function()
    local terminal = replterminal.open { rows = 60, locale = "C.UTF-8" }
    terminal.enter("lagoon.clock:scale(0.1)", 2) -- or else it may be over before
    terminal.type ":tour select\r"
    terminal.shows "taken so far"
    terminal.resize(40, 60)
    terminal.shows(("── live, after %d.%d s ") .. ("─"):rep(18) .. "\n  send", true)
    terminal.type "\3"
    terminal.shows "The lesson was left"
    terminal.close()
  end)
end)

describe(":tour without an editor", function()
  it("prints one picture of each lesson", function()
    local child = helper.child({ helper.program, "-i" },
      { stdin = QUICK .. "\n:tour channels\n:tour stealing\n:ps\n:tour next\n" })
    assert.equal(0, child.status, child.err)
    assert.matches("2 of 8: Channels.+as it was after .+\njobs  %d of 4 buffered\n", child.out)
    assert.matches("5 of 8: Work stealing.+recorded: [^;\n]+ m?s .+stolen: %d+ tasks", child.out)
    assert.matches("\nnone\n.+6 of 8: Preemption", child.out)
    assert.is_nil(child.out:find "\27")
  end)

  it("does without a recording where a trace is being written", function()
    local path = helper.path "tour.trace"
    local child = helper.child({ helper.program, "--trace=" .. path, "-i" },
      { stdin = ":tour preemption\n'alive'\n" })
    assert.matches("nothing can be replayed after this: a trace is being written already",
      child.out)
    assert.matches('"alive"\n$', child.out)
  end)
end)
