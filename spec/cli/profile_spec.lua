-- SPDX-License-Identifier: MIT
--
-- The program with --profile, and what scripts can do: profiles are read by a reader of ours and,
-- where it is installed, by Go's.
local helper = require "helper"
local pprof = require "pprof"

local GO = os.execute "command -v go >/dev/null 2>&1" == 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Runs a script with a profile of the given name.
local function run(name, text, options)
  local path = helper.path(name)
  os.remove(path)
  local words = { "--profile=" .. path }
  for _, option in ipairs(options or {}) do words[#words + 1] = option end
  words[#words + 1] = helper.file("profiled.lua", text)
  return helper.lagoon(words, { limit = 60 }), path
end

-- The sum of a value over the samples that `is_meant` says yes to.
local function sum(profile, value, is_meant)
  local total = 0
  for _, sample in ipairs(profile.samples) do
    if not is_meant or is_meant(sample) then total = total + sample.values[value] end
  end
  return total
end

-- The innermost place in Lua.
local function top_of(sample)
  for _, place in ipairs(sample.stack) do
    if not place.name:find("[C]", 1, true) then return place end
  end
  return sample.stack[1]
end

local function stands_in(name)
  return function(sample)
    return top_of(sample).name:find(name, 1, true) ~= nil
  end
end

-- Where nobody is interrupted, goroutines are told of where they make room.
local IS_SEEN = helper.lagoon({ "-e", "print(require 'lagoon'.runtime.preemption())" }).out
  :find "^signal" ~= nil
local HOT_NAME = IS_SEEN and "hot profiled.lua:2" or "compute profiled.lua:6"

-- Computes until the process has used some CPU time, so that a busy machine does not matter.
local HOT = [[
  local lagoon = require "lagoon"
  local function hot(s)
    for i = 1, 1000000 do s = s + i % 7 end
    return s
  end
  local function compute(seconds)
    local s, until_ = 0, os.clock() + seconds
    while os.clock() < until_ do s = hot(s) ]] .. (IS_SEEN and "" or "lagoon.yield()") .. [[ end
    return s
  end
]]

-- Prints for how long at least the receiver and the locker have waited.
local WAITING = [[
  local lagoon = require "lagoon"
  local ch, m = lagoon.chan(), lagoon.mutex()
  local receiver = lagoon.async(function()
    local v = ch:recv() return v                      -- 4
  end)
  receiver:name("receiver")
  local sleeper = lagoon.async(function()
    lagoon.sleep(0.02)                                -- 8
  end)
  m:lock()
  local locker = lagoon.async(function()
    m:lock()                                          -- 12
    m:unlock()
  end)
  local function is_settled()
    local seen = {}
    for _, g in ipairs(lagoon.runtime.goroutines()) do seen[g.wait_reason or ""] = true end
    return seen["chan receive"] and seen["mutex lock"]
  end
  repeat lagoon.yield() until is_settled()
  local from = lagoon.now()
  lagoon.sleep(0.01)                                  -- 22
  print(lagoon.now() - from)
  m:unlock()
  ch:send("done")
  receiver:wait() sleeper:wait() locker:wait()
]]

describe("lagoon --profile", function()
  it("finds the function that computes, in pprof's format", function()
    local child, path = run("hot.pb.gz", HOT .. "compute(0.3)")
    assert.equal("", child.err)
    assert.equal(0, child.status)
    local profile = pprof.read(path)
    assert.same({
      { "samples", "count" }, { "cpu", "nanoseconds" }, { "wall", "nanoseconds" },
      { "contentions", "count" }, { "delay", "nanoseconds" },
      { "mutex_contentions", "count" }, { "mutex_delay", "nanoseconds" },
    }, profile.types)
    assert.equal("cpu", profile.default)
    assert.is_true(sum(profile, "cpu", stands_in(HOT_NAME)) > sum(profile, "cpu") / 2)
    assert.is_true(sum(profile, "cpu") > 0.1e9)
    assert.is_true(profile.duration >= 0.15e9)
    for _, sample in ipairs(profile.samples) do
      if stands_in(HOT_NAME) (sample) then
        assert.equal(helper.path("profiled.lua"), top_of(sample).file)
        assert.equal(IS_SEEN and 2 or 6, top_of(sample).begins_at)
        assert.equal("main chunk profiled.lua", sample.stack[#sample.stack].name)
        assert.equal(1, sample.labels.goroutine)
        assert.equal("main", sample.labels.state)
      end
    end
  end)

  it("names the lines that waited, for how long and for what", function()
    local child, path = run("waits.pb.gz", WAITING)
    assert.equal("", child.err)
    local profile, least_ns = pprof.read(path), tonumber(child.out) * 1e9 - 1
    local function check(wait, line, at_least_ns, value)
      local count = 0
      for _, sample in ipairs(profile.samples) do
        if sample.labels.wait == wait and sample.stack[1].line == line then
          count = count + sample.values[value:gsub("delay", "contentions")]
          assert.is_true(sample.values[value] >= at_least_ns, wait)
          assert.is_true(sample.values.wall >= at_least_ns, wait)
          assert.equal(wait == "chan receive" and "receiver" or nil, sample.labels.name)
        end
      end
      assert.equal(1, count, wait)
    end
    check("chan receive", 4, least_ns, "delay")
    check("mutex lock", 12, least_ns, "mutex_delay")
    check("sleep", 8, 1, "delay") -- it may begin late, and ends at its moment
    check("sleep", 22, 1, "delay")
    local function is_other(sample) return sample.labels.wait ~= "mutex lock" end
    assert.equal(0, sum(profile, "mutex_delay", is_other))
  end)

  it("samples the states of parallel tasks, and native goroutines by their names", function()
    local child, path = run("states.pb.gz", HOT .. [[
      local function task(n)
        local s, until_ = 0, os.clock() + n
        while os.clock() < until_ do
          for i = 1, 10000 do s = s + i end
          require "lagoon".yield()
        end
        return s
      end
      local a, b = lagoon.parallel(task, 0.1), lagoon.parallel(task, 0.1)
      a:wait() b:wait()
      local kept = {}
      for i = 1, 30 do kept[i % 3] = lagoon.shared_map() lagoon.runtime.gc() end
    ]])
    assert.equal("", child.err)
    local profile, states = pprof.read(path), {}
    for _, sample in ipairs(profile.samples) do
      if stands_in "profiled.lua:11" (sample) and sample.values.cpu > 0 then
        states[sample.labels.state] = true
      end
    end
    assert.is_nil(states.main)
    assert.is_truthy(next(states))
    for state in pairs(states) do assert.matches("^worker %d+$", state) end
  end)

  it("has what goroutines still wait for when the program ends", function()
    local child, path = run("still.pb.gz", [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.go(function() ch:recv() end)                               -- 3
      lagoon.parallel(function() require "lagoon".sleep(1000) end)      -- 4
      local function is_settled()
        local seen = {}
        for _, g in ipairs(lagoon.runtime.goroutines()) do
          if g.id ~= lagoon.self():id() and g.wait_reason then seen[g.wait_reason] = true end
        end
        return seen["chan receive"] and seen.sleep
      end
      repeat lagoon.sleep(0.001) until is_settled()
      lagoon.sleep(0.005)
    ]])
    assert.equal("", child.err)
    local profile, lines = pprof.read(path), {}
    for _, sample in ipairs(profile.samples) do
      if sample.labels.wait == "chan receive" or sample.labels.wait == "sleep" then
        lines[sample.stack[1].line] = sample.values.wall
      end
    end
    assert.is_true(lines[3] > 1e6)
    assert.is_true(lines[4] > 1e6)
  end)

  -- A wait is no matter of chance.
  local WAIT = [[
    local lagoon = require "lagoon"
    lagoon.sleep(0.02)                               -- 2
  ]]

  local function check_whole(path)
    local count = sum(pprof.read(path), "contentions", function(sample)
      return sample.labels.wait == "sleep" and sample.stack[1].line == 2
    end)
    assert.equal(1, count)
  end

  it("is whole after an error, os.exit() and a deadlock", function()
    local endings = {
      { 1, "error 'on purpose'" },
      { 2, "lagoon.go(error, 'on purpose') lagoon.sleep(100)" },
      { 7, "os.exit(7)" },
      { 8, "lagoon.parallel(function() os.exit(8) end) lagoon.sleep(100)" },
      { 2, "lagoon.chan():recv()" },
    }
    for i, ending in ipairs(endings) do
      local child, path = run("ending.pb.gz", WAIT .. ending[2])
      assert.equal(ending[1], child.status, i)
      check_whole(path)
    end
  end)

  -- The thread sanitizer keeps signals back.
  if IS_SEEN then
    it("is whole after SIGTERM, which ends the program as always", function()
      local path = helper.path("term.pb.gz")
      local text = WAIT .. "os.execute 'kill -TERM $PPID' lagoon.sleep(100)"
      -- A shell between: it tells of the signal.
      local child = helper.child { "sh", "-c", ("%s --profile=%s %s; exit $?"):format(
        helper.program, path, helper.file("profiled.lua", text)) }
      assert.equal(128 + 15, child.status)
      check_whole(path)
    end)

    it("is whole after Ctrl-C", function()
      local child, path = run("int.pb.gz", WAIT .. [[
        local ffi = require "ffi"
        ffi.cdef "int kill(int pid, int signo); int getpid(void);"
        ffi.C.kill(ffi.C.getpid(), 2)
        lagoon.sleep(100)]])
      assert.equal(1, child.status)
      assert.matches("interrupted", child.err)
      check_whole(path)
    end)

    it("lets SIGTERM end a process that was forked, as always", function()
      local child = run("sigterm_fork.pb", [[
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int pause(void); int kill(int, int);"
        ffi.cdef "int waitpid(int, int *, int);"
        local pid = ffi.C.fork()
        if pid == 0 then ffi.C.pause() os.exit(3) end
        local status = ffi.new "int[1]"
        ffi.C.kill(pid, 15)
        ffi.C.waitpid(pid, status, 0)
        print(status[0])
      ]])
      assert.equal("", child.err)
      assert.equal("15\n", child.out)
    end)

    it("leaves SIGTERM to a script that wants it", function()
      local child = run("taken.pb.gz", [[
        local lagoon = require "lagoon"
        local ch = lagoon.signal.notify "SIGTERM"
        os.execute "kill -TERM $PPID"
        print((ch:recv()))]])
      assert.equal("SIGTERM\n", child.out)
      assert.equal(0, child.status)
    end)
  end

  it("is left to the process that has begun it", function()
    local path = helper.path("forked.pb")
    os.remove(path)
    local child = helper.lagoon { "--profile=" .. path, helper.file("forked.lua", ([[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int, int *, int);"
      local pid = ffi.C.fork()
      if pid == 0 then os.exit(3) end
      local status = ffi.new "int[1]"
      print(ffi.C.waitpid(pid, status, 0) == pid, bit.rshift(status[0], 8))
      print(#io.open(%q):read("*a"))
    ]]):format(path)) }
    assert.equal("", child.err)
    assert.equal("true\t3\n0\n", child.out)
    assert.is_table(pprof.decode(read(path)).samples)
  end)

  it("writes collapsed stacks, of a value that is asked for", function()
    local child, path = run("hot.folded", HOT .. "compute(0.1)")
    assert.equal("", child.err)
    local total = 0
    for line in read(path):gmatch("([^\n]*)\n") do
      local stack, count = line:match("^(%S.-) (%d+)$")
      assert(stack, line)
      if stack:find(HOT_NAME, 1, true) then
        assert.equal(IS_SEEN and "main chunk profiled.lua;compute profiled.lua:6;hot profiled.lua:2"
          or "main chunk profiled.lua;compute profiled.lua:6;yield [C]", stack)
        total = total + tonumber(count)
      end
    end
    assert.is_true(total > 0.05e6)
    child, path = run("waits.txt", WAITING, { "--profile-value=mutex_contentions" })
    assert.equal("", child.err)
    assert.equal("anonymous profiled.lua:11;[mutex lock] 1\n", read(path))
  end)

  it("has names with any bytes in them, as text", function()
    local hostile = [==[
      local lagoon = require "lagoon"
      local name = 'e;"<b>\n\1\255 \195\164'
      local nap = loadstring("return function() require('lagoon').sleep(0.02) return 1 end",
        "=" .. name)()
      lagoon.async(function() lagoon.self():name(name) local n = nap() return n end):wait()
    ]==]
    local child, path = run("hostile.pb.gz", hostile)
    assert.equal("", child.err)
    local text, nseen = 'e;"<b>___ \195\164', 0
    for _, sample in ipairs(pprof.read(path).samples) do
      if sample.labels.name == text and sample.labels.wait == "sleep" then
        assert.equal("nap " .. text .. ":1", sample.stack[1].name)
        nseen = nseen + 1
      end
    end
    assert.equal(1, nseen)
    child, path = run("hostile.folded", hostile, { "--profile-value=wall" })
    assert.equal("", child.err)
    assert.matches(';nap e_"<b>___ \195\164:1;[sleep] ', read(path), 1, true)
  end)

  it("cuts a title that is too long between two characters", function()
    -- In 255 bytes: 4 + 1 + 125 * 2, or a byte more before.
    for before, nshown in pairs { ["nap x"] = 125, ["nap xy"] = 124 } do
      local long = ([==[
        local nap = loadstring("return function() require('lagoon').sleep(0.02) return 1 end",
          "@" .. %q .. ("\195\164"):rep(200))()
        local n = nap()
      ]==]):format(before:sub(5))
      local title = before .. ("\195\164"):rep(nshown)
      local child, path = run("long.pb.gz", long)
      assert.equal("", child.err)
      local names = {}
      for _, sample in ipairs(pprof.read(path).samples) do
        if sample.labels.wait == "sleep" then names[#names + 1] = sample.stack[1].name end
      end
      assert.same({ title }, names)
      child, path = run("long.folded", long, { "--profile-value=wall" })
      assert.equal("", child.err)
      assert.is_truthy(read(path):find(";" .. title .. ";[sleep] ", 1, true))
    end
  end)

  it("is refused where it cannot be", function()
    local child = helper.lagoon { "--profile=/nonexistent/x.pb.gz", "-e", "print 'reached'" }
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.equal("lagoon: cannot write /nonexistent/x.pb.gz: No such file or directory\n",
      child.err)
    child = helper.lagoon { "--profile", "-e", "" }
    assert.equal("lagoon: option '--profile' needs a file: --profile=FILE\n", child.err)
    child = helper.lagoon { "--profile=x", "--profile-value=heap", "-e", "" }
    assert.equal(1, child.status)
    assert.matches("^lagoon: %-%-profile%-value=heap: there are samples, cpu, wall", child.err)
    child = helper.lagoon { "--profile-value=wall", "-e", "print 'reached'" }
    assert.same({ 1, "", "lagoon: --profile-value=wall needs a profile: --profile=FILE.folded\n" },
      { child.status, child.out, child.err })
    child = helper.lagoon { "--profile=/dev/full", "-e", "print 'reached'" }
    assert.equal("reached\n", child.out)
    assert.equal("lagoon: cannot write /dev/full: No space left on device\n", child.err)
    assert.equal(1, child.status)
  end)
end)

describe("runtime.profile_start", function()
  it("takes a part of a run, once at a time", function()
    local first, second = helper.path("first.pb"), helper.path("second.folded")
    local child = helper.script(HOT .. ([[
      local runtime = lagoon.runtime
      compute(0.01)
      print(runtime.profile_start(%q, { hz = 1000 }))
      print(runtime.profile_start(%q))
      local function inside() compute(0.05) end
      inside()
      print(runtime.profile_stop())
      print(runtime.profile_stop())
      print(runtime.profile_start(%q, { value = "samples", hz = 1000, wait_seconds = 1 }))
      compute(0.05)
    ]]):format(first, second, second))
    assert.equal("", child.err)
    assert.equal("true\nnil\tcannot take a profile: there is one already\ntrue\n"
      .. "nil\tthere is no profile\ntrue\n", child.out)
    local profile = pprof.decode(read(first))
    assert.is_true(sum(profile, "cpu") > 0.02e9)
    assert.matches("compute script.lua:6[^\n]* %d+\n", read(second))
    assert.is_nil(read(second):find("inside", 1, true))
  end)

  it("goes into a pipe that somebody reads, and waits for no reader", function()
    local fifo = helper.path("profile.fifo")
    os.remove(fifo)
    assert.equal(0, os.execute("mkfifo " .. fifo))
    local child = helper.script(([[
      local runtime, path = require "lagoon".runtime, %q
      print(select(2, runtime.profile_start(path)))
      print(select(2, runtime.profile_stop()))
      local reader = io.open(path, "r+b") -- which needs no writer
      print(runtime.profile_start(path))
      print(runtime.profile_stop())
      print(reader:read(2) == "\31\139")
    ]]):format(fifo), { limit = 60 })
    assert.equal("", child.err)
    assert.equal(("cannot write %s: No such device or address\nthere is no profile\n"):format(fifo)
      .. "true\ntrue\ntrue\n", child.out)
  end)

  it("leaves a file alone that it cannot use", function()
    local used, fresh = helper.path("used.pb"), helper.path("fresh.pb")
    os.remove(fresh)
    local child = helper.script(([[
      local runtime = require "lagoon".runtime
      local used, fresh = %q, %q
      local file = io.open(used, "w")
      file:write(("longer than a profile "):rep(10000))
      file:close()
      runtime.profile_start(used)
      print(runtime.profile_start(fresh))
      print(runtime.profile_start(used))
      print((io.open(fresh)))
      print(#io.open(used):read("*a"))
      print(runtime.profile_stop())
    ]]):format(used, fresh))
    assert.equal("", child.err)
    local busy = "nil\tcannot take a profile: there is one already\n"
    assert.equal(busy .. busy .. "nil\n220000\ntrue\n", child.out)
    assert.is_table(pprof.decode(read(used)).samples)
  end)

  it("tells where a goroutine comes from that stands nowhere yet", function()
    local child, path = run("born.folded", [[
      local lagoon = require "lagoon"
      for _, name in ipairs { "", "@/a/b/c.lua", "first\nsecond" } do
        loadstring("for _ = 1, 50 do require 'lagoon'.go(function() end) end", name)()
        local until_ = os.clock() + 0.02
        while os.clock() < until_ do end
        lagoon.yield()
      end]], { "--profile-value=wall" })
    assert.equal("", child.err)
    for _, place in ipairs { '[string ""]:1', "c.lua:1", '[string "first..."]:1' } do
      assert.matches("goroutine created at " .. place .. ";[runnable]", read(path), 1, true)
    end
  end)

  it("forgets the names of goroutines with the goroutines, when there are too many", function()
    local child, path = run("many.pb", [[
      local lagoon = require "lagoon"
      for i = 1, 55 do
        local tasks = {}
        for k = 1, 1000 do
          local name = ("n%d."):format(1000 * i + k)
          tasks[k] = lagoon.async(function() lagoon.self():name(name) lagoon.sleep(0.001) end)
        end
        for _, task in ipairs(tasks) do task:wait() end
      end]])
    assert.equal("", child.err)
    local text = read(path)
    assert.is_truthy(text:find("n1001.", 1, true))
    local nnames = select(2, text:gsub("n%d+%.", ""))
    assert.is_true(nnames > 1000 and nnames <= 50000, nnames)
  end)

  it("raises for what makes no sense, and returns what the system says", function()
    local child = helper.script [[
      local start = require "lagoon".runtime.profile_start
      print(select(2, pcall(start)))
      print(select(2, pcall(start, "x\0y")))
      print(select(2, pcall(start, "x", 1)))
      print(select(2, pcall(start, "x", { value = "heap" })))
      print(select(2, pcall(start, "x", { hz = 0 })))
      print(select(2, pcall(start, "x", { wait_seconds = "a" })))
      print(start "/nonexistent/x")
    ]]
    assert.equal("", child.err)
    assert.matches("bad argument #1 to 'profile_start' %(a string expected, got n[oi][^\n]*%)\n"
      .. "[^\n]*bad argument #1 to 'profile_start' %(a path without zero bytes expected%)\n"
      .. "[^\n]*bad argument #2 to 'profile_start' %(table expected, got number%)\n"
      .. "[^\n]*bad argument #2 to 'profile_start' %(there is no value 'heap'%)\n"
      .. "[^\n]*bad argument #2 to 'profile_start' %(hz must be from 1 to 10000%)\n"
      .. "[^\n]*bad argument #2 to 'profile_start' %(wait_seconds must be above 0 and at most 1%)\n"
      .. "nil\tcannot write /nonexistent/x: No such file or directory\n", child.out)
  end)
end)

if not GO then return end

describe("go tool pprof", function()
  local function pprof_says(words, path)
    local pipe = assert(io.popen("go tool pprof " .. words .. " " .. path .. " 2>/dev/null", "r"))
    local text = pipe:read("*a")
    pipe:close()
    return text
  end

  it("reads what is written", function()
    local child, path = run("go.pb.gz", HOT .. "compute(0.15)")
    assert.equal("", child.err)
    local top = pprof_says("-top", path)
    assert.matches("Type: cpu\n", top)
    assert.matches("%% +compute profiled%.lua:6\n", top)
    assert.matches("%% +main chunk profiled%.lua\n", top)
    local raw = pprof_says("-raw", path)
    assert.matches("samples/count cpu/nanoseconds%[dflt%] wall/nanoseconds", raw)
    assert.matches("state:%[main%]", raw)
  end)
end)
