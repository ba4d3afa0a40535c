// SPDX-License-Identifier: MIT
//
// Finalizers and weak references.
#include "gc/special.h"

#include "gc/gc.h"
#include "spec.h"

struct cell {
    struct cell *next;
    int64_t value;
    int64_t more[2];
};

static const lg_field cell_fields[] = {
    LG_FIELD(struct cell, next, LG_FIELD_REF),
    LG_FIELD(struct cell, value, LG_FIELD_INT),
    LG_FIELD_ARRAY(struct cell, more, LG_FIELD_INT),
};
static const lg_type_info cell_info = LG_TYPE_INFO(struct cell, cell_fields);

static lg_type *cell_type;
static _Atomic int n_done;
static _Atomic int n_final;
static _Atomic int64_t last_final; // value of the object
static _Atomic int64_t sum_final;
static _Atomic bool may_stop;

static void open_types(lg_runtime *rt)
{
    CHECK_OK(lg_type_register(rt, &cell_info, &cell_type));
}

static struct cell *cell_new(int64_t value)
{
    struct cell *cell = lg_new(cell_type);
    CHECK(cell);
    cell->value = value;
    return cell;
}

static void finalize(void *obj, void *ud)
{
    struct cell *cell = obj;
    CHECK(ud == &last_final);
    last_final = cell->value;
    sum_final += cell->value;
    n_final++;
}

// Runs fn in a goroutine whose stack, with what it forgot, is gone after.
static void apart(lg_runtime *rt, void (*fn)(void *arg))
{
    int before = n_done;
    spec_go(rt, fn, rt);
    SETTLE(n_done == before + 1);
    SETTLE(lg_num_goroutine(rt) == 1);
}

static size_t nweaks(lg_runtime *rt)
{
    return lg__specials_nweaks(&lg__gc(rt)->specials);
}

// ---------------------------------------------------------------------------
// Weak references
// ---------------------------------------------------------------------------

static lg_weak *weaks[3];
static lg_handle *kept;

static void make_weaks(void *arg)
{
    struct cell *cell = cell_new(5);
    CHECK_OK(lg_handle_new(arg, cell, &kept));
    CHECK_OK(lg_weak_new(arg, cell, &weaks[0]));
    CHECK_OK(lg_weak_new(arg, &cell->more[1], &weaks[1]));
    CHECK_OK(lg_weak_new(arg, cell, &weaks[2]));
    n_done++;
}

static void check_weaks(__attribute__((unused)) void *arg)
{
    struct cell *cell = lg_weak_get(weaks[0]);
    CHECK(cell && cell->value == 5);
    CHECK(lg_weak_get(weaks[1]) == &cell->more[1]);
    CHECK(lg_weak_get(weaks[2]) == cell);
    n_done++;
}

it("a weak reference", "gives the pointer it was made from until the object is gone",
   .procs = 2)
{
    open_types(rt);
    apart(rt, make_weaks);
    CHECK_INT(nweaks(rt), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
        apart(rt, check_weaks);
    }
    lg_handle_free(kept);
    lg_weak_free(weaks[2]);
    CHECK_OK(lg_gc(rt));
    CHECK(!lg_weak_get(weaks[0]));
    CHECK(!lg_weak_get(weaks[1]));
    CHECK_OK(lg_gc(rt));
    CHECK(!lg_weak_get(weaks[0]));
    lg_weak_free(weaks[0]);
    lg_weak_free(weaks[1]);
    lg_weak_free(NULL);
    CHECK_INT(nweaks(rt), 0);
}

it("a weak reference", "is refused to what is no object", .procs = 1)
{
    int local = 0;
    lg_weak *weak = NULL;
    void *block = lg_malloc(rt, 64);
    CHECK_CODE(lg_weak_new(rt, &local, &weak), LG_EINVAL);
    CHECK_CODE(lg_weak_new(rt, NULL, &weak), LG_EINVAL);
    CHECK_CODE(lg_weak_new(rt, block, &weak), LG_EINVAL);
    CHECK(!weak);
    lg_free(rt, block);
}

it("a weak reference that is freed twice", "is a clear fatal error", .procs = 1,
   .dies = "lg_weak_free() of a reference that was freed")
{
    open_types(rt);
    CHECK_OK(lg_weak_new(rt, cell_new(1), &weaks[0]));
    lg_weak_free(weaks[0]);
    lg_weak_free(weaks[0]);
}

