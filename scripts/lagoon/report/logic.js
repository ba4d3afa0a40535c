// SPDX-License-Identifier: MIT
//
// What the page computes, without the page: figures as text, slices by time, trees of stacks.
// Times are microseconds. Slices lie flat in arrays, STRIDE numbers each, by their start:
// start, duration, what, how many.
"use strict";
const logic = (() => {
  const STRIDE = 4;

  // -- figures as text --

  function digits(value) {
    const size = Math.abs(value);
    return value.toFixed(size >= 100 || size === Math.round(size) ? 0 : size >= 10 ? 1 : 2);
  }

  function time(us) {
    const size = Math.abs(us);
    if (size === 0) return "0";
    if (size < 0.9995) return digits(Math.round(us * 1000)) + "\u202fns";
    if (size < 999.5) return digits(us) + "\u202fµs";
    if (size < 999.5e3) return digits(us / 1e3) + "\u202fms";
    if (size < 120e6) return digits(us / 1e6) + "\u202fs";
    const seconds = Math.round(us / 1e6);
    if (seconds < 7200) return Math.floor(seconds / 60) + "\u202fmin " + (seconds % 60) + "\u202fs";
    return Math.floor(seconds / 3600) + "\u202fh " + Math.floor(seconds / 60) % 60 + "\u202fmin";
  }

  // A moment, exact enough for two that are a step apart to read differently.
  function moment(us, step) {
    const fixed = (unit) => {
      const places = Math.ceil(-Math.log10(Math.max(step, 0.001) / unit) - 1e-9);
      return (us / unit).toFixed(Math.min(Math.max(places, 0), 9));
    };
    const size = Math.abs(us);
    if (size === 0) return "0";
    if (size < 0.9995) return fixed(1e-3) + "\u202fns";
    if (size < 999.5) return fixed(1) + "\u202fµs";
    if (size < 999.5e3) return fixed(1e3) + "\u202fms";
    if (size < 120e6) return fixed(1e6) + "\u202fs";
    const [whole, part] = fixed(1e6).split(".");
    const seconds = Number(whole);
    const minutes = Math.floor(seconds / 60);
    const rest = step < 60e6 ? " " + seconds % 60 + (part ? "." + part : "") + "\u202fs" : "";
    if (seconds < 7200) return minutes + "\u202fmin" + rest;
    return Math.floor(minutes / 60) + "\u202fh " + minutes % 60 + "\u202fmin" + rest;
  }

  function bytes(n) {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let i = 0;
    while (Math.abs(n) >= 999.5 && i < units.length - 1) { n /= 1024; i++; }
    return (i === 0 ? String(Math.round(n)) : digits(n)) + "\u202f" + units[i];
  }

  function count(n) {
    return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
  }

  function percent(share) {
    return share > 0 && share < 0.001 ? "<\u202f0.1\u202f%" : digits(Math.round(share * 1000) / 10) + "\u202f%";
  }

  // As a counter of that unit is read.
  function figure(value, unit) {
    return unit === "bytes" ? bytes(value) : unit === "us" ? time(value) : count(value);
  }

  // -- time --

  // Steps that are round in minutes and hours.
  const LONG_STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map((s) => s * 1e6);

  // A round distance, of no less than a minimum of pixels; 0: there is nothing to divide.
  function tickStep(span, pixels, minimum) {
    if (!(span > 0) || !(pixels > 0)) return 0;
    const rough = span * minimum / pixels;
    const long = LONG_STEPS.find((n) => n >= rough * 0.999999);
    if (rough > 10e6 && long) return long;
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999999);
  }

  // Moments at round distances, at most one per minimum of pixels.
  function ticks(from, to, pixels, minimum) {
    const step = tickStep(to - from, pixels, minimum);
    const found = [];
    if (step === 0) return found;
    for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) found.push(i * step);
    return found;
  }

  // The index of the first slice that ends after a moment. Slices of one array do not overlap.
  function firstAfter(slices, moment) {
    let low = 0;
    let high = slices.length / STRIDE;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (slices[middle * STRIDE] + slices[middle * STRIDE + 1] <= moment) low = middle + 1;
      else high = middle;
    }
    return low * STRIDE;
  }

  // The index of the slice at a moment, or the nearest no further off than `slack`; or -1.
  function sliceAt(slices, moment, slack) {
    const next = firstAfter(slices, moment);
    if (next < slices.length && slices[next] <= moment) return next;
    const after = next < slices.length ? slices[next] - moment : Infinity;
    const last = next - STRIDE;
    const before = last >= 0 ? moment - slices[last] - slices[last + 1] : Infinity;
    if (Math.min(after, before) > slack) return -1;
    return after < before ? next : last;
  }

  // The index of the next slice of a kind that begins after a moment (step 1) or before it (step
  // -1); or -1.
  function nextOf(slices, what, moment, step) {
    const isFurther = (i) => slices[i + 2] === what && (slices[i] - moment) * step > 0;
    let i = Math.min(firstAfter(slices, moment), slices.length - STRIDE);
    while (i >= 0 && i < slices.length && !isFurther(i)) i += step * STRIDE;
    return i >= 0 && i < slices.length ? i : -1;
  }

  // Calls draw(start, end, what) for what is to be seen of slices between two moments; neighbours
  // that are closer than `grain` and alike are drawn as one. So are those that together are
  // shorter than that: what the longest of them was stands for all.
  function eachVisible(slices, from, to, grain, draw) {
    let start = 0;
    let end = -Infinity;
    let what = -1;
    let longest = 0;
    for (let i = firstAfter(slices, from); i < slices.length && slices[i] < to; i += STRIDE) {
      const begins = slices[i];
      const ends = begins + slices[i + 1];
      const isNear = what >= 0 && begins - end < grain;
      if (isNear && (slices[i + 2] === what || Math.max(end, ends) - start < grain)) {
        end = Math.max(end, ends);
        if (slices[i + 1] > longest) {
          longest = slices[i + 1];
          what = slices[i + 2];
        }
        continue;
      }
      if (what >= 0) draw(start, end, what);
      start = begins;
      end = Math.max(ends, begins);
      what = slices[i + 2];
      longest = slices[i + 1];
    }
    if (what >= 0) draw(start, end, what);
  }

  // Which share of each of n equal pieces of the run the slices of all tracks fill; 1 is one track.
  function shares(tracks, from, to, n) {
    const sums = new Float64Array(n);
    const width = (to - from) / n;
    if (!(width > 0)) return sums;
    for (const slices of tracks) {
      for (let i = 0; i < slices.length; i += STRIDE) {
        const begins = Math.max(slices[i], from);
        const ends = Math.min(slices[i] + slices[i + 1], to);
        let piece = Math.floor((begins - from) / width);
        while (piece < n && from + piece * width < ends) {
          const low = Math.max(begins, from + piece * width);
          const high = Math.min(ends, from + (piece + 1) * width);
          sums[piece++] += (high - low) / width;
        }
      }
    }
    return sums;
  }

  // A window of that length in the run, as near to `from` as it goes.
  function clampView(from, length, duration, shortest) {
    length = Math.min(Math.max(length, Math.min(shortest, duration)), duration);
    from = Math.min(Math.max(from, 0), duration - length);
    return { from, to: from + length };
  }

  // A window, stretched by a factor around a moment, which keeps its place in it.
  function zoomView(view, factor, moment, duration, shortest) {
    const before = view.to - view.from;
    if (!(before > 0)) return view;
    const length = Math.min(Math.max(before * factor, Math.min(shortest, duration)), duration);
    return clampView(moment - (moment - view.from) / before * length, length, duration, shortest);
  }

  // The value of a counter at a moment: points are [moment, value, moment, value, ...].
  function valueAt(points, moment) {
    let low = 0;
    let high = points.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle * 2] <= moment) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? points[low * 2 - 1] : undefined;
  }

  // -- colours, order, search --

  function hash(text) {
    let h = 2166136261;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619) >>> 0;
    return (h ^ (h >>> 15)) >>> 0;
  }

  // How bright a colour like "#2a8a91" is, from 0 to 1, where a share of it covers another.
  function brightness(colour, share, under) {
    const part = (text, i) => parseInt(text.slice(i, i + 2), 16) / 255;
    const linear = (i) => {
      const value = part(colour, i) * share + part(under, i) * (1 - share);
      return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
  }

  // Black or white: what can be read on a colour.
  function inkOn(colour, share, under) {
    return brightness(colour, share, under) > 0.179 ? "#000000" : "#ffffff";
  }

  // The first characters of a text, none of them halved.
  function head(text, length) {
    return text.slice(0, /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length);
  }

  // Rows by what a function says of them; those of which it says nothing come last.
  function sorted(rows, key, isDescending) {
    return rows.map((row, i) => ({ row, i, key: key(row) })).sort((a, b) => {
      const hasA = a.key !== undefined && a.key !== null && a.key !== "";
      const hasB = b.key !== undefined && b.key !== null && b.key !== "";
      if (!hasA || !hasB) return hasB - hasA || a.i - b.i;
      const order = typeof a.key === "string" || typeof b.key === "string"
        ? String(a.key).localeCompare(String(b.key), "en", { numeric: true })
        : a.key - b.key;
      return (isDescending ? -order : order) || a.i - b.i;
    }).map((entry) => entry.row);
  }

  // Whether each of the words stands somewhere in the text.
  function matches(text, query) {
    const low = text.toLowerCase();
    return query.toLowerCase().split(/\s+/).every((word) => low.includes(word));
  }

  // -- stacks --

  // A tree of [["main;work", 3], ...], the largest child first.
  function flameTree(stacks) {
    const root = { name: "all", value: 0, self: 0, children: [], parent: null, byName: new Map() };
    for (const [stack, value] of stacks) {
      let node = root;
      node.value += value;
      for (const name of stack.split(";")) {
        let child = node.byName.get(name);
        if (!child) {
          child = { name, value: 0, self: 0, children: [], parent: node, byName: new Map() };
          node.byName.set(name, child);
          node.children.push(child);
        }
        child.value += value;
        node = child;
      }
      node.self += value;
    }
    const rest = [root];
    while (rest.length > 0) {
      const node = rest.pop();
      node.byName = undefined;
      node.children.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
      for (const child of node.children) rest.push(child);
    }
    return root;
  }

  // Where the frames of a tree lie when one of them fills the width: {node, depth, left, width},
  // of 1. Narrower ones than `least` are left out, and counted.
  function flameLayout(top, least) {
    const frames = [];
    const above = [];
    for (let node = top; node; node = node.parent) above.unshift(node);
    above.forEach((node, depth) => frames.push({ node, depth, left: 0, width: 1 }));
    let hidden = 0;
    const rest = [frames[frames.length - 1]];
    while (rest.length > 0) {
      const frame = rest.pop();
      let left = frame.left;
      for (const node of frame.node.children) {
        const width = top.value > 0 ? node.value / top.value : 0;
        if (width < least) {
          hidden++;
        } else {
          const child = { node, depth: frame.depth + 1, left, width };
          frames.push(child);
          rest.push(child);
        }
        left += width;
      }
    }
    return { frames, hidden };
  }

  return { STRIDE, time, moment, bytes, count, percent, figure, tickStep, ticks, firstAfter, sliceAt, nextOf,
    eachVisible, shares, clampView, zoomView, valueAt, hash, brightness, inkOn, head, sorted, matches,
    flameTree, flameLayout };
})();
