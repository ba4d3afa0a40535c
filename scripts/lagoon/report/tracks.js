// SPDX-License-Identifier: MIT
//
// What the timeline draws: the whole run in little, counters, the collector, Ps, goroutines. Each
// painter gets the canvas, the window {from, to} and the gutter with the names on the left.
"use strict";
const openTracks = (model) => {
  const { data } = model;
  const AXIS = 26;
  const LANE = 20;
  const NARROW = 640;
  const GUTTER = 152;
  const NARROW_GUTTER = 96;
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

  const procs = data.procs;
  const P_HEIGHT = procs.length > 12 ? 16 : 24;
  const rows = [{ kind: "axis", top: 0, height: AXIS }];
  const addRow = (row) => {
    const last = rows[rows.length - 1];
    rows.push({ ...row, top: last.top + last.height });
  };
  for (const counter of data.counters) {
    if (counter.points.length > 0) {
      let most = 0;
      for (let i = 1; i < counter.points.length; i += 2) most = Math.max(most, counter.points[i]);
      addRow({ kind: "counter", counter, most, height: 40, name: counter.name });
    }
  }
  if (data.gc.length > 0) addRow({ kind: "gc", height: 22, name: "Collector" });
  for (const proc of procs) addRow({ kind: "proc", proc, height: P_HEIGHT, name: proc.name });
  const height = rows[rows.length - 1].top + rows[rows.length - 1].height + 4;

  const gutter = (width) => width < NARROW ? NARROW_GUTTER : GUTTER;

  // Moments as places, and back.
  function scale(width, view) {
    const left = gutter(width);
    const unit = (width - left - 1) / Math.max(view.to - view.from, 1e-9);
    return {
      left, unit, grain: 1 / unit,
      x: (moment) => left + (moment - view.from) * unit,
      moment: (x) => view.from + (x - left) / unit,
    };
  }

  // Goroutines of one colour differ a little, so that neighbours can be told apart.
  function shade(id) {
    return 0.74 + 0.26 * ((id * 0.618034) % 1);
  }

  function fits(context, text, room) {
    if (room < 14) return "";
    if (context.measureText(text).width <= room) return text;
    let length = Math.floor(text.length * room / context.measureText(text).width);
    while (length > 2 && context.measureText(logic.head(text, length) + "…").width > room) length--;
    return length > 2 ? logic.head(text, length) + "…" : "";
  }

  // How far apart ticks are at least, in pixels: the later a moment is and the closer they stand
  // in time, the longer is what the axis says of them.
  function tickRoom(context, s, view, width) {
    const step = logic.tickStep(view.to - view.from, width - s.left, 96);
    context.font = FONT;
    return Math.max(96, context.measureText(logic.moment(view.to, step)).width + 16);
  }

  function grid(context, s, view, width, from, to, colour) {
    context.fillStyle = colour;
    for (const moment of logic.ticks(view.from, view.to, width - s.left, tickRoom(context, s, view, width))) {
      context.fillRect(Math.round(s.x(moment)), from, 1, to - from);
    }
  }

  // Names in the gutter; beside them something fainter, where there is room for it.
  function rowName(context, s, colours, text, beside, top, rowHeight, colour) {
    const middle = top + rowHeight / 2 + 0.5;
    context.font = FONT;
    context.textBaseline = "middle";
    const left = s.left < GUTTER ? 8 : 14;
    const room = s.left - left - 6;
    const extra = beside ? context.measureText(beside).width + 5 : 0;
    const hasBoth = extra > 0 && (room - extra > 60 || context.measureText(text).width <= room - extra);
    const shown = fits(context, text, hasBoth ? room - extra : room);
    context.fillStyle = colours(colour);
    context.fillText(shown, left, middle);
    if (hasBoth) {
      context.fillStyle = colours("--faint");
      context.fillText(beside, left + context.measureText(shown).width + 5, middle);
    }
  }

  // Where nothing was written down.
  function paintGaps(context, s, view, width, top, bottom, colours) {
    context.save();
    context.beginPath();
    let isSeen = false;
    for (let i = logic.firstAfter(data.gaps, view.from); i < data.gaps.length && data.gaps[i] < view.to; i += logic.STRIDE) {
      const x = Math.max(s.left, s.x(data.gaps[i]));
      context.rect(x, top, Math.max(1, Math.min(width, s.x(data.gaps[i] + data.gaps[i + 1])) - x), bottom - top);
      isSeen = true;
    }
    if (isSeen) {
      context.clip();
      context.fillStyle = colours("--line-soft");
      context.fillRect(s.left, top, width - s.left, bottom - top);
      context.strokeStyle = colours("--line");
      context.lineWidth = 1.5;
      context.beginPath();
      for (let x = s.left - (bottom - top); x < width; x += 8) {
        context.moveTo(x, bottom);
        context.lineTo(x + bottom - top, top);
      }
      context.stroke();
    }
    context.restore();
  }

  function paintAxis(context, s, view, width, colours) {
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = colours("--faint");
    const room = tickRoom(context, s, view, width);
    const step = logic.tickStep(view.to - view.from, width - s.left, room);
    for (const moment of logic.ticks(view.from, view.to, width - s.left, room)) {
      const text = logic.moment(moment, step);
      if (s.x(moment) + 4 + context.measureText(text).width < width) {
        context.fillText(text, s.x(moment) + 4, AXIS / 2);
      }
    }
  }

  function paintCounter(context, s, view, width, colours, row) {
    const { points } = row.counter;
    const base = row.top + row.height - 3;
    const tall = row.height - 9;
    const y = (value) => base - (row.most > 0 ? value / row.most : 0) * tall;
    let first = 0;
    let last = points.length / 2;
    for (let low = 0, high = last; low < high;) {
      const middle = (low + high) >> 1;
      if (points[middle * 2] < view.from) { low = middle + 1; first = middle; } else high = middle;
    }
    context.beginPath();
    let column = -1;
    let highest = 0;
    let value = 0;
    const outline = [];
    for (let i = first; i < last; i++) {
      const x = Math.max(s.left, s.x(points[i * 2]));
      if (x > width) break;
      if (Math.floor(x) !== column) {
        outline.push([x, value], [x, points[i * 2 + 1]]);
        column = Math.floor(x);
        highest = points[i * 2 + 1];
      } else if (points[i * 2 + 1] > highest) {
        highest = points[i * 2 + 1];
        outline[outline.length - 1][1] = highest;
      }
      value = points[i * 2 + 1];
    }
    if (outline.length === 0) return;
    outline.push([Math.min(width, s.x(data.duration)), value]);
    context.moveTo(outline[0][0], base);
    for (const [x, v] of outline) context.lineTo(x, y(v));
    context.lineTo(outline[outline.length - 1][0], base);
    context.fillStyle = colours("--area");
    context.fill();
    context.beginPath();
    outline.slice(1).forEach(([x, v], i) => i === 0 ? context.moveTo(x, y(v)) : context.lineTo(x, y(v)));
    context.strokeStyle = colours("--area-line");
    context.lineWidth = 1.25;
    context.stroke();
  }

  function paintGc(context, s, view, colours, row) {
    for (const cycle of data.gc) {
      if (cycle.ts + cycle.dur < view.from || cycle.ts > view.to) continue;
      context.fillStyle = colours("--gc");
      for (const [name, ts, dur] of cycle.phases) {
        const x = Math.max(s.left, s.x(ts));
        context.globalAlpha = name === "mark" ? 0.9 : 0.35;
        if (s.x(ts + dur) >= s.left) {
          context.fillRect(x, row.top + 6, Math.max(1, s.x(ts + dur) - x), row.height - 10);
        }
      }
      context.globalAlpha = 1;
      context.fillStyle = colours("--gc-stop");
      for (const pause of cycle.pauses) {
        const at = s.x(pause[1]);
        if (at >= s.left) context.fillRect(at, row.top + 3, Math.max(1.5, pause[2] * s.unit), row.height - 5);
      }
    }
  }

  function paintProc(context, s, view, width, colours, row, picked) {
    const high = row.height - 4;
    context.font = FONT;
    logic.eachVisible(row.proc.slices, view.from, view.to, s.grain, (start, end, id) => {
      const g = model.goroutine(id);
      const x = Math.max(s.x(start), s.left);
      const w = Math.max(Math.min(s.x(end), width) - x, 0.7);
      const colour = colours(g ? "--c" + g.colour : "--faint");
      context.fillStyle = colour;
      context.globalAlpha = picked && id !== picked ? 0.2 : shade(id);
      context.fillRect(x, row.top + 2, w > 3 ? w - 0.6 : w, high);
      context.globalAlpha = 1;
      if (w > 46 && high >= 14 && !(picked && id !== picked)) {
        context.fillStyle = logic.inkOn(colour, shade(id), colours("--panel"));
        context.fillText(fits(context, model.label(id), w - 12), x + 6, row.top + 2 + high / 2 + 0.5);
      }
    });
  }

  // All but the goroutines.
  function paintTracks(canvas, view, picked) {
    const colours = dom.palette();
    const { context, width } = dom.fit(canvas, height);
    const s = scale(width, view);
    paintGaps(context, s, view, width, AXIS, height, colours);
    grid(context, s, view, width, 4, height, colours("--line-soft"));
    context.save();
    context.textBaseline = "middle";
    for (const row of rows) {
      if (row.kind === "axis") paintAxis(context, s, view, width, colours);
      else if (row.kind === "counter") paintCounter(context, s, view, width, colours, row);
      else if (row.kind === "gc") paintGc(context, s, view, colours, row);
      else paintProc(context, s, view, width, colours, row, picked);
      if (row.kind !== "axis") {
        rowName(context, s, colours, row.name,
          row.counter && "≤ " + logic.figure(row.most, row.counter.unit), row.top, row.height, "--soft");
      }
    }
    context.restore();
  }

  function paintLane(context, s, view, width, colours, g, top) {
    const middle = top + LANE / 2;
    logic.eachVisible(g.lane, view.from, view.to, s.grain, (start, end, what) => {
      const x = Math.max(s.x(start), s.left);
      const w = Math.max(Math.min(s.x(end), width) - x, 0.7);
      const tall = what === model.RUN ? 13 : what === model.READY ? 6 : 3;
      context.fillStyle = colours(model.laneColour(what, g));
      context.fillRect(x, middle - tall / 2, w, tall);
    });
  }

  // Hand-overs as arrows between lanes, where there are few enough to be told apart.
  function paintHandovers(context, s, view, colours, place, picked) {
    const most = picked ? 400 : 120;
    const list = data.handovers;
    const shown = [];
    for (let i = 0; i < list.length && shown.length <= most; i += model.HANDOVER) {
      const [sent, by, received, to] = [list[i], list[i + 1], list[i + 2], list[i + 3]];
      if (received < view.from || sent > view.to || (picked && by !== picked && to !== picked)) continue;
      const [from, until] = [place(by), place(to)];
      if (from !== undefined && until !== undefined && from !== until) {
        shown.push([s.x(sent), from, s.x(received), until]);
      }
    }
    if (shown.length > most) return;
    context.save();
    context.beginPath();
    context.rect(s.left, 0, 1e5, 1e5);
    context.clip();
    context.strokeStyle = context.fillStyle = colours("--ink");
    context.globalAlpha = picked ? 0.75 : 0.4;
    context.lineWidth = 1;
    for (const [x, from, toX, to] of shown) {
      const way = to > from ? 1 : -1;
      context.beginPath();
      context.moveTo(x, from + way * 6);
      context.lineTo(toX, to - way * 8);
      context.stroke();
      context.beginPath();
      context.moveTo(toX, to - way * 5);
      context.lineTo(toX - 3, to - way * 10);
      context.lineTo(toX + 3, to - way * 10);
      context.fill();
    }
    context.restore();
  }

  // The goroutines of a list that a scrolled box shows.
  function paintLanes(canvas, view, shown, scrolled, boxHeight, picked) {
    const colours = dom.palette();
    const { context, width } = dom.fit(canvas, boxHeight);
    const s = scale(width, view);
    const first = Math.floor(scrolled / LANE);
    const last = Math.min(shown.length, Math.ceil((scrolled + boxHeight) / LANE));
    for (let i = first; i < last; i++) {
      if (shown[i].id === picked) {
        context.fillStyle = colours("--hover");
        context.fillRect(0, i * LANE - scrolled, width, LANE);
      }
    }
    paintGaps(context, s, view, width, 0, boxHeight, colours);
    grid(context, s, view, width, 0, boxHeight, colours("--line-soft"));
    const places = new Map();
    for (let i = first; i < last; i++) {
      const g = shown[i];
      const top = i * LANE - scrolled;
      places.set(g.id, top + LANE / 2);
      paintLane(context, s, view, width, colours, g, top);
      rowName(context, s, colours, g.name || "goroutine", "#" + g.id, top, LANE, g.id === picked ? "--ink" : "--soft");
    }
    paintHandovers(context, s, view, colours, (id) => places.get(id), picked);
  }

  // The whole run, how many Ps were busy, and the window in it.
  function paintOverview(canvas, view) {
    const colours = dom.palette();
    const tall = 46;
    const { context, width } = dom.fit(canvas, tall);
    const s = scale(width, { from: 0, to: data.duration });
    const n = Math.max(1, Math.round((width - s.left) / 2));
    const sums = logic.shares(procs.map((proc) => proc.slices), 0, data.duration, n);
    const unit = (width - s.left) / n;
    context.fillStyle = colours("--area-line");
    for (let i = 0; i < n; i++) {
      const h = Math.min(1, sums[i] / Math.max(1, data.totals.procs)) * (tall - 12);
      if (h > 0) context.fillRect(s.left + i * unit, tall - 5 - Math.max(h, 0.7), unit, Math.max(h, 0.7));
    }
    const from = s.x(view.from);
    const to = s.x(view.to);
    context.globalAlpha = 0.62;
    context.fillStyle = colours("--line-soft");
    context.fillRect(s.left, 0, from - s.left, tall);
    context.fillRect(to, 0, width - to, tall);
    context.globalAlpha = 1;
    if (view.to - view.from < data.duration * 0.9999) {
      context.fillStyle = colours("--accent");
      context.fillRect(from - 1, 0, 2, tall);
      context.fillRect(to - 1, 0, 2, tall);
      context.fillRect(from, 0, Math.max(1, to - from), 3);
    }
    rowName(context, s, colours, "Busy Ps", "", 0, tall, "--soft");
  }

  return { rows, height, LANE, scale, paintTracks, paintLanes, paintOverview };
};