it("weak references left at the end", "are freed with the runtime", .procs = 1)
{
    open_types(rt);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(lg_weak_new(rt, cell_new(i), &weaks[0]));
    }
}

static void make_many_weaks(void *arg)
{
    lg_weak **many = *(lg_weak ***)arg;
    for (int i = 0; i < 2000; i++) {
        CHECK_OK(lg_weak_new(lg_current(), cell_new(i), &many[i]));
    }
    n_done++;
}

it("weak references to many objects", "end with them", .procs = 2)
{
    open_types(rt);
    lg_weak **many = calloc(2000, sizeof(lg_weak *));
    spec_go(rt, make_many_weaks, &many);
    SETTLE(n_done == 1 && lg_num_goroutine(rt) == 1);
    CHECK_OK(lg_gc(rt));
    int n_left = 0;
    for (int i = 0; i < 2000; i++) {
        n_left += lg_weak_get(many[i]) != NULL;
        lg_weak_free(many[i]);
    }
    CHECK_BETWEEN(n_left, 0, 5); // stray words on some stack
    free(many);
}

// ---------------------------------------------------------------------------
// Finalizers
// ---------------------------------------------------------------------------

static void make_final(void *arg)
{
    struct cell *cell = cell_new(41);
    lg_store(&cell->next, cell_new(42));
    CHECK_OK(lg_set_finalizer(arg, cell, finalize, &last_final));
    n_done++;
}

it("a finalizer", "is called once, after the object cannot be reached", .procs = 2)
{
    open_types(rt);
    apart(rt, make_final);
    CHECK_INT(n_final, 0);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
    CHECK_INT(last_final, 41);
    CHECK_OK(lg_gc(rt));
    CHECK_OK(lg_gc(rt));
    CHECK_INT(n_final, 1);
}

static void make_kept_final(void *arg)
{
    struct cell *cell = cell_new(6);
    CHECK_OK(lg_handle_new(arg, cell, &kept));
    CHECK_OK(lg_set_finalizer(arg, cell, finalize, &last_final));
    n_done++;
}

it("a finalizer", "waits for as long as the object is held", .procs = 2)
{
    open_types(rt);
    apart(rt, make_kept_final);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
    }
    CHECK_INT(n_final, 0);
    lg_handle_free(kept);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
}

static struct cell *rescued; // a root

static void rescue(void *obj, __attribute__((unused)) void *ud)
{
    CHECK_INT(((struct cell *)obj)->next->value, 42);
    lg_store(&rescued, obj);
    n_final++;
}

static void make_rescued(void *arg)
{
    struct cell *cell = cell_new(41);
    lg_store(&cell->next, cell_new(42));
    CHECK_OK(lg_set_finalizer(arg, cell, rescue, NULL));
    CHECK_OK(lg_weak_new(arg, cell, &weaks[0]));
    CHECK_OK(lg_weak_new(arg, cell->next, &weaks[1]));
    n_done++;
}

it("an object", "may be rescued by its finalizer, with all that it refers to", .procs = 2)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "rescued", (void **)&rescued, 1));
    apart(rt, make_rescued);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
    CHECK(!lg_weak_get(weaks[0])); // it counts as collected
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < 1000; j++) {
            cell_new(-1);
        }
        CHECK_INT(rescued->value, 41);
        CHECK_INT(rescued->next->value, 42);
    }
    CHECK_OK(lg_set_finalizer(rt, rescued, finalize, &last_final));
    lg_store(&rescued, NULL);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 2);
    CHECK_OK(lg_gc(rt));
    CHECK(!lg_weak_get(weaks[1]));
    CHECK_OK(lg_root_remove(rt, (void **)&rescued));
}

static void make_chain(void *arg)
{
    struct cell *inner = cell_new(1);
    struct cell *outer = cell_new(2);
    lg_store(&outer->next, inner);
    CHECK_OK(lg_set_finalizer(arg, inner, finalize, &last_final));
    CHECK_OK(lg_set_finalizer(arg, outer, finalize, &last_final));
    n_done++;
}

it("finalizers of objects that refer to each other", "run from the outside in",
   .procs = 2)
{
    open_types(rt);
    apart(rt, make_chain);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
    CHECK_INT(last_final, 2);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 2);
    CHECK_INT(last_final, 1);
}

