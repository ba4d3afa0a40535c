-- SPDX-License-Identifier: MIT
--
-- `lagoon --trace=FILE.json` and lagoon.runtime.trace_start(): what the file says of a run, and
-- that it is JSON however the program ends. Programs do less than a ring holds
-- (sched/timeline.h), so that all of it is told, unless gaps are what it is about.
local lagoon = require "lagoon"
local helper = require "helper"
local timelines = require "timelines"

local find, lane = timelines.find, timelines.lane

-- Runs a script with a timeline.
local function traced(text, opts)
  local path = helper.path("run.json")
  os.remove(path)
  local words = { "--trace=" .. path, helper.file("script.lua", text) }
  for _, word in ipairs(opts and opts.options or {}) do table.insert(words, 1, word) end
  local child = helper.lagoon(words, opts)
  return timelines.read(path), child
end

local function durations(events, tid)
  local list = {}
  for _, event in ipairs(events) do
    if event.tid == tid then list[#list + 1] = event.dur end
  end
  return list
end

describe("a timeline", function()
  it("begins with what it is of", function()
    local timeline, child = traced("print 'done'", { env = { LAGOON_PROCS = 3 } })
    assert.same({ 0, "done\n", "" }, { child.status, child.out, child.err })
    local about = timeline.otherData
    assert.same({ "lagoon", lagoon.VERSION, 3 }, { about.program, about.version, about.procs })
    assert.is_true(math.abs(about.start - os.time()) < 86400)
    assert.equal("ns", timeline.displayTimeUnit)
    local run = find(timeline, "run")[1]
    assert.equal("P" .. run.tid - 1, timeline.tracks["1/" .. run.tid])
  end)

  it("has a lane for each goroutine, with its name and birthplace", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local named = lagoon.async(function() lagoon.yield() end)
      named:name 'worker "\\" \1 \195\164 \255'
      local own = lagoon.async(function() lagoon.self():name("renamed") end)
      local unnamed = lagoon.async(function() end)
      named:wait() own:wait() unnamed:wait()
    ]]
    assert.is_truthy(lane(timeline, "1 main"))
    assert.is_truthy(lane(timeline, 'worker "\\" \1 \195\164 \239\191\189 ('))
    assert.is_truthy(lane(timeline, "script.lua:2)"))
    assert.is_truthy(lane(timeline, "renamed ("))
    assert.is_truthy(lane(timeline, "script.lua:5)"))
    local names = {}
    for _, run in ipairs(find(timeline, "run")) do names[run.name] = true end
    assert.is_true(names.main)
    local _, started = next(find(timeline, "go", "start"))
    assert.equal(1, started.args.g)
  end)

  it("says in which state each was, and who woke it", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      local waits = lagoon.async(function() return (ch:recv()) end)
      waits:name "waits"
      lagoon.sleep(0.02)
      ch:send(1)
      waits:wait()
    ]]
    local tid = lane(timeline, "waits")
    local waited = durations(find(timeline, "wait", "chan receive"), tid)
    assert.equal(1, #waited)
    assert.is_true(waited[1] > 15000, waited[1])
    assert.equal(2, #durations(find(timeline, "state", "running"), tid))
    local woken
    for _, event in ipairs(find(timeline, "state", "runnable")) do
      if event.tid == tid then woken = event end
    end
    assert.equal(1, woken.args.by)
    assert.equal(1, #durations(find(timeline, "wait", "sleep"), lane(timeline, "main")))
    assert.equal(1, #find(timeline, "timer", "timer"))
  end)

  it("draws each hand-over from who sent to who received", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local straight, buffered = lagoon.chan(), lagoon.chan(3)
      local sender = lagoon.async(function()
        for i = 1, 5 do straight:send(i) end
        for i = 1, 9 do buffered:send(i) end
        buffered:close()
      end)
      sender:name "sender"
      local receiver = lagoon.async(function()
        for i = 1, 5 do straight:recv() end
        lagoon.yield()
        for v in buffered do if v % 3 == 0 then lagoon.yield() end end
      end)
      receiver:name "receiver"
      sender:wait() receiver:wait()
    ]]
    local from, to = lane(timeline, "sender"), lane(timeline, "receiver")
    local by_chan = {}
    for _, flow in pairs(timeline.flows) do
      assert.same({ from, to }, { flow.s.tid, flow.f.tid })
      by_chan[flow.s.name] = (by_chan[flow.s.name] or 0) + 1
    end
    assert.same({ ["chan 1"] = 5, ["chan 2"] = 9 }, by_chan)
  end)

  it("draws what a select receives and sends", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local asks, answers = lagoon.chan(2), lagoon.chan(2)
      local server = lagoon.async(function()
        while true do
          local i, v, ok = lagoon.select(asks)
          if not ok then return end
          lagoon.select(answers:sending(v))
        end
      end)
      server:name "server"
      for i = 1, 4 do asks:send(i) answers:recv() end
      asks:close()
      server:wait()
    ]]
    local server, main = lane(timeline, "server"), lane(timeline, "main")
    local asked, answered = 0, 0
    for _, flow in pairs(timeline.flows) do
      asked = asked + (flow.s.tid == main and flow.f.tid == server and 1 or 0)
      answered = answered + (flow.s.tid == server and flow.f.tid == main and 1 or 0)
    end
    assert.same({ 4, 4 }, { asked, answered })
  end)

  it("shows the collector's phases, stops, I/O and figures", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local listener = assert(lagoon.net.listen("tcp", "127.0.0.1:0"))
      lagoon.go(function()
        local conn = listener:accept()
        lagoon.sleep(0.005)
        conn:write("x")
        conn:close()
      end)
      local conn = assert(lagoon.net.dial("tcp", listener:addr()))
      assert(conn:read() == "x")
      -- our own end is seen in passing; what another process does, the system has to tell
      lagoon.process.run("sleep", { "0.05" })
      for i = 1, 3 do lagoon.runtime.gc() end
    ]]
    local phases = {}
    for _, event in ipairs(find(timeline, "gc")) do
      phases[event.name] = (phases[event.name] or 0) + 1
    end
    assert.is_true(phases.mark >= 3 and phases.sweep >= 3 and phases["sweep rest"] >= 3)
    assert.is_true(phases.begin >= 3 and phases.finish >= 3)
    assert.is_true(#find(timeline, "io", "io wait") >= 2)
    assert.is_true(#find(timeline, "io", "poll") >= 1)
    local heap = find(timeline, "counter", "heap")
    assert.is_true(heap[#heap].args.bytes > 100000)
    assert.is_true(#find(timeline, "counter", "goroutines") >= 2)
    assert.is_true(#find(timeline, "counter", "threads") >= 2)
  end)

  it("shows tasks on several Ps", function()
    local timeline = traced([[
      local lagoon = require "lagoon"
      local ch, group = lagoon.chan(1), lagoon.group()
      for i = 1, 4 do
        group:parallel(function(out, n)
          for k = 1, 10 do out:send(n) end
        end, ch, i)
      end
      lagoon.go(function() for i = 1, 40 do ch:recv() end end)
      group:wait()
    ]], { env = { LAGOON_PROCS = 4 } })
    assert.is_true(#find(timeline, "run") > 10)
    assert.is_true(#find(timeline, "chan", "send") > 10)
  end)

  it("has gaps where more happens than is written, and knows who waits across them", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local ch, quit = lagoon.chan(), lagoon.chan()
      local patient = lagoon.async(function() quit:recv() end)
      patient:name "patient"
      lagoon.go(function() for v in ch do end end)
      local began = lagoon.now()
      while lagoon.now() < began + 0.3 do
        for i = 1, 1000 do ch:send(i) end
      end
      quit:close()
      patient:wait()
    ]]
    local gaps = find(timeline, "gap")
    assert.is_true(#gaps >= 1)
    assert.is_true(#find(timeline, "run") > 100)
    local waited = durations(find(timeline, "wait", "chan receive"), lane(timeline, "patient"))
    assert.equal(1, #waited)
  end)
end)

describe("a timeline of a program that ends early", function()
  it("is whole after os.exit, an error, a deadlock", function()
    local work = "local lagoon = require 'lagoon' lagoon.async(function() end):wait() "
    for ending, status in pairs {
      ["os.exit(7)"] = 7,
      ["error 'on purpose'"] = 1,
      ["lagoon.go(error, 'on purpose') lagoon.sleep(5)"] = 2,
      ["lagoon.chan():recv()"] = 2,
    } do
      local timeline, child = traced(work .. ending)
      assert.equal(status, child.status, ending)
      assert.is_true(#find(timeline, "go", "end") >= 1, ending)
    end
  end)

  it("is whole while a task computes", function()
    local timeline, child = traced([[
      local lagoon = require "lagoon"
      local began = lagoon.chan()
      lagoon.parallel(function(began) began:close() while true do end end, began)
      began:recv()
      os.exit(0)
    ]], { env = { LAGOON_PROCS = 2 } })
    assert.equal(0, child.status)
    assert.is_true(#find(timeline, "run") >= 2)
  end)

  it("is JSON after abort()", function()
    local timeline, child = traced [[
      local lagoon, ffi = require "lagoon", require "ffi"
      ffi.cdef "void abort(void);"
      lagoon.async(function() end):wait()
      lagoon.sleep(0.2)
      ffi.C.abort()
    ]]
    assert.equal(134, child.status)
    assert.is_true(#timeline.traceEvents > 10)
  end)

  -- It writes nearly all the time, some pages at a time.
  it("is JSON whenever it is killed", function()
    local random = helper.random(8)
    local path = helper.path("killed.json")
    local script = helper.file("killed.lua", [[
      local lagoon = require "lagoon"
      for i = 1, 400 do
        lagoon.go(function() while true do lagoon.sleep(0.001) end end)
      end
      print "runs"
      io.stdout:flush()
      lagoon.chan():recv()
    ]])
    for _ = 1, helper.is_stress() and 300 or helper.rounds(4) do
      os.remove(path)
      local child = assert(lagoon.process.spawn(helper.program, { "--trace=" .. path, script },
        { stdin = "null", stderr = "inherit" }))
      child.stdout:read("*l")
      lagoon.sleep(random(200) / 1000)
      child:kill("KILL")
      assert.equal("SIGKILL", child:wait().signal)
      local is_valid, err = pcall(timelines.read, path)
      assert.is_true(is_valid, tostring(err) .. ", seed " .. tostring(helper.seed()))
    end
  end)
end)

-- A reader that we did not write.
describe("a timeline in a browser", function()
  local browser
  for _, name in ipairs { "chromium", "chromium-browser", "google-chrome" } do
    browser = browser or os.execute("command -v " .. name .. " >/dev/null") == 0 and name or nil
  end
  if not browser then
    return
  end

  it("is read by its JSON.parse", function()
    local timeline = traced [[
      local lagoon = require "lagoon"
      local ch = lagoon.chan()
      lagoon.async(function() for i = 1, 50 do ch:send(i) end ch:close() end):name "</script>\195"
      for v in ch do end
    ]]
    local page = helper.file("page.html", ([[<!DOCTYPE html><meta charset="utf-8">
      <pre id="out"></pre>
      <script id="in" type="application/json">%s</script>
      <script>
        const timeline = JSON.parse(document.getElementById("in").textContent);
        const flows = timeline.traceEvents.filter((event) => event.ph === "s").length;
        document.getElementById("out").textContent =
          "events " + timeline.traceEvents.length + " flows " + flows;
      </script>]]):format((timeline.text:gsub("</", "<\\/"):gsub("%%", "%%%%"))))
    local child = helper.child({ browser, "--headless", "--no-sandbox", "--disable-gpu",
      "--user-data-dir=" .. helper.path("browser"), "--dump-dom", "file://" .. page },
      { limit = 60 })
    assert.equal("events " .. #timeline.traceEvents .. " flows 50",
      child.out:match('<pre id="out">(.-)</pre>'))
  end)
end)

describe("lagoon --trace", function()
  it("refuses what it cannot write", function()
    local child = helper.lagoon { "--trace=/nonexistent/run.json", "-e", "print 'runs'" }
    assert.equal(1, child.status)
    assert.equal("", child.out)
    assert.matches("cannot write /nonexistent/run.json: no such file or directory", child.err)
  end)

  it("refuses pipes and devices, and waits for none of them", function()
    for _, name in ipairs { "pipe.json", "pipe.txt" } do
      local path = helper.path(name)
      assert.equal(0, helper.child({ "mkfifo", path }).status)
      local child = helper.lagoon { "--trace=" .. path, "-e", "print 'runs'" }
      assert.same({ 1, "" }, { child.status, child.out })
      local told = child.err:find("lagoon: cannot write " .. path .. ": ", 1, true)
      assert.equal(1, told, child.err)
    end
    local link = helper.path("full.json")
    assert.equal(0, helper.child({ "ln", "-s", "/dev/full", link }).status)
    local child = helper.lagoon { "--trace=" .. link, "-e", "print 'runs'" }
    assert.same({ 1, "" }, { child.status, child.out })
    assert.equal("lagoon: cannot write " .. link .. ": invalid argument\n", child.err)
  end)

  it("writes lines to a pipe that somebody reads, and to standard output", function()
    local path = helper.path("read.txt")
    local script = [[
      mkfifo "$2" && exec 3<>"$2" && "$1" --trace="$2" -e "" &&
      IFS= read -r line <&3 && echo "$line" && "$1" --trace=/dev/stdout -e "" | tail -n 1
    ]]
    local child = helper.child { "sh", "-c", script, "sh", helper.program, path }
    assert.same({ 0, "" }, { child.status, child.err })
    assert.matches("^%d+%.%d+ p%-?%d+ g%d+ .-\n%d+%.%d+ p%-?%d+ g%d+ .-\n$", child.out)
  end)

  it("outlives the limit of a file's size, as --html and --profile do", function()
    local script = helper.file("script.lua", [[
      local lagoon = require "lagoon"
      for i = 1, 300 do
        loadstring("require('lagoon').sleep(0.00002) return 1", "@" .. ("long"):rep(20) .. i)()
      end
      print "goes on"
    ]])
    for option, name in pairs { trace = "run.txt", html = "run.html", profile = "run.pb" } do
      local path = helper.path(name)
      local child = helper.child { "sh", "-c", 'ulimit -f 40; exec "$@"', "sh", helper.program,
        "--" .. option .. "=" .. path, script }
      assert.same({ option, 1, "goes on\n" }, { option, child.status, child.out })
      assert.is_truthy(child.err:find("cannot write", 1, true), option .. child.err)
    end
  end)

  it("outlives who cuts its file, and says so", function()
    local path = helper.path("cut.json")
    local script = helper.file("script.lua", ([[
      local path = %q
      assert(io.open(path, "w")):close()
      print "goes on"
    ]]):format(path))
    local child = helper.lagoon { "--trace=" .. path, script }
    assert.same({ 1, "goes on\n" }, { child.status, child.out })
    assert.equal("lagoon: cannot write " .. path .. ": somebody else has changed the file\n",
      child.err)
  end)

  it("writes lines into files of other names", function()
    local path = helper.path("trace.txt")
    assert.equal(0, helper.lagoon({ "--trace=" .. path, "-e", "" }).status)
    local ended = false
    for line in io.lines(path) do ended = ended or line:find("^%d+%.%d+ p%-?%d+ g1 end$") end
    assert.is_truthy(ended)
  end)

  it("does not change the course of a deterministic run", function()
    local log, path = helper.path("log"), helper.path("run.json")
    local script = helper.file("script.lua", [[
      local lagoon = require "lagoon"
      local a, b = lagoon.chan(), lagoon.chan(2)
      lagoon.go(function()
        for i = 1, 50 do lagoon.select(a:sending(i), b:sending(i)) end
        a:close()
      end)
      for i = 1, 100 do
        local which, v, ok = lagoon.select(a, b)
        if which == 1 and not ok then break end
        lagoon.sleep(math.random(9) / 1000)
      end
      print(lagoon.now(), math.random(1e6))
    ]])
    local first = helper.lagoon { "--deterministic=7", "--record=" .. log, script }
    local again = helper.lagoon { "--replay=" .. log, "--trace=" .. path, script }
    assert.same({ 0, "" }, { again.status, again.err })
    assert.equal(first.out, again.out)
    assert.is_true(#find(timelines.read(path), "chan", "select") > 50)
  end)
end)

describe("runtime.trace_start", function()
  local runtime = lagoon.runtime

  it("writes what happens until trace_stop, as often as one likes", function()
    local path = helper.path("part.json")
    for i = 1, 3 do
      assert.is_true(runtime.trace_start(path))
      local task = lagoon.async(function() lagoon.yield() end)
      task:name("part " .. i)
      task:wait()
      assert.is_true(runtime.trace_stop())
      local timeline = timelines.read(path)
      assert.is_truthy(lane(timeline, "part " .. i))
      assert.is_nil(lane(timeline, "part " .. i - 1))
      lagoon.async(function() end):wait() -- of no timeline
    end
    assert.is_true(runtime.trace_stop())
  end)

  it("knows goroutines that wait since before", function()
    local path, ch = helper.path("part.json"), lagoon.chan()
    local old = helper.parked(lagoon.async(function() lagoon.self():name("old") ch:recv() end))
    assert.is_true(runtime.trace_start(path))
    ch:send(1)
    old:wait()
    assert.is_true(runtime.trace_stop())
    local timeline = timelines.read(path)
    local tid = lane(timeline, "old")
    assert.equal(1, #durations(find(timeline, "wait", "chan receive"), tid))
    assert.equal(1, #durations(find(timeline, "state", "running"), tid))
  end)

  it("says what is wrong", function()
    local path = helper.path("part.json")
    local ok, err, code = runtime.trace_start("/nonexistent/a.json")
    assert.same({ "cannot write /nonexistent/a.json: no such file or directory", "ENOENT" },
      { err, code, ok })
    assert.equal("EINVAL", select(3, runtime.trace_start("/dev/null")))
    assert.is_true(runtime.trace_start(path))
    assert.equal("EBUSY", select(3, runtime.trace_start(path)))
    assert.is_true(runtime.trace_stop())
    assert.matches("bad argument #1 to 'trace_start'", helper.message_of(function()
      runtime.trace_start(7)
    end))
    assert.matches("without zero bytes", helper.message_of(function()
      runtime.trace_start("a\0b")
    end))
  end)

  it("is refused while lines are written", function()
    local child = helper.lagoon { "--trace=" .. helper.path("trace.txt"), "-e",
      "print(select(3, require('lagoon').runtime.trace_start('x.json')))" }
    assert.equal("EBUSY\n", child.out)
  end)

  it("tells when the disk is full", function()
    local child = helper.child { "sh", "-c", ("ulimit -f 40; exec %s %s"):format(helper.program,
      helper.file("script.lua", ([[
      local lagoon = require "lagoon"
      local path = %q
      assert(lagoon.runtime.trace_start(path))
      local ch = lagoon.chan()
      lagoon.go(function() for v in ch do end end)
      for i = 1, 20000 do ch:send(i) end
      print(select(3, lagoon.runtime.trace_stop()))
    ]]):format(helper.path("part.json")))) }
    assert.equal("", child.err)
    assert.equal("EFBIG\n", child.out)
    timelines.read(helper.path("part.json"))
  end)
end)
