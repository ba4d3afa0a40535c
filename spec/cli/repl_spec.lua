-- SPDX-License-Identifier: MIT
--
-- The REPL on a terminal: keys are typed, and what is to be seen is looked at.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local open = replterminal.open

local is_off = helper.lagoon({ "-e", "print((require 'lagoon'.runtime.preemption()))" }).out
  == "off\n"

describe("the REPL on a terminal", function()
  after_each(replterminal.kill_all)

  it("prints values, keeps locals, and leaves with Ctrl-D", function()
    local terminal = open()
    terminal.enter("local x = { 1, 2, name = 'n' }", 2)
    terminal.enter("x", 3)
    terminal.shows '{ 1, 2, name = "n" }'
    terminal.enter("x[1] + x[2], nil", 4)
    terminal.shows "3\tnil"
    terminal.enter("_, _3", 5)
    terminal.shows "\n3\t3\n"
    assert.equal(0, terminal.close().code)
  end)

  it("continues an input that is not finished, but not a string", function()
    local terminal = open()
    terminal.type "for i = 1, 2 do\r  print('line', i)\rend\r"
    terminal.shows "line\t1\nline\t2\n2>"
    terminal.type "x = 'abc\r"
    terminal.shows "unfinished string"
    terminal.close()
  end)

  it("lets goroutines print above what is being typed", function()
    local terminal = open()
    terminal.enter("gate = chan() go(function() for v in gate do print('seen', v) end end)", 2)
    terminal.enter("go(function() sleep(0.05) io.write('par') io.flush() sleep(0.05) print('tial') "
      .. "gate:send(7) end)", 3)
    terminal.type "half typed"
    terminal.shows "\npartial\nseen\t7\n3> half typed"
    terminal.type "\21'done'\r"
    terminal.shows '\n"done"\n4>'
    terminal.close()
  end)

  it("cancels an endless loop, and the session lives on", function()
    if is_off then
      return
    end
    local terminal = open()
    terminal.type "io.write('off') io.flush() while true do end\r"
    terminal.shows "\noff"
    terminal.type "\3"
    terminal.shows "interrupted\n2>"
    terminal.enter("1 + 1", 3)
    terminal.shows "\n2\n3>"
    terminal.close()
  end)

  it("ends a __tostring that does not end, too", function()
    if is_off then
      return
    end
    local terminal = open()
    terminal.type("setmetatable({}, { __tostring = function() io.write('in') io.flush() "
      .. "while true do end end })\r")
    terminal.shows "\nin"
    terminal.type "\3"
    terminal.shows "raises: interrupted>\n2>"
    terminal.type "setmetatable({}, { __tostring = function() chan():recv() end })\r"
    terminal.shows "deadlock!"
    terminal.type "\3"
    terminal.shows("raises: interrupted>\n3>")
    terminal.close()
  end)

  it("leaves what catches all interrupts to itself", function()
    if is_off then
      return
    end
    local terminal = open()
    terminal.type("local n = 0 while true do io.write('no ', n, ';') io.flush() n = n + 1 "
      .. "pcall(function() while true do end end) end\r")
    for i = 0, 2 do
      terminal.shows(("no %d;"):format(i))
      terminal.type "\3"
    end
    terminal.shows("goroutine %d+ goes on: .*\n2>$", true)
    terminal.enter("1 + 1", 3)
    terminal.type "\21"
    terminal.close()
  end)

  it("survives what inputs do to it", function()
    local terminal = open()
    terminal.enter("type, table, tostring, ipairs, io, select = 'x', {}, nil, 5, {}, nil", 2)
    terminal.enter("setmetatable({}, { __tostring = function(t) error(t) end })", 3)
    terminal.shows "__tostring raises: a table>"
    terminal.enter("error(_)", 4)
    terminal.type ":load .\r"
    terminal.shows "cannot read .: Is a directory"
    terminal.type ":load\r"
    terminal.shows "a file is needed"
    terminal.type ":kill 1\r"
    terminal.shows "goroutine 1 is the REPL's own"
    terminal.type ":kill 1.5\r"
    terminal.shows "a goroutine's number is needed"
    terminal.enter("package.loaded['lagoon.repl.doc'] = { run = function() error 'broken' end }", 5)
    terminal.type ":doc print\r"
    terminal.shows("broken\n.*5>$", true)
    terminal.enter("::label:: print 'no command'", 6)
    terminal.shows "\nno command\n"
    assert.equal(0, terminal.close().code)
  end)

  it("clears the line with Ctrl-C at the prompt", function()
    local terminal = open()
    terminal.type "not this\3"
    terminal.shows "1> not this^C\n1>"
    terminal.enter("'this'", 2)
    terminal.close()
  end)

  it("shows errors of inputs and of goroutines, with tracebacks", function()
    local terminal = open()
    terminal.enter("local function f() error 'of f' end f()", 2)
    terminal.shows "input 1:1: of f"
    terminal.shows "in function 'f'"
    terminal.enter("go(function() error 'alone' end)", 3)
    terminal.shows "alone"
    terminal.shows("goroutine %d+ created by goroutine %d+", true)
    terminal.close()
  end)

  it("tells of a deadlock", function()
    local terminal = open()
    terminal.type "chan():recv()\r"
    terminal.shows "deadlock!"
    terminal.type "\3"
    terminal.shows "interrupted\n2>"
    terminal.close()
  end)

  it("gives what is typed to an input that reads", function()
    local terminal = open()
    terminal.type "io.write('your name? ') return io.read()\r"
    terminal.shows "\nyour name?"
    terminal.type "Ada\r"
    terminal.shows 'your name? Ada\n"Ada"\n2>'
    terminal.close()
  end)

  it("has Ctrl-S stop what is shown, and Ctrl-Q show it", function()
    local terminal = open()
    local path = helper.path "was_read"
    terminal.type(("io.write('stop? ') io.read() io.open('%s', 'w'):close()\r"):format(path))
    terminal.shows "\nstop?"
    terminal.type "\19\r"
    helper.settle(function() return lagoon.fs.stat(path) end, "the input")
    terminal.type "\17"
    terminal.shows("\n2>$", true)
    terminal.enter("1 + 1", 3)
    terminal.close()
  end)

  it("reads on behind Ctrl-D", function()
    local terminal = open()
    terminal.type "io.write('all? ') return io.read('*a')\r"
    terminal.shows "\nall?"
    terminal.type "one\r\4"
    terminal.shows '"one\\n"\n2>'
    terminal.type "io.write('line? ') return io.read()\r"
    terminal.shows "\nline?"
    terminal.type "two\r"
    terminal.shows '"two"\n3>'
    terminal.close()
  end)

  it("runs an input in the background, lists and kills it", function()
    local terminal = open()
    terminal.type "sleep(100) &\r"
    terminal.shows("\ngoroutine %d+\n2>", true)
    local id = terminal.screen:text():match "\ngoroutine (%d+)\n"
    terminal.type ":ps\r"
    terminal.shows("\n" .. id .. " +input 1 +%d+ %% +waiting +sleep", true)
    terminal.type(":kill " .. id .. "\r")
    terminal.shows "\ncancelled\n"
    terminal.type ":ps\r"
    terminal.shows "\nnone\n"
    terminal.type(":kill " .. id .. "\r")
    terminal.shows("there is no goroutine " .. id)
    terminal.close()
  end)

  it("edits: moves, kills, yanks, transposes, goes back", function()
    local terminal = open()
    terminal.type "world' .. x\1'hello \5\23\23"
    terminal.shows "1> 'hello world'"
    terminal.enter("", 2)
    terminal.shows '\n"hello world"\n'
    terminal.type "12\20\27[D3\11\25\25" -- 21, 231, without the 1, and that twice
    terminal.shows "2> 2311"
    terminal.type "\31\31"
    terminal.shows("2> 23$", true)
    terminal.enter("", 3)
    terminal.close()
  end)

  it("lays wide and long lines out", function()
    local terminal = open { columns = 20 }
    terminal.type "'日本語日本語日本語日本語'\27[D\27[DX"
    terminal.shows "本X語'"
    terminal.enter("", 2)
    terminal.type(("a"):rep(40) .. "\27[D\127\1\11'end'\r")
    terminal.shows '\n"end"\n3>'
    terminal.close()
  end)

  it("times an input of several lines, and tells that :wait waits for ever", function()
    local terminal = open()
    terminal.type ":time for i = 1, 2 do\rprint('line', i)\rend\r"
    terminal.shows("\nline\t2\n[%d.]+ ms\n2>", true)
    terminal.type "chan():recv() &\r"
    terminal.shows("\ngoroutine %d+\n3>", true)
    terminal.type(":wait " .. terminal.screen:text():match "\ngoroutine (%d+)" .. "\r")
    terminal.shows "deadlock!"
    terminal.type "\3"
    terminal.shows("\n3>$", true)
    terminal.close()
  end)

  it("takes a paste as it is, with its lines", function()
    local terminal = open()
    terminal.type "\27[200~local a = 1\rlocal b = 2\rreturn a + b\27[201~"
    terminal.shows "   return a + b"
    terminal.enter("", 2)
    terminal.shows "\n3\n2>"
    terminal.close()
  end)

  it("completes globals, fields, methods, modules and commands", function()
    local terminal = open()
    terminal.type "tosta\t"
    terminal.type "\21tostr\t(string.for\t)\r"
    terminal.shows "1> tostring(string.format)"
    terminal.enter("ch = chan(1)", 3)
    terminal.type "ch:clo\t"
    terminal.shows "3> ch:close"
    terminal.enter("d()", 4)
    terminal.type ":hel\t\r"
    terminal.shows("4> :help\n.*\n4>$", true)
    terminal.type "require('lagoon.repl.hi\t').new and 'found'\r"
    terminal.shows '"found"'
    terminal.type "lagoon.runtime.num_\t"
    terminal.shows "num_cpu        num_goroutine"
    terminal.type "\21"
    terminal.close()
  end)

  it("draws anew when the terminal gets another size", function()
    local terminal = open { columns = 40 }
    terminal.type(("a"):rep(34))
    terminal.shows("1> " .. ("a"):rep(34))
    terminal.resize(20, 24)
    terminal.type "b"
    terminal.shows("1> " .. ("a"):rep(17) .. "\n" .. ("a"):rep(17) .. "b")
    terminal.close()
  end)

  it("edits in five columns, and in one row", function()
    local terminal = open { columns = 5 }
    terminal.type "'abcdefgh'\27[D\27[D\127"
    terminal.shows("\n1> 'a\nbcdef\nh'$", true)
    terminal.enter("", 2)
    terminal.resize(5, 1)
    terminal.type "12\r"
    terminal.shows("3>$", true)
    terminal.close()
  end)

  it("has its terminal back when it goes on after a stop", function()
    local terminal = open()
    terminal.enter("io.open('/proc/self/stat'):read('*n')", 2)
    local pid = terminal.screen:text():match "\n(%d+)\n2>"
    local function signal(name)
      assert(select(2, lagoon.process.run("kill", { "-" .. name, pid })).code == 0)
    end
    terminal.type "'ac'"
    terminal.shows "2> 'ac'"
    signal "STOP"
    helper.settle(function() -- what the terminal is of stops, too
      local file = assert(io.open(("/proc/%d/stat"):format(terminal.process:pid())))
      local state = file:read("*l"):match "%) (%a)"
      file:close()
      return state == "T"
    end, "script")
    terminal.stty "sane"
    terminal.process:kill "SIGCONT"
    terminal.shows("2> 'ac'$", true)
    helper.settle(function()
      return terminal.stty("-a"):find "%-icanon"
    end, "the terminal's modes")
    terminal.type "\27[D\27[Db"
    terminal.shows("2> 'abc'$", true)
    terminal.enter("", 3)
    terminal.close()
  end)

  it("goes on where Ctrl-Z cannot stop it", function()
    local terminal = open()
    terminal.type "'ab\26c'"
    terminal.shows("1> 'ab\n1> 'abc'$", true)
    terminal.enter("", 2)
    terminal.close()
  end)

  it("has no colours where NO_COLOR says so", function()
    local terminal = open { no_color = "1" }
    terminal.enter("'text'", 2)
    assert.is_nil(terminal.raw():find("\27%[[%d;]*m"))
    terminal.close()
  end)

  it("runs a script first with -i, and shows its globals", function()
    local path = helper.file("first.lua", "shown = 'by the script'\n")
    local terminal = open { args = "-i " .. path }
    terminal.enter("shown", 2)
    terminal.shows '"by the script"'
    terminal.close()
  end)
end)

