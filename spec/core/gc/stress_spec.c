// SPDX-License-Identifier: MIT
//
// Many goroutines change one graph while it is collected: nodes are made, linked
// anywhere, read from anywhere, forgotten. Each carries a seal, so one that was
// freed too early is noticed by whoever walks to it, and the check build proves
// after each marking that no marked object refers to one that is not.
#include <stdio.h>

#include "nodes.h"

enum { SLOTS = 64, WALK_MAX = 50 };

struct shared {
    lg_runtime *rt;
    lg_type *type;
    struct node_obj **slots; // an array of references, held by a handle
    lg_chan *mail;
    lg_waitgroup done;
    int rounds;
};

struct worker {
    struct shared *shared;
    struct spec_random random;
};

static struct node_obj *load(struct node_obj **slot)
{
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

// From a random slot along random references, as far as it goes.
static struct node_obj *walk(struct shared *shared, struct spec_random *random)
{
    struct node_obj *at = load(&shared->slots[spec_random_below(random, SLOTS)]);
    for (uint32_t steps = spec_random_below(random, WALK_MAX); at && steps > 0; steps--) {
        node_check(at);
        struct node_obj *next = load(&at->refs[spec_random_below(random, NODE_REFS)]);
        if (!next) {
            break;
        }
        at = next;
    }
    return at;
}

static void change(struct shared *shared, struct spec_random *random)
{
    struct node_obj *from = walk(shared, random);
    struct node_obj *to = walk(shared, random);
    switch (spec_random_below(random, 9)) {
    case 0: // a new node in a slot, with what was found behind it
    case 1: {
        struct node_obj *fresh = node_new(shared->type, spec_random_next(random));
        lg_store(&fresh->refs[0], from);
        lg_store(&fresh->refs[1], to);
        lg_store(&shared->slots[spec_random_below(random, SLOTS)], fresh);
        break;
    }
    case 2: lg_store(&shared->slots[spec_random_below(random, SLOTS)], from); break;
    case 3: lg_store(&shared->slots[spec_random_below(random, SLOTS)], NULL); break;
    case 4: // moved: the only reference to it may be on this stack for a moment
        if (from) {
            struct node_obj **slot = &from->refs[spec_random_below(random, NODE_REFS)];
            struct node_obj *moved = load(slot);
            lg_store(slot, NULL);
            if (spec_random_below(random, 4) == 0) {
                lg_yield();
            }
            lg_store(&shared->slots[spec_random_below(random, SLOTS)], moved);
        }
        break;
    case 5: lg_new_bytes(shared->rt, spec_random_below(random, 3000)); break;
    case 6: // through a channel, which alone holds it meanwhile
        lg_chan_send(shared->mail, &from, 0);
        if (lg_chan_recv(shared->mail, &to, 0) == LG_OK) {
            lg_store(&shared->slots[spec_random_below(random, SLOTS)], to);
        }
        break;
    default:
        if (from) {
            lg_store(&from->refs[spec_random_below(random, NODE_REFS)], to);
        }
    }
}

static void work(void *arg)
{
    struct worker worker = *(struct worker *)arg;
    for (int i = 0; i < worker.shared->rounds; i++) {
        change(worker.shared, &worker.random);
        if (i % 32 == 0) {
            lg_yield();
        }
        if (i % 512 == 0) {
            lg_gc(worker.shared->rt);
        }
    }
    CHECK_OK(lg_waitgroup_add(&worker.shared->done, -1));
}

static void run(lg_runtime *rt, int nworkers, int rounds)
{
    struct shared shared = {.rt = rt, .type = node_type(rt), .rounds = rounds};
    shared.slots = lg_new_array(ref_type(rt), SLOTS);
    shared.mail = spec_chan(rt, sizeof(struct node_obj *), 20);
    lg_handle *keep;
    CHECK_OK(lg_handle_new(rt, shared.slots, &keep));
    CHECK_OK(lg_waitgroup_add(&shared.done, nworkers));
    struct worker workers[16];
    for (int i = 0; i < nworkers; i++) {
        workers[i] =
            (struct worker){.shared = &shared, .random = spec_random_new((uint64_t)i)};
        spec_go(rt, work, &workers[i]);
    }
    CHECK_OK(lg_waitgroup_wait(&shared.done, LG_NEVER));
    CHECK(gc_stats(rt).cycles > 0);
    struct node_obj *last;
    while (lg_chan_recv(shared.mail, &last, 0) == LG_OK) {
        if (last) {
            node_check(last);
        }
    }
    lg_chan_free(shared.mail);
    lg_handle_free(keep);
    shared.slots = NULL;
}

it("gc under stress", "loses nothing on one P", .procs = 1, .limit_s = 120)
{
    run(rt, 8, spec_rounds(20000));
}

it("gc under stress", "loses nothing on two Ps", .procs = 2, .limit_s = 120)
{
    run(rt, 8, spec_rounds(20000));
}

it("gc under stress", "loses nothing on four Ps", .procs = 4, .limit_s = 120)
{
    run(rt, 16, spec_rounds(10000));
}

static void stress_main(void *arg)
{
    lg_runtime *rt = *(lg_runtime **)arg;
    run(rt, 4, 200);
}

it("gc_stress", "collects before every allocation", .limit_s = 120)
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    options.gc_stress = true;
    lg_runtime *rt2 = spec_open_with(&options);
    spec_main(rt2, stress_main, &rt2);
    CHECK(gc_stats(rt2).cycles > 20);
}
