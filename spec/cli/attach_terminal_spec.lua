-- SPDX-License-Identifier: MIT
--
-- `lagoon attach` on a terminal: the REPL's editor, and inputs that run in another program.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local is_off = helper.lagoon({ "-e", "print((require 'lagoon'.runtime.preemption()))" }).out
  == "off\n"
local programs = {}

-- A program to attach to; without a folder of its user's, so that its socket is below /tmp.
local function target(text)
  local path = helper.file("script.lua", "lagoon = require 'lagoon'\n" .. text)
  local process = assert(lagoon.process.spawn(helper.program, { "--attach", path },
    { env = { PATH = os.getenv "PATH" }, stderr = "null" }))
  programs[process] = true
  assert.equal("ready", process.stdout:read(5))
  return process
end

local function finish(process)
  process:kill "SIGTERM"
  process:wait()
  process.stdin:close()
  process.stdout:close()
  programs[process] = nil
end

local WAITS = "io.write 'ready' io.flush() lagoon.sleep(1000)"

describe("lagoon attach on a terminal", function()
  after_each(function()
    replterminal.kill_all()
    for process in pairs(programs) do
      process:kill "SIGKILL"
    end
    programs = {}
  end)

  it("edits here, runs there, and leaves with Ctrl-D", function()
    local process = target("answer = 6 " .. WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.shows("attached to process " .. process:pid())
    terminal.enter("anwser * 7\1\27danswer", 2)
    terminal.shows "\n42\n"
    terminal.enter("for i = 1, 2 do\rprint('line', i)\rend", 3)
    terminal.shows "line\t1\nline\t2\n3>"
    terminal.type ":ps\r"
    terminal.shows("\n1 +%d+ %% +waiting +sleep.*\n3>", true)
    assert.equal(0, terminal.close().code)
    assert.is_nil(process:wait(0)) -- it lives
    finish(process)
  end)

  it("completes what is there", function()
    local process = target("something_of_theirs = { inside = 1 } " .. WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.type "something_o\t.ins\t"
    terminal.shows "1> something_of_theirs.inside"
    terminal.enter("", 2)
    terminal.shows "\n1\n"
    terminal.type ":hel\t"
    terminal.shows "2> :help"
    terminal.type "\21"
    terminal.close()
    finish(process)
  end)

  it("cancels an input there, an endless loop too", function()
    if is_off then
      return
    end
    local process = target(WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.type "print 'off' while true do end\r"
    terminal.shows "\noff"
    terminal.type "\3"
    terminal.shows "interrupted\n2>"
    terminal.enter("1 + 1", 3)
    terminal.shows "\n2\n3>"
    terminal.close()
    finish(process)
  end)

  it("shows what goroutines print above the line that is typed", function()
    local process = target(WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.enter("gate = chan() go(function() for v in gate do print('seen', v) end end)", 2)
    terminal.type "half typed"
    terminal.shows "2> half typed"
    local child = helper.child({ helper.program, "attach", tostring(process:pid()) },
      { stdin = "gate:send(7)\n", shell = nil, env = { XDG_RUNTIME_DIR = "" } })
    assert.equal("", child.err)
    terminal.shows "seen\t7\n2> half typed"
    terminal.close()
    finish(process)
  end)

  it("draws :top again and again, with what is printed above it, until a key ends it", function()
    local process = target("gate = lagoon.chan() lagoon.go(function() lagoon.self():name 'spinner' "
      .. "while true do lagoon.yield() end end) " .. WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.enter("go(function() for v in gate do print('seen', v) end end)", 2)
    terminal.type ":top 0.05\r"
    terminal.shows("\n3 goroutines: %d running, %d ready, 2 waiting; CPU %d+ %%, %d+ Ps,", true)
    terminal.shows("\nID +NAME +CPU .*\n2 +spinner +[1-9]%d* %% .*\n1 +0 %% .*\nq ends", true)
    local child = helper.child({ helper.program, "attach", tostring(process:pid()) },
      { stdin = "gate:send(7)\ngate:close()\n", shell = nil, env = { XDG_RUNTIME_DIR = "" } })
    assert.equal("", child.err)
    terminal.shows("2> :top 0.05\nseen\t7\n2 goroutines: ", true) -- and one goroutine has ended
    terminal.type "i"
    terminal.shows("\nID [^\n]+\n1 +0 %% .*\n2 +spinner", true)
    terminal.type "q"
    terminal.shows("seen\t7\n2>$", true)
    terminal.enter(":record x.cast", 2)
    terminal.shows "there is no terminal to record"
    for _, key in ipairs { "\r", "\3" } do
      terminal.type ":top 1000\r"
      terminal.shows "q ends, c i w sort"
      terminal.type(key)
      terminal.shows("2> :top 1000\n2>$", true)
    end
    assert.equal(0, terminal.close().code)
    assert.is_nil(process:wait(0))
    finish(process)
  end)

  it("draws :top again and again where the program's clock stands, or hardly goes", function()
    for _, change in ipairs { "pause()", "scale(0.001)" } do
      local process = target("lagoon.clock:" .. change .. " lagoon.go(function() "
        .. "lagoon.self():name 'spinner' while true do lagoon.yield() end end) " .. WAITS)
      local terminal = replterminal.open { args = "attach " .. process:pid() }
      terminal.type ":top 0.05\r"
      terminal.shows("\n2 +spinner +[1-9]%d* %% .*\nq ends", true)
      terminal.type "q"
      terminal.shows("1> :top 0.05\n1>$", true)
      assert.equal(0, terminal.close().code)
      finish(process)
    end
  end)

  it("fits :top into the terminal, whatever its size becomes", function()
    local process = target("for _ = 1, 10 do lagoon.go(function() lagoon.chan():recv() end) end "
      .. WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid(), columns = 100 }
    terminal.type ":top 1000\r"
    terminal.shows "11 goroutines: 0 running, 0 ready, 11 waiting; CPU"
    terminal.resize(40, 8)
    terminal.shows "11 goroutines: 0 running, 0 ready, 11 w\n"
    terminal.shows("\n%.%.%. 8 more\nq ends", true)
    terminal.type "q"
    terminal.shows("1>$", true)
    terminal.close()
    finish(process)
  end)

  it("gives the terminal back when the program ends during :top", function()
    local process = target(WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.type ":top 1000\r"
    terminal.shows "q ends, c i w sort"
    process:kill "SIGKILL"
    terminal.shows("1> :top 1000\nlagoon: process %d+: the program has ended\n$", true)
    assert.equal(1, terminal.close().code)
    finish(process)
  end)

  it("leaves no :top behind when it vanishes", function()
    local process = target(WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    terminal.type ":top 1000\r"
    terminal.shows "q ends, c i w sort"
    replterminal.kill_all()
    helper.settle(function()
      local child = helper.child({ helper.program, "attach", tostring(process:pid()) },
        { stdin = ":ps all\n", shell = nil, env = { XDG_RUNTIME_DIR = "" } })
      return child.out:find "^ID[^\n]+\n1 [^\n]+\n%d+ [^\n]+\n$" -- goroutine 1, and who asks
    end, "the end of :top")
    finish(process)
  end)

  it("ends with the program", function()
    local process = target(WAITS)
    local terminal = replterminal.open { args = "attach " .. process:pid() }
    process:kill "SIGKILL"
    terminal.shows("process " .. process:pid() .. ": the program has ended")
    assert.equal(1, terminal.close().code)
    finish(process)
  end)
end)