describe("the REPL without an editor", function()
  it("takes lines from a pipe", function()
    local child = helper.child({ helper.program, "-i" }, {
      stdin = "local x = 20\nfor i = 1, 2 do\nx = x + i\nend\nx\nerror 'told'\n'after'\n",
    })
    assert.matches("^23\ninput 4:1: told\n.*\n\"after\"\n$", child.out)
    assert.equal(0, child.status)
  end)

  it("cancels an input that waits for ever where nobody can press Ctrl-C", function()
    local child = helper.child({ helper.program, "-i" }, { stdin = "chan():recv()\n'after'\n" })
    assert.equal("all goroutines are asleep - deadlock!\n\"after\"\n", child.out)
  end)

  it("tells where a script has failed, and goes on", function()
    local path = helper.file("fails.lua", "local function f() error 'boom' end\nf()\n")
    local child = helper.child({ helper.program, "-i", path }, { stdin = "'after'\n" })
    assert.equal('"after"\n', child.out)
    assert.matches("^lagoon: [^\n]*fails.lua:1: boom\nstack traceback:\n.*in function 'f'\n"
      .. "[^\n]*fails.lua:2: in [^\n]*\n$", child.err)
    path = helper.file("hostile.lua", "error(setmetatable({}, { __tostring = error }))")
    child = helper.child({ helper.program, "-i", path }, { stdin = "'after'\n" })
    assert.equal('"after"\n', child.out)
    assert.matches("^lagoon: %(error object is a table value%)", child.err)
  end)

  it("survives globals that are gone", function()
    local path = helper.file("rude.lua", "ipairs, type, table = nil, 'x', nil\n")
    local child = helper.child({ helper.program, "-i", path }, {
      stdin = ("{ 1 }\n_G.type = 'y'\n"
        .. "local G, l = _G, lagoon for name in next, G do G[name] = nil end\n"
        .. "G.lagoon = l\n{ 2 }\nnone.field\n:ps all\n:doc lagoon.go\nG.type, type = 5\n'after'\n"),
    })
    assert.matches("^{ 1 }\n{ 2 }\n[^\n]*'none'.*goroutine.*go%(f.*\n\"after\"\n$", child.out)
    assert.equal("", child.err)
    assert.equal(0, child.status)
  end)

  it("heeds Ctrl-C on a dumb terminal", function()
    if is_off then
      return
    end
    local terminal = open { term = "dumb" }
    terminal.type "io.write('off') io.flush() while true do end\n"
    terminal.shows "\noff"
    terminal.type "\3"
    terminal.shows "interrupted\n2>"
    terminal.type "for i = 1, 2 do\n"
    terminal.shows "\n>>"
    terminal.type "print(\3"
    terminal.shows("\n2>$", true)
    terminal.type "6 * 7\n"
    terminal.shows "\n42\n3>"
    terminal.close()
  end)

  it("falls back to lines on a dumb terminal", function()
    local terminal = open { term = "dumb" }
    terminal.type "6 * 7\n"
    terminal.shows "\n42\n2>"
    assert.is_nil(terminal.raw():find "\27")
    terminal.close()
  end)
end)
