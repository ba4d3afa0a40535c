-- SPDX-License-Identifier: MIT
--
-- SIGQUIT and SIGUSR1: what all goroutines do, told by a program that runs on, or ends.
local lagoon = require "lagoon"
local helper = require "helper"
local replterminal = require "replterminal"

local is_off = helper.lagoon({ "-e", "print((require 'lagoon'.runtime.preemption()))" }).out
  == "off\n"

local running = {} -- programs that stay behind where a spec fails

-- Under the thread sanitizer a handler is called when its thread is in a call that the sanitizer
-- knows: the only one is to sleep in one.
local is_tsan = helper.program:find("/tsan/", 1, true) ~= nil
local AWAKE = is_tsan and "lagoon.go(function() io.read() end) " or ""

-- A program that has printed "ready".
local function start(text, env)
  local first = "local lagoon = require 'lagoon' " .. AWAKE .. "\n"
  local path = helper.file("script.lua", first .. text)
  env = env or {}
  env.PATH = os.getenv "PATH"
  env.LAGOON_PROCS = env.LAGOON_PROCS or is_tsan and 1 or nil
  local process = assert(lagoon.process.spawn(helper.program, { path }, { env = env }))
  running[process] = true
  local program = { process = process, out = "", err = "" }

  -- Reads until a stream has a text; nil: until its end.
  local function read(name, text_wanted)
    while not (text_wanted and program[name]:find(text_wanted, 1, true)) do
      local bytes = process[name == "out" and "stdout" or "stderr"]:read()
      if not bytes then
        assert(not text_wanted, program[name])
        break
      end
      program[name] = program[name] .. bytes
    end
    return program[name]
  end

  function program.prints(wanted)
    return read("out", wanted)
  end

  function program.tells(wanted)
    return read("err", wanted)
  end

  program.kill = function(signal) assert(process:kill(signal)) end

  -- Its exit, once all that it writes has been read.
  function program.ends()
    read "err"
    read "out"
    local exit = process:wait()
    for _, stream in ipairs { "stdin", "stdout", "stderr" } do
      process[stream]:close()
    end
    running[process] = nil
    return exit
  end

  program.prints "ready"
  return program
end

