// SPDX-License-Identifier: MIT
//
// The flame graph: where the samples of a profile were taken, the outermost function on top. Its
// frames are one stop of the Tab key; arrows go from one to the next.
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
    return;
  }

  const trees = data.stacks.map((profile) => logic.flameTree(profile.stacks));
  const field = make("div", { class: "flame", role: "tree", "aria-label": "Flame graph", "aria-describedby": "flame-keys" });
  const said = make("span", { role: "status" });
  const reset = make("button", { type: "button", on: { click: () => { showAlone(trees[at]); focusOn(top); } } }, "Show all");
  const keysHelp = make("p", { id: "flame-keys", class: "hidden" },
    "Arrow keys go to the callers, the functions called and their neighbours, Enter shows one alone, Escape shows all.");
  let at = 0;
  let top = trees[0];
  let shownWidth = 0;
  let frames = []; // as logic.flameLayout tells them
  let buttons = []; // of the same frames
  panel.replaceChildren(field, make("div", { class: "flame-foot" }, said, reset), keysHelp);

  // Warm hues, by name: the same function has the same one everywhere.
  function colour(node) {
    if (!node.parent) return "hsl(196 18% 72%)";
    const h = logic.hash(node.name.replace(/:\d+$/, ""));
    return `hsl(${14 + h % 36} ${70 + (h >> 8) % 16}% ${66 + (h >> 14) % 9}%)`;
  }

  const unit = () => data.stacks[at].unit;
  const words = (node) => `${logic.figure(node.value, unit())}${unit() === "samples" ? " samples" : ""}, `
    + `${logic.percent(node.value / (trees[at].value || 1))} of all`;

  // -- drawing --

  function depthOf(node) {
    let depth = 0;
    for (let above = node.parent; above; above = above.parent) depth++;
    return depth;
  }

  function frame({ node, depth, left, width }, query) {
    const isHit = query && logic.matches(node.name, query);
    return make("button", {
      type: "button", role: "treeitem", "aria-level": depth + 1, "aria-label": `${node.name}: ${words(node)}`,
      tabindex: node === top ? 0 : -1,
      class: [query && !isHit ? "dim" : "", depth < depthOf(top) ? "above" : ""].join(" ").trim() || null,
      style: { left: left * 100 + "%", width: `calc(${width * 100}% - 1px)`, top: depth * ROW + "px", background: colour(node) },
    }, width * field.clientWidth > 24 ? node.name : "");
  }

  // How much was spent in functions that fit, those that call each other counted once.
  function spentIn(query) {
    let sum = 0;
    const rest = [trees[at]];
    while (rest.length > 0) {
      const node = rest.pop();
      if (node.parent && logic.matches(node.name, query)) sum += node.value;
      else rest.push(...node.children);
    }
    return sum;
  }

  function draw() {
    const query = search.value.trim();
    const layout = logic.flameLayout(top, 1.5 / Math.max(field.clientWidth, 320));
    const { hidden } = layout;
    shownWidth = field.clientWidth;
    frames = layout.frames;
    buttons = frames.map((f) => frame(f, query));
    const deepest = frames.reduce((most, f) => Math.max(most, f.depth), 0);
    field.style.height = (deepest + 1) * ROW + "px";
    field.replaceChildren(...buttons);
    reset.hidden = top === trees[at];
    said.textContent = query ? `${logic.percent(spentIn(query) / (trees[at].value || 1))} in functions that fit “${query}”`
      : `${top.name}: ${words(top)}${hidden ? `; ${logic.count(hidden)} ${hidden === 1 ? "frame is" : "frames are"} too narrow to show` : ""}`;
    panel.dataset.frames = frames.length;
    for (const button of kinds.children) button.setAttribute("aria-pressed", String(Number(button.dataset.at) === at));
  }

  function showAlone(node) {
    top = node;
    dom.hideTip();
    draw();
  }

  // -- mouse and keys --

  const frameOf = (element) => frames[buttons.indexOf(element)];

  function tell(found, x, y) {
    dom.showTip(x, y, [found.node.name, words(found.node), `${logic.figure(found.node.self, unit())} in itself`]);
  }

  function focusOn(node) {
    const i = frames.findIndex((f) => f.node === node);
    if (i < 0) return;
    for (const button of buttons) button.tabIndex = -1;
    buttons[i].tabIndex = 0;
    buttons[i].focus();
  }

  // The frame beside another: of the same depth, the next to the left or the right.
  function beside(found, step) {
    const row = frames.filter((f) => f.depth === found.depth).sort((a, b) => a.left - b.left);
    return row[row.indexOf(found) + step];
  }

  const keys = {
    ArrowUp: (found) => found.node.parent,
    ArrowDown: (found) => found.node.children[0],
    ArrowLeft: (found) => (beside(found, -1) || found).node,
    ArrowRight: (found) => (beside(found, 1) || found).node,
    Home: () => trees[at],
  };

  field.addEventListener("click", (event) => {
    const found = frameOf(event.target);
    if (!found) return;
    showAlone(found.node);
    focusOn(found.node);
  });
  field.addEventListener("keydown", (event) => {
    const found = frameOf(event.target);
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      showAlone(trees[at]);
      focusOn(found.node);
    } else if (keys[event.key]) {
      focusOn(keys[event.key](found));
      event.preventDefault();
    }
  });
  field.addEventListener("pointermove", (event) => {
    const found = frameOf(event.target);
    if (found) tell(found, event.clientX, event.clientY);
    else dom.hideTip();
  });
  field.addEventListener("pointerleave", dom.hideTip);
  field.addEventListener("focusin", (event) => {
    const found = frameOf(event.target);
    const rect = event.target.getBoundingClientRect();
    if (found && event.target.matches(":focus-visible")) tell(found, Math.max(rect.left, 0), rect.bottom);
  });
  field.addEventListener("focusout", dom.hideTip);

  kinds.replaceChildren(...data.stacks.map((profile, i) => make("button", {
    type: "button", "data-at": i, on: { click: () => { at = i; showAlone(trees[i]); } } }, profile.name)));
  kinds.hidden = data.stacks.length < 2;
  search.addEventListener("input", draw);

  // Later than the size is told, for drawing changes the height; and only where the width has.
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (field.clientWidth !== shownWidth) draw();
  })).observe(panel);
  draw();
};
