-- SPDX-License-Identifier: MIT
--
-- The page in a browser: what it computes, what it draws, and what keys and clicks do. All in one
-- start of the browser, whose script says which facts hold.
local report = require "lagoon.report"
local browser = require "browser"
local pagefacts = require "pagefacts"

local HOSTILE = [[</script><script>document.title="owned"</script><img src=x onerror=alert(1)>]]

local SHOWN = {
  title = HOSTILE, command = HOSTILE, version = "7", when = "now", duration = 1000,
  totals = { procs = 2, goroutines = 4, alive = 1, channels = 1, cycles = 1, handovers = 1,
    sends = 2, recvs = 1 },
  notes = { { text = HOSTILE, bad = true } },
  reasons = { "chan receive", HOSTILE }, gaps = { 900, 50, 0, 1 },
  counters = { { name = HOSTILE, unit = "bytes", points = { 0, 2048, 500, 4096 } } },
  procs = { { p = 0, name = "P0", slices = { 0, 100, 1, 1, 200, 300, 2, 4 } },
    { p = 1, name = "P1", slices = { 50, 25, 3, 1 } } },
  goroutines = {
    { id = 1, name = HOSTILE, born = HOSTILE, start = 0, ["end"] = 1000, run = 100, ready = 5,
      waits = { { "chan receive", 1, 800 } }, state = "waiting: " .. HOSTILE,
      lane = { 0, 100, 0, 1, 100, 800, 2, 1, 900, 100, 3, 1 } },
    { id = 2, name = "second", born = "b.lua:2", start = 200, ["end"] = 500, run = 300, ready = 0,
      waits = {}, state = "ended", lane = { 200, 300, 0, 1 } },
    { id = 3, name = "__proto__", start = 50, ["end"] = 75, run = 25, ready = 0, waits = {},
      state = "ended", lane = {} },
  },
  handovers = { 300, 2, 310, 1, 1 },
  channels = { { id = 1, sends = 2, recvs = 1, handovers = 1, waits = 1, waited = 800,
    closed = true } },
  gc = { { n = 1, ts = 10, dur = 40, phases = { { HOSTILE, 10, 40 } },
    pauses = { { HOSTILE, 10, 5 } } } },
  stacks = { { name = HOSTILE, unit = "samples",
    stacks = { { "main;" .. HOSTILE, 3 }, { "main;b", 1 } } } },
}