describe("SIGQUIT", function()
  after_each(function()
    for process in pairs(running) do
      process:kill "SIGKILL"
    end
    running = {}
  end)

  it("tells of all goroutines, and ends the program with status 2", function()
    local program = start [[
      local ch = lagoon.chan()
      lagoon.go(function() lagoon.self():name("the receiver") ch:recv() end)
      local function hold() io.write "ready" io.flush() lagoon.sleep(1000) end
      hold()
    ]]
    program.kill "SIGQUIT"
    assert.equal(2, program.ends().code)
    assert.equal("SIGQUIT: quit\n\ngoroutine 1 [sleep]:\n", program.err:sub(1, 36))
    assert.matches("script.lua:4: in function 'hold'\n", program.err, 1, true)
    assert.matches('goroutine %d+ "the receiver" %[chan receive%]:\n\t.-script.lua:3: .-\n'
      .. "created by goroutine 1 at .-script.lua:3\n", program.err)
    assert.is_nil(program.err:find("lagoon/", 1, true))
  end)

  it("writes out what the program has printed", function()
    local program = start "io.write 'ready' io.flush() io.write 'more' lagoon.sleep(1000)"
    program.kill "SIGQUIT"
    program.ends()
    assert.equal("readymore", program.out)
  end)

  it("tells where compiled loops are that hold all Ps, in all states", function()
    if is_off then
      return
    end
    local program = start([[
      local function spin() local x = 0 while true do x = x + 1 end end
      for _ = 1, 3 do
        lagoon.parallel(function() local y = 0 while true do y = y + 1 end end)
      end
      lagoon.go(function() lagoon.yield() io.write "ready" io.flush() spin() end)
      spin()
    ]], { LAGOON_PROCS = 2 })
    program.kill "SIGQUIT"
    assert.equal(2, program.ends().code)
    assert.matches("goroutine 1 %[running%]:\n\t.-script.lua:2: in function 'spin'\n", program.err)
    assert.matches("goroutine %d+ %[running%]:\n\t.-script.lua:4: in function <.-script.lua:4>\n"
      .. "created by goroutine 1 at .-script.lua:4\n", program.err)
    local _, nspinning = program.err:gsub("%[running%]", "")
    assert.truthy(nspinning >= 3, program.err) -- of four tasks one may have no state yet
  end)

  it("tells of what is in C code by its number, and of the other states whole", function()
    local program = start [[
      local ffi = require "ffi"
      ffi.cdef "int pause(void);"
      lagoon.go(function() lagoon.chan():recv() end)
      local ready = lagoon.chan()
      lagoon.parallel(function() ready:send(1) lagoon.sleep(1000) end)
      ready:recv()
      lagoon.yield()
      io.write "ready" io.flush()
      while true do ffi.C.pause() end
    ]]
    program.kill "SIGQUIT"
    assert.equal(2, program.ends().code)
    assert.matches("goroutine 1 %[running%]:\n\tin C code", program.err)
    assert.matches("goroutine %d+ %[chan receive%]:\n\tits Lua state is in C code", program.err)
    assert.matches("goroutine %d+ %[sleep%]:\n\t.-script.lua:6: in function", program.err)
  end)

  it("ends it at once when it comes again", function()
    if is_tsan then return end -- its only P never gets to what keeps it awake
    local err
    for _ = 1, 5 do -- who comes late finds the dump done
      local program = start [[
        local ffi = require "ffi"
        ffi.cdef "int pause(void);"
        io.write "ready" io.flush()
        while true do ffi.C.pause() end
      ]]
      program.kill "SIGQUIT"
      program.tells "SIGQUIT: quit\n\n"
      program.process:kill "SIGQUIT"
      assert.equal(2, program.ends().code)
      err = program.err
      if err == "SIGQUIT: quit\n\n" then
        return
      end
    end
    error(err)
  end)

  it("is the script's if it has asked for it, and ours again afterwards", function()
    local program = start [[
      local ch = lagoon.signal.notify("QUIT")
      io.write "ready" io.flush()
      io.write((ch:recv())) io.flush()
      lagoon.signal.stop(ch)
      io.write " stopped" io.flush()
      lagoon.sleep(1000)
    ]]
    program.kill "SIGQUIT"
    program.prints "SIGQUIT stopped"
    assert.equal("", program.err)
    program.kill "SIGQUIT"
    assert.equal(2, program.ends().code)
    assert.matches("goroutine 1 [sleep]", program.err, 1, true)
  end)

  it("is seen on the terminal of the REPL, which is as it was afterwards", function()
    local terminal = replterminal.open()
    terminal.enter("ffi = require 'ffi' ffi.cdef 'int getpid(void); int kill(int, int);'", 2)
    terminal.enter("go(function() lagoon.self():name 'held' chan():recv() end)", 3)
    terminal.type "ffi.C.kill(ffi.C.getpid(), 3) sleep(100)\r"
    terminal.shows("SIGQUIT: quit\n\n.*\"held\" %[chan receive%]:\n.*%[sleep%]:", true)
    assert.equal(2, terminal.close().code)
    replterminal.kill_all()
  end)

  it("is told whole where standard error does not block", function()
    local program = start [[
      local ffi = require "ffi"
      ffi.cdef "int fcntl(int fd, int command, ...);"
      ffi.C.fcntl(2, 4, ffi.cast("int", 2048)) -- F_SETFL, O_NONBLOCK
      for i = 1, 1100 do lagoon.go(function() lagoon.sleep(1000) end) end
      lagoon.yield()
      io.write "ready" io.flush()
      lagoon.sleep(1000)
    ]]
    program.kill "SIGQUIT"
    assert.equal(2, program.ends().code)
    assert.matches("goroutine 1000 ", program.err, 1, true)
    assert.matches("%.%.%. and 10[12] more goroutines\n\n$", program.err) -- one is to be awake
  end)

  it("stays ignored where the program was started so", function()
    local child = helper.child({ "bash", "-c", "trap '' QUIT; $B -e '"
      .. 'require "ffi".cdef "int getpid(void); int kill(int, int);" local C = require "ffi".C '
      .. "C.kill(C.getpid(), 3) print(1)'" }, { env = { B = helper.program } })
    assert.equal("1\n", child.out)
    assert.equal("", child.err)
  end)
end)

