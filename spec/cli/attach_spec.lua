-- SPDX-License-Identifier: MIT
--
-- `lagoon attach`: programs that are looked at while they run, by clients of all manners.
local lagoon = require "lagoon"
local helper = require "helper"

local is_off = helper.lagoon({ "-e", "print((require 'lagoon'.runtime.preemption()))" }).out
  == "off\n"
local folders = 0
local home -- of the sockets of one spec
local running = {}

local function environment(more)
  local env = { PATH = os.getenv "PATH", XDG_RUNTIME_DIR = home, TERM = "dumb" }
  for name, value in pairs(more or {}) do
    env[name] = value
  end
  return env
end

-- A process whose output is read in the background.
local function spawn(arguments, env)
  local process = assert(lagoon.process.spawn(helper.program, arguments,
    { env = environment(env) }))
  running[process] = true
  local self = { process = process, out = "", err = "", pid = process:pid() }
  local readers = {}
  for name, stream in pairs { out = process.stdout, err = process.stderr } do
    readers[#readers + 1] = lagoon.async(function()
      for bytes in function() return stream:read() end do
        self[name] = self[name] .. bytes
      end
    end)
  end

  function self.shows(text)
    helper.settle(function() return self.out:find(text, 1, true) end, text)
  end

  function self.tells(text)
    helper.settle(function() return self.err:find(text, 1, true) end, text)
  end

  function self.ends()
    local exit = process:wait()
    for _, reader in ipairs(readers) do
      reader:wait()
    end
    process.stdin:close()
    process.stdout:close()
    process.stderr:close()
    running[process] = nil
    return exit
  end

  return self
end

-- A program that can be attached to and has printed "ready".
local function target(text, opts)
  opts = opts or {}
  local path = helper.file("script.lua", "local lagoon = require 'lagoon'\n" .. text)
  local self = spawn({ opts.option or "--attach", path }, opts.env)
  self.shows "ready"
  return self
end

-- What a client without a terminal gets for its inputs.
local function ask(program, inputs, env)
  local client = spawn({ "attach", tostring(program.pid) }, env)
  assert(client.process.stdin:write(inputs))
  client.process.stdin:close()
  client.exit = client.ends()
  return client
end

local function kill(program)
  program.process:kill "SIGKILL"
  program.ends()
end

local WAITS = "io.write 'ready' io.flush() lagoon.sleep(1000)"

local function fresh_home()
  folders = folders + 1
  home = helper.path("run" .. folders)
  assert(lagoon.fs.mkdir(home))
end

local function kill_all()
  for process in pairs(running) do
    process:kill "SIGKILL"
  end
  running = {}
end

