-- SPDX-License-Identifier: MIT
--
-- The flame graph in a browser: its keys, its search, and a window that becomes narrow.
local browser = require "browser"
local pagefacts = require "pagefacts"

-- The stack to the right is deeper than the others, and too narrow for a small window.
local STACKS = pagefacts.shown {
  stacks = {
    { name = "CPU", unit = "samples", stacks = { { "main;wide;leaf", 500 }, { "main;other", 300 },
      { "main;slim;b;c;d;e", 2 } } },
    { name = "Time", unit = "us", stacks = { { "main;slept", 9 } } },
  },
}

local FACTS = [==[
  frames().length === 10
  // one stop of the Tab key, and arrows
  document.querySelectorAll(".flame [tabindex='0']").length === 1
  (frame("all").focus(), keyOn(frame("all"), "ArrowDown"), document.activeElement
    === frame("main"))
  (keyOn(frame("main"), "ArrowDown"), document.activeElement === frame("wide"))
  (keyOn(frame("wide"), "ArrowRight"), document.activeElement === frame("other"))
  (keyOn(frame("other"), "ArrowLeft"), document.activeElement === frame("wide"))
  (keyOn(frame("wide"), "ArrowLeft"), document.activeElement === frame("wide"))
  (keyOn(frame("wide"), "ArrowDown"), keyOn(frame("leaf"), "ArrowDown"),
    document.activeElement === frame("leaf"))
  (keyOn(frame("leaf"), "ArrowUp"), document.activeElement === frame("wide"))
  document.querySelectorAll(".flame [tabindex='0']").length === 1 && frame("wide").tabIndex === 0
  frame("wide").getAttribute("aria-level") === "3"
  !keyOn(frame("wide"), "x")
  // one alone, and all again: focus stays on it
  (click(frame("wide")), frames().length === 4 && document.activeElement === frame("wide"))
  (keyOn(frame("wide"), "Escape"), frames().length === 10 && document.activeElement
    === frame("wide"))
  (click(frame("wide")), press("Show all"), frames().length === 10
    && document.activeElement === frame("all"))
  (keyOn(frame("all"), "ArrowDown"), keyOn(frame("main"), "Home"), document.activeElement
    === frame("all"))
  // what the mouse is told
  (frame("other").dispatchEvent(new PointerEvent("pointermove", { bubbles: true })),
    byId("tip").textContent.startsWith("other300 samples"))
  (document.querySelector(".flame").dispatchEvent(new PointerEvent("pointerleave")),
    byId("tip").hidden)
  // search
  (type("flame-search", "WI"),
    document.querySelector(".flame-foot")
    .textContent.startsWith("62.3\u202f% in functions that fit “WI”"))
  document.querySelectorAll(".flame .dim").length === 9
  (type("flame-search", ""), document.querySelectorAll(".flame .dim").length === 0)
  // another width, and with it another height, is no error
  (kept = byId("flame-panel").clientHeight, byId("flame").style.width = "280px",
    await settled(), await settled(), byId("flame-panel").clientHeight < kept)
  document.documentElement.dataset.error === undefined
  (byId("flame").style.width = "", await settled(), await settled(),
    byId("flame-panel").clientHeight === kept)
  // another value
  (press("Time"), frames().length === 3 && frame("slept") !== undefined)
  document.documentElement.dataset.error === undefined && byId("broken").hidden
]==]

describe("the report's flame graph", function()
  it("goes by keys, and fits any width", browser.with(function()
    local wrong, nfacts = pagefacts.judge(STACKS, FACTS)
    assert.equal("", wrong)
    assert.is_true(nfacts > 20)
  end))
end)