-- Facts as JavaScript: each must be true.
local FACTS = [==[
  (globalThis.HOSTILE = JSON.parse(byId("data").textContent).title).length > 0
  // figures
  logic.time(0) === "0"
  logic.time(0.5) === "500\u202fns"
  logic.time(12.345) === "12.3\u202fµs"
  logic.time(999.7) === "1.00\u202fms"
  logic.time(1e6) === "1\u202fs"
  logic.time(125e6) === "2\u202fmin 5\u202fs"
  logic.time(7260e6) === "2\u202fh 1\u202fmin"
  logic.bytes(1023) === "1.00\u202fKB"
  logic.bytes(5) === "5\u202fB"
  logic.count(1234567) === "1\u2009234\u2009567"
  logic.percent(0.1234) === "12.3\u202f%"
  logic.percent(0.00001) === "<\u202f0.1\u202f%"
  // moments, as exact as a step
  logic.moment(0, 1) === "0"
  logic.moment(836500, 500) === "836.5\u202fms"
  logic.moment(1500100, 100) === "1.5001\u202fs"
  logic.moment(1170000, 1370) === "1.170\u202fs"
  logic.moment(0.05, 0.05) === "50\u202fns"
  logic.moment(3600e6 + 0.1, 0.1) === "60\u202fmin 0.0000001\u202fs"
  logic.moment(119.99999e6, 1e6) === "120\u202fs"
  logic.moment(3599.9999e6, 1e4) === "60\u202fmin 0.00\u202fs"
  logic.moment(10800e6, 1800e6) === "3\u202fh 0\u202fmin"
  logic.moment(7322.5e6, 5e5) === "2\u202fh 2\u202fmin 2.5\u202fs"
  // ticks
  same(logic.ticks(0, 3600e6, 500, 100), [0, 900e6, 1800e6, 2700e6, 3600e6])
  logic.tickStep(0, 100, 20) === 0
  same(logic.ticks(0, 1000, 500, 100), [0, 200, 400, 600, 800, 1000])
  same(logic.ticks(0.25, 0.95, 100, 20), [0.4, 0.6000000000000001, 0.8])
  same(logic.ticks(5, 5, 100, 20), [])
  // slices
  logic.firstAfter([0, 10, 1, 1, 20, 10, 2, 1], 10) === 4
  logic.firstAfter([0, 10, 1, 1, 20, 10, 2, 1], 9) === 0
  logic.firstAfter([], 9) === 0
  logic.sliceAt([0, 10, 1, 1, 20, 10, 2, 1], 25, 0) === 4
  logic.sliceAt([0, 10, 1, 1, 20, 10, 2, 1], 15, 1) === -1
  logic.sliceAt([0, 10, 1, 1, 20, 10, 2, 1], 12, 5) === 0
  logic.sliceAt([0, 10, 1, 1, 20, 10, 2, 1], 18, 5) === 4
  same(seen([0, 1, 1, 1, 2, 1, 1, 1, 50, 9, 2, 1], 0, 99, 5), [[0, 3, 1], [50, 59, 2]])
  same(seen([0, 1, 1, 1, 2, 1, 1, 1, 50, 9, 2, 1], 0, 99, 0.5), [[0, 1, 1], [2, 3, 1], [50, 59,
    2]])
  same(seen([0, 10, 1, 1, 20, 10, 2, 1], 12, 15, 1), [])
  same(seen([0, 1, 1, 1, 1, 3, 2, 1, 4, 1, 1, 1], 0, 99, 6), [[0, 5, 2]])
  same(seen([0, 1, 1, 1, 1, 3, 2, 1, 4, 1, 1, 1, 5, 3, 2, 1], 0, 99, 4.5), [[0, 4, 2], [4, 8, 2]])
  seen(Array.from({ length: 400 }, (_,
    i) => i % 4 === 0 ? i / 8 : i % 4 === 1 ? 0.5 : i >> 2 & 1), 0, 99, 2).length < 60
  logic.nextOf([0, 1, 0, 1, 2, 1, 3, 1, 4, 1, 0, 1], 0, 0, 1) === 8
  logic.nextOf([0, 1, 0, 1, 2, 1, 3, 1, 4, 1, 0, 1], 0, 4, -1) === 0
  logic.nextOf([0, 1, 0, 1, 2, 1, 3, 1, 4, 1, 0, 1], 0, 9, -1) === 8
  logic.nextOf([0, 1, 0, 1], 0, 0, -1) === -1 && logic.nextOf([0, 1, 0, 1], 0, 0, 1) === -1
  logic.nextOf([], 0, 0, 1) === -1 && logic.nextOf([], 0, 0, -1) === -1
  same([...logic.shares([[0, 10, 1, 1], [5, 10, 1, 1]], 0, 20, 4)], [1, 2, 1, 0])
  same([...logic.shares([[0, 10, 1, 1]], 0, 0, 1)], [0])
  // windows
  same(logic.clampView(-5, 10, 100, 1), { from: 0, to: 10 })
  same(logic.clampView(95, 10, 100, 1), { from: 90, to: 100 })
  same(logic.clampView(50, 0.1, 100, 1), { from: 50, to: 51 })
  same(logic.clampView(0, 500, 0, 1), { from: 0, to: 0 })
  same(logic.zoomView({ from: 0, to: 100 }, 0.5, 50, 100, 1), { from: 25, to: 75 })
  same(logic.zoomView({ from: 90, to: 100 }, 2, 100, 100, 1), { from: 80, to: 100 })
  same(logic.zoomView({ from: 50, to: 51 }, 0.5, 50, 100, 1), { from: 50, to: 51 })
  same(logic.zoomView({ from: 0, to: 0 }, 0.5, 0, 0, 1), { from: 0, to: 0 })
  // colours and texts
  logic.inkOn("#d9822b", 1, "#ffffff") === "#000000" && logic.inkOn("#0d1519", 1,
    "#ffffff") === "#ffffff"
  logic.inkOn("#0d1519", 0.1, "#ffffff") === "#000000"
  logic.head("ab🐟c", 3) === "ab" && logic.head("ab🐟c", 4) === "ab🐟"
  isReadable()
  // counters, order, search
  logic.valueAt([0, 5, 10, 7], 9) === 5
  logic.valueAt([1, 5], 0) === undefined
  same(logic.sorted([3, 1, 2], (n) => n, true), [3, 2, 1])
  same(logic.sorted(["b10", "b9", ""], (s) => s, false), ["b9", "b10", ""])
  same(logic.sorted([1, 2], () => undefined, false), [1, 2])
  logic.matches("Worker #12 a.lua", "a.LUA work") && !logic.matches("worker", "worker x")
  // stacks
  same(flat([["a;b", 3], ["a;c", 1], ["a", 2]]).slice(0, 2), [["all", 0, 0, 1], ["a", 1, 0, 1]])
  same(flat([["a;b", 3], ["a;c", 1], ["a", 2]]).slice(2), [["b", 2, 0, 0.5], ["c", 2, 0.5,
    1 / 6]])
  logic.flameTree([["a;b", 3], ["a", 2]]).children[0].self === 2
  logic.flameLayout(logic.flameTree([["a", 999], ["b", 1]]), 0.01).hidden === 1
  logic.flameTree([["__proto__;constructor", 1]]).children[0].children[0].name === "constructor"
  // the page
  document.documentElement.dataset.ready === "yes"
  document.documentElement.dataset.error === undefined
  document.title === byId("title").textContent + " – lagoon report"
  document.querySelectorAll("img").length === 0
  document.scripts.length === 4
  byId("title").textContent === HOSTILE
  byId("notes").textContent === HOSTILE
  stage.dataset.procs === "2" && stage.dataset.slices === "3"
  stage.dataset.lanes === "2" && stage.dataset.laneSlices === "4"
  stage.dataset.handovers === "1"
  rows().length === 3
  document.querySelectorAll("#channels-table tbody tr").length === 1
  document.querySelectorAll("#collector-table tbody tr").length === 1
  frames().length === 4
  isDrawn(byId("tracks")) && isDrawn(byId("lanes")) && isDrawn(byId("overview"))
  // the table
  same(rows(), ["2", "1", "3"])
  (click(heading("Goroutine")), same(rows(), ["1", "2", "3"]))
  (click(heading("Goroutine")), same(rows(), ["3", "2", "1"]))
  heading("Goroutine").parentElement.getAttribute("aria-sort") === "descending"
  (type("goroutines-filter", "second b.lua"), same(rows(), ["2"]))
  (type("goroutines-filter", "nobody"), rows().length === 0)
  byId("goroutines-table").textContent.includes("None fits.")
  (type("goroutines-filter", ""), rows().length === 3)
  // keys
  (key("ArrowDown"), byId("picked").textContent.includes(HOSTILE))
  (key("ArrowDown"), byId("picked").querySelector("h3").textContent === "second")
  document.querySelector("tr.is-picked").dataset.id === "2"
  (key("Escape"), byId("picked").hidden)
  (click(document.querySelector("tr[data-id='2'] button")), !byId("picked").hidden)
  byId("picked").querySelector("h3").textContent === "second"
  ["+", "-", "ArrowLeft", "ArrowRight", "[", "]", "0", "w", "a", "s", "d"].every((k) => key(k))
  key("x") === false
  // the flame graph
  (type("flame-search", "b"), document.querySelectorAll(".flame .dim").length === 3)
  (type("flame-search", ""), document.querySelectorAll(".flame .dim").length === 0)
  (click(frames()[3]), document.querySelectorAll(".flame .above").length === 2)
  (kept = document.documentElement.dataset.theme, click(byId("theme")), true)
  document.documentElement.dataset.theme === (kept === "dark" ? "light" : "dark")
  isReadable()
  byId("broken").hidden
]==]

describe("the report's page", function()
  it("computes, draws and reacts, and keeps names what they are", browser.with(function()
    local wrong, nfacts = pagefacts.judge(SHOWN, FACTS)
    assert.equal("", wrong)
    assert.is_true(nfacts > 60)
  end))

  it("loads nothing from elsewhere", function()
    local page = report.page({ title = "x" }, "12ab")
    assert.is_nil(page:find("https?://"))
    assert.is_nil(page:find("%ssrc="))
    assert.is_nil(page:find("@import"))
    assert.is_nil(page:find("url(", 1, true))
    assert.matches("default%-src 'none'", page)
  end)

  it("has no text of the program's outside of its data", function()
    local page = report.page(SHOWN, "12ab")
    local _, nends = page:gsub("</script>", "")
    assert.equal(3, nends)
    assert.is_nil(page:find("<img", 1, true))
  end)
end)
