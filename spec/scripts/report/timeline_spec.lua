-- SPDX-License-Identifier: MIT
--
-- The timeline in a browser: a run of hours, more lanes than fit, and one in which nothing was.
local browser = require "browser"
local pagefacts = require "pagefacts"

local HOURS = 3 * 3600e6

local LONG = pagefacts.shown {
  duration = HOURS, reasons = { "chan receive" }, gaps = { HOURS / 2, HOURS / 2, 0, 1 },
  procs = { { p = 0, name = "P0", slices = { 0, HOURS / 4, 1, 1 } } },
  goroutines = pagefacts.goroutines(60, HOURS),
}

local LONG_FACTS = [==[
  // one scale, also beside a scroll bar
  byId("lanes-box").offsetWidth > byId("lanes-box").clientWidth
  byId("tracks").clientWidth === byId("lanes").clientWidth
  byId("overview").clientWidth === byId("lanes").clientWidth
  // the axis tells moments apart, however far it is zoomed
  same(await axis(), ["30\u202fmin", "60\u202fmin", "90\u202fmin", "2\u202fh 0\u202fmin",
    "2\u202fh 30\u202fmin"])
  [..."+".repeat(20)].every((k) => key(k))
  (kept = await axis(), kept.length > 1 && new Set(kept).size === kept.length)
  [..."+".repeat(40)].every((k) => key(k))
  (kept = await axis(), kept.length > 1 && new Set(kept).size === kept.length)
  (key("0"), (await axis()).length === 5)
  // the right button is the browser's
  (kept = await axis(), point("tracks", "pointerdown", 400, 40, { button: 2 }), point("tracks",
    "pointermove", 600, 40), true)
  same(await axis(), kept)
  (key("+"), kept = await axis(), point("tracks", "pointerdown", 400, 40, { button: 2 }),
    point("tracks", "pointermove", 600, 40), true)
  same(await axis(), kept)
  // the left one moves, until it is let go or taken away
  (point("tracks", "pointerdown", 400, 40), point("tracks", "pointermove", 600, 40),
    !same(await axis(), kept))
  (kept = await axis(), point("tracks", "lostpointercapture", 600, 40), point("tracks",
    "pointermove", 300, 40), same(await axis(), kept))
  // the overview: a hand that shakes in a click does not zoom, nor does the gutter have a time
  (key("0"), kept = await axis(), true)
  (point("overview", "pointerdown", 600, 20), point("overview", "pointermove", 602, 20),
    point("overview", "pointerup", 602, 20), same(await axis(), kept))
  (point("overview", "pointerdown", 400, 20, { button: 2 }), point("overview", "pointermove",
    600, 20), same(await axis(), kept))
  (point("overview", "pointerdown", 400, 20), point("overview", "pointermove", 152, 20),
    point("overview", "pointerup", 152, 20), kept = await axis(), kept.length > 1)
  (key("0"), point("overview", "pointerdown", 400, 20), point("overview", "pointermove", 10,
    20), point("overview", "pointerup", 10, 20), same(await axis(), kept))
  // slices by keys, also where the window cannot have them in its middle
  (key("0"), key("ArrowDown"), key("]"), kept = [byId("said").textContent], key("]"),
    kept.push(byId("said").textContent), true)
  kept[0].startsWith("g1, runs, 54") && kept[0].includes("108\u202fmin")
    && kept[1].includes("2\u202fh 56\u202fmin")
  (key("]"), byId("said").textContent === kept[1])
  (key("["), byId("said").textContent === kept[0])
  (key("["), byId("said").textContent.includes("18\u202fmin"))
  (key("["), byId("said").textContent.includes("108\u202fs"))
  !byId("tip").hidden && byId("tip").textContent.startsWith("g1runs")
  (key("Escape"), byId("tip").hidden)
  // lanes that are searched by what they show
  (type("lane-filter", "#12"), kept = new Set(await written("lanes")), kept.has("#12")
    && kept.has("g12") && kept.size === 2)
  byId("empty").hidden
  (type("lane-filter", "nobody"), await settled(), byId("lanes-box").hidden
    && byId("empty").textContent === "No goroutine fits.")
  !byId("empty").hidden
  (type("lane-filter", ""), await settled(), byId("empty").hidden && !byId("lanes-box").hidden)
  // a gap reaches as far as a wide window does
  (byId("timeline").style.width = "5400px", await settled(), byId("tracks").clientWidth > 5000)
  (kept = byId("tracks"), kept.getContext("2d").getImageData(kept.width - 300, kept.height - 3,
    90, 1).data.every((byte, i) => i % 4 < 3 || byte > 0))
  document.documentElement.dataset.error === undefined
]==]

local NOTHING_FACTS = [==[
  document.documentElement.dataset.ready === "yes"
  (await settled(), !byId("empty").hidden)
  byId("empty").textContent === "No goroutine was seen at work."
  byId("goroutines-table").textContent === "No goroutine was seen."
  ["+", "-", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "[", "]", "0",
    "Escape"].every((k) => key(k))
  (await written("tracks")).every((text) => !text.includes("NaN"))
  (point("overview", "pointerdown", 400, 20), point("overview", "pointermove", 600, 20),
    point("overview", "pointerup", 600, 20), true)
  (point("tracks", "pointermove", 400, 20), byId("tip").hidden)
  document.documentElement.dataset.error === undefined
]==]

describe("the report's timeline", function()
  it("stays exact and at hand in a run of hours with many lanes", browser.with(function()
    local wrong, nfacts = pagefacts.judge(LONG, LONG_FACTS)
    assert.equal("", wrong)
    assert.is_true(nfacts > 30)
  end))

  it("shows a run in which nothing was seen", browser.with(function()
    local wrong, nfacts = pagefacts.judge(pagefacts.shown {}, NOTHING_FACTS)
    assert.equal("", wrong)
    assert.equal(9, nfacts)
  end))
end)
