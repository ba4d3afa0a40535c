-- SPDX-License-Identifier: MIT
--
-- The pictures of the tour: a state in, lines out.
local channels = require "lagoon.repl.tour.channels"
local collector = require "lagoon.repl.tour.collector"
local goroutines = require "lagoon.repl.tour.goroutines"
local heap = require "lagoon.repl.tour.heap"
local pen = require "lagoon.repl.tour.pen"
local ps = require "lagoon.repl.tour.ps"

local function ascii(columns)
  return pen.new { columns = columns or 60, is_utf8 = false }
end

local function width_of(row)
  return #row:gsub("\27%[[%d;]*m", ""):gsub("[\128-\191]", "")
end

-- Whether no row is wider than the terminal, in every width, with both sets of characters.
local function fits(draw)
  for _, columns in ipairs { 20, 40, 79, 200 } do
    for _, is_utf8 in ipairs { true, false } do
      local paint = function(_, text) return "\27[1m" .. text .. "\27[0m" end
      local rows = draw(pen.new { columns = columns, is_utf8 = is_utf8, paint = paint })
      for _, row in ipairs(rows) do
        assert.is_true(width_of(row) <= columns, row)
        assert.is_true(is_utf8 or not row:find "[\128-\255]", row)
      end
    end
  end
end

