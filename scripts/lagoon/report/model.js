// SPDX-License-Identifier: MIT
//
// The report's data, made ready for the views: goroutines by number, their names and colours, what
// lanes show. What stands in it was written by any program: it only ever becomes text.
"use strict";
const openModel = (data) => {
  const NCOLOURS = 10;
  const RUN = 0;
  const READY = 1;
  const FIRST_REASON = 2;

  const byId = new Map();
  for (const g of data.goroutines) byId.set(g.id, g);

  // Goroutines of one name, or from one place, have one colour; where nearly all are alike, each
  // has its own.
  const groups = new Map();
  for (const g of data.goroutines) {
    const key = g.name || g.born || "";
    if (!groups.has(key)) groups.set(key, groups.size);
  }
  const isByGroup = groups.size > 2;
  for (const g of data.goroutines) {
    g.colour = (isByGroup ? groups.get(g.name || g.born || "") : g.id) % NCOLOURS;
    g.label = g.name || "goroutine " + g.id;
    g.waited = g.waits.reduce((sum, wait) => sum + wait[2], 0);
    g.nwaits = g.waits.reduce((sum, wait) => sum + wait[1], 0);
  }

  const FAMILIES = [
    ["select", /select/], ["channel", /chan|hand/], ["sleep", /sleep|timer|tick|frame/],
    ["lock", /\block|mutex|sema|cond|wait ?group|once/],
    ["io", /io|read|write|accept|connect|net|poll|process|file|dns|resolve|signal|block/],
  ];

  function family(reason) {
    const found = FAMILIES.find(([, pattern]) => pattern.test(reason));
    return found ? found[0] : "other";
  }

  const families = data.reasons.map(family);

  return {
    data, RUN, READY,
    HANDOVER: 5, // sent at, by, received at, by, channel
    goroutine: (id) => byId.get(id),
    label(id) {
      const g = byId.get(id);
      return g ? g.label : id > 0 ? "goroutine " + id : "?";
    },
    // The CSS variable with the colour of a slice in a lane.
    laneColour: (what, g) => what === RUN ? "--c" + g.colour
      : what === READY ? "--w-ready" : "--w-" + families[what - FIRST_REASON],
    reasonColour: (reason) => reason === "ready" ? "--w-ready" : "--w-" + family(reason),
    laneWord: (what) => what === RUN ? "runs" : what === READY ? "ready, without a P"
      : "waits: " + data.reasons[what - FIRST_REASON],
    usedFamilies: () => [...new Set(families)],
  };
};
