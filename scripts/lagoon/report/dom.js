// SPDX-License-Identifier: MIT
//
// Elements, made from text only: nothing of the report is ever read as HTML.
"use strict";
const dom = (() => {
  const byId = (id) => document.getElementById(id);

  // make("td", {class: "num", title: "..."}, child, "text", ...)
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "on") for (const [kind, f] of Object.entries(value)) element.addEventListener(kind, f);
      else if (name === "style") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
      else element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) {
      if (child !== undefined && child !== null && child !== false) element.append(child);
    }
    return element;
  }

  const swatch = (colour, isThin) => make("span", {
    class: isThin ? "swatch thin" : "swatch", style: { background: `var(${colour})` }, "aria-hidden": "true",
  });

  // Parts of a whole: [[share, colour, title], ...]
  function shares(parts, className) {
    const seen = parts.filter(([share]) => share > 0);
    const said = seen.map(([, , title]) => title).filter(Boolean).join("; ");
    return make("div", { class: className, role: said ? "img" : null, "aria-label": said || null },
      ...seen.map(([share, colour, title]) => make("span", {
        style: { width: share * 100 + "%", background: `var(${colour})` }, title,
      })));
  }

  // A name, and a number that stays behind it whatever way the name is written.
  const named = (name, id) => make("span", {}, make("bdi", {}, name), " ", make("span", { class: "id" }, "#" + id));

  const tip = byId("tip");

  // Lines beside a place of the window; the first is bold.
  function showTip(x, y, lines) {
    tip.replaceChildren(...lines.filter(Boolean).map((line, i) => make(i === 0 ? "b" : "span", {}, line)));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = x + 14 + width > innerWidth - 8 ? x - width - 14 : x + 14;
    const top = y + 16 + height > innerHeight - 8 ? y - height - 12 : y + 16;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, top) + "px";
  }

  function hideTip() {
    tip.hidden = true;
  }

  // A canvas's context in CSS pixels; it has the size that it is shown with.
  function fit(canvas, height) {
    const scale = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    canvas.style.height = height + "px";
    const w = Math.max(1, Math.round(width * scale));
    const h = Math.max(1, Math.round(height * scale));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width };
  }

  // The theme's colours, read once for each drawing.
  function palette() {
    const style = getComputedStyle(document.documentElement);
    const known = new Map();
    return (name) => {
      if (!known.has(name)) known.set(name, style.getPropertyValue(name).trim() || "#888");
      return known.get(name);
    };
  }

  return { byId, make, swatch, shares, named, showTip, hideTip, fit, palette };
})();
