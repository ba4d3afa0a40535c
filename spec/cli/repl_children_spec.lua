-- SPDX-License-Identifier: MIT
--
-- Children of the REPL's inputs, which have its terminal.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local open = replterminal.open

local files = 0

-- A path that something is to come to be at.
local function fresh_path()
  files = files + 1
  return helper.path("child" .. files)
end

local function has(name)
  return select(2, lagoon.process.run("sh", { "-c", "command -v " .. name })).code == 0
end

local function await_file(path)
  helper.settle(function() return lagoon.fs.stat(path) end, path)
end

local function create(path)
  assert(io.open(path, "w")):close()
end

-- The program's process id, as its children see it.
local function pid_of(terminal)
  terminal.enter("os.execute 'echo parent $PPID'", 2)
  terminal.shows("parent %d+\n", true)
  return terminal.screen:text():match "parent (%d+)\n"
end

-- Gone, or nobody has asked yet how it ended.
local function has_ended(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return not text or text:find "%) Z"
end

local HOLDING = {
  ["os.execute"] = "os.execute 'echo holds; exec sleep 1000'\r",
  ["io.popen"] = "print(io.popen('echo holds >&2; exec sleep 1000'):read())\r",
}

for name, input in pairs(HOLDING) do
  describe("a child of " .. name .. " that holds up the state", function()
    after_each(replterminal.kill_all)

    it("does not keep the program when its terminal is gone", function()
      local terminal = open()
      local pid = pid_of(terminal)
      terminal.type(input)
      terminal.shows "\nholds"
      terminal.process:kill "SIGKILL" -- who has the other end
      terminal.process:wait()
      helper.settle(function() return has_ended(pid) end, "the end of the program")
    end)

    it("does not keep the program that SIGTERM is to end", function()
      local terminal = open()
      local pid = pid_of(terminal)
      terminal.type(input)
      terminal.shows "\nholds"
      assert.equal(0, os.execute("kill -TERM " .. pid))
      assert.equal(143, terminal.process:wait().code)
    end)
  end)
end

describe("a child of os.execute", function()
  after_each(replterminal.kill_all)

  it("hears what is typed, and leaves the rest to the prompt", function()
    local terminal = open()
    terminal.type "os.execute [[printf 'name? '; read x; echo \"<$x>\"]]\r"
    terminal.shows "\nname?"
    terminal.type "Ada\r6 * 7\r'half"
    terminal.shows "<Ada>\n"
    terminal.shows "\n42\n3> 'half"
    terminal.type "'\r"
    terminal.shows '\n"half"\n4>'
    terminal.type "\16\16\16" -- the history is whole
    terminal.shows "4> os.execute [[printf"
    assert.equal(0, terminal.close().code)
  end)

  it("leaves what was typed before it to the prompt", function()
    local terminal = open()
    local gate, began = fresh_path(), fresh_path()
    terminal.type(("print 'waits' while not lagoon.fs.stat '%s' do sleep(0.01) end "
      .. "os.execute [[touch '%s'; read x]]\r"):format(gate, began))
    terminal.shows "\nwaits\n"
    terminal.type "'early'\r"
    terminal.shows "\n'early'\n"
    create(gate)
    await_file(began)
    terminal.type "late\r"
    terminal.shows '\n"early"\n3>'
    terminal.close()
  end)

  it("finds the user's terminal, with its size and its modes", function()
    local terminal = open { columns = 70, rows = 20 }
    terminal.enter("os.execute [[stty size; stty -a | tr ' ' '\\n' | grep -x -e -*icanon]]", 2)
    terminal.shows "\n20 70\nicanon\n0\n"
    terminal.enter("os.execute 'tty; tty <&1; tty <&2; : </dev/tty'", 3)
    local name = terminal.name() .. "\n"
    terminal.shows("\n" .. name:rep(3) .. "0\n3>")
    terminal.close()
  end)

  it("has each key at once, Ctrl-C too, if it wants that", function()
    local terminal = open()
    terminal.type("os.execute [[stty -icanon -isig -echo; printf 'key? '; "
      .. "dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane]]\r")
    terminal.shows "\nkey?"
    terminal.type "\3"
    terminal.shows "key?  03\n0\n2>"
    terminal.enter("1 + 1", 3)
    terminal.close()
  end)

  it("is ended by Ctrl-C, and the input goes on", function()
    local terminal = open()
    terminal.type "print('ended by', os.execute 'echo began; exec sleep 1000')\r"
    terminal.shows "\nbegan\n"
    terminal.type "\3"
    terminal.shows("\n%^C.*ended by\t2\n2>$", true)
    terminal.enter("1 + 1", 3)
    terminal.shows "\n2\n3>"
    terminal.close()
  end)

  it("has its input ended by the third Ctrl-C, which starts one after the other", function()
    local terminal = open()
    terminal.type("local n = 0 while true do n = n + 1 "
      .. "os.execute('echo =' .. n .. '=; exec sleep 1000') end\r")
    for i = 1, 3 do
      terminal.shows("=" .. i .. "=\n")
      terminal.type "\3"
    end
    terminal.shows "interrupted\n2>"
    terminal.enter("1 + 1", 3)
    terminal.close()
  end)

  it("leaves a prompt at the beginning of a line, and no empty line", function()
    local terminal = open { columns = 20 }
    terminal.enter("x = os.execute 'printf abc'", 2)
    terminal.shows "\nabc\n2>"
    terminal.enter("x = os.execute 'echo abc'", 3)
    terminal.shows "\nabc\n3>"
    terminal.enter("x = os.execute 'printf 12345678901234567890'", 4)
    terminal.shows "\n12345678901234567890\n4>"
    terminal.close()
  end)

  it("leaves modes to the input if it ends well, and else not", function()
    local terminal = open()
    terminal.type("os.execute 'stty -echo' io.write 'secret? ' local x = io.read() "
      .. "os.execute 'stty echo' return #x\r")
    terminal.shows "\nsecret?"
    terminal.type "quiet\r"
    terminal.shows("5\n2>")
    assert.is_nil(terminal.raw():find("quiet", 1, true))
    terminal.enter("x = os.execute 'stty raw -echo; kill -9 $$'", 3)
    terminal.type "io.write('your name? ') return io.read()\r"
    terminal.shows "\nyour name?"
    terminal.type "Ada\r"
    terminal.shows 'your name? Ada\n"Ada"\n4>'
    terminal.close()
  end)

  it("sees the terminal get another size, as the prompt does then", function()
    local terminal = open { columns = 80 }
    terminal.type "os.execute 'echo began; read x; stty size'\r"
    terminal.shows "\nbegan"
    terminal.resize(50, 10)
    terminal.type "\r"
    terminal.shows "\n10 50\n0\n2>"
    terminal.type(("a"):rep(60))
    terminal.shows("2> " .. ("a"):rep(47) .. "\n" .. ("a"):rep(13))
    terminal.close()
  end)

  it("keeps nothing from being shown", function()
    local terminal = open()
    local began = fresh_path()
    terminal.enter("go(function() sleep(0.01) print 'from beside' end)", 2)
    terminal.enter(("parallel(function(path) local lagoon = require 'lagoon' "
      .. "while not lagoon.fs.stat(path) do lagoon.sleep(0.01) end "
      .. "print 'from elsewhere' end, '%s') &")
      :format(began), 3)
    terminal.type(("go(function() print 'from below' end) "
      .. "os.execute [[touch '%s'; read x; echo \"<$x>\"]]\r"):format(began))
    terminal.shows "\nfrom elsewhere\n"
    terminal.type "on\r"
    terminal.shows "\n<on>\n"
    terminal.shows "\nfrom below\n"
    terminal.shows("\n4>$", true)
    terminal.close()
  end)

  it("leaves the terminal alone in the background", function()
    local terminal = open()
    local name = terminal.name()
    terminal.enter("os.execute '! tty' &", 2)
    terminal.shows("\n/dev/pts/%d+\n256\n2>", true)
    terminal.enter("async(function() return os.execute '! tty' end):wait()", 3)
    terminal.enter("os.execute 'tty <&1 &'", 4)
    terminal.enter("local p = lagoon.process.spawn('tty', {}, { stdin = 'inherit' }) "
      .. "return p.stdout:read '*a'", 5)
    terminal.shows "\"\n5>"
    assert.is_nil(terminal.screen:text():find(name .. "%f[^%d]"))
    terminal.close()
  end)

  it("is called as ever", function()
    local terminal = open()
    terminal.enter("os.execute() ~= 0, os.execute 'exit 7', os.execute 'kill -9 $$'", 2)
    terminal.shows "\ntrue\t1792\t9\n"
    terminal.enter("os.execute {}", 3)
    terminal.shows "bad argument #1 to 'execute' (string expected, got table)"
    terminal.enter("lagoon.blocking(os.execute, 'exit 3')", 4)
    terminal.shows "\n768\n"
    terminal.enter("os.execute '#'", 5)
    terminal.shows "\n0\n5>"
    terminal.close()
  end)

  it("may fill the screen", function()
    if not has "vi" then
      return
    end
    local path = helper.file("edited.txt", "one\n")
    local terminal = open { is_unseen = true }
    terminal.type(("os.execute [[vi '%s']]\r"):format(path))
    terminal.writes "\27[?1049h"
    terminal.type "Otwo\27:wq\r"
    terminal.writes "\27[?1049l"
    terminal.writes "2> "
    terminal.type "6 * 7\r"
    terminal.writes "3> "
    local file = assert(io.open(path))
    assert.equal("two\none\n", file:read "*a")
    file:close()
    terminal.close()
  end)
end)

describe("a child of io.popen", function()
  after_each(replterminal.kill_all)

  it("that cannot be started is told as Lua's own tells", function()
    local terminal = open()
    terminal.type "print(select(2, io.popen('true', 'x')))\r"
    terminal.shows "\ntrue: Invalid argument\t22\n"
    terminal.close()
  end)

  it("hears what is typed, also while the input waits elsewhere", function()
    local terminal = open()
    terminal.type "io.popen([[echo 'name? ' >&2; read x; echo \"<$x>\"]]):read()\r"
    terminal.shows "\nname?"
    terminal.type "Ada\r6 * 7\r"
    terminal.shows '\n"<Ada>"\n'
    terminal.shows "\n42\n3>"
    local gate, heard = fresh_path(), fresh_path()
    terminal.type(("local p = io.popen [[read x; touch '%s'; echo \"<$x>\"]] "
      .. "print 'began' while not lagoon.fs.stat '%s' do sleep(0.01) end return p:read()\r")
      :format(heard, gate))
    terminal.shows "\nbegan\n"
    terminal.type "Bob\r"
    await_file(heard)
    create(gate)
    terminal.shows '\n"<Bob>"\n4>'
    terminal.close()
  end)

  it("leaves the keys to the input that reads", function()
    local terminal = open()
    terminal.type "io.popen('true'):read() io.write 'your name? ' return io.read()\r"
    terminal.shows "\nyour name?"
    terminal.type "Ada\r"
    terminal.shows 'your name? Ada\n"Ada"\n2>'
    terminal.enter("p = io.popen('cat', 'w')", 3)
    terminal.enter("p:write 'written\\n' p:close()", 4)
    terminal.shows "\nwritten\n"
    terminal.close()
  end)

  it("leaves them to the prompt when the input is cancelled", function()
    local terminal = open()
    terminal.type "p = io.popen('exec sleep 1000') print 'began' sleep(1000)\r"
    terminal.shows "\nbegan\n"
    terminal.type "\3"
    terminal.shows("interrupted\n2>$", true)
    terminal.enter("1 + 1", 3)
    terminal.close()
  end)

  it("sees the terminal get another size, while it holds up the state", function()
    local terminal = open { columns = 80 }
    terminal.type("io.popen([[trap 'echo told >&2' WINCH; echo began >&2; "
      .. "until stty size <&2 | grep -q '10 50'; do sleep 0.01; done; echo over]]):read()\r")
    terminal.shows "\nbegan\n"
    terminal.resize(50, 10)
    terminal.shows '\n"over"\n2>'
    terminal.close()
  end)

  it("may fill the screen", function()
    if not has "less" then
      return
    end
    local terminal = open { is_unseen = true }
    terminal.type("local p = io.popen('less', 'w') for i = 1, 5000 do p:write(i, '\\n') end "
      .. "p:close()\r")
    terminal.writes "\n20\r"
    terminal.type "G"
    terminal.writes "\n5000\r"
    terminal.type "q"
    terminal.writes "2> "
    terminal.type "6 * 7\r"
    terminal.writes "3> "
    terminal.close()
  end)
end)

-- As behind su: it cannot be opened by its name.
describe("where the terminal belongs to another user", function()
  after_each(replterminal.kill_all)

  -- A reason why it cannot be had; else what runs a command as another user, and the program where
  -- that one finds it.
  local function other_user()
    local id = lagoon.process.run("id", { "-u" })
    if id ~= "0\n" or not has "su" then
      return "needs root, and su"
    elseif os.execute "su nobody -s /bin/sh -c true >/dev/null 2>&1" ~= 0 then
      return "needs a user that su lets be one"
    end
    local folder = lagoon.process.run("mktemp", { "-d" }):sub(1, -2)
    assert(os.execute(("cp '%s' '%s/lagoon' && chmod -R a+rX '%s'")
      :format(helper.program, folder, folder)) == 0)
    return nil, folder
  end

  local COMMAND = "exec env -u HOME -u XDG_STATE_HOME %s/lagoon"

  local function is_heard(option)
    local why, folder = other_user()
    if why then
      return pending(why)
    end
    local terminal = open {
      command = ("su nobody -s /bin/sh %s '%s'"):format(option, COMMAND:format(folder)),
    }
    terminal.enter("6 * 7", 2)
    terminal.shows "\n42\n2>"
    terminal.type "os.execute [[printf 'name? '; read x; echo \"<$x>\"]]\r"
    terminal.shows "\nname?"
    terminal.type "Ada\r6 * 7\r"
    terminal.shows "<Ada>\n"
    terminal.shows "\n42\n4>"
    terminal.type "io.popen([[echo 'who?' >&2; read x; echo \"<$x>\"]]):read()\r"
    terminal.shows "\nwho?"
    terminal.type "Bob\r"
    terminal.shows '\n"<Bob>"\n5>'
    terminal.type "p = io.popen('echo and?; read x <&2; echo \"[$x]\"', 'w') p:close()\r"
    terminal.shows "\nand?"
    terminal.type "Cyd\r"
    terminal.shows "\n[Cyd]"
    terminal.shows "\n6>"
    terminal.type "io.write 'your name? ' return io.read()\r"
    terminal.shows "\nyour name?"
    terminal.type "Eve\r"
    terminal.shows '"Eve"\n7>'
    terminal.close()
    os.execute(("rm -r '%s'"):format(folder))
  end

  it("the program and children hear keys", function()
    is_heard "--session-command"
  end)

  it("they do so in a session without a terminal", function()
    is_heard "-c"
  end)
end)

-- One that puts modes right when a job of its has stopped, as not every sh does.
describe("in a shell", function()
  if not has "bash" then
    return
  end

  after_each(replterminal.kill_all)

  local function open_shell()
    local terminal = open {
      command = "env PS1='sh: ' bash --norc --noprofile --noediting -i", shows = "sh:",
    }
    terminal.type(("'%s'\r"):format(helper.program))
    terminal.shows "\n1>"
    return terminal
  end

  local function leave_shell(terminal)
    terminal.type "\21\4"
    terminal.shows("\nsh:$", true)
    terminal.close()
  end

  it("an input goes on in the background, and in the foreground again", function()
    local terminal = open_shell()
    local gate, passed = fresh_path(), fresh_path()
    terminal.type(("local stat = lagoon.fs.stat print 'begins' "
      .. "while not stat '%s' do sleep(0.01) end io.open('%s', 'w'):close() return io.read()\r")
      :format(gate, passed))
    terminal.shows "\nbegins\n"
    terminal.type "\26"
    terminal.shows("Stopped.*\nsh:$", true)
    terminal.type "bg\r"
    terminal.shows("\nsh: bg\n.*\nsh:$", true)
    terminal.type "echo the shel''l reads\r"
    terminal.shows "\nthe shell reads\nsh:"
    create(gate)
    await_file(passed)
    terminal.type "echo it st''ill does\r"
    terminal.shows "\nit still does\nsh:"
    terminal.type "fg\r"
    terminal.shows "\nsh: fg\n"
    helper.settle(function() -- it has the terminal: the shell's modes are other ones
      return terminal.stty("-a"):find "%-icanon"
    end, "the terminal's modes")
    terminal.type "Ada\r"
    terminal.shows '\n"Ada"\n2>'
    leave_shell(terminal)
  end)

  it("a child is stopped, and goes on", function()
    local terminal = open_shell()
    terminal.type "os.execute [[echo began $$ ; read x; echo \"<$x>\"]]\r"
    terminal.shows("\nbegan %d+ *\n", true)
    local pid = terminal.screen:text():match "\nbegan (%d+)"
    terminal.type "\26"
    terminal.shows("Stopped.*\nsh:$", true)
    helper.settle(function() -- the shell waits for its own child only, and this one reads, too
      local file = assert(io.open(("/proc/%s/stat"):format(pid)))
      local state = file:read("*l"):match "%) (%a)"
      file:close()
      return state == "T"
    end, "the child")
    terminal.type "fg\r"
    terminal.shows "\nsh: fg\n"
    terminal.type "Ada\r"
    terminal.shows("\n<Ada>\n.*\n2>$", true)
    leave_shell(terminal)
  end)
end)

-- As dash is, unlike bash.
describe("in a shell that leaves modes as they are", function()
  after_each(replterminal.kill_all)

  it("an input that is stopped gives the terminal its own, and takes them again", function()
    if not has "dash" then
      return pending "needs dash"
    end
    local terminal = open { command = "env PS1='sh: ' dash -i", shows = "sh:" }
    local before = terminal.stty "-g"
    terminal.type(("'%s'\r"):format(helper.program))
    terminal.shows "\n1>"
    terminal.type "print 'begins' return io.read()\r"
    terminal.shows "\nbegins\n"
    local running = terminal.stty "-g"
    assert.are_not.equal(before, running)
    terminal.type "\26"
    terminal.shows("Stopped.*\nsh:$", true)
    assert.equal(before, terminal.stty "-g")
    terminal.type "fg\r"
    helper.settle(function() return terminal.stty "-g" == running end, "the modes")
    terminal.type "Ada\r"
    terminal.shows '\n"Ada"\n2>'
    terminal.type "\21\4"
    terminal.shows("\nsh:$", true)
    terminal.close()
  end)
end)