static void make_removed(void *arg)
{
    struct cell *cell = cell_new(1);
    CHECK_OK(lg_set_finalizer(arg, cell, finalize, &last_final));
    CHECK_OK(lg_set_finalizer(arg, cell, NULL, NULL));
    CHECK_OK(lg_set_finalizer(arg, cell, NULL, NULL));
    cell = cell_new(2);
    CHECK_OK(lg_set_finalizer(arg, cell, rescue, NULL));
    CHECK_OK(lg_set_finalizer(arg, cell, finalize, &last_final)); // in its place
    n_done++;
}

it("a finalizer", "can be taken back, or replaced", .procs = 2)
{
    open_types(rt);
    apart(rt, make_removed);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
    CHECK_INT(last_final, 2);
    CHECK_OK(lg_gc(rt));
    CHECK_INT(n_final, 1);
}

it("a finalizer", "is refused to what is no object's start", .procs = 1)
{
    open_types(rt);
    struct cell *cell = cell_new(1);
    CHECK_CODE(lg_set_finalizer(rt, &cell->value, finalize, NULL), LG_EINVAL);
    CHECK_CODE(lg_set_finalizer(rt, NULL, finalize, NULL), LG_EINVAL);
    CHECK_CODE(lg_set_finalizer(rt, &cell, finalize, NULL), LG_EINVAL);
    CHECK_CODE(lg_set_finalizer(rt, &cell, NULL, NULL), LG_EINVAL);
}

it("finalizers left at the end", "are not called", .procs = 1)
{
    open_types(rt);
    for (int i = 0; i < 100; i++) {
        CHECK_OK(lg_set_finalizer(rt, cell_new(i), finalize, &last_final));
    }
}

static void sleep_in_it(__attribute__((unused)) void *obj,
                        __attribute__((unused)) void *ud)
{
    n_final++;
    SETTLE(may_stop);
    n_final++;
}

static void make_slow(void *arg)
{
    CHECK_OK(lg_set_finalizer(arg, cell_new(1), sleep_in_it, NULL));
    n_done++;
}

static void make_hundred(void *arg)
{
    for (int i = 1; i <= 100; i++) {
        CHECK_OK(lg_set_finalizer(arg, cell_new(i), finalize, &last_final));
    }
    n_done++;
}

it("objects whose finalizer waits for its turn", "are roots", .procs = 2)
{
    open_types(rt);
    apart(rt, make_slow);
    CHECK_OK(lg_gc(rt));
    SETTLE(n_final == 1);
    apart(rt, make_hundred);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < 1000; j++) {
            cell_new(-1);
        }
    }
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(rt, &stats);
    CHECK_BETWEEN(stats.finalizers_queued, 95, 100);
    may_stop = true;
    SETTLE(n_final >= 2 + 95);
    CHECK(sum_final >= 95 * 95 / 2);
}

static struct spec_memory memory;

// What a call says when each of its allocations fails in turn; the last time none
// does.
static void fail_in_turn(lg_runtime *rt, struct cell *cell, bool is_weak)
{
    for (int n = 1;; n++) {
        CHECK(n < 100);
        size_t before = nweaks(rt);
        lg_weak *weak = NULL;
        memory.fail_at = n;
        int err = is_weak ? lg_weak_new(rt, cell, &weak)
                          : lg_set_finalizer(rt, cell, finalize, &last_final);
        bool has_failed = memory.fail_at == 0;
        memory.fail_at = 0;
        CHECK_CODE(err, has_failed ? LG_ENOMEM : LG_OK);
        CHECK_INT(nweaks(rt), before + (weak != NULL));
        CHECK((weak != NULL) == (is_weak && !err));
        if (!has_failed) {
            return;
        }
    }
}

static void use_without_memory(void *arg)
{
    for (int i = 0; i < 100; i++) {
        struct cell *cell = cell_new(i);
        fail_in_turn(arg, cell, true);
        fail_in_turn(arg, cell, false);
    }
}

it("specials without memory", "say so, and nothing has changed")
{
    (void)rt;
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    lg_runtime *own = spec_open_with(&opts);
    open_types(own);
    spec_main(own, use_without_memory, own);
}

