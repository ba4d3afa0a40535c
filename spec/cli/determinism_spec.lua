-- SPDX-License-Identifier: MIT
--
-- The program with --deterministic, --record, --replay and --trace: random scripts, whose traces
-- and output are compared byte by byte.
local helper = require "helper"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- A script that draws from a seed what it does. It is run with the compiler, and allocates enough
-- for LuaJIT's collector to come at other moments each time.
local PROGRAM = [==[
  local lagoon = require "lagoon"
  local state = tonumber(arg[1])
  local function draw(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end

  local chans, mutex = {}, lagoon.mutex()
  for i = 1, 4 do chans[i] = lagoon.chan(i - 1) end
  local group, out, nstarted = lagoon.waitgroup(), {}, 0
  local work

  local function start()
    nstarted = nstarted + 1
    group:add(1)
    lagoon.go(work, nstarted)
  end

  local function note(...)
    out[#out + 1] = table.concat({ ... }, " ")
  end

  local steps = {
    function(me) note(me, "sent", tostring(chans[draw(4)]:send(me, draw(20) / 1000))) end,
    function(me) note(me, "got", tostring((chans[draw(4)]:recv(draw(20) / 1000)))) end,
    function(me)
      local which = lagoon.select(chans[draw(4)], chans[draw(4)]:sending(me),
        lagoon.after(draw(20) / 1000))
      note(me, "selected", which)
    end,
    function() lagoon.sleep(draw(50) / 1000) end,
    function() lagoon.yield() end,
    function(me)
      mutex:lock()
      lagoon.yield()
      note(me, "locked at", lagoon.now())
      mutex:unlock()
    end,
    function(me)
      local task = lagoon.parallel(function(n)
        local lagoon = require "lagoon"
        lagoon.sleep(n / 100)
        return n + math.random(1000)
      end, draw(9))
      note(me, "was told", task:wait())
    end,
    function() if nstarted < 20 then start() end end,
    function()
      local t = {}
      for i = 1, draw(2000) do t[i] = { i, tostring(i) } end
    end,
  }

  function work(me)
    for _ = 1, 8 do steps[draw(#steps)](me) end
    note(me, "is done")
    group:done()
  end

  for _ = 1, 6 do start() end
  group:wait()
  print(table.concat(out, "\n"))
]==]

local function run(options, text, args)
  local words = options
  words[#words + 1] = helper.file("script.lua", text)
  for _, word in ipairs(args or {}) do words[#words + 1] = tostring(word) end
  return helper.lagoon(words, { limit = 60 })
end

-- What the script of a seed prints, and its trace.
local function run_seed(seed)
  local path = helper.path("trace")
  local child = run({ "--deterministic=" .. seed, "--trace=" .. path }, PROGRAM, { seed })
  assert.equal("", child.err)
  assert.equal(0, child.status)
  return child.out, read(path)
end

describe("a trace of lines", function()
  -- Where nobody is interrupted by a signal, the thread sanitizer keeps them back.
  local is_heard = helper.lagoon({ "-e", "print(require 'lagoon'.runtime.preemption())" }).out
    :find "^signal"

  it("is whole to its last line when SIGTERM ends the program", function()
    if not is_heard then
      return
    end
    local path = helper.path("term.txt")
    -- A shell between: it tells of the signal.
    local child = helper.child { "sh", "-c", ("%s --trace=%s %s; exit $?"):format(helper.program,
      path, helper.file("term.lua", [[
        local lagoon = require "lagoon"
        for _ = 1, 1000 do lagoon.go(function() end) end
        lagoon.yield()
        os.execute "kill -TERM $PPID"
        lagoon.sleep(100)]])) }
    assert.equal(128 + 15, child.status)
    local text, nends = read(path), 0
    for line in text:gmatch "[^\n]*\n" do
      assert.matches("^%d+%.%d+ p%-?%d+ g%d+ %l+", line)
      nends = nends + (line:find " end" and 1 or 0)
    end
    assert.equal("\n", text:sub(-1))
    assert.is_true(nends >= 1000)
  end)
end)

describe("a deterministic program", function()
  it("does the same each time", function()
    local first = tonumber(helper.seed()) or 1
    local traces = {}
    for i = 1, helper.is_stress() and 500 or math.max(helper.rounds(4), 2) do
      local seed = (first + i * 7919) % 1000000 + 1
      local out, trace = run_seed(seed)
      local out_again, trace_again = run_seed(seed)
      local why = ("seed %d: another run"):format(seed)
      assert.is_true(#trace > 1000, why)
      assert.is_true(out == out_again and trace == trace_again, why)
      traces[trace] = true
    end
    assert.is_true(next(traces, next(traces)) ~= nil, "two seeds, and one trace")
  end)

  it("does not wait for its clock", function()
    local began = os.time()
    local child = run({ "--deterministic" }, [[
      local lagoon = require "lagoon"
      local t0 = lagoon.now()
      for day = 1, 1000 do lagoon.sleep(86400) end
      print(lagoon.now() - t0)
    ]])
    assert.equal("86400000\n", child.out)
    assert.is_true(os.time() - began < 86400)
  end)

  it("gives tables the same order, whatever their keys are", function()
    local text = [[
      local t = {}
      for word in ("the quick brown fox jumps over a lazy dog"):gmatch("%a+") do t[word] = word end
      for i = 1, 10 do t[{}] = i end
      for _, value in pairs(t) do io.write(value, " ") end
    ]]
    local out = run({ "--deterministic" }, text).out
    for _ = 1, 5 do assert.equal(out, run({ "--deterministic" }, text).out) end
  end)

  it("is asked for by LAGOON_DEBUG, too", function()
    local text = "print(require('lagoon').runtime.procs(), (require('lagoon').now()))"
    local path = helper.file("script.lua", text)
    local env = { LAGOON_DEBUG = "deterministic=3", LAGOON_PROCS = 4 }
    assert.equal("1\t1\n", helper.lagoon({ path }, { env = env }).out)
  end)

  it("has one P", function()
    local child = run({ "--deterministic" }, "require('lagoon').runtime.procs(2)")
    assert.equal(1, child.status)
    assert.matches("^lagoon: .*procs", child.err)
  end)

  it("still finds deadlocks", function()
    local child = run({ "--deterministic" }, "require('lagoon').chan():recv()")
    assert.equal(2, child.status)
    assert.matches("all goroutines are asleep", child.err)
  end)
end)

describe("the options", function()
  local function refusal(...)
    local child = run({ ... }, "print('ran')")
    assert.equal(1, child.status)
    assert.equal("", child.out)
    return (child.err:match("^lagoon: ([^\n]*)"))
  end

  it("are refused where they make no sense", function()
    assert.equal("--deterministic=x: the seed must be a whole number from 1 on",
      refusal("--deterministic=x"))
    assert.equal("--deterministic=0: the seed must be a whole number from 1 on",
      refusal("--deterministic=0"))
    assert.equal("option '--record' needs a file: --record=FILE", refusal("--record"))
    assert.equal("option '--trace' needs a file: --trace=FILE", refusal("--trace="))
    assert.equal("a run is recorded or replayed, not both", refusal("--record=a", "--replay=b"))
    assert.equal("the seed of a replay is that of the recording",
      refusal("--deterministic=2", "--replay=b"))
    assert.equal("unknown option '--determinist'", refusal("--determinist"))
  end)

  it("tell of files that cannot be read or written", function()
    assert.equal("cannot read /nonexistent/a: No such file or directory",
      refusal("--replay=/nonexistent/a"))
    assert.equal("cannot write /nonexistent/a: No such file or directory",
      refusal("--record=/nonexistent/a"))
    assert.equal("cannot write /nonexistent/a: No such file or directory",
      refusal("--trace=/nonexistent/a"))
    local foreign = helper.file("foreign", ("no recording "):rep(10))
    assert.equal(("cannot replay %s: it is no recording of lagoon's (at byte 0)"):format(foreign),
      refusal("--replay=" .. foreign))
  end)

  it("stand after -E, and -- ends them", function()
    local path = helper.file("script.lua", "print(require('lagoon').now() < 2)")
    assert.equal("true\n", helper.lagoon({ "-E", "--deterministic", path }).out)
    assert.equal("true\n", helper.lagoon({ "--deterministic", "--", path }).out)
    assert.equal("true\n", helper.lagoon({ "--deterministic", "-e",
      "print(require('lagoon').now() < 2)" }).out)
  end)
end)

-- Bytes that nobody knows before, at moments that nobody knows: a child's, through a pipe.
local INPUTS = [==[
  local lagoon = require "lagoon"
  local function source(emit, n, command)
    local process = require("lagoon").process
    local child = assert(process.spawn("sh", { "-c", command }))
    for line in child.stdout:lines() do
      emit { line = line, n = n, at = os.clock() }
      n = n + 1
    end
  end
  local noise = "for i in 1 2 3 4 5 6 7 8 9; do od -An -N4 -tu4 /dev/urandom; done"
  local keys = lagoon.input("keys", source, 100, noise)
  local net = lagoon.input("net", source, 200, noise)
  local results = lagoon.chan()
  lagoon.go(function() for _ = 1, 30 do lagoon.sleep(0.002) end end)
  local function consume(name, input)
    for message in input do
      local number = tonumber(message.line)
      if number % 2 == 0 then lagoon.sleep(number % 10 / 1000) end
      results:send(name .. message.n .. ":" .. number .. "@" .. message.at)
    end
    results:send(nil)
  end
  lagoon.go(consume, "keys", keys)
  lagoon.go(consume, "net", net)
  local nends = 0
  while nends < 2 do
    local result = results:recv()
    if result then print(result, lagoon.now()) else nends = nends + 1 end
  end
]==]

local function record(text)
  local log, trace = helper.path("log"), helper.path("trace")
  local child = run({ "--record=" .. log, "--trace=" .. trace }, text)
  return child, log, trace
end

describe("a replay", function()
  it("is the recorded run", function()
    for _ = 1, helper.rounds(3) do
      local recorded, log, trace = record(INPUTS)
      assert.equal("", recorded.err)
      assert.equal(0, recorded.status)
      local again = helper.path("again")
      local replayed = run({ "--replay=" .. log, "--trace=" .. again }, INPUTS)
      assert.equal("", replayed.err)
      assert.equal(recorded.out, replayed.out)
      assert.is_true(read(trace) == read(again), "another trace")
    end
  end)

  it("has the errors of the source", function()
    local text = [[
      local function source(emit)
        emit(1)
        require("lagoon").sleep(0.01)
        error("no more", 0)
      end
      for value in require("lagoon").input("net", source) do print(value) end
      require("lagoon").sleep(1)
    ]]
    local recorded, log = record(text)
    assert.equal(2, recorded.status)
    assert.equal("1\n", recorded.out)
    assert.matches("input 'net': no more", recorded.err)
    local replayed = run({ "--replay=" .. log }, text)
    assert.equal(2, replayed.status)
    assert.equal("1\n", replayed.out)
    assert.matches("input 'net': no more", replayed.err)
  end)

  it("of another script says where it differs", function()
    local _, log = record(INPUTS)
    local child = run({ "--replay=" .. log }, (INPUTS:gsub('"keys", source', '"mouse", source')))
    assert.equal(2, child.status)
    assert.matches("replay: the run takes another course than the recorded one, "
      .. "after %d+ decisions: input 'mouse' is opened, there it is 'keys'", child.err)
    child = run({ "--replay=" .. log }, "local lagoon = require 'lagoon' lagoon.sleep(1)" .. INPUTS)
    assert.equal(2, child.status)
    assert.matches("replay: the run takes another course", child.err)
  end)

  it("of a recording that is cut off or damaged is refused", function()
    local _, log = record(INPUTS)
    local text = read(log)
    local cut = helper.file("cut", text:sub(1, -5))
    local child = run({ "--replay=" .. cut }, INPUTS)
    assert.equal(1, child.status)
    assert.matches("^lagoon: cannot replay .*cut: it is cut off %(at byte %d+%)\n$", child.err)
    local at = #text - 30
    local bad = helper.file("bad", text:sub(1, at - 1) .. "?" .. text:sub(at + 1))
    child = run({ "--replay=" .. bad }, INPUTS)
    assert.equal(1, child.status)
    assert.matches("^lagoon: cannot replay .*bad: it is damaged %(at byte %d+%)\n$", child.err)
  end)
end)

describe("lagoon.input", function()
  it("works as well where nothing is deterministic", function()
    local child = run({}, [[
      local lagoon = require "lagoon"
      local values = lagoon.input("net", function(emit, a)
        emit(a); emit(nil); emit "text"; emit { 1, { x = 2 } }; emit(2LL ^ 60)
      end, 1.5)
      print(values:recv()); print(values:recv()); print(values:recv())
      print(values:recv()[2].x); print(values:recv()); print(values:recv())
    ]])
    assert.equal("", child.err)
    assert.equal("1.5\ttrue\nnil\ttrue\ntext\ttrue\n2\n1152921504606846976LL\ttrue\nnil\tfalse\n",
      child.out)
  end)

  it("refuses what cannot be recorded", function()
    local child = run({ "--deterministic" }, [[
      local lagoon = require "lagoon"
      local values = lagoon.input("net", function(emit)
        local lagoon = require "lagoon"
        for _, value in ipairs { lagoon.chan(), function() end, { lagoon.mutex() } } do
          emit((select(2, pcall(emit, value))))
        end
      end)
      for message in values do print(message) end
    ]])
    local refusal = "[^\n]*cannot send a function or an object of lagoon's to an input: "
      .. "they are not recorded\n"
    assert.matches("^" .. refusal:rep(3) .. "$", child.out)
  end)

  it("wants a name and a function", function()
    local child = run({}, [[
      local lagoon = require "lagoon"
      print(select(2, pcall(lagoon.input, "net")))
      print(select(2, pcall(lagoon.input, {}, print)))
      print(select(2, pcall(lagoon.input, "", print)))
    ]])
    assert.matches("bad argument #%d to 'input'", child.out)
    assert.matches("name must be a string, got table", child.out)
    assert.matches("name must have 1 to %d+ bytes", child.out)
  end)
end)
