// SPDX-License-Identifier: MIT
//
// A frozen table in the core's heap: filled once, before anybody else sees it, and read
// by all states at once from then on. What stands in it is text, numbers, and
// references to other shared objects, frozen tables among them.
//
//   struct shared           data: struct value [narray + 2 * nentries]
//   +-----------------+     +-------+-----+-------------+-------------+-----
//   | flags: length   |     | [1]   | ... | key   value | key   value | ...
//   | data, more      |     +-------+-----+-------------+-------------+-----
//   | word:  narray   |      array part    entries, in the order of `pairs`
//   | word2: nentries |
//   +-----------------+     more: where entries stand, by the hash of their keys;
//                           NULL: they are few
//
// A value is as in value.h, with three tags more. The length is what `#` gave for the
// table that was frozen, which may have holes.
#ifndef LAGOON_FROZENNODE_H
#define LAGOON_FROZENNODE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "share.h"
#include "value.h"

enum frozen_tag {
    FROZEN_TEXT = 0xfffffffdU, // ref: the text's hash, ptr: struct frozen_text
    FROZEN_INT64,              // ptr: its 8 bytes
    FROZEN_UINT64,             //
};

struct frozen_text {
    uint32_t length;
    char bytes[];
};

// Figures of a node. Made once when it is read, as they are atomic words there.
struct frozen_view {
    const struct value *cells;
    size_t narray;
    size_t nentries;
    const uint32_t *index; // entries, from 1 on; 0: none. NULL: search them all
    uint32_t index_mask;
};

enum {
    FROZEN_NO_ENTRY = -1,
    FROZEN_SEARCHED_MAX = 8, // with so few entries no index is needed
};

// How many words of an index so many entries need; 0: none. Half to a quarter of it is
// used, so that searches are short.
static inline size_t lagoon__frozen_index_size(size_t nentries)
{
    if (nentries <= FROZEN_SEARCHED_MAX) {
        return 0;
    }
    return (size_t)2 << (64 - __builtin_clzll(nentries - 1));
}

static inline struct frozen_view lagoon__frozen_view(struct shared *node)
{
    // relaxed: written before anybody else could see the node
    uint64_t narray = atomic_load_explicit(&node->word, memory_order_relaxed);
    uint64_t nentries = atomic_load_explicit(&node->word2, memory_order_relaxed);
    struct frozen_view view = {
        .cells = node->data,
        .narray = narray,
        .nentries = nentries,
        .index = node->more,
    };
    if (view.index != NULL) {
        view.index_mask = (uint32_t)lagoon__frozen_index_size(nentries) - 1;
    }
    return view;
}

// The position of a key among the entries, or FROZEN_NO_ENTRY. Keys are values as they
// are stored; that of a text needs no ptr.
int64_t lagoon__frozen_entry(const struct frozen_view *view, struct value key,
                             const char *bytes, size_t length);

// What stands under a number, or under a text; NULL: nothing does.
const struct value *lagoon__frozen_at_number(const struct frozen_view *view,
                                             double number);
const struct value *lagoon__frozen_at_text(const struct frozen_view *view,
                                           const char *bytes, size_t length);

static inline const struct value *lagoon__frozen_key(const struct frozen_view *view,
                                                     size_t entry)
{
    return &view->cells[view->narray + 2 * entry];
}

// A key as it is stored, but for the ptr of a text.
struct value lagoon__frozen_number_key(double number);
struct value lagoon__frozen_text_key(const char *bytes, size_t length);

// -- while it is made --

// Enters all entries into the zeroed index of so many words.
void lagoon__frozen_fill_index(const struct frozen_view *view, uint32_t *index,
                               size_t size);

#endif // LAGOON_FROZENNODE_H
