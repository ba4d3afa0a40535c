-- SPDX-License-Identifier: MIT
--
-- From the events of a trace to what the page shows.
local json = require "lagoon.report.json"
local events = require "lagoon.report.events"
local data = require "lagoon.report.data"

-- A file's lines, of events.
local function lines_of(list)
  local lines = { '{"displayTimeUnit":"ns","otherData":{"version":"7"},"traceEvents":[' }
  for _, event in ipairs(list) do lines[#lines + 1] = json.write(event) .. "," end
  lines[#lines + 1] = "]}"
  local i = 0
  return function()
    i = i + 1
    return lines[i]
  end
end

local function report_of(list, collapsed)
  local about = { title = "x.lua", command = "lagoon x.lua", version = "7", when = "now" }
  return data.of(events.gather(lines_of(list)), about, collapsed or "")
end

local function with_bad_ends(list, bad_ends)
  local about = { title = "x.lua", command = "lagoon x.lua", version = "7", when = "now",
    bad_ends = bad_ends }
  return data.of(events.gather(lines_of(list)), about, "")
end

local function named(lane, name)
  return { ph = "M", name = "thread_name", pid = 2, tid = lane, args = { name = name } }
end

local function slice(cat, name, pid, tid, ts, dur, args)
  return { ph = "X", cat = cat, name = name, pid = pid, tid = tid, ts = ts, dur = dur, args = args }
end

local function instant(cat, name, ts, args)
  return { ph = "i", s = "t", cat = cat, name = name, pid = 1, tid = 1, ts = ts, args = args }
end

-- Goroutine 7 sends to 1, which waits for it.
local HANDOVER = {
  named(1, "1 main (a.lua:1)"), named(2, "7 (a.lua:9)"),
  instant("go", "start", 0, { g = 1 }), instant("go", "start", 5, { g = 7, by = 1 }),
  slice("run", "main", 1, 1, 1, 9, { g = 1 }),
  slice("state", "running", 2, 1, 1, 9, { g = 1, p = 0 }),
  slice("wait", "chan receive", 2, 1, 10, 20, { g = 1 }),
  slice("state", "runnable", 2, 1, 30, 2, { g = 1, by = 7 }),
  slice("state", "running", 2, 1, 32, 8, { g = 1, p = 0 }),
  slice("state", "runnable", 2, 2, 5, 6, { g = 7 }),
  slice("state", "running", 2, 2, 11, 20, { g = 7, p = 1 }),
  slice("run", "main", 1, 1, 32, 8, { g = 1 }),
  slice("run", "a.lua:9", 1, 2, 11, 20, { g = 7 }),
  { ph = "f", bp = "e", cat = "chan", name = "chan 3", id = 9, pid = 2, tid = 1, ts = 32 },
  { ph = "s", cat = "chan", name = "chan 3", id = 9, pid = 2, tid = 2, ts = 30 },
  instant("chan", "send", 30, { g = 7, chan = 3 }),
  instant("chan", "close", 31, { g = 7, chan = 3 }),
  instant("go", "end", 31, { g = 7 }),
}

-- Goroutine 7 waits until 1 takes what it sends; then 1 takes what is in the buffer.
local TAKEN = {
  named(1, "1"), named(2, "7"),
  slice("state", "running", 2, 1, 0, 100, { g = 1, p = 0 }),
  slice("state", "running", 2, 2, 0, 10, { g = 7, p = 1 }),
  slice("wait", "chan send", 2, 2, 10, 21, { g = 7 }),
  instant("chan", "recv", 30, { g = 1, chan = 3 }),
  { ph = "s", cat = "chan", name = "chan 3", id = 1, pid = 2, tid = 2, ts = 30 },
  { ph = "f", bp = "e", cat = "chan", name = "chan 3", id = 1, pid = 2, tid = 1, ts = 30 },
  instant("chan", "send", 5, { g = 7, chan = 4 }), instant("chan", "recv", 50, { g = 1, chan = 4 }),
  { ph = "s", cat = "chan", name = "chan 4", id = 2, pid = 2, tid = 2, ts = 5 },
  { ph = "f", bp = "e", cat = "chan", name = "chan 4", id = 2, pid = 2, tid = 1, ts = 50 },
}

describe("the report's data", function()
  it("has a track for each P, in the order of time", function()
    local shown = report_of(HANDOVER)
    assert.equal(2, #shown.procs)
    assert.same({ 1, 9, 1, 1, 32, 8, 1, 1 }, shown.procs[1].slices)
    assert.same({ 11, 20, 7, 1 }, shown.procs[2].slices)
    assert.equal(40, shown.duration)
  end)

  it("has a track for what ran where no P was known", function()
    local shown = report_of { slice("state", "running", 2, 1, 5, 7, { g = 4 }) }
    assert.same({ { p = 9999, name = "no P", slices = { 5, 7, 4, 1 } } }, shown.procs)
    assert.equal(7, shown.goroutines[1].run)
    assert.equal(0, shown.totals.procs)
  end)

  it("tells of each goroutine", function()
    local main, other = unpack(report_of(HANDOVER).goroutines)
    assert.same({ "main", "a.lua:1", 17, 2, { { "chan receive", 1, 20 } }, "running" },
      { main.name, main.born, main.run, main.ready, main.waits, main.state })
    assert.same({ 7, nil, "a.lua:9", 1, 5, 31, 20, 6, {}, "ended" },
      { other.id, other.name, other.born, other.by, other.start, other["end"], other.run,
        other.ready, other.waits, other.state })
  end)

  it("counts what the waiting side of a hand-over has done", function()
    local ch = report_of(HANDOVER).channels[1]
    assert.same({ id = 3, sends = 1, recvs = 1, handovers = 1, waits = 1, waited = 20,
      closed = true }, ch)
    assert.same({
      { id = 3, sends = 1, recvs = 1, handovers = 1, waits = 1, waited = 21, closed = false },
      { id = 4, sends = 1, recvs = 1, handovers = 1, waits = 0, waited = 0, closed = false },
    }, report_of(TAKEN).channels)
  end)

  it("has an arrow from who sends to who receives", function()
    assert.same({ 30, 7, 32, 1, 3 }, report_of(HANDOVER).handovers)
  end)

  it("says what a goroutine waits for in the end", function()
    local shown = report_of { slice("io", "io wait", 2, 1, 0, 5, { g = 4 }) }
    assert.equal("waiting: io wait", shown.goroutines[1].state)
    assert.equal(1, shown.totals.alive)
  end)

  it("says who has failed, also if the trace does not know of its end", function()
    local shown = with_bad_ends({ slice("state", "running", 2, 1, 0, 9, { g = 1, p = 0 }),
      instant("go", "end", 9, { g = 2 }), instant("go", "end", 9, { g = 3 }) },
      { { id = 1, why = "oh" }, { id = 2 }, { id = 99, why = "not in the trace" } })
    local said = {}
    for i, g in ipairs(shown.goroutines) do
      said[i] = { g.id, g.state, g.why }
    end
    assert.same({ { 1, "failed", "oh" }, { 2, "cancelled" }, { 3, "ended" },
      { 99, "failed", "not in the trace" } }, said)
    assert.equal(0, shown.totals.alive)
  end)

  it("does not say that one is alive which went into a gap, and has not come out", function()
    local shown = report_of { slice("state", "runnable", 2, 1, 0, 10, { g = 1 }),
      slice("wait", "sleep", 2, 2, 0, 10, { g = 2 }), instant("go", "start", 5, { g = 3 }),
      slice("wait", "sleep", 2, 4, 0, 50, { g = 4 }),
      slice("gap", "not recorded", 4, 1, 10, 20, {}),
      { ph = "C", cat = "counter", name = "goroutines", pid = 1, ts = 3, args = { count = 4 } },
      { ph = "C", cat = "counter", name = "goroutines", pid = 1, ts = 50, args = { count = 1 } } }
    local states = {}
    for i, g in ipairs(shown.goroutines) do states[i] = g.state end
    assert.same({ "last seen ready", "last seen waiting: sleep", "last seen alive",
      "waiting: sleep" }, states)
    assert.equal(1, shown.totals.alive)
  end)

  it("has the collector's cycles, with their phases and stops", function()
    local shown = report_of { slice("gc", "begin", 3, 2, 5, 2, { cycle = 1 }),
      slice("gc", "mark", 3, 1, 7, 10, { cycle = 1 }),
      slice("gc", "finish", 3, 2, 17, 3, { cycle = 1 }) }
    assert.same({ { n = 1, ts = 5, dur = 15, phases = { { "mark", 7, 10 } },
      pauses = { { "begin", 5, 2 }, { "finish", 17, 3 } } } }, shown.gc)
  end)

  it("gives a stop of the world to the nearest cycle", function()
    local shown = report_of {
      slice("gc", "begin", 3, 2, 5, 2, {}), slice("gc", "begin", 3, 2, 45, 2, {}),
      slice("gc", "mark", 3, 1, 7, 10, { cycle = 1 }),
      slice("gc", "mark", 3, 1, 47, 10, { cycle = 2 }) }
    assert.same({ { { "begin", 5, 2 } }, { { "begin", 45, 2 } } },
      { shown.gc[1].pauses, shown.gc[2].pauses })
  end)

  it("has counters, and gaps with a note", function()
    local shown = report_of {
      { ph = "C", cat = "counter", name = "heap", pid = 1, ts = 1, args = { bytes = 5 } },
      slice("gap", "not recorded", 4, 1, 10, 2000) }
    assert.same({ { name = "Memory", unit = "bytes", points = { 1, 5 } } }, shown.counters)
    assert.same({ 10, 2000, 0, 1 }, shown.gaps)
    assert.matches("1 gap, 2 ms", shown.notes[1].text)
  end)

  it("takes names with anything in them", function()
    local gs = report_of { named(1, "3 a (b) c)( (x y.lua:12)"), named(2, "4 plain"),
      named(3, "5") }.goroutines
    assert.same({ "a (b) c)(", "x y.lua:12" }, { gs[1].name, gs[1].born })
    assert.same({ "plain" }, { gs[2].name, gs[2].born })
    assert.same({}, { gs[3].name, gs[3].born })
  end)

  it("adds up stacks", function()
    local shown = report_of({},
      "# cpu\na;b c 2\na;b c 3\na 1\nnonsense\n# x 7\n# delay\n# mutex_delay\na 1\n")
    assert.same({
      { name = "CPU", unit = "us", stacks = { { "# x", 7 }, { "a;b c", 5 }, { "a", 1 } } },
      { name = "Mutexes", unit = "us", stacks = { { "a", 1 } } } }, shown.stacks)
  end)

  it("passes over what it does not know", function()
    local shown = report_of { { ph = "Z", ts = 1 }, { ph = "X" }, { ph = "i", cat = "chan" },
      { ph = "C", name = "x", ts = 1, args = { y = 1 } }, { ph = "s", id = 1, name = "?" } }
    assert.same({}, shown.goroutines)
  end)
end)

describe("the report of a big run", function()
  local most = data.most
  local kept = {}

  before_each(function()
    for key, value in pairs(most) do kept[key] = value end
    most.proc_slices, most.lane_slices, most.goroutines, most.points = 300, 500, 100, 50
    most.handovers, most.channels, most.cycles, most.stacks = 10, 5, 5, 3
  end)

  after_each(function()
    for key, value in pairs(kept) do most[key] = value end
  end)

  -- Slices of 1 us each, on one P and in one lane, of several goroutines.
  local function big(nslices, ngoroutines)
    local list = {}
    for i = 1, nslices do
      local g = i % ngoroutines + 1
      list[#list + 1] = slice("run", "x", 1, 1, i * 2, 1, { g = g })
      list[#list + 1] = slice("wait", "sleep", 2, g, i * 2 - 1, 1, { g = g })
    end
    return list
  end

  it("cuts a long name between two characters", function()
    local fish = "\240\159\144\159"
    local report = report_of { named(1, "1 x" .. fish:rep(60)), named(2, "2 " .. fish:rep(60)),
      named(3, "3 " .. ("a"):rep(300)) }
    local names = {}
    for _, g in ipairs(report.goroutines) do names[g.id] = g.name end
    assert.same({ "x" .. fish:rep(49) .. "...", fish:rep(50) .. "...", ("a"):rep(200) .. "..." },
      names)
  end)

  it("joins short slices, keeps the sums, and says so", function()
    local shown = report_of(big(1500, 3))
    local n, nslices = 0, #shown.procs[1].slices
    for i = 4, nslices, 4 do n = n + shown.procs[1].slices[i] end
    assert.equal(1500, n)
    assert.is_true(nslices / 4 <= 300)
    assert.equal(500, shown.goroutines[1].run)
    assert.same({ { "sleep", 500, 500 } }, shown.goroutines[1].waits)
    assert.matches("more slices than a page can hold", shown.notes[1].text)
  end)

  it("shows some of many goroutines, those alive first, and says so", function()
    local list = big(300, 300)
    for g = 1, 250 do list[#list + 1] = instant("go", "end", 700, { g = g }) end
    local shown = report_of(list)
    assert.equal(100, #shown.goroutines)
    local nalive = 0
    for _, g in ipairs(shown.goroutines) do nalive = nalive + (g.state == "ended" and 0 or 1) end
    assert.equal(50, nalive)
    assert.equal(300, shown.totals.goroutines)
    assert.matches("100 of 300 goroutines", shown.notes[1].text)
  end)

  it("keeps the peaks of counters", function()
    local list = {}
    for i = 1, 1000 do
      list[i] = { ph = "C", cat = "counter", name = "runnable", pid = 1, ts = i,
        args = { count = i == 777 and 99 or 1 } }
    end
    local points, highest = report_of(list).counters[1].points, 0
    for i = 2, #points, 2 do highest = math.max(highest, points[i]) end
    assert.equal(100, #points)
    assert.equal(99, highest)
  end)

  it("shows some hand-overs, channels, cycles and stacks, and says so", function()
    local list, stacks = {}, { "# cpu" }
    for i = 1, 20 do
      for lane, ph in ipairs { "s", "f" } do
        list[#list + 1] = { ph = ph, cat = "chan", name = "chan 1", id = i, pid = 2, tid = lane,
          ts = i }
      end
      list[#list + 1] = instant("chan", "send", i, { g = 1, chan = i })
      list[#list + 1] = slice("gc", "mark", 3, 1, i, i, { cycle = i })
      stacks[i + 1] = ("f%d %d"):format(i, i)
    end
    local shown = report_of(list, table.concat(stacks, "\n"))
    assert.same({ 50, 5, 5, 3 }, { #shown.handovers, #shown.channels, #shown.gc,
      #shown.stacks[1].stacks })
    assert.equal(16, shown.gc[1].n)
    assert.same({ "f20", 20 }, shown.stacks[1].stacks[1])
    local notes = {}
    for i, note in ipairs(shown.notes) do notes[i] = note.text end
    notes = table.concat(notes, "\n")
    for _, told in ipairs { "5 of 20 channels", "5 longest of 20 cycles", "10 of 20 hand%-overs",
      "17 rarest stacks" } do
      assert.matches(told, notes)
    end
  end)
end)
