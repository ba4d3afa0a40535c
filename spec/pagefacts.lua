-- SPDX-License-Identifier: MIT
--
-- Facts about a report's page, as lines of JavaScript: the page is shown with some data in a
-- browser, and all of its lines must be true, one after the other. One may wait: `await settled()`.
-- Lines that are indented by four spaces go on with the one before.
local report = require "lagoon.report"
local browser = require "browser"
local helper = require "helper"

local pagefacts = {}

local TOOLS = [==[
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage");
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const seen = (slices, from, to, grain) => {
    const found = [];
    logic.eachVisible(slices, from, to, grain, (...slice) => found.push(slice));
    return found;
  };
  const flat = (stacks) => logic.flameLayout(logic.flameTree(stacks), 0).frames
    .map((f) => [f.node.name, f.depth, f.left, f.width]);
  const frames = () => document.querySelectorAll(".flame button");
  const frame = (name) => [...frames()]
    .find((f) => f.getAttribute("aria-label").startsWith(name + ":"));
  const rows = () => [...document.querySelectorAll("#goroutines-table tbody tr")]
    .map((row) => row.dataset.id);
  const heading = (text) => [...document.querySelectorAll("#goroutines-table th button")]
    .find((button) => button.textContent === text);
  const press = (text) => [...document.querySelectorAll("button")]
    .find((button) => button.textContent === text && button.offsetParent).click();
  const click = (element) => element.click();
  const type = (id, text) => {
    byId(id).value = text;
    byId(id).dispatchEvent(new Event("input"));
  };
  const keyOn = (element, name) => !element.dispatchEvent(
    new KeyboardEvent("keydown", { key: name, cancelable: true, bubbles: true }));
  const key = (name) => keyOn(stage, name);
  const point = (id, kind, x, y, more) => {
    const rect = byId(id).getBoundingClientRect();
    byId(id).setPointerCapture = () => {};
    byId(id).dispatchEvent(new PointerEvent(kind, { pointerId: 1, button: 0, bubbles: true,
      clientX: rect.left + x, clientY: rect.top + y, ...more }));
  };
  const isDrawn = (canvas) => canvas.getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0);
  const settled = () => new Promise((resolve) => requestAnimationFrame(
    () => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  // What a canvas is told to write while it is drawn again, for the last time if it is so twice.
  const written = async (id) => {
    let texts = [];
    const context = byId(id).getContext("2d");
    const { fillText: write, clearRect: clear } = context;
    context.clearRect = (...place) => {
      texts = [];
      clear.call(context, ...place);
    };
    context.fillText = (text, ...place) => {
      texts.push(text);
      write.call(context, text, ...place);
    };
    dispatchEvent(new Event("resize"));
    byId("lanes-box").dispatchEvent(new Event("scroll"));
    await settled();
    context.fillText = write;
    context.clearRect = clear;
    return texts;
  };
  const axis = async () => (await written("tracks"))
    .filter((text) => /^\d.*(s|min)$/.test(text));
  const variable = (name) => getComputedStyle(document.documentElement)
    .getPropertyValue(name).trim();
  const contrast = (a, b) => {
    const [dark, light] = [a, b].map((name) => logic.brightness(variable(name), 1, "#000000"))
      .sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const isReadable = () => ["--ink", "--soft", "--faint", "--accent", "--bad"].every(
    (colour) => contrast(colour, "--bg") >= 4.5 && contrast(colour, "--panel") >= 4.5);
  // The browser's time goes on by itself where there is nothing to do, and frames do not come with
  // it: so there is something to do in each of its milliseconds until all is judged.
  const pulse = setInterval(() => { for (let i = 0; i < 2e5; i++) Math.sqrt(i); }, 1);
  let kept;
]==]

-- A script that leaves in the page which of the facts do not hold.
local function script(facts)
  facts = facts:gsub("\n    +", " ")
  local parts = { TOOLS, "(async () => { const wrong = []; let nfacts = 0;\n" }
  for line in facts:gmatch("[^\n]+") do
    local fact = line:match("^%s*(.-)%s*$")
    if fact ~= "" and fact:sub(1, 2) ~= "//" then
      parts[#parts + 1] = ("nfacts++; try { if (!(%s)) wrong.push(%q); } "
        .. "catch (e) { wrong.push(%q + e); }"):format(fact, fact, fact .. ": ")
    end
  end
  parts[#parts + 1] = [[
    clearInterval(pulse);
    document.body.dataset.facts = nfacts;
    document.body.dataset.wrong = wrong.join(" | ");
    })();]]
  return table.concat(parts, "\n")
end

---Data of a page that has nothing in it but what is given.
---@param some table<string, any>
---@return table  as of data.of()
function pagefacts.shown(some)
  local shown = {
    title = "t", command = "c", version = "7", when = "now", duration = 0,
    totals = { procs = 2, goroutines = 0, alive = 0, channels = 0, cycles = 0, handovers = 0,
      sends = 0, recvs = 0 },
    notes = {}, reasons = {}, gaps = {}, counters = {}, procs = {}, goroutines = {},
    handovers = {}, channels = {}, gc = {}, stacks = {},
  }
  for key, value in pairs(some) do
    shown[key] = value
  end
  return shown
end

---Goroutines with lanes: each runs four times in the time that is given, and waits once.
---@param n integer
---@param duration number
---@return table[]
function pagefacts.goroutines(n, duration)
  local list = {}
  for id = 1, n do
    local lane = {}
    for _, at in ipairs { 0.01, 0.1, 0.6, 0.98 } do
      for _, number in ipairs { at * duration, 0.005 * duration, 0, 1 } do
        lane[#lane + 1] = number
      end
    end
    list[id] = { id = id, name = "g" .. id, born = "a.lua:" .. id, start = 0, ["end"] = duration,
      run = id, ready = 0, waits = { { "chan receive", 1, 5 } }, state = "ended", lane = lane }
  end
  return list
end

---Shows a page and says which facts do not hold, and how many there were.
---@param shown table  as of data.of()
---@param facts string  each line must be true
---@return string wrong  "" if all hold; nil if the script did not come to its end
---@return integer nfacts
function pagefacts.judge(shown, facts)
  local page = report.page(shown, "12ab"):gsub("</body>", function()
    return '<script nonce="12ab">' .. script(facts) .. "</script></body>"
  end)
  local dom = browser.settled_dom(helper.file("page.html", page))
  return dom:match('data%-wrong="(.-)"'), tonumber(dom:match('data%-facts="(%d+)"'))
end

return pagefacts