describe("tour.pen", function()
  it("sees the locale as setlocale does", function()
    local function is_utf8(env)
      return pen.is_utf8(function(name) return env[name] end)
    end
    assert.is_true(is_utf8 { LANG = "en_US.UTF-8" })
    assert.is_true(is_utf8 { LC_CTYPE = "C.utf8", LANG = "C" })
    assert.is_false(is_utf8 { LC_ALL = "C", LANG = "de_DE.UTF-8" })
    assert.is_true(is_utf8 { LC_ALL = "", LANG = "de_DE.UTF-8" })
    assert.is_false(is_utf8 {})
  end)

  it("cuts lines where they end, and fills them up to a column", function()
    local p = ascii(10)
    assert.equal("12345678ab", p:line():add "12345678":add "abc":add "d":text())
    assert.equal("ab   c", p:line():add "ab":to(5):add "c":text())
    assert.equal("ab", p:line():add "ab":to(1):text())
  end)

  it("wraps paragraphs at words", function()
    assert.same({ "one two", "three", "", "four" }, ascii(10):wrap "one two\nthree\n\nfour\n")
    assert.same({ "averylongword", "x" }, ascii(10):wrap "averylongword x")
  end)

  it("draws boxes of one width, beside each other as far as there is room", function()
    local p = ascii(24)
    local box = p:box("P0", { p:line(8):add "runs" }, 12)
    assert.same({ "+- P0 -----+", "| runs     |", "+----------+" }, box)
    assert.equal(6, #p:beside({ box, box }, 12))
    assert.same("+- P0 -----+ +- P0 -----+", ascii(25):beside({ box, box }, 12)[1])
  end)

  it("shows the least part of a bar", function()
    local p = ascii(10)
    local parts = { { 1, "#" }, { 999, "-" } }
    assert.equal("#---------", p:bar(p:line(), parts, 1000, 10):text())
    assert.equal("", p:bar(p:line(), { { 0, "#" } }, 0, 10):text())
  end)
end)

describe("tour.goroutines", function()
  local list = {
    { id = 7, name = "hare", status = "waiting", wait_reason = "sleep", wait_seconds = 0.25 },
    { id = 8, status = "running" },
  }

  it("lists what each does", function()
    assert.same({ "G7   hare       waiting  sleep, for 250.0 ms", "G8              running  " },
      goroutines.list(ascii(), list))
    assert.same({ "none is alive" }, goroutines.list(ascii(), {}))
    fits(function(p) return goroutines.list(p, list) end)
  end)

  local events = {
    { kind = "start", time = 0, p = 0, g = 7, arg = 1 },
    { kind = "run", time = 10, p = 0, g = 7, arg = 0 },
    { kind = "start", time = 15, p = 0, g = 8, arg = 7 },
    { kind = "yield", time = 20, p = 0, g = 7, arg = 0, what = "preempted" },
    { kind = "run", time = 20, p = 1, g = 8, arg = 0 },
    { kind = "ready", time = 25, p = 1, g = 8, arg = 0 }, -- of a wait that is over
    { kind = "park", time = 30, p = 1, g = 8, arg = 0, what = "sleep" },
    { kind = "run", time = 30, p = 0, g = 7, arg = 0 },
    { kind = "end", time = 40, p = 0, g = 7, arg = 0 },
    { kind = "run", time = 40, p = 0, g = 9, arg = 0 },
  }
  local function is_shown(g) return g ~= 9 end

  it("makes lanes of a trace", function()
    local lanes = goroutines.lanes(events, is_shown)
    assert.equal(2, #lanes)
    assert.equal(7, lanes[1].g)
    assert.equal(2, lanes[1].nslices)
    assert.equal(1, lanes[1].npreempted)
    assert.equal(20, lanes[1].ran)
    assert.same({ from = 20, to = 30, state = "run", p = 1 }, lanes[2].spans[2])
    assert.same({ from = 30, to = 40, state = "waiting", p = 1 }, lanes[2].spans[3])
  end)

  it("draws them with the Ps' numbers, up to a moment", function()
    local lanes = goroutines.lanes(events, is_shown)
    local names = { [7] = "a name that is too long" }
    local rows = goroutines.timeline(ascii(55), lanes, names, { from = 0, to = 40 })
    assert.equal("G7   a name th ----------0000000000----------0000000000", rows[1])
    assert.equal("G8                            -----1111111111..........", rows[2])
    assert.equal("               0                                40.00 s", rows[3])
    local half = goroutines.timeline(ascii(55), lanes, {}, { from = 0, to = 40, upto = 15 })
    assert.equal("G7             ----------00000", half[1])
    fits(function(p) return goroutines.timeline(p, lanes, names, { from = 0, to = 40 }) end)
  end)
end)

describe("tour.ps", function()
  it("draws boxes, or rows where there are many", function()
    local boxes = { { number = 0, runs = "G7", queued = 3, nstolen = 1 },
      { number = 1, queued = 0, is_aside = true } }
    assert.same({
      "+- P0 -------------------------------+", "| runs  G7                           |",
      "| queue ##@ 3                        |", "+------------------------------------+",
      "+- P1 aside -------------------------+", "| idle                               |",
      "| queue empty                        |", "+------------------------------------+",
    }, ps.draw(ascii(), boxes))
    local many = {}
    for i = 1, 64 do
      many[i] = { number = i - 1, queued = i * 10, runs = "G" .. i }
    end
    assert.equal(64, #ps.draw(ascii(), many))
    fits(function(p) return ps.draw(p, many) end)
    fits(function(p) return ps.draw(p, boxes) end)
  end)

  local function job(kind, p, arg, g)
    return { kind = kind, time = 0, p = p, arg = arg or 0, g = g or 0 }
  end

  it("tells what moved, the same moves together", function()
    local moves = ps.moves({ job("job", 1, 5), job("job", 1, 5), job("job", 1, 5),
      job("steal", 0, 1), job("steal", 0, 1), job("job begin", 0), job("run", 0, 0, 9),
      job("steal", 1, 0, 9), job("job begin", 1) }, { [9] = "nine" })
    local texts = {}
    for i, move in ipairs(moves) do
      texts[i] = move.text
    end
    assert.same({ "P1 queues 3 tasks", "P0 steals 2 tasks from P1", "P0 takes 1 task",
      "P1 steals G9 nine from P0", "P1 takes 1 task" }, texts)
    assert.same({ { number = 0, queued = 2, nstolen = 2, note = "runs nothing" },
      { number = 1, queued = 1, note = "runs nothing" } }, moves[2].boxes)
    assert.equal("G9 nine", moves[4].boxes[1].runs)
  end)

  it("sees that a queue has gone to the global one", function()
    local moves = ps.moves({ job("job", 0), job("job", 0), job("job", 0), job("job begin", 2) }, {})
    assert.equal("P2 takes 1 task out of the global queue", moves[2].text)
    assert.equal(2, moves[2].nglobal)
    assert.equal(0, moves[2].boxes[1].queued)
  end)
end)

describe("tour.channels", function()
  local list = {
    { name = "jobs", length = 2, cap = 4, is_closed = false, senders = { 5, 6, count = 2 },
      receivers = { count = 0 } },
    { name = "done", length = 0, cap = 0, is_closed = true, senders = { count = 0 },
      receivers = { 7, count = 9 } },
  }

  it("shows who waits on both sides of the buffer", function()
    assert.same({ "  send -> buffer -> receive", "jobs  2 of 4 buffered",
      "  G5 G6 -> |##..| -> nobody", "done  unbuffered, closed", "  nobody -> || -> G7 ...",
    }, channels.draw(ascii(), list))
    fits(function(p) return channels.draw(p, list) end)
  end)
end)

describe("tour.probe", function()
  it("knows a channel whose waiters it cannot see at the moment", function()
    local core = require "lagoon.core"
    local chan_info = core.chan_info
    core.chan_info = function(ch)
      local info = chan_info(ch)
      info.receivers, info.senders, info.waiters = nil, nil, nil -- as when others use it
      return info
    end
    local probe = require "lagoon.repl.tour.probe"
    local ch = require "lagoon".chan(3)
    local ok, seen = pcall(function() return probe.new({ jobs = ch }, 1):channel "jobs" end)
    core.chan_info = chan_info
    assert.same({ true, { name = "jobs", length = 0, cap = 3, is_closed = false,
      receivers = { count = 0 }, senders = { count = 0 } } }, { ok, seen })
  end)
end)

describe("tour.heap", function()
  local function class(bytes, spans, blocks, cached)
    return { block_bytes = bytes, span_bytes = 8192, spans = spans, blocks = blocks,
      cached_blocks = cached }
  end
  local before = { class(32, 1, 10, 0), class(64, 1, 10, 0), class(128, 1, 10, 0) }
  local now = { class(32, 1, 10, 0), class(64, 2, 200, 16), class(128, 1, 20, 4) }
  local memory = { objects = 4 * 1024 * 1024, unused = 2 * 1024 * 1024, idle = 2 * 1024 * 1024 }

  it("has the classes that have changed, by size", function()
    local rows = heap.busiest(now, before, 2)
    assert.equal(64, rows[1].block_bytes)
    assert.equal(40, rows[1].free)
    assert.equal(128, rows[2].block_bytes)
  end)

  it("draws blocks in use, in caches and free, and the pages", function()
    local rows = heap.busiest(now, before, 2)
    assert.same({
      "    64 B ######################%%----    200 used   2 spans",
      "   128 B ####%---------                   20 used   1 spans",
      "pages    ##############-------....... 8.0 MB backed",
      "# in use  % in mcaches  - free in spans  . idle pages",
    }, heap.draw(ascii(59), rows, memory))
    fits(function(p) return heap.draw(p, rows, memory) end)
  end)
end)

describe("tour.collector", function()
  local function sample(time, heap_bytes, black_bytes, phase)
    return { time = time, heap_bytes = heap_bytes, black_bytes = black_bytes, grey = 3,
      phase = phase }
  end
  local samples = { sample(0, 1000, 0, "off"), sample(1, 1000, 500, "mark"),
    sample(2, 1000, 600, "sweep"), sample(3, 600, 0, "off") }

  it("draws the colours of a moment", function()
    assert.same({ "phase: mar", "#####-----",
      "black 500 " }, collector.colours(ascii(10), samples[2], 1000))
    fits(function(p) return collector.colours(p, samples[2], 1000) end)
  end)

  it("draws the heap and the phases over time", function()
    assert.same({
      "1000 B   ---- ", "         ---- ", "         -###-", "         ####-", "         ####-",
      "phase    MMSS.",
    }, collector.history(ascii(14), { samples[1], sample(0.9, 1000, 500, "mark"),
      sample(1.9, 1000, 600, "mark"), sample(2.9, 1000, 600, "sweep"), sample(5, 600, 0, "off") }))
    assert.same({}, collector.history(ascii(), {}))
    fits(function(p) return collector.history(p, samples) end)
  end)
end)
