// SPDX-License-Identifier: MIT
//
// The free runs of pages of a heap, by length: the shortest that is long enough is
// found in a few steps, however many there are. Runs of up to RUNS_BIN_MAX pages
// stand in lists of their length, with a bit for each list that is not empty; longer
// ones in a treap by length, then address. A list begins with a run of low address,
// as far as that costs nothing. The lock is the heap's.
#ifndef LG_MEM_RUNS_H
#define LG_MEM_RUNS_H

#include "base/list.h"
#include "mem/span.h"

enum { RUNS_BIN_MAX = LG_SIZED(127, 6), RUNS_BINS = 128 };

struct runs {
    uint64_t nonempty[RUNS_BINS / 64]; // bit n: bins[n] has one
    struct list bins[RUNS_BINS];       // by pages
    struct span *root;
#ifdef LG_CHECK
    uint64_t nsteps; // through lists and the tree, ever
#endif
};

void lg__runs_add(struct runs *runs, struct span *s);
void lg__runs_remove(struct runs *runs, struct span *s);

// The best fit for so many pages, which stays in; NULL: there is none.
struct span *lg__runs_find(struct runs *runs, size_t npages);

// Calls fn for each run, in no order.
void lg__runs_each(const struct runs *runs, void (*fn)(void *ud, struct span *s),
                   void *ud);

// Asserts order and bits.
void lg__runs_verify(const struct runs *runs);

#endif // LG_MEM_RUNS_H
