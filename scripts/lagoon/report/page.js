// SPDX-License-Identifier: MIT
//
// Starts the page: reads the data, fills in the facts, and lets the views know of each other.
"use strict";
(() => {
  const { make, byId } = dom;

  function complain(what) {
    byId("broken").hidden = false;
    byId("broken").textContent = "This page could not be drawn: " + what;
    document.documentElement.dataset.error = what;
  }

  addEventListener("error", (event) => complain(String(event.message)));
  addEventListener("unhandledrejection", (event) => complain(String(event.reason)));

  function facts(data) {
    const busy = logic.shares(data.procs.map((proc) => proc.slices), 0, data.duration, 1)[0];
    const operations = data.totals.sends + data.totals.recvs;
    const pause = data.gc.reduce((most, c) => c.pauses.reduce((m, p) => Math.max(m, p[2]), most), 0);
    const { alive, procs: nprocs } = data.totals;
    const list = [
      ["ran for", logic.time(data.duration)],
      [data.totals.goroutines === 1 ? "goroutine" : "goroutines", logic.count(data.totals.goroutines), alive > 0 ? `${logic.count(alive)} alive in the end` : "all ended"],
      [`of ${nprocs} ${nprocs === 1 ? "P" : "Ps"} busy`, logic.percent(Math.min(1, busy / Math.max(1, nprocs)))],
      ["channel operations", logic.count(operations)],
      data.totals.cycles > 0 && pause > 0 ? ["longest stop of the world", logic.time(pause)]
        : [data.totals.cycles === 1 ? "cycle of the collector" : "cycles of the collector", logic.count(data.totals.cycles)],
    ];
    byId("facts").replaceChildren(...list.map(([name, value, small]) => make("div", {},
      make("dt", {}, name), make("dd", {}, value, small ? make("small", {}, " " + small) : ""))));
  }

  function notes(data) {
    const place = byId("notes");
    place.hidden = data.notes.length === 0;
    place.replaceChildren(...data.notes.map((note) => make("p", { class: note.bad ? "note bad" : "note" }, note.text)));
  }

  function legend(model) {
    const words = { channel: "waits at a channel", select: "in a select", sleep: "sleeps", lock: "waits for a lock",
      io: "waits for the outside", other: "waits for something else" };
    const entries = [["--c0", "runs, in its own colour", false], ["--w-ready", "ready, waits for a P", false],
      ...model.usedFamilies().map((name) => ["--w-" + name, words[name], true])];
    if (model.data.gc.length > 0) entries.push(["--gc", "collector", false], ["--gc-stop", "the world stands", false]);
    byId("legend").replaceChildren(...entries.map(([colour, text, isThin]) => make("li", {}, dom.swatch(colour, isThin), text)));
  }

  function showPicked(model, g, views) {
    const place = byId("picked");
    place.hidden = !g;
    if (!g) return;
    const facts = [["goroutine", String(g.id)], ["in the end", g.state], ["error", g.why], ["born at", g.born],
      ["by", g.by ? model.label(g.by) : ""], ["ran", logic.time(g.run)], ["ready", logic.time(g.ready)],
      ["waited", `${logic.time(g.waited)} in ${logic.count(g.nwaits)} waits`],
      ["for", g.waits.map(([reason, n, us]) => `${reason} ${logic.count(n)}×, ${logic.time(us)}`).join("; ")]];
    const sum = g.run + g.ready + g.waited || 1;
    const scaled = views.tables.waitParts(g).map(([share, ...rest]) => [share * (g.waited + g.ready) / sum, ...rest]);
    place.replaceChildren(
      make("div", { class: "picked-head" },
        make("h3", {}, dom.swatch("--c" + g.colour), make("bdi", {}, g.label)),
        make("div", { class: "tools" },
          make("button", { type: "button", on: { click: () => views.timeline.focusOn(g) } }, "Zoom to its life"),
          make("button", { type: "button", on: { click: () => { views.timeline.pick(0); byId("stage").focus(); } } }, "Let go"))),
      make("dl", { class: "picked-facts" }, ...facts.filter(([, value]) => value).map(([name, value]) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      dom.shares([[g.run / sum, "--c" + g.colour, "ran: " + logic.time(g.run)], ...scaled], "share"));
  }

  function themes(redraw) {
    const root = document.documentElement;
    const button = byId("theme");
    const name = () => { button.textContent = root.dataset.theme === "dark" ? "Light" : "Dark"; };
    button.addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      name();
      redraw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
      root.dataset.theme = event.matches ? "dark" : "light";
      name();
      redraw();
    });
    name();
  }

  function sections() {
    const links = [...document.querySelectorAll("nav a")];
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const link = links.find((a) => a.hash === "#" + entry.target.id);
        if (entry.isIntersecting) {
          for (const other of links) other.removeAttribute("aria-current");
          link.setAttribute("aria-current", "true");
        }
      }
    }, { rootMargin: "-15% 0px -75% 0px" });
    for (const link of links) observer.observe(document.querySelector(link.hash));
  }

  function start() {
    const data = JSON.parse(byId("data").textContent);
    const model = openModel(data);
    const views = {};
    document.title = data.title + " – lagoon report";
    byId("title").textContent = data.title;
    byId("command").textContent = data.command;
    byId("foot").textContent = `Written by lagoon ${data.version} on ${data.when}.`;
    facts(data);
    notes(data);
    legend(model);
    views.timeline = openTimeline(model, (id) => {
      showPicked(model, model.goroutine(id), views);
      if (views.tables.goroutines) views.tables.goroutines.mark(id);
    });
    views.tables = openTables(model, (id) => {
      views.timeline.pick(id);
      byId("timeline").scrollIntoView();
      byId("stage").focus({ preventScroll: true });
    });
    openFlame(data);
    themes(views.timeline.draw);
    sections();
    views.timeline.paint();
    document.documentElement.dataset.ready = "yes";
  }

  try {
    start();
  } catch (error) {
    complain(String(error && error.message));
    throw error;
  }
})();
