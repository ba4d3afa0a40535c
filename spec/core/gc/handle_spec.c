// SPDX-License-Identifier: MIT
//
// Handles: what they hold is alive, from any thread, in every phase.
#include "gc/handle.h"

#include <pthread.h>
#include <sched.h>

#include "gc/gc.h"
#include "spec.h"

struct cell {
    struct cell *next;
    int64_t value;
};

static const lg_field cell_fields[] = {
    LG_FIELD(struct cell, next, LG_FIELD_REF),
    LG_FIELD(struct cell, value, LG_FIELD_INT),
};
static const lg_type_info cell_info = LG_TYPE_INFO(struct cell, cell_fields);

static lg_type *cell_type;
static _Atomic int n_done;
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

static size_t nhandles(lg_runtime *rt)
{
    return lg__handles_count(&lg__gc(rt)->handles);
}

it("a handle", "holds what it was given last, or nothing", .procs = 1)
{
    open_types(rt);
    struct cell *cell = cell_new(1);
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, NULL, &handle));
    CHECK(!lg_handle_get(handle));
    lg_handle_set(handle, cell);
    CHECK(lg_handle_get(handle) == cell);
    lg_handle_set(handle, NULL);
    CHECK(!lg_handle_get(handle));
    CHECK_INT(nhandles(rt), 1);
    lg_handle_free(handle);
    lg_handle_free(NULL);
    CHECK_INT(nhandles(rt), 0);
}

static void free_twice(lg_runtime *rt)
{
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, NULL, &handle));
    lg_handle_free(handle);
    lg_handle_free(handle);
}

it("a handle that is freed twice", "is a clear fatal error", .procs = 1,
   .dies = "lg_handle_free() of a handle that was freed")
{
    free_twice(rt);
}

it("handles left at the end", "are freed with the runtime", .procs = 1)
{
    lg_handle *handle;
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(lg_handle_new(rt, NULL, &handle));
    }
}

struct wanted {
    struct cell *cell;
    int n_seen;
};

static void see(void *ud, void *obj)
{
    struct wanted *wanted = ud;
    wanted->n_seen += obj == wanted->cell;
}

it("visiting handles", "meets each that holds something, once", .procs = 1)
{
    enum { MANY = 1000 };
    static lg_handle *handles[MANY];
    open_types(rt);
    struct wanted wanted = {.cell = cell_new(1)};
    for (int i = 0; i < MANY; i++) {
        CHECK_OK(lg_handle_new(rt, i % 2 ? wanted.cell : NULL, &handles[i]));
    }
    for (int i = 0; i < MANY; i += 4) {
        lg_handle_free(handles[i]);
        lg_handle_set(handles[i + 1], NULL);
    }
    lg__handles_visit(&lg__gc(rt)->handles, see, &wanted);
    CHECK_INT(wanted.n_seen, MANY / 4);
}

it("handles without memory", "say so", .procs = 1)
{
    static struct spec_memory memory;
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.alloc = spec_realloc;
    opts.alloc_ud = &memory;
    lg_runtime *own = spec_open_with(&opts);
    lg_handle *handle = NULL;
    memory.fail_at = 1;
    memory.is_fail_after = true;
    while (lg_handle_new(own, NULL, &handle) == LG_OK) {
        handle = NULL;
    }
    CHECK(!handle);
    memory.fail_at = 0;
    CHECK_OK(lg_handle_new(own, NULL, &handle));
    (void)rt;
}

// ---------------------------------------------------------------------------
// With the collector
// ---------------------------------------------------------------------------

static lg_handle *kept;

// In a goroutine of its own: its stack, with what it forgot, is gone after.
static void make_list(void *arg)
{
    struct cell *first = NULL;
    for (int64_t i = 0; i < 100; i++) {
        struct cell *cell = cell_new(i);
        lg_store(&cell->next, first);
        first = cell;
    }
    CHECK_OK(lg_handle_new(arg, first, &kept));
    n_done++;
}

static void check_list(struct cell *cell)
{
    for (int64_t i = 99; i >= 0; i--) {
        CHECK_INT(cell->value, i);
        cell = cell->next;
    }
    CHECK(!cell);
}

static uint64_t freed(lg_runtime *rt)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(rt, &stats);
    return stats.freed;
}

