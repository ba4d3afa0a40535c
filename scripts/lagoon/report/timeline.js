// SPDX-License-Identifier: MIT
//
// The timeline: the window in time that is shown, and what mouse, fingers and keys do to it.
"use strict";
const openTimeline = (model, onPick) => {
  const { data } = model;
  const tracks = openTracks(model);
  const overview = dom.byId("overview");
  const stage = dom.byId("stage");
  const canvas = dom.byId("tracks");
  const box = dom.byId("lanes-box");
  const lanes = dom.byId("lanes");
  const space = dom.byId("lanes-space");
  const empty = dom.byId("empty");
  const SHORTEST = 0.5;
  const CLICK = 4; // pixels that a hand may move in a click

  const all = data.goroutines.filter((g) => g.lane && g.lane.length > 0);
  let shown = all;
  let view = { from: 0, to: data.duration };
  let picked = 0;
  let stepped = NaN; // where the slice begins that [ and ] have come to
  let isAsked = false;

  function boxHeight() {
    const most = Math.min(innerHeight * 0.56, 520);
    return Math.max(tracks.LANE, Math.min(shown.length * tracks.LANE + 6, most));
  }

  function paint() {
    isAsked = false;
    tracks.paintOverview(overview, view);
    tracks.paintTracks(canvas, view, picked);
    box.hidden = shown.length === 0;
    empty.hidden = shown.length > 0;
    empty.textContent = all.length > 0 ? "No goroutine fits." : "No goroutine was seen at work.";
    space.style.height = shown.length * tracks.LANE + 6 + "px";
    tracks.paintLanes(lanes, view, shown, box.scrollTop, boxHeight(), picked);
  }

  function draw() {
    if (!isAsked) {
      isAsked = true;
      requestAnimationFrame(paint);
    }
  }

  function setView(from, to) {
    view = logic.clampView(from, to - from, data.duration, SHORTEST);
    draw();
  }

  function zoom(factor, moment) {
    view = logic.zoomView(view, factor, moment, data.duration, SHORTEST);
    draw();
  }

  function pan(share) {
    const by = (view.to - view.from) * share;
    setView(view.from + by, view.to + by);
  }

  const middle = () => (view.from + view.to) / 2;

  // -- what is where --

  const place = (event, element) => {
    const rect = element.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };

  function sliceLines(title, slices, i, grain, extra) {
    const n = slices[i + 3];
    return [title, ...extra, n > 1 ? `${logic.count(n)} slices close together, within ${logic.time(slices[i + 1])}`
      : logic.time(slices[i + 1]), `from ${logic.moment(slices[i], grain)} on`];
  }

  function gcLines(moment, grain) {
    const cycle = data.gc.find((c) => moment >= c.ts - grain * 3 && moment <= c.ts + c.dur + grain * 3);
    if (!cycle) return null;
    const isNear = (part) => moment >= part[1] - grain * 3 && moment <= part[1] + part[2] + grain * 3;
    const pause = cycle.pauses.find(isNear);
    const phase = cycle.phases.find(isNear);
    return { lines: ["Cycle " + cycle.n, pause && `${pause[0]}: the world stands for ${logic.time(pause[2])}`,
      phase && `${phase[0]}: ${logic.time(phase[2])}`, `${logic.time(cycle.dur)} in all, from ${logic.moment(cycle.ts, grain)} on`] };
  }

  function gapAt(moment) {
    const gap = logic.sliceAt(data.gaps, moment, 0);
    return gap < 0 ? null : { lines: ["Not recorded", logic.time(data.gaps[gap + 1])] };
  }

  function trackAt(at) {
    const s = tracks.scale(canvas.clientWidth, view);
    const row = tracks.rows.find((r) => at.y >= r.top && at.y < r.top + r.height);
    const moment = s.moment(at.x);
    if (!row || at.x < s.left) return null;
    if (row.kind === "counter") {
      const value = logic.valueAt(row.counter.points, moment);
      return value === undefined ? null
        : { lines: [row.counter.name + ": " + logic.figure(value, row.counter.unit), "at " + logic.moment(moment, s.grain)] };
    }
    if (row.kind === "gc") return gcLines(moment, s.grain);
    if (row.kind !== "proc") return null;
    const i = logic.sliceAt(row.proc.slices, moment, s.grain * 2);
    if (i < 0) return gapAt(moment);
    const id = row.proc.slices[i + 2];
    const g = model.goroutine(id);
    const title = (row.proc.slices[i + 3] > 1 ? "mostly " : "") + model.label(id);
    return { g: id, lines: sliceLines(title, row.proc.slices, i, s.grain,
      [g && g.name && "goroutine " + g.id, g && g.born && "born at " + g.born, "on " + row.proc.name]) };
  }

  function laneAt(at) {
    const s = tracks.scale(lanes.clientWidth, view);
    const g = shown[Math.floor((at.y + box.scrollTop) / tracks.LANE)];
    if (!g) return null;
    const i = at.x < s.left ? -1 : logic.sliceAt(g.lane, s.moment(at.x), s.grain * 2);
    return { g: g.id, lines: i < 0 ? [g.label, g.name && "goroutine " + g.id, g.born && "born at " + g.born]
      : sliceLines(g.label, g.lane, i, s.grain, [model.laneWord(g.lane[i + 2])]) };
  }

  // -- picking --

  function show(id) {
    const i = shown.findIndex((g) => g.id === id);
    if (i >= 0) {
      const top = i * tracks.LANE;
      if (top < box.scrollTop || top + tracks.LANE > box.scrollTop + boxHeight()) {
        box.scrollTop = top - boxHeight() / 2;
      }
    }
  }

  function pick(id) {
    picked = id;
    stepped = NaN;
    show(id);
    draw();
    onPick(id);
  }

  function pickNext(step) {
    if (shown.length === 0) return;
    const i = shown.findIndex((g) => g.id === picked);
    const next = i < 0 ? (step > 0 ? 0 : shown.length - 1) : i + step;
    pick(shown[Math.min(Math.max(next, 0), shown.length - 1)].id);
  }

  // Says of a slice what the mouse is told over it.
  function tellSlice(g, i) {
    const s = tracks.scale(lanes.clientWidth, view);
    const lines = sliceLines(g.label, g.lane, i, s.grain, [model.laneWord(g.lane[i + 2])]);
    dom.byId("said").textContent = lines.join(", ");
    const row = shown.indexOf(g);
    if (row < 0) return;
    const rect = lanes.getBoundingClientRect();
    dom.showTip(rect.left + s.x(g.lane[i]), rect.top + (row + 0.5) * tracks.LANE - box.scrollTop, lines);
  }

  // Moves the window to where the picked goroutine next runs: from the last slice that was come to
  // so, as long as that is seen, for near an end of the run the window cannot have it in its middle.
  function stepSlice(step) {
    const g = model.goroutine(picked);
    if (!g || !g.lane) return;
    const isSeen = stepped >= view.from && stepped <= view.to;
    const i = logic.nextOf(g.lane, model.RUN, isSeen ? stepped : middle(), step);
    if (i >= 0) {
      const half = (view.to - view.from) / 2;
      stepped = g.lane[i];
      setView(stepped - half, stepped + half);
      tellSlice(g, i);
    }
  }

  function focusOn(g) {
    const margin = Math.max((g.end - g.start) * 0.04, 1);
    setView(g.start - margin, g.end + margin);
  }

  // -- mouse and fingers --

  const pointers = new Map();
  let isMoved = false;
  let pinch = null;

  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { length: Math.abs(a.x - b.x), middle: (a.x + b.x) / 2 };
  };

  function drag(element, at) {
    const s = tracks.scale(element.clientWidth, view);
    const last = pointers.get(at.id);
    pointers.set(at.id, { x: at.x, y: at.y, startX: last.startX });
    if (pointers.size === 2) {
      const now = spread();
      if (pinch && pinch.length > 8 && now.length > 8) zoom(pinch.length / now.length, s.moment(now.middle));
      pinch = now;
      isMoved = true;
    } else if (isMoved || Math.abs(at.x - last.startX) > CLICK) {
      isMoved = true;
      stage.classList.add("drags");
      setView(view.from - (at.x - last.x) / s.unit, view.to - (at.x - last.x) / s.unit);
    }
  }

  function listen(element, find) {
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const at = place(event, element);
      pointers.set(event.pointerId, { x: at.x, y: at.y, startX: at.x });
      isMoved = pointers.size > 1;
      pinch = null;
      element.setPointerCapture(event.pointerId);
      dom.hideTip();
    });
    element.addEventListener("pointermove", (event) => {
      const at = place(event, element);
      if (pointers.has(event.pointerId)) {
        drag(element, { ...at, id: event.pointerId });
        return;
      }
      const found = find(at);
      if (found) dom.showTip(event.clientX, event.clientY, found.lines);
      else dom.hideTip();
    });
    element.addEventListener("pointerup", (event) => {
      if (pointers.has(event.pointerId) && !isMoved) {
        const found = find(place(event, element));
        pick(found && found.g && found.g !== picked ? found.g : 0);
        if (found) dom.showTip(event.clientX, event.clientY, found.lines);
      }
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(kind, (event) => {
        pointers.delete(event.pointerId);
        pinch = null;
        stage.classList.remove("drags");
      });
    }
    element.addEventListener("pointerleave", dom.hideTip);
    element.addEventListener("wheel", (event) => {
      const s = tracks.scale(element.clientWidth, view);
      if (event.ctrlKey || event.metaKey) {
        zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.006), s.moment(place(event, element).x));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        pan((event.deltaX || event.deltaY) / element.clientWidth);
      } else {
        return; // it scrolls the page
      }
      event.preventDefault();
    }, { passive: false });
  }

  // In the overview a drag inside the window moves it, one outside of it draws another.
  function listenOverview() {
    let start = null;
    const moment = (event) => {
      const s = tracks.scale(overview.clientWidth, { from: 0, to: data.duration });
      return Math.min(Math.max(s.moment(place(event, overview).x), 0), data.duration);
    };
    overview.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const at = moment(event);
      const isWhole = view.to - view.from > data.duration * 0.999;
      const isInside = at > view.from && at < view.to && !isWhole;
      start = { at, x: event.clientX, view, isInside, isMoved: false };
      overview.setPointerCapture(event.pointerId);
    });
    overview.addEventListener("pointermove", (event) => {
      if (!start) return;
      start.isMoved = start.isMoved || Math.abs(event.clientX - start.x) > CLICK;
      if (!start.isMoved) return;
      const at = moment(event);
      if (start.isInside) setView(start.view.from + at - start.at, start.view.to + at - start.at);
      else setView(Math.min(at, start.at), Math.max(at, start.at));
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      overview.addEventListener(kind, () => { start = null; });
    }
    overview.addEventListener("dblclick", () => setView(0, data.duration));
  }

  // -- keys --

  const keys = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), a: () => pan(-0.15), d: () => pan(0.15),
    "+": () => zoom(0.6, middle()), "=": () => zoom(0.6, middle()), "-": () => zoom(1 / 0.6, middle()),
    w: () => zoom(0.6, middle()), s: () => zoom(1 / 0.6, middle()),
    0: () => setView(0, data.duration), Home: () => setView(0, data.duration),
    ArrowUp: () => pickNext(-1), ArrowDown: () => pickNext(1),
    "[": () => stepSlice(-1), "]": () => stepSlice(1), Escape: () => pick(0),
  };

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    dom.hideTip();
    keys[event.key]();
    event.preventDefault();
  });
  listen(canvas, trackAt);
  listen(lanes, laneAt);
  listenOverview();
  box.addEventListener("scroll", draw);
  dom.byId("zoom-in").addEventListener("click", () => zoom(0.5, middle()));
  dom.byId("zoom-out").addEventListener("click", () => zoom(2, middle()));
  dom.byId("zoom-fit").addEventListener("click", () => setView(0, data.duration));
  dom.byId("lane-filter").addEventListener("input", (event) => {
    const query = event.target.value;
    shown = all.filter((g) => logic.matches(`${g.label} #${g.id} ${g.born || ""}`, query));
    box.scrollTop = 0;
    draw();
  });
  new ResizeObserver(draw).observe(stage);

  // A window that comes to a finer screen keeps its size.
  function watchSharpness() {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", () => { draw(); watchSharpness(); }, { once: true });
  }
  watchSharpness();

  const count = (list) => list.reduce((sum, slices) => sum + slices.length / logic.STRIDE, 0);
  stage.dataset.lanes = all.length;
  stage.dataset.procs = data.procs.length;
  stage.dataset.slices = count(data.procs.map((proc) => proc.slices));
  stage.dataset.laneSlices = count(all.map((g) => g.lane));
  stage.dataset.handovers = data.handovers.length / model.HANDOVER;

  return { draw, paint, pick, focusOn };
};
