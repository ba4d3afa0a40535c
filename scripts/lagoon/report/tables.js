// SPDX-License-Identifier: MIT
//
// Tables that are sorted by a click on a heading, and filtered: goroutines, channels, cycles.
"use strict";
const openTables = (model, onName) => {
  const { data } = model;
  const { make } = dom;
  const FIRST_ROWS = innerWidth > 720 ? 50 : 12;

  // columns: {title, key(row), cell(row), isNumber, className}. options: {sortedBy, isDescending,
  // text(row)}, the last for tables with a filter. Returns {filter, mark}.
  function table(place, columns, rows, options) {
    let sortedBy = options.sortedBy;
    let isDescending = options.isDescending;
    let most = FIRST_ROWS;
    let query = "";
    let marked = 0;
    const body = make("tbody");
    const headings = columns.map((column, i) => make("th", { scope: "col", class: column.isNumber ? "num" : null },
      column.key ? make("button", { type: "button", on: { click: () => sort(i) } }, column.title)
        : make("span", {}, column.title)));
    const said = make("span", { role: "status" });
    const showMore = make("button", { type: "button", on: { click: fillMore } }, "Show more");
    const more = make("div", { class: "more", hidden: true }, said, showMore);
    place.classList.add("cards");
    place.replaceChildren(make("div", { class: "scroll" },
      make("table", {}, make("thead", {}, make("tr", {}, ...headings)), body)), more);

    function sort(i) {
      isDescending = sortedBy === i ? !isDescending : Boolean(columns[i].isNumber);
      sortedBy = i;
      fill();
    }

    function line(row) {
      const cells = columns.map((column) => make("td", {
        class: [column.isNumber ? "num" : "", column.className || ""].join(" ").trim() || null,
        "data-label": column.title,
      }, ...[].concat(column.cell(row))));
      return make("tr", { "data-id": row.id, class: row.id === marked && marked ? "is-picked" : null }, ...cells);
    }

    function fill() {
      const found = query ? rows.filter((row) => logic.matches(options.text(row), query)) : rows;
      const order = sortedBy === undefined ? found : logic.sorted(found, columns[sortedBy].key, isDescending);
      body.replaceChildren(...order.slice(0, most).map(line));
      headings.forEach((heading, i) => {
        if (i === sortedBy) heading.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
        else heading.removeAttribute("aria-sort");
      });
      more.hidden = order.length <= most && order.length > 0;
      showMore.hidden = order.length <= most;
      said.textContent = order.length === 0 ? "None fits." : `${logic.count(Math.min(most, order.length))} of ${logic.count(order.length)}`;
    }

    // Who has asked for more goes on at the first of them.
    function fillMore() {
      const nbefore = body.rows.length;
      most = most < 1000 ? 1000 : Infinity;
      fill();
      body.rows[nbefore].tabIndex = -1;
      body.rows[nbefore].focus();
    }

    fill();
    return {
      filter(text) { query = text.trim(); fill(); },
      mark(id) {
        marked = id;
        for (const row of body.rows) row.classList.toggle("is-picked", row.dataset.id === String(id));
      },
    };
  }

  const empty = (place, text) => place.replaceChildren(make("p", { class: "empty" }, text));

  // -- goroutines --

  function waitParts(g) {
    const sum = g.waited + g.ready;
    const parts = g.waits.slice().sort((a, b) => b[2] - a[2]).map(([reason, n, us]) =>
      [us / sum, model.reasonColour(reason), `${reason}: ${logic.count(n)} times, ${logic.time(us)}`]);
    return g.ready > 0 ? [...parts, [g.ready / sum, "--w-ready", "ready, without a P: " + logic.time(g.ready)]] : parts;
  }

  function longestWait(g) {
    const longest = g.waits.reduce((best, wait) => !best || wait[2] > best[2] ? wait : best, null);
    return longest ? longest[0] : "";
  }

  function goroutines() {
    const place = dom.byId("goroutines-table");
    dom.byId("goroutines-count").textContent = logic.count(data.totals.goroutines);
    if (data.goroutines.length === 0) {
      empty(place, "No goroutine was seen.");
      return null;
    }
    const longest = data.goroutines.reduce((most, g) => Math.max(most, g.run), 0) || 1;
    const list = table(place, [
      { title: "Goroutine", key: (g) => g.id, className: "name", cell: (g) => make("button", {
        type: "button", title: "Show it in the timeline", on: { click: () => onName(g.id) } },
      dom.swatch("--c" + g.colour), dom.named(g.name || "goroutine", g.id)) },
      { title: "In the end", key: (g) => g.state, cell: (g) => make("span",
        { class: "state " + g.state.split(/[ :]/)[0], title: g.why || "" }, g.state) },
      { title: "Born at", key: (g) => g.born || "", className: "place", cell: (g) => g.born || "" },
      { title: "Ran", key: (g) => g.run, isNumber: true, cell: (g) => [logic.time(g.run),
        dom.shares([[g.run / longest, "--c" + g.colour, ""]], "bar")] },
      { title: "Waits", key: (g) => g.nwaits, isNumber: true, cell: (g) => logic.count(g.nwaits) },
      { title: "Waited", key: (g) => g.waited, isNumber: true, cell: (g) => [logic.time(g.waited),
        dom.shares(waitParts(g), "bar")] },
      { title: "Mostly for", key: longestWait, cell: longestWait },
      { title: "Ready", key: (g) => g.ready, isNumber: true, cell: (g) => logic.time(g.ready) },
    ], data.goroutines, { sortedBy: 3, isDescending: true,
      text: (g) => `${g.label} #${g.id} ${g.born || ""} ${g.state} ${g.why || ""} ${longestWait(g)}` });
    dom.byId("goroutines-filter").addEventListener("input", (event) => list.filter(event.target.value));
    return list;
  }

  // -- channels --

  function channels() {
    const place = dom.byId("channels-table");
    dom.byId("channels-count").textContent = logic.count(data.totals.channels);
    if (data.channels.length === 0) {
      empty(place, "No channel was used.");
      return;
    }
    const name = (c) => c.name || "channel";
    table(place, [
      { title: "Channel", key: (c) => c.id, className: "name", cell: (c) => dom.named(name(c), c.id) },
      { title: "Operations", key: (c) => c.sends + c.recvs, isNumber: true, cell: (c) => logic.count(c.sends + c.recvs) },
      { title: "Sends", key: (c) => c.sends, isNumber: true, cell: (c) => logic.count(c.sends) },
      { title: "Receives", key: (c) => c.recvs, isNumber: true, cell: (c) => logic.count(c.recvs) },
      { title: "Handed over", key: (c) => c.handovers, isNumber: true, cell: (c) => logic.count(c.handovers) },
      { title: "Waits", key: (c) => c.waits, isNumber: true, cell: (c) => logic.count(c.waits) },
      { title: "Waited", key: (c) => c.waited, isNumber: true, cell: (c) => logic.time(c.waited) },
      { title: "In the end", key: (c) => c.closed ? "closed" : "open", cell: (c) => c.closed ? "closed" : "open" },
    ], data.channels, { sortedBy: 1, isDescending: true });
  }

  // -- the collector --

  function collector() {
    const place = dom.byId("collector-table");
    dom.byId("collector-count").textContent = logic.count(data.totals.cycles) + (data.totals.cycles === 1 ? " cycle" : " cycles");
    if (data.gc.length === 0) {
      empty(place, "No cycle of the collector fell into this run.");
      return;
    }
    const list = make("div");
    const longest = data.gc.reduce((most, c) => Math.max(most, c.dur), 0) || 1;
    const paused = (c) => c.pauses.reduce((sum, p) => sum + p[2], 0);
    const hasPauses = data.gc.some((c) => c.pauses.length > 0);
    place.replaceChildren(
      make("div", { class: "gc-chart", role: "img", "aria-label": "How long each cycle took" }, ...data.gc.slice(0, 400).map((c) =>
        make("span", { style: { height: Math.max(2, c.dur / longest * 100) + "%" }, title: `cycle ${c.n}: ${logic.time(c.dur)}` }))),
      make("p", { class: "gc-foot" }, `How long each cycle took; the longest ${logic.time(longest)}.`), list);
    table(list, [
      { title: "Cycle", key: (c) => c.n, isNumber: true, cell: (c) => String(c.n) },
      { title: "From", key: (c) => c.ts, isNumber: true, cell: (c) => logic.time(c.ts) },
      { title: "Took", key: (c) => c.dur, isNumber: true, cell: (c) => logic.time(c.dur) },
      ...(hasPauses ? [
        { title: "World stood", key: paused, isNumber: true, cell: (c) => logic.time(paused(c)) },
        { title: "Stops", cell: (c) => c.pauses.map((p) => `${p[0]} ${logic.time(p[2])}`).join(", ") },
      ] : []),
    ], data.gc, { sortedBy: 0, isDescending: false });
  }

  channels();
  collector();
  return { goroutines: goroutines(), waitParts };
};
