// SPDX-License-Identifier: MIT
//
// The flame graph: where the samples of a profile were taken, the outermost function on top.
"use strict";
const openFlame = (data) => {
  const { make } = dom;
  const ROW = 23;
  const panel = dom.byId("flame-panel");
  const kinds = dom.byId("flame-kinds");
  const search = dom.byId("flame-search");

  if (data.stacks.length === 0) {
    panel.replaceChildren(make("p", { class: "empty" }, "No samples were taken: the run was too short, or did no work in Lua."));
    search.parentElement.hidden = true;
    return { nframes: 0 };
  }

  const trees = data.stacks.map((profile) => logic.flameTree(profile.stacks));
  const field = make("div", { class: "flame", role: "tree", "aria-label": "Flame graph" });
  const said = make("span");
  const reset = make("button", { type: "button", on: { click: () => { top = trees[at]; draw(); } } }, "Show all");
  let at = 0;
  let top = trees[0];
  panel.replaceChildren(field, make("div", { class: "flame-foot" }, said, reset));

  // Warm hues, by name: the same function has the same one everywhere.
  function colour(node) {
    if (!node.parent) return "hsl(196 18% 72%)";
    const h = logic.hash(node.name.replace(/:\d+$/, ""));
    return `hsl(${14 + h % 36} ${70 + (h >> 8) % 16}% ${66 + (h >> 14) % 9}%)`;
  }

  const unit = () => data.stacks[at].unit;
  const words = (node) => `${logic.figure(node.value, unit())}${unit() === "samples" ? " samples" : ""}, `
    + `${logic.percent(node.value / (trees[at].value || 1))} of all`;

  function frame({ node, depth, left, width }) {
    const query = search.value.trim();
    const isHit = query && logic.matches(node.name, query);
    const button = make("button", {
      type: "button", role: "treeitem", "aria-label": `${node.name}: ${words(node)}`,
      class: [query && !isHit ? "dim" : "", depth < shownDepth ? "above" : ""].join(" ").trim() || null,
      style: { left: left * 100 + "%", width: `calc(${width * 100}% - 1px)`, top: depth * ROW + "px", background: colour(node) },
    }, width * field.clientWidth > 24 ? node.name : "");
    const tell = (x, y) => dom.showTip(x, y, [node.name, words(node), `${logic.figure(node.self, unit())} in itself`]);
    button.addEventListener("click", () => { top = node; dom.hideTip(); draw(); });
    button.addEventListener("pointermove", (event) => tell(event.clientX, event.clientY));
    button.addEventListener("pointerleave", dom.hideTip);
    button.addEventListener("focus", () => {
      const rect = button.getBoundingClientRect();
      if (button.matches(":focus-visible")) tell(rect.left, rect.bottom);
    });
    button.addEventListener("blur", dom.hideTip);
    return button;
  }

  let shownDepth = 0;

  function draw() {
    shownDepth = 0;
    for (let node = top.parent; node; node = node.parent) shownDepth++;
    const { frames, hidden } = logic.flameLayout(top, 1.5 / Math.max(field.clientWidth, 320));
    const deepest = frames.reduce((most, f) => Math.max(most, f.depth), 0);
    field.style.height = (deepest + 1) * ROW + "px";
    field.replaceChildren(...frames.map(frame));
    reset.hidden = top === trees[at];
    const query = search.value.trim();
    let hit = 0;
    if (query) {
      const rest = [trees[at]];
      while (rest.length > 0) {
        const node = rest.pop();
        if (node.parent && logic.matches(node.name, query)) hit += node.value; else rest.push(...node.children);
      }
    }
    said.textContent = query ? `${logic.percent(hit / (trees[at].value || 1))} in functions that fit “${query}”`
      : `${top.name}: ${words(top)}${hidden ? `; ${logic.count(hidden)} ${hidden === 1 ? "frame is" : "frames are"} too narrow to show` : ""}`;
    panel.dataset.frames = frames.length;
    for (const button of kinds.children) button.setAttribute("aria-pressed", String(Number(button.dataset.at) === at));
  }

  kinds.replaceChildren(...data.stacks.map((profile, i) => make("button", {
    type: "button", "data-at": i, on: { click: () => { at = i; top = trees[i]; draw(); } } }, profile.name)));
  kinds.hidden = data.stacks.length < 2;
  search.addEventListener("input", draw);
  new ResizeObserver(draw).observe(panel);
  draw();
  return { draw };
};
