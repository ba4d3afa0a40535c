// SPDX-License-Identifier: MIT
//
// Roots: words outside of the heap, which come and go.
#include "gc/roots.h"

#include "gc/gc.h"
#include "spec.h"

enum { NWORDS = 16 };

static lg_type *word_type; // one reference
static const lg_field word_fields[] = {{LG_FIELD_REF, 0, 8, 1, "ref"},
                                       {LG_FIELD_INT, 8, 8, 1, "value"}};
static const lg_type_info word_info = {"word", 16, word_fields, 2};

struct word {
    struct word *ref;
    int64_t value;
};

static void *table[NWORDS];
static _Atomic int n_done;
static _Atomic bool may_stop;

static void open_types(lg_runtime *rt)
{
    CHECK_OK(lg_type_register(rt, &word_info, &word_type));
}

static struct word *word_new(int64_t value)
{
    struct word *word = lg_new(word_type);
    CHECK(word);
    word->value = value;
    return word;
}

struct seen {
    int n_ranges;
    size_t n_words;
    const char *name;
};

static void see(void *ud, const char *name, void **words, size_t n)
{
    struct seen *seen = ud;
    seen->n_ranges++;
    seen->n_words += n;
    seen->name = name;
    CHECK(words);
}

it("roots", "are those that were added and not taken back", .procs = 1)
{
    static void *other[3];
    struct gc_roots *roots = &lg__gc(rt)->roots;
    size_t before = lg__roots_bytes(roots);
    CHECK_CODE(lg_root_remove(rt, table), LG_EINVAL);
    CHECK_OK(lg_root_add(rt, "table", table, NWORDS));
    CHECK_OK(lg_root_add(rt, "other", other, 3));
    CHECK_OK(lg_root_add(rt, "nothing", other + 3, 0));
    CHECK_INT(lg__roots_bytes(roots) - before, (NWORDS + 3) * sizeof(void *));
    struct seen seen = {0};
    lg__roots_visit(roots, see, &seen);
    CHECK(seen.n_ranges >= 3);
    CHECK_OK(lg_root_remove(rt, table));
    CHECK_CODE(lg_root_remove(rt, table), LG_EINVAL);
    CHECK_CODE(lg_root_remove(rt, other + 1), LG_EINVAL);
    CHECK_OK(lg_root_remove(rt, other + 3));
    seen = (struct seen){0};
    lg__roots_visit(roots, see, &seen);
    CHECK_STR(seen.name, "other");
    CHECK_INT(lg__roots_bytes(roots) - before, 3 * sizeof(void *));
    CHECK_OK(lg_root_remove(rt, other));
    CHECK_INT(lg__roots_bytes(roots), before);
}

it("roots left at the end", "are freed with the runtime", .procs = 1)
{
    CHECK_OK(lg_root_add(rt, "table", table, NWORDS));
}

it("roots without memory", "say so, and are none")
{
    static struct spec_memory memory;
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    lg_runtime *own = spec_open_with(&opts);
    memory.fail_at = 1;
    CHECK_CODE(lg_root_add(own, "table", table, NWORDS), LG_ENOMEM);
    CHECK_CODE(lg_root_remove(own, table), LG_EINVAL);
}

// ---------------------------------------------------------------------------
// With the collector
// ---------------------------------------------------------------------------

// In a goroutine of its own, whose stack is gone after.
static void fill(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < NWORDS; i++) {
        struct word *word = word_new(i);
        lg_store(&word->ref, word_new(1000 + i));
        lg_store(&table[i], word);
    }
    n_done++;
}

static void check_table(void)
{
    for (int i = 0; i < NWORDS; i++) {
        struct word *word = table[i];
        CHECK_INT(word->value, i);
        CHECK_INT(word->ref->value, 1000 + i);
    }
}

static uint64_t freed(lg_runtime *rt)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(rt, &stats);
    return stats.freed;
}

it("what roots hold", "is alive until they are taken back", .procs = 2)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "table", table, NWORDS));
    spec_go(rt, fill, NULL);
    SETTLE(n_done == 1);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < 1000; j++) {
            word_new(-1);
        }
        check_table();
    }
    uint64_t before = freed(rt);
    CHECK_OK(lg_root_remove(rt, table));
    CHECK_OK(lg_gc(rt));
    CHECK(freed(rt) >= before + NWORDS);
}

// Moves objects between two tables of which one is a root only while it holds
// some.
static void churn(void *arg)
{
    void *own[NWORDS] = {0};
    while (!may_stop) {
        CHECK_OK(lg_root_add(arg, "own", own, NWORDS));
        for (int i = 0; i < NWORDS; i++) {
            lg_store(&own[i], word_new(i));
        }
        CHECK_OK(lg_yield());
        for (int i = 0; i < NWORDS; i++) {
            CHECK_INT(((struct word *)own[i])->value, i);
            lg_store(&table[i], own[i]);
        }
        CHECK_OK(lg_root_remove(arg, own));
        memset(own, 0, sizeof own);
        CHECK_OK(lg_yield());
    }
    n_done++;
}

static void stress(lg_runtime *rt)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "table", table, NWORDS));
    for (int i = 0; i < NWORDS; i++) {
        lg_store(&table[i], word_new(i));
    }
    for (int i = 0; i < 3; i++) {
        spec_go(rt, churn, rt);
    }
    for (int i = 0; i < spec_rounds(200); i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < NWORDS; j++) {
            CHECK_INT(
                ((struct word *)__atomic_load_n(&table[j], __ATOMIC_ACQUIRE))->value, j);
        }
    }
    may_stop = true;
    SETTLE(n_done == 3);
    CHECK_OK(lg_root_remove(rt, table));
}

it("roots under stress on 1 P", "lose nothing", .procs = 1, .limit_s = 60)
{
    stress(rt);
}

it("roots under stress on 2 Ps", "lose nothing", .procs = 2, .limit_s = 60)
{
    stress(rt);
}

it("roots under stress on 4 Ps", "lose nothing", .procs = 4, .limit_s = 60)
{
    stress(rt);
}