describe("SIGUSR1", function()
  after_each(function()
    for process in pairs(running) do
      process:kill "SIGKILL"
    end
    running = {}
  end)

  it("tells the same, and the program goes on", function()
    local program = start [[
      io.write "ready" io.flush()
      local line = io.read()
      print("read " .. line)
    ]]
    local seen = ""
    for _ = 1, 3 do
      program.kill "SIGUSR1"
      program.tells "script.lua:3: in main chunk\n\n"
      seen, program.err = seen .. program.err, ""
    end
    local title = "SIGUSR1: goroutines\n\ngoroutine 1 %[io wait%]:\n\t"
    assert.equal(3, select(2, seen:gsub(title, "")), seen)
    program.process.stdin:write "on\n"
    assert.equal(0, program.ends().code)
    assert.equal("readyread on\n", program.out)
  end)

  it("does nothing to children that they would not know of", function()
    local script = helper.file("script.lua", [[
      local lagoon = require "lagoon"
      local tell = "grep -E 'Sig(Ign|Blk)' /proc/self/status"
      os.execute(tell)
      print(io.popen(tell):read "*a")
      local process = lagoon.process.spawn("sh", { "-c", tell })
      print(process.stdout:read "*a")
      print(#io.popen("kill -USR1 $$; echo lives"):read "*a")
    ]])
    local child = helper.lagoon { script }
    local usr1 = 10
    local n = 0
    for mask in child.out:gmatch "Sig%a+:%s*(%x+)" do
      n = n + 1
      assert.equal(0, math.floor(tonumber(mask:sub(-4), 16) / 2 ^ (usr1 - 1)) % 2, child.out)
    end
    assert.equal(6, n)
    assert.matches("\n0\n$", child.out)
  end)

  it("that comes before anything runs is not lost", function()
    local log, fifo, gate = helper.path("log"), helper.path("fifo"), helper.path("gate")
    local script = helper.file("script.lua",
      "local gate = os.getenv 'GATE' if gate then os.execute('read x <' .. gate) end print 'ends'")
    assert.equal("ends\n", helper.lagoon({ "--record=" .. log, script }).out)
    assert.equal(0, helper.child({ "mkfifo", fifo, gate }).status)
    -- It stands in main() until it has read the recording.
    -- What nobody has answered by its end is the strand's, which ends with it: no report of a leak.
    local process = assert(lagoon.process.spawn(helper.program, { "--replay=" .. fifo, script },
      { env = { PATH = os.getenv "PATH", GATE = gate, ASAN_OPTIONS = "detect_leaks=0" } }))
    running[process] = true
    assert.equal(0, helper.child({ "sh", "-c", 'exec 3>"$1"; kill -USR1 "$2"; cat "$3" >&3', "sh",
      fifo, tostring(process:pid()), log }).status)
    local told = ""
    while not told:find("goroutine 1", 1, true) do
      told = told .. assert(process.stderr:read(), told)
    end
    assert.equal(1, told:find("SIGUSR1: goroutines\n\n", 1, true))
    assert.equal(0, helper.child({ "sh", "-c", 'echo >"$1"', "sh", gate }).status)
    assert.equal("ends\n", process.stdout:read "*a")
    assert.equal(0, process:wait().code)
    running[process] = nil
  end)
end)
