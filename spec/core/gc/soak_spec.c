// SPDX-License-Identifier: MIT
//
// Ten minutes of churn: collected graphs that come and go, blocks that others free,
// goroutines, channels, handles, weak references and finalizers. What the process
// holds after the first minutes is what it holds at the end.
#include <stdio.h>

#include "nodes.h"

enum { WORKERS = 6, GRAPH = 3000, BLOCKS = 500, WARM_S = 120, SOAK_S = 600, LOOK_S = 10 };

struct soak {
    lg_runtime *rt;
    lg_type *type;
    lg_chan *blocks; // from one worker to another, who frees them
    lg_waitgroup done;
    _Atomic bool is_over;
    _Atomic uint64_t nfinalized;
};

struct soaker {
    struct soak *soak;
    struct spec_random random;
};

static void finalized(__attribute__((unused)) void *obj, void *ud)
{
    struct soak *soak = ud;
    atomic_fetch_add_explicit(&soak->nfinalized, 1, memory_order_relaxed);
}

static void grow_graph(struct soaker *s)
{
    struct soak *soak = s->soak;
    lg_handle *handle;
    CHECK_OK(lg_handle_new(soak->rt, node_list(soak->type, GRAPH), &handle));
    struct node_obj *first = lg_handle_get(handle);
    lg_weak *weak;
    CHECK_OK(lg_weak_new(soak->rt, first->refs[0], &weak));
    CHECK_OK(lg_set_finalizer(soak->rt, first, finalized, soak));
    for (struct node_obj *at = first; at; at = at->refs[0]) {
        node_check(at);
    }
    CHECK(lg_weak_get(weak) == first->refs[0]);
    lg_weak_free(weak);
    lg_handle_free(handle);
}

static void trade_blocks(struct soaker *s)
{
    lg_runtime *rt = s->soak->rt;
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = (size_t)1 << spec_random_below(&s->random, 14);
        char *mine = lg_malloc(rt, size + spec_random_below(&s->random, 100));
        CHECK(mine);
        mine[0] = 1;
        if (lg_chan_send(s->soak->blocks, &mine, 0) != LG_OK) {
            lg_free(rt, mine);
        }
        char *other;
        if (lg_chan_recv(s->soak->blocks, &other, 0) == LG_OK) {
            CHECK_INT(other[0], 1);
            lg_free(rt, other);
        }
    }
}

static void litter(void *arg)
{
    struct soak *soak = arg;
    node_litter(soak->type, 50);
    CHECK_OK(lg_waitgroup_add(&soak->done, -1));
}

static void soaker_main(void *arg)
{
    struct soaker *s = arg;
    struct soak *soak = s->soak;
    while (!atomic_load_explicit(&soak->is_over, memory_order_relaxed)) {
        grow_graph(s);
        trade_blocks(s);
        for (int i = 0; i < 50; i++) {
            CHECK_OK(lg_waitgroup_add(&soak->done, 1));
            spec_go(soak->rt, litter, soak);
        }
        lg_new_bytes(soak->rt, spec_random_below(&s->random, 200000));
        CHECK_OK(lg_yield());
    }
    CHECK_OK(lg_waitgroup_add(&soak->done, -1));
}

static int64_t most_resident(lg_runtime *rt, int64_t seconds)
{
    int64_t most = 0;
    for (int64_t i = 0; i < seconds; i += LOOK_S) {
        CHECK_OK(lg_sleep_until(lg_now(rt) + LOOK_S * INT64_C(1000000000)));
        int64_t bytes = spec_resident_bytes();
        most = bytes > most ? bytes : most;
    }
    return most;
}

it("a soak of ten minutes", "leaves resident memory flat", .procs = 2, .limit_s = 900,
   .is_stress = true)
{
    struct soak soak = {.rt = rt, .type = node_type(rt)};
    soak.blocks = spec_chan(rt, sizeof(char *), 1000);
    struct soaker soakers[WORKERS];
    CHECK_OK(lg_waitgroup_add(&soak.done, WORKERS));
    for (int i = 0; i < WORKERS; i++) {
        soakers[i] =
            (struct soaker){.soak = &soak, .random = spec_random_new((uint64_t)i)};
        spec_go(rt, soaker_main, &soakers[i]);
    }
    int64_t early = most_resident(rt, WARM_S);
    int64_t late = most_resident(rt, SOAK_S - WARM_S);
    printf("  soak: %" PRId64 " KB in the first two minutes, %" PRId64
           " KB in the other eight, %" PRIu64 " cycles\n",
           early / 1024, late / 1024, gc_stats(rt).cycles);
    atomic_store(&soak.is_over, true);
    CHECK_OK(lg_waitgroup_wait(&soak.done, LG_NEVER));
    char *block;
    while (lg_chan_recv(soak.blocks, &block, 0) == LG_OK) {
        lg_free(rt, block);
    }
    lg_chan_free(soak.blocks);
    CHECK(atomic_load(&soak.nfinalized) > 0);
    if (spec_resident_is_ours()) {
        CHECK_BETWEEN(late, 0, early + early / 10);
    }
}