// ---------------------------------------------------------------------------
// Stress
// ---------------------------------------------------------------------------

enum { SLOTS = 64 };

static struct cell *slots[SLOTS]; // roots
static lg_weak *slot_weaks[SLOTS];
static lg_mutex slot_lock;
static _Atomic int64_t n_made;
// An object that must be finalized lives for a cycle more, and those it refers to
// for another: without a limit for each cycle the heap would only grow.
static _Atomic int budget;

static void count_final(void *obj, void *ud)
{
    struct cell *cell = obj;
    CHECK_INT(cell->value, (int64_t)(intptr_t)ud);
    CHECK(!cell->next || cell->next->value > 0);
    n_final++;
}

// Replaces the object of a slot and its weak reference; what the old reference
// says must be the old object or nothing.
static void replace(lg_runtime *rt, struct spec_random *random)
{
    uint32_t i = spec_random_below(random, SLOTS);
    int64_t value = 1 + (int64_t)spec_random_below(random, 1000000);
    struct cell *cell = cell_new(value);
    lg_store(&cell->next, slots[i]);
    if (spec_random_below(random, 2) == 0) {
        lg_store(&cell->next, NULL); // or the chain would never end
    }
    CHECK_OK(lg_set_finalizer(rt, cell, count_final, (void *)(intptr_t)value));
    n_made++;
    struct cell *old = lg_weak_get(slot_weaks[i]);
    CHECK(!slots[i] || old == slots[i]);
    lg_weak_free(slot_weaks[i]);
    CHECK_OK(lg_weak_new(rt, cell, &slot_weaks[i]));
    lg_store(&slots[i], spec_random_below(random, 3) ? cell : NULL);
}

// A reference whose object nothing else holds: it may be gone at any moment, but
// what it gives is whole.
static void look(struct spec_random *random)
{
    struct cell *cell = lg_weak_get(slot_weaks[spec_random_below(random, SLOTS)]);
    if (cell) {
        CHECK(cell->value > 0 && cell->value <= 1000000);
        for (int i = 0; i < 10; i++) {
            cell_new(-1);
        }
        CHECK(cell->value > 0 && cell->value <= 1000000);
    }
}

static void churn(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)&random);
    while (!may_stop) {
        CHECK_OK(lg_mutex_lock(&slot_lock, LG_NEVER));
        if (budget > 0) {
            budget--;
            replace(arg, &random);
        }
        look(&random);
        CHECK_OK(lg_mutex_unlock(&slot_lock));
        CHECK_OK(lg_yield());
    }
    n_done++;
}

static void stress(lg_runtime *rt)
{
    open_types(rt);
    CHECK_OK(lg_root_add(rt, "slots", (void **)slots, SLOTS));
    for (int i = 0; i < SLOTS; i++) {
        lg_store(&slots[i], cell_new(i + 1));
        CHECK_OK(lg_weak_new(rt, slots[i], &slot_weaks[i]));
    }
    for (int i = 0; i < 4; i++) {
        spec_go(rt, churn, rt);
    }
    for (int i = 0; i < spec_rounds(200); i++) {
        budget = 500;
        CHECK_OK(lg_gc(rt));
        CHECK_OK(lg_yield());
    }
    may_stop = true;
    SETTLE(n_done == 4);
    for (int i = 0; i < SLOTS; i++) {
        lg_store(&slots[i], NULL);
        lg_weak_free(slot_weaks[i]);
    }
    SETTLE(lg_num_goroutine(rt) == 1);
    // A chain is finalized from its end, one a cycle.
    for (int i = 0; i < 100 && n_final < n_made; i++) {
        CHECK_OK(lg_gc(rt));
        CHECK_OK(lg_yield());
    }
    CHECK_BETWEEN(n_final, n_made * 9 / 10, n_made);
    CHECK_OK(lg_root_remove(rt, (void **)slots));
}

it("finalizers and weak references under stress on 1 P", "lose nothing", .procs = 1,
   .limit_s = 60)
{
    stress(rt);
}

it("finalizers and weak references under stress on 2 Ps", "lose nothing", .procs = 2,
   .limit_s = 60)
{
    stress(rt);
}

it("finalizers and weak references under stress on 4 Ps", "lose nothing", .procs = 4,
   .limit_s = 60)
{
    stress(rt);
}