it("what a handle holds", "is alive with all that it refers to, until the handle goes",
   .procs = 2)
{
    open_types(rt);
    spec_go(rt, make_list, rt);
    SETTLE(n_done == 1);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < 1000; j++) { // to tread on what was freed
            cell_new(-1);
        }
        check_list(lg_handle_get(kept));
    }
    uint64_t before = freed(rt);
    lg_handle_free(kept);
    CHECK_OK(lg_gc(rt));
    CHECK(freed(rt) >= before + 100);
}

static void *host_make(void *arg)
{
    CHECK_OK(lg_handle_new_object(arg, cell_type, 1, &kept));
    struct cell *cell = lg_handle_get(kept);
    CHECK_INT(cell->value, 0);
    cell->value = 7;
    lg_handle *many;
    CHECK_OK(lg_handle_new_object(arg, cell_type, 100000, &many));
    CHECK(!((struct cell *)lg_handle_get(many))[99999].next);
    CHECK_CODE(lg_handle_new_object(arg, cell_type, SIZE_MAX / 2, &many), LG_ENOMEM);
    lg_handle_free(many);
    n_done++;
    return NULL;
}

it("a thread of the host", "makes objects, which live as long as their handle",
   .procs = 2)
{
    open_types(rt);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, host_make, rt), 0);
    while (n_done == 0) {
        CHECK_OK(lg_gc(rt));
    }
    pthread_join(thread, NULL);
    CHECK_OK(lg_gc(rt));
    CHECK_INT(((struct cell *)lg_handle_get(kept))->value, 7);
    lg_handle_free(kept);
}

// ---------------------------------------------------------------------------
// Stress: hosts and goroutines move objects from handle to handle while the
// collector runs. Each object tells which it is; one that is freed too early
// loses its number.
// ---------------------------------------------------------------------------

enum { SHARED = 64 };

static lg_handle *shared[SHARED];

static void check_cell(const struct cell *cell)
{
    if (cell) {
        CHECK(cell->value > 0 && cell->value % 1000003 == 0);
    }
}

// Takes an object along: a handle of one's own holds it meanwhile.
static void move_one(struct spec_random *random, lg_handle *own)
{
    lg_handle *to = shared[spec_random_below(random, SHARED)];
    struct cell *cell = lg_handle_get(own);
    check_cell(cell);
    lg_handle_set(to, cell);
}

static void *host_move(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)&random);
    while (!may_stop) {
        lg_handle *own;
        CHECK_OK(lg_handle_new_object(arg, cell_type, 1, &own));
        struct cell *cell = lg_handle_get(own);
        CHECK_INT(cell->value, 0);
        cell->value = 1000003 * (int64_t)(1 + spec_random_below(&random, 1000));
        for (int i = 0; i < 8; i++) {
            move_one(&random, own);
        }
        lg_handle_free(own);
        sched_yield();
    }
    return NULL;
}

static void go_move(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)&random);
    while (!may_stop) {
        struct cell *cell = lg_handle_get(shared[spec_random_below(&random, SHARED)]);
        check_cell(cell);
        for (int i = 0; i < 20; i++) {
            cell_new(-1);
        }
        check_cell(cell);
        struct cell *fresh = cell_new(1000003);
        lg_store(&fresh->next, cell);
        lg_handle *own;
        CHECK_OK(lg_handle_new(arg, fresh, &own));
        lg_handle_set(shared[spec_random_below(&random, SHARED)], fresh);
        lg_store(&fresh->next, NULL);
        lg_handle_free(own);
        CHECK_OK(lg_yield());
    }
    n_done++;
}

static void stress(lg_runtime *rt)
{
    open_types(rt);
    for (int i = 0; i < SHARED; i++) {
        CHECK_OK(lg_handle_new(rt, NULL, &shared[i]));
    }
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, host_move, rt), 0);
        spec_go(rt, go_move, rt);
    }
    for (int i = 0; i < spec_rounds(200); i++) {
        CHECK_OK(lg_gc(rt));
        for (int j = 0; j < SHARED; j++) {
            check_cell(lg_handle_get(shared[j]));
        }
    }
    may_stop = true;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    SETTLE(n_done == 2);
    for (int i = 0; i < SHARED; i++) {
        lg_handle_free(shared[i]);
    }
    CHECK_INT(nhandles(rt), 0);
}

it("handles under stress on 1 P", "lose nothing", .procs = 1, .limit_s = 60)
{
    stress(rt);
}

it("handles under stress on 2 Ps", "lose nothing", .procs = 2, .limit_s = 60)
{
    stress(rt);
}

it("handles under stress on 4 Ps", "lose nothing", .procs = 4, .limit_s = 60)
{
    stress(rt);
}
