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

local function stands_in(name, line)
  return function(sample)
    local top = sample.stack[1]
    return top.name:find(name, 1, true) ~= nil and (line == nil or top.line == line)
  end
end

-- Computes until the process has used some CPU time, so that a busy machine does not matter.
local HOT = [[
  local lagoon = require "lagoon"
  local function hot(s)
    for i = 1, 1000000 do s = s + i % 7 end
    return s
  end
  local function compute(seconds)
    local s, until_ = 0, os.clock() + seconds
    while os.clock() < until_ do s = hot(s) end
    return s
  end
]]

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
  lagoon.sleep(0.03)                                  -- 15
  m:unlock()
  ch:send("done")
  receiver:wait() sleeper:wait() locker:wait()
]]

describe("lagoon --profile", function()
  it("finds the function that computes, in pprof's format", function()
    local child, path = run("hot.pb.gz", HOT .. "compute(0.15)")
    assert.equal("", child.err)
    assert.equal(0, child.status)
    local profile = pprof.read(path)
    assert.same({
      { "samples", "count" }, { "cpu", "nanoseconds" }, { "wall", "nanoseconds" },
      { "contentions", "count" }, { "delay", "nanoseconds" },
      { "mutex_contentions", "count" }, { "mutex_delay", "nanoseconds" },
    }, profile.types)
    assert.equal("cpu", profile.default)
    assert.is_true(sum(profile, "cpu", stands_in "hot profiled.lua:2") > sum(profile, "cpu") / 2)
    assert.is_true(sum(profile, "cpu") > 0.1e9)
    assert.is_true(profile.duration >= 0.15e9)
    for _, sample in ipairs(profile.samples) do
      if stands_in "hot profiled.lua:2" (sample) then
        assert.equal(helper.path("profiled.lua"), sample.stack[1].file)
        assert.equal(2, sample.stack[1].begins_at)
        assert.equal("main chunk profiled.lua", sample.stack[#sample.stack].name)
        assert.equal(1, sample.labels.goroutine)
        assert.equal("main", sample.labels.state)
      end
    end
  end)

  it("names the lines that waited, for how long and for what", function()
    local child, path = run("waits.pb.gz", WAITING)
    assert.equal("", child.err)
    local profile = pprof.read(path)
    local function check(wait, line, least_ns, value)
      local count = 0
      for _, sample in ipairs(profile.samples) do
        if sample.labels.wait == wait and sample.stack[1].line == line then
          count = count + sample.values[value:gsub("delay", "contentions")]
          assert.is_true(sample.values[value] >= least_ns, wait)
          assert.is_true(sample.values.wall >= least_ns, wait)
          assert.equal(wait == "chan receive" and "receiver" or nil, sample.labels.name)
        end
      end
      assert.equal(1, count, wait)
    end
    -- Not a whole sleep each: what the machine delays before the wait begins is not in it.
    check("chan receive", 4, 1e6, "delay")
    check("sleep", 8, 19e6, "delay")
    check("mutex lock", 12, 1e6, "mutex_delay")
    check("sleep", 15, 29e6, "delay")
    local function is_other(sample) return sample.labels.wait ~= "mutex lock" end
    assert.equal(0, sum(profile, "mutex_delay", is_other))
  end)

  it("samples the states of parallel tasks, and native goroutines by their names", function()
    local child, path = run("states.pb.gz", HOT .. [[
      local function task(n)
        local s, until_ = 0, os.clock() + n
        while os.clock() < until_ do for i = 1, 10000 do s = s + i end end
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

  local function is_whole(path)
    local profile = pprof.read(path)
    assert.is_true(sum(profile, "cpu", stands_in "hot profiled.lua:2") > 0)
  end

  it("is whole after an error, os.exit() and a deadlock", function()
    local child, path = run("error.pb.gz", HOT .. "compute(0.05) error 'on purpose'")
    assert.equal(1, child.status)
    is_whole(path)
    child, path = run("unhandled.pb.gz", HOT .. [[
      lagoon.go(function() compute(0.05) error "on purpose" end)
      lagoon.sleep(100)]])
    assert.equal(2, child.status)
    is_whole(path)
    child, path = run("exit.pb.gz", HOT .. "compute(0.05) os.exit(7)")
    assert.equal(7, child.status)
    is_whole(path)
    child, path = run("exited.pb.gz", HOT .. [[
      lagoon.parallel(function(f) f(0.05) os.exit(8) end, compute)
      lagoon.sleep(100)]])
    assert.equal(8, child.status)
    is_whole(path)
    child, path = run("deadlock.pb.gz", HOT .. "compute(0.05) lagoon.chan():recv()")
    assert.equal(2, child.status)
    is_whole(path)
  end)

  it("is whole after SIGTERM and SIGINT, which end the program as always", function()
    local path = helper.path("term.pb.gz")
    local text = HOT .. "compute(0.05) os.execute 'kill -TERM $PPID' while true do compute(1) end"
    -- A shell between: it tells of the signal.
    local child = helper.child { "sh", "-c", ("%s --profile=%s %s; exit $?"):format(helper.program,
      path, helper.file("profiled.lua", text)) }
    assert.equal(128 + 15, child.status)
    is_whole(path)
    child, path = run("int.pb.gz", HOT .. [[compute(0.05)
      local ffi = require "ffi"
      ffi.cdef "int kill(int pid, int signo); int getpid(void);"
      ffi.C.kill(ffi.C.getpid(), 2)
      while true do compute(1) end]])
    assert.equal(1, child.status)
    assert.matches("interrupted", child.err)
    is_whole(path)
    child = run("taken.pb.gz", [[
      local lagoon = require "lagoon"
      local ch = lagoon.signal.notify "SIGTERM"
      os.execute "kill -TERM $PPID"
      print((ch:recv()))]])
    assert.equal("SIGTERM\n", child.out)
    assert.equal(0, child.status)
  end)

  it("writes collapsed stacks, of a value that is asked for", function()
    local child, path = run("hot.folded", HOT .. "compute(0.1)")
    assert.equal("", child.err)
    local total = 0
    for line in read(path):gmatch("([^\n]*)\n") do
      local stack, count = line:match("^(%S.-) (%d+)$")
      assert(stack, line)
      if stack:find("hot profiled.lua:2", 1, true) then
        assert.equal("main chunk profiled.lua;compute profiled.lua:6;hot profiled.lua:2", stack)
        total = total + tonumber(count)
      end
    end
    assert.is_true(total > 0.05e6)
    child, path = run("waits.txt", WAITING, { "--profile-value=mutex_contentions" })
    assert.equal("", child.err)
    assert.equal("anonymous profiled.lua:11;[mutex lock] 1\n", read(path))
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
    assert.is_true(sum(profile, "samples", stands_in "hot profiled.lua" ) == 0)
    assert.is_true(sum(profile, "cpu") > 0.02e9)
    assert.matches("hot [^;]*:2 %d+\n", read(second))
    assert.is_nil(read(second):find("inside", 1, true))
  end)

  it("raises for what makes no sense, and returns what the system says", function()
    local child = helper.script [[
      local start = require "lagoon".runtime.profile_start
      print(select(2, pcall(start)))
      print(select(2, pcall(start, "x", 1)))
      print(select(2, pcall(start, "x", { value = "heap" })))
      print(select(2, pcall(start, "x", { hz = 0 })))
      print(select(2, pcall(start, "x", { wait_seconds = "a" })))
      print(start "/nonexistent/x")
    ]]
    assert.equal("", child.err)
    assert.matches("bad argument #1 to 'profile_start' %(string expected, got n[oi][^\n]*%)\n"
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
    assert.matches("%% +hot profiled%.lua:2\n", top)
    assert.matches("%% +main chunk profiled%.lua\n", top)
    local raw = pprof_says("-raw", path)
    assert.matches("samples/count cpu/nanoseconds%[dflt%] wall/nanoseconds", raw)
    assert.matches("state:%[main%]", raw)
  end)
end)