describe("lagoon attach", function()
  before_each(fresh_home)
  after_each(kill_all)

  it("runs commands and inputs in the program, in a pipe", function()
    local program = target("lagoon.go(function() lagoon.self():name 'the receiver' "
      .. "lagoon.chan():recv() end) answer = 42 " .. WAITS)
    local client = ask(program, ":ps\nanswer\nlocal q = answer + 1\nq, _\nanswer = 7\n"
      .. "for i = 1, 2 do\n  print('line', i)\nend\n")
    assert.equal(0, client.exit.code)
    assert.equal("", client.err)
    assert.matches("\n2   the receiver  %d+ %% +waiting  chan receive", client.out)
    assert.matches("\n1                 %d+ %% +waiting  sleep", client.out)
    assert.matches("\n42\n43\t42\nline\t1\nline\t2\n$", client.out)
    assert.equal("7\n", ask(program, "answer\n").out)
    assert.equal("ready", program.out)
    kill(program)
  end)

  it("shows who runs, once, and records inputs", function()
    local path = helper.path "attached.lua"
    local program = target("jobs = lagoon.chan(2) lagoon.go(function() io.write 'ready' "
      .. "io.flush() while true do lagoon.yield() end end) lagoon.sleep(1000)")
    local client = ask(program, ":top\n:chans\n:record " .. path .. "\n1 + 1\n:record\n"
      .. ":record x.cast\n")
    assert.matches("^2 goroutines: .-\n2 +[1-9]%d* %% +.-\n1 +0 %% +waiting  sleep", client.out)
    assert.matches("\n%d+ +jobs +0 of 2 +open", client.out)
    assert.matches("\n2\nrecorded in [^\n]+\nthere is no terminal to record", client.out)
    assert.matches("\nshow%(1 %+ 1%)\n", assert(lagoon.fs.read(path)))
    kill(program)
  end)

  it("finds the program at work while compiled loops hold all Ps", function()
    if is_off then
      return
    end
    local program = target([[
      for _ = 1, 3 do
        lagoon.parallel(function() local y = 0 while true do y = y + 1 end end)
      end
      io.write 'ready' io.flush()
      while true do count = (count or 0) + 1 end
    ]], { env = { LAGOON_PROCS = 2 } })
    local client = ask(program, "first = count\nlagoon.yield()\ncount > first\n:trace 1\n")
    assert.matches("^true\ngoroutine 1 %[running%]:\n\t.-script.lua:6: in main chunk\n", client.out)
    kill(program)
  end)

  it("shows errors of inputs and of their goroutines to who typed them", function()
    local program = target(WAITS)
    local client = ask(program, "error 'mine'\ngo(function() error 'also mine' end)\n"
      .. "x = = 1\n:nonsense\nsleep(0)\nlagoon.yield() 'lives'\n= 'lives'\n")
    assert.matches("input 1:1: mine\n", client.out, 1, true)
    assert.matches("input 2:1: also mine\n", client.out, 1, true)
    assert.matches(":nonsense is no command", client.out, 1, true)
    assert.matches('"lives"\n$', client.out)
    assert.equal("", program.err)
    kill(program)
  end)

  it("serves several at once, each with locals of its own", function()
    local program = target(WAITS)
    local first = spawn { "attach", tostring(program.pid) }
    first.process.stdin:write "local mine = 1\nheld = chan()\nheld:recv()\n"
    helper.settle(function() return ask(program, "held ~= nil\n").out == "true\n" end, "the first")
    assert.equal("nil\n", ask(program, "mine\n").out)
    ask(program, "held:send('across')\n")
    first.process.stdin:write "mine\n"
    first.process.stdin:close()
    assert.equal(0, first.ends().code)
    assert.equal('"across"\ttrue\n1\n', first.out)
    kill(program)
  end)

  it("leaves no goroutine behind, and is in no count between two inputs", function()
    local program = target(WAITS)
    local first = spawn { "attach", tostring(program.pid) }
    first.process.stdin:write "1\n"
    first.shows "1\n"
    local others = ":leaks\n:ps all\n"
    local client = ask(program, others)
    assert.matches("^none\nID .-\n1  .-\n%d+  .-\n$", client.out) -- goroutine 1, and who asks
    first.process.stdin:close()
    first.ends()
    kill(program)
  end)

  it("cancels the input of a client that vanishes", function()
    local program = target(WAITS)
    local client = spawn { "attach", tostring(program.pid) }
    client.process.stdin:write "lagoon.self():name 'held' stuck = true chan():recv()\n"
    helper.settle(function() return ask(program, "stuck\n").out == "true\n" end, "the input")
    kill(client)
    helper.settle(function()
      return not ask(program, ":ps\n").out:find("held", 1, true)
    end, "the end of the input")
    kill(program)
  end)

  it("leaves out what is printed faster than it is read, says so, and goes on", function()
    local program = target(WAITS)
    local inputs = helper.file("inputs", "print(('y'):rep(9e6))\nprint 'behind it'\n")
    local out = assert(lagoon.process.run("sh", { "-c", ("%s attach %d <%s | tail -c 100"):format(
      helper.program, program.pid, inputs) }, { env = environment() }))
    local _, nleft = out:match(
      "(y)\n%.%.%. (%d+) bytes are left out: they came faster than they were read\nbehind it\n$")
    assert.is_true(tonumber(nleft) > 0, out)
    kill(program)
  end)

  it("takes no input of more than a frame, and goes on", function()
    local program = target(WAITS)
    local client = ask(program, "-- " .. ("x"):rep(1200000) .. "\n1 + 1\n")
    assert.equal("an input from outside has 1048576 bytes at most\n2\n", client.out)
    assert.equal(0, client.exit.code)
    kill(program)
  end)

  it("tells which request its words are for, and that an input runs on behind one that fails",
    function()
      local program = target(WAITS)
      local conn = assert(lagoon.net.dial("unix", ("%s/lagoon/%d.sock"):format(home, program.pid)))
      local function read_frame()
        local head = conn:read(5)
        local size = head:byte(4) * 256 + head:byte(5)
        return head:sub(1, 1) .. (size > 0 and conn:read(size) or "")
      end
      assert(conn:write "H\0\0\0\15lagoon 2 80 0 0")
      assert.equal("R1", read_frame())
      assert(conn:write "T\0\0\0\0097\n_G.prin")
      assert.equal("T7\n3\nprint", read_frame())
      local breaks = "require 'lagoon.repl.complete'.at = function() error('broken', 0) end"
      assert(conn:write("I\0\0\0" .. string.char(#breaks) .. breaks))
      assert.equal("R2", read_frame())
      assert(conn:write "T\0\0\0\0048\npr")
      assert.equal("Obroken\n", read_frame())
      assert(conn:write "I\0\0\0\0051 + 1")
      assert.equal("O2\n", read_frame())
      assert.equal("R3", read_frame())
      conn:close()
      kill(program)
    end)

  it("throws out who speaks another protocol, and goes on", function()
    local program = target(WAITS)
    local path = ("%s/lagoon/%d.sock"):format(home, program.pid)
    local rubbish = { "GET / HTTP/1.0\r\n\r\n", "\0\0\0\0\0", "H\255\255\255\255", "I\0\0\0\1x",
      "H\0\0\0\8lagoon 9", "H\0\0\0\15lagoon 2 80 0 0H\0\0\0\15lagoon 2 80 0 0",
      "H\0\0\0\15lagoon 2 80 0 0I\0\0\0\1xI\0\0\0\1x" }
    for _, bytes in ipairs(rubbish) do
      local conn = assert(lagoon.net.dial("unix", path))
      assert(conn:write(bytes))
      local said = conn:read "*a"
      assert.matches("B%z%z", said or "", nil, bytes)
      conn:close()
    end
    for n = 0, 13 do -- who says nothing, or half of something
      local conn = assert(lagoon.net.dial("unix", path))
      conn:write(("H\0\0\0\15lagoon 2"):sub(1, n))
      conn:close()
    end
    assert.equal("2\n", ask(program, "1 + 1\n").out)
    assert.equal("", program.err)
    kill(program)
  end)

  it("says so when the program ends", function()
    local program = target "io.write 'ready' io.flush() io.read() print 'over'"
    local client = spawn { "attach", tostring(program.pid) }
    client.process.stdin:write "held = true chan():recv()\n"
    helper.settle(function() return ask(program, "held\n").out == "true\n" end, "the input")
    program.process.stdin:write "\n"
    assert.equal(0, program.ends().code)
    assert.equal("readyover\n", program.out)
    assert.equal(1, client.ends().code)
    assert.equal(("lagoon: process %d: the program has ended\n"):format(program.pid), client.err)
    assert.same({}, lagoon.fs.list(home .. "/lagoon"))
  end)

  it("tells what can be told while the first state is in C code", function()
    local program = target [[
      local ffi = require "ffi"
      ffi.cdef "int pause(void);"
      lagoon.parallel(function() lagoon.self():name "elsewhere" lagoon.sleep(1000) end)
      lagoon.yield()
      io.write "ready" io.flush()
      while true do ffi.C.pause() end
    ]]
    local client = spawn { "attach", tostring(program.pid) }
    client.process.stdin:write ":ps\n"
    client.shows "goroutine 1 [running]:\n\tin C code"
    kill(program)
    assert.equal(1, client.ends().code)
  end)
end)

describe("a program that can be attached to", function()
  before_each(fresh_home)
  after_each(kill_all)

  it("is one that was asked to: by an option, the environment, or itself", function()
    local program = target(WAITS, { option = "-joff" })
    assert.matches("cannot be attached to", ask(program, "").err)
    assert.is_nil(lagoon.fs.stat(home .. "/lagoon"))
    kill(program)
    program = target(WAITS, { option = "-joff", env = { LAGOON_DEBUG = "gctrace=0,attach=1" } })
    assert.equal("1\n", ask(program, "1\n").out)
    kill(program)
    program = target(WAITS, { option = "-E", env = { LAGOON_DEBUG = "attach=1" } })
    assert.matches("cannot be attached to", ask(program, "").err)
    kill(program)
    program = target("print(lagoon.runtime.attach()) " .. WAITS, { option = "-joff" })
    assert.equal(("%s/lagoon/%d.sock\nready"):format(home, program.pid), program.out)
    assert.equal("1\n", ask(program, "1\n").out)
    local list = spawn { "attach" }
    list.ends()
    assert.matches(("\n%d\t[^\n]-script.lua\n"):format(program.pid), "\n" .. list.out)
    kill(program)
  end)

  it("has a socket that is its user's alone, in a folder that is, too", function()
    local program = target(WAITS)
    local path = ("%s/lagoon/%d.sock"):format(home, program.pid)
    local out = assert(lagoon.process.run("stat", { "-c", "%a %F", path, home .. "/lagoon" }))
    assert.equal("600 socket\n700 directory\n", out)
    kill(program)
  end)

  it("refuses a folder that others could use, or that is a link", function()
    local folder = home .. "/lagoon"
    for _, command in ipairs { "mkdir -m 755 %s", "mkdir %s.d; ln -s %s.d %s", "touch %s" } do
      assert.equal(0, os.execute("rm -rf " .. folder .. "; " .. command:gsub("%%s", folder)))
      local child = spawn({ "--attach", "-e", "print 'ran'" })
      assert.equal(1, child.ends().code)
      assert.matches("^lagoon: %-%-attach: cannot use " .. folder:gsub("%p", "%%%0"), child.err)
      assert.equal("", child.out)
    end
  end)

  it("lets nobody in but its user, whatever the files say", function()
    local whoami = lagoon.process.run("id", { "-u" })
    if whoami ~= "0\n" or os.execute "command -v setpriv >/dev/null" ~= 0 then
      return -- needs somebody else
    end
    local program = target(WAITS)
    local folder = home .. "/lagoon"
    -- all the way to it
    os.execute(("d=%s; while [ $d != /tmp ] && [ $d != / ]; do d=$(dirname $d); chmod a+x $d; done;"
      .. "chmod 755 %s %s && chmod 666 %s/*.sock"):format(home, home, folder, folder))
    local script = helper.file("dial.lua", ([[
      local conn = assert(require "lagoon".net.dial("unix", %q))
      conn:write "H\0\0\0\15lagoon 2 80 0 0"
      print(#(conn:read "*a" or ""))
    ]]):format(("%s/%d.sock"):format(folder, program.pid)))
    os.execute("chmod 644 " .. script)
    local child = lagoon.process.run("setpriv", { "--reuid", "65534", "--clear-groups",
      helper.program, script })
    assert.equal("0\n", child)
    kill(program)
  end)

  it("that was killed leaves a socket, which is taken away", function()
    local program = target(WAITS)
    kill(program)
    assert.same({ program.pid .. ".sock" }, lagoon.fs.list(home .. "/lagoon"))
    local client = ask(program, "")
    assert.equal(1, client.exit.code)
    assert.equal(("lagoon: cannot attach to process %d: it has ended\n"):format(program.pid),
      client.err)
    assert.same({}, lagoon.fs.list(home .. "/lagoon"))
    program = target(WAITS)
    kill(program)
    kill(target(WAITS)) -- the next one tidies up
    assert.equal(1, #lagoon.fs.list(home .. "/lagoon"))
  end)

  it("rests while there is no descriptor for who wants to be in", function()
    local program = target [[
      local ffi = require "ffi"
      ffi.cdef "struct rlimit { long now, max; }; int setrlimit(int, const struct rlimit *);"
      io.write "ready" io.flush()
      lagoon.sleep(1000)
    ]]
    -- Its descriptors are used up but for one, which a client takes; then another comes.
    local client = spawn { "attach", tostring(program.pid) }
    client.process.stdin:write [[
      ffi = require "ffi" n = #lagoon.fs.list "/proc/self/fd"
      print(ffi.C.setrlimit(7, ffi.new("struct rlimit", n - 1, n - 1)))
]]
    client.shows "0\n"
    local other = lagoon.net.dial("unix", ("%s/lagoon/%d.sock"):format(home, program.pid))
    local function cpu()
      local stat = lagoon.fs.read(("/proc/%d/stat"):format(program.pid))
      local user, system = stat:match "%) %S (.*)$":match("^" .. ("%S+ "):rep(10) .. "(%d+) (%d+)")
      return user + system -- in hundredths of a second
    end
    local before = cpu()
    lagoon.sleep(1) -- of a loop, all of it
    assert.is_true(cpu() - before < 10)
    other:close()
    kill(client)
    kill(program)
  end)

  it("still reports its deadlock", function()
    local program = target "io.write 'ready' io.flush() lagoon.chan():recv()"
    assert.equal(2, program.ends().code)
    assert.matches("all goroutines are asleep", program.err)
  end)

  it("stays behind its deadlock if it is asked to, and may go on", function()
    local program = target("gate = lagoon.chan() io.write 'ready' io.flush() gate:recv() "
      .. "print 'on'", { option = "--attach=stay" })
    program.tells(("lagoon attach %d looks at it\n"):format(program.pid))
    assert.matches("all goroutines are asleep", program.err)
    assert.matches("goroutine 1 %[chan receive%]:\n\t.-script.lua:2:",
      ask(program, ":trace 1\n").out)
    ask(program, "gate:send(1)\n")
    assert.equal(0, program.ends().code)
    assert.equal("readyon\n", program.out)
  end)

  it("is no deterministic one", function()
    local child = spawn { "--attach", "--deterministic", "-e", "print 'ran'" }
    assert.equal(1, child.ends().code)
    assert.matches("a deterministic run cannot be attached to", child.err)
    local again = spawn { "attach", "nonsense" }
    assert.equal(1, again.ends().code)
    assert.matches("^usage: lagoon attach", again.err)
  end)
end)
