// SPDX-License-Identifier: MIT
#include "mem/runs.h"

LG_INLINE void count_step(struct runs *runs)
{
#ifdef LG_CHECK
    runs->nsteps++;
#else
    (void)runs;
#endif
}

// ---------------------------------------------------------------------------
// The tree: a treap, whose priorities are scrambled addresses
// ---------------------------------------------------------------------------

static uint64_t priority(const struct span *s)
{
    uint64_t x = (uint64_t)(uintptr_t)s * 0x9e3779b97f4a7c15ULL;
    return (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
}

static bool is_less(const struct span *a, const struct span *b)
{
    return a->npages != b->npages ? a->npages < b->npages : a < b;
}

static void tree_add(struct runs *runs, struct span *s)
{
    struct span **at = &runs->root;
    while (*at && priority(*at) >= priority(s)) {
        count_step(runs);
        at = is_less(s, *at) ? &(*at)->left : &(*at)->right;
    }
    // What stood here is cut in two: less than s, and greater.
    struct span *rest = *at;
    struct span **less = &s->left;
    struct span **greater = &s->right;
    *at = s;
    while (rest) {
        count_step(runs);
        if (is_less(rest, s)) {
            *less = rest;
            less = &rest->right;
            rest = rest->right;
        } else {
            *greater = rest;
            greater = &rest->left;
            rest = rest->left;
        }
    }
    *less = NULL;
    *greater = NULL;
}

static void tree_remove(struct runs *runs, struct span *s)
{
    struct span **at = &runs->root;
    while (*at != s) {
        count_step(runs);
        at = is_less(s, *at) ? &(*at)->left : &(*at)->right;
    }
    // Its two subtrees are merged in its place.
    struct span *less = s->left;
    struct span *greater = s->right;
    while (less && greater) {
        count_step(runs);
        if (priority(less) >= priority(greater)) {
            *at = less;
            at = &less->right;
            less = less->right;
        } else {
            *at = greater;
            at = &greater->left;
            greater = greater->left;
        }
    }
    *at = less ? less : greater;
}

static struct span *tree_find(struct runs *runs, size_t npages)
{
    struct span *best = NULL;
    struct span *s = runs->root;
    while (s) {
        count_step(runs);
        if (s->npages >= npages) {
            best = s;
            s = s->left;
        } else {
            s = s->right;
        }
    }
    return best;
}

// ---------------------------------------------------------------------------
// Lists and tree together
// ---------------------------------------------------------------------------

LG_INLINE struct span *span_of_node(struct node *node)
{
    return LG_CONTAINER_OF(node, struct span, node);
}

void lg__runs_add(struct runs *runs, struct span *s)
{
    if (s->npages > RUNS_BIN_MAX) {
        tree_add(runs, s);
        return;
    }
    struct list *bin = &runs->bins[s->npages];
    if (bin->first && span_of_node(bin->first) < s) {
        lg__list_push_back(bin, &s->node);
    } else {
        lg__list_push_front(bin, &s->node);
    }
    runs->nonempty[s->npages / 64] |= (uint64_t)1 << (s->npages % 64);
}

void lg__runs_remove(struct runs *runs, struct span *s)
{
    if (s->npages > RUNS_BIN_MAX) {
        tree_remove(runs, s);
        return;
    }
    struct list *bin = &runs->bins[s->npages];
    lg__list_remove(bin, &s->node);
    if (lg__list_is_empty(bin)) {
        runs->nonempty[s->npages / 64] &= ~((uint64_t)1 << (s->npages % 64));
    }
}

struct span *lg__runs_find(struct runs *runs, size_t npages)
{
    for (size_t i = npages / 64; npages <= RUNS_BIN_MAX && i < RUNS_BINS / 64; i++) {
        uint64_t bits = runs->nonempty[i];
        if (i == npages / 64) {
            bits &= ~(uint64_t)0 << (npages % 64);
        }
        if (bits) {
            count_step(runs);
            size_t length = i * 64 + (size_t)__builtin_ctzll(bits);
            return span_of_node(runs->bins[length].first);
        }
    }
    return tree_find(runs, npages);
}

// ---------------------------------------------------------------------------
// Looking at all of them
// ---------------------------------------------------------------------------

static void tree_each(struct span *s, void (*fn)(void *ud, struct span *s), void *ud)
{
    if (s) {
        tree_each(s->left, fn, ud);
        fn(ud, s);
        tree_each(s->right, fn, ud);
    }
}

void lg__runs_each(const struct runs *runs, void (*fn)(void *ud, struct span *s),
                   void *ud)
{
    for (size_t i = 0; i < RUNS_BINS; i++) {
        for (struct node *node = runs->bins[i].first; node; node = node->next) {
            fn(ud, span_of_node(node));
        }
    }
    tree_each(runs->root, fn, ud);
}

static void tree_verify(const struct span *s)
{
    if (!s) {
        return;
    }
    LG_ASSERT(s->npages > RUNS_BIN_MAX);
    LG_ASSERT(!s->left || (is_less(s->left, s) && priority(s->left) <= priority(s)));
    LG_ASSERT(!s->right || (is_less(s, s->right) && priority(s->right) <= priority(s)));
    tree_verify(s->left);
    tree_verify(s->right);
}

void lg__runs_verify(const struct runs *runs)
{
    for (size_t i = 0; i < RUNS_BINS; i++) {
        bool has_bit = (runs->nonempty[i / 64] >> (i % 64)) & 1;
        LG_ASSERT(has_bit == !lg__list_is_empty(&runs->bins[i]));
        (void)has_bit;
        for (struct node *node = runs->bins[i].first; node; node = node->next) {
            LG_ASSERT(span_of_node(node)->npages == i);
        }
    }
    tree_verify(runs->root);
}
