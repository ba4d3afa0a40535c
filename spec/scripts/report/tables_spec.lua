-- SPDX-License-Identifier: MIT
--
-- The tables in a browser: focus stays where it was, and names stay beside their numbers.
local browser = require "browser"
local pagefacts = require "pagefacts"

local BACKWARDS = "\226\128\174evil"

local goroutines = pagefacts.goroutines(60, 1000)
goroutines[60].name = BACKWARDS

local MANY = pagefacts.shown {
  duration = 1000, reasons = { "chan receive" }, goroutines = goroutines,
  channels = { { id = 1, sends = 2, recvs = 1, handovers = 1, waits = 1, waited = 800,
    closed = true } },
}

local FACTS = [==[
  rows().length === 50 && rows()[0] === "60"
  // a name that turns what stands behind it around does not reach the number
  document.querySelector("tr[data-id='60'] bdi").textContent === "\u202eevil"
  document.querySelector("tr[data-id='60'] .id").parentElement.textContent === "\u202eevil #60"
  // picking changes no rows
  (kept = document.querySelector("tr[data-id='60'] button"), kept.focus(), key("ArrowDown"),
    document.activeElement === kept)
  (key("ArrowUp"), document.querySelectorAll("tr.is-picked").length <= 1)
  // a click shows a goroutine in the timeline, whose keys go on there
  (click(kept), document.activeElement === stage)
  document.querySelector("tr.is-picked").dataset.id === "60"
  (key("Escape"), document.querySelectorAll("tr.is-picked").length === 0)
  // what is seen by pointing at a bar is said, too
  document.querySelector("tr[data-id='60'] .bar[role=img]").getAttribute("aria-label")
    .startsWith("chan receive: 1 times")
  (click(kept), byId("picked").textContent.includes("chan receive 1×, 5\u202fµs"))
  byId("picked").querySelector("h3 bdi").textContent === "\u202eevil"
  (press("Let go"), byId("picked").hidden && document.activeElement === stage)
  // more rows: focus is at the first of them
  document.querySelector("#goroutines-table .more").textContent === "50 of 60Show more"
  (press("Show more"), rows().length === 60)
  document.activeElement.dataset.id === rows()[50]
  document.querySelector("#goroutines-table .more").hidden
  (type("goroutines-filter", "nobody"),
    document.querySelector("#goroutines-table .more").textContent.startsWith("None fits."))
  document.querySelector("#goroutines-table .more button").hidden
  document.documentElement.dataset.error === undefined
]==]

describe("the report's tables", function()
  it("keep focus, rows and names in their places", browser.with(function()
    local wrong, nfacts = pagefacts.judge(MANY, FACTS)
    assert.equal("", wrong)
    assert.is_true(nfacts > 15)
  end))
end)
