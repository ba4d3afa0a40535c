// SPDX-License-Identifier: MIT
//
// How do allocations fare beside `size` MB of live objects? Those are a graph whose nodes
// have six references each, to any others. As many workers as there are Ps make garbage and
// redirect references for four seconds.
#include "histogram.h"
#include <heap.h>

enum { EDGES = 6, WINDOW = 64 };

struct node {
    struct node *edges[EDGES];
    uint64_t values[2];
};

struct worker {
    struct node **nodes;
    size_t nnodes;
    size_t from; // its share of the nodes, to be linked: [from, to)
    size_t to;
    uint64_t random;
    int64_t until_ns;
    int64_t ops;
    struct histogram times; // of an allocation
};

static heap_type *node_type;

static struct node *node_at(struct worker *me)
{
    return me->nodes[meter_random(&me->random) % me->nnodes];
}

static void link_nodes(void *arg)
{
    struct worker *me = arg;
    for (size_t i = me->from; i < me->to; i++) {
        struct node *node = me->nodes[i];
        for (int edge = 0; edge < EDGES; edge++) {
            heap_store(&node->edges[edge], node_at(me));
        }
    }
}

static void make_garbage(void *arg)
{
    struct worker *me = arg;
    struct node *window[WINDOW] = {NULL};
    int64_t now_ns = meter_now_ns();
    me->ops = 0;
    while (now_ns < me->until_ns) {
        int64_t before_ns = meter_now_ns();
        struct node *node = heap_new(node_type);
        now_ns = meter_now_ns();
        histogram_add(&me->times, (uint64_t)(now_ns - before_ns));
        meter_check(node, "out of memory");
        node->values[0] = (uint64_t)me->ops;
        if (me->ops / WINDOW % 4 != 0) { // chains of four
            heap_store(&node->edges[0], window[me->ops % WINDOW]);
        }
        window[me->ops % WINDOW] = node;
        heap_store(&node_at(me)->edges[me->ops % EDGES], node_at(me));
        me->ops++;
    }
    meter_use(window);
}

// Nothing of a worker is seen by a collector; the caller's stack must hold the result.
static struct node **build(struct worker *workers, size_t nworkers, size_t nnodes)
{
    node_type = heap_type_new("node", sizeof(struct node), EDGES);
    struct node **nodes = (struct node **)heap_new_refs(nnodes);
    meter_check(nodes, "out of memory");
    for (size_t i = 0; i < nnodes; i++) {
        struct node *node = heap_new(node_type);
        meter_check(node, "out of memory");
        heap_store(&nodes[i], node);
    }
    for (size_t i = 0; i < nworkers; i++) {
        workers[i].nodes = nodes;
        workers[i].nnodes = nnodes;
        workers[i].from = nnodes * i / nworkers;
        workers[i].to = nnodes * (i + 1) / nworkers;
        workers[i].random = i + 1;
    }
    heap_together(nworkers, link_nodes, workers, sizeof *workers);
    return nodes;
}

static void tell(struct worker *workers, size_t nworkers, int64_t ran_ns)
{
    double ops = 0;
    for (size_t i = 0; i < nworkers; i++) {
        ops += (double)workers[i].ops;
        if (i > 0) {
            histogram_merge(&workers[0].times, &workers[i].times);
        }
    }
    struct heap_stops stops = heap_stops();
    meter_tell("live", (double)ran_ns * (double)nworkers / ops);
    meter_tell("live.alloc-p999", histogram_quantile(&workers[0].times, 0.999));
    meter_tell("live.alloc-max", histogram_quantile(&workers[0].times, 1));
    meter_tell("live.stop-p99", stops.p99_ns);
    meter_tell("live.stop-max", stops.max_ns);
    meter_tell("live.gc-share", stops.cpu_share);
    meter_tell_peak("live.peak");
}

static void bench(int64_t size)
{
    size_t nworkers = (size_t)heap_procs();
    size_t nnodes = ((size_t)meter_ops(size, 1) << 20) / sizeof(struct node);
    struct worker *workers = meter_array(nworkers, sizeof *workers);
    struct node **nodes = build(workers, nworkers, nnodes);
    int64_t start_ns = meter_now_ns();
    for (size_t i = 0; i < nworkers; i++) {
        workers[i].until_ns = start_ns + meter_ops(4000000000, 1);
    }
    heap_together(nworkers, make_garbage, workers, sizeof *workers);
    tell(workers, nworkers, meter_now_ns() - start_ns);
    meter_use(nodes);
}

int main(int argc, char **argv)
{
    return heap_main(argc, argv, 512, bench);
}
