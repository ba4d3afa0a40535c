// SPDX-License-Identifier: MIT
#include "gc/graph.h"

#include <string.h>

#include "gc/gc.h"
#include "gc/mark.h"
#include "mem/mheap.h"
#include "os/vm.h"
#include "sched/scan.h"

// ---------------------------------------------------------------------------
// Memory
// ---------------------------------------------------------------------------

static int reserve(size_t size_bytes, void *out)
{
    void *mem;
    int err = lg__vm_reserve(size_bytes, &mem);
    if (!err) {
        memcpy(out, &mem, sizeof mem);
    }
    return err;
}

static void release(void *mem, size_t size_bytes)
{
    if (mem) {
        lg__vm_free(mem, size_bytes);
    }
}

static void count_slots(void *ud, struct span *s)
{
    size_t *nobjects = ud;
    *nobjects += lg__span_kind(s) == SPAN_COLLECTED ? s->nelems : 0;
}

static int reserve_all(struct graph *graph)
{
    size_t nobjects = 1;
    lg__heap_each_span(graph->gc->heap, count_slots, &nobjects);
    if (nobjects > UINT32_MAX / 4) {
        return LG_ENOMEM; // of numbers: that is over 16 GB of the smallest objects
    }
    graph->nodes_max = (uint32_t)nobjects;
    graph->nslots = 1;
    while (graph->nslots < 2 * nobjects) {
        graph->nslots *= 2;
    }
    // Read without its lock, which a host's thread may hold: records made from now
    // on have no stack that matters.
    graph->stacks_max = 1;
    // acquire: pairs with the release in g.c:add_chunk_locked()
    struct g_chunk *chunk =
        atomic_load_explicit(&graph->gc->rt->gs.chunks, memory_order_acquire);
    for (; chunk; chunk = chunk->next) {
        graph->stacks_max += G_CHUNK;
    }
    int err = reserve(graph->nodes_max * sizeof *graph->nodes, &graph->nodes);
    err = err ? err : reserve(graph->nslots * sizeof *graph->slots, &graph->slots);
    return err ? err : reserve(graph->stacks_max * sizeof *graph->stacks, &graph->stacks);
}

void lg__graph_free(struct graph *graph)
{
    release(graph->nodes, graph->nodes_max * sizeof *graph->nodes);
    release(graph->slots, graph->nslots * sizeof *graph->slots);
    release(graph->stacks, graph->stacks_max * sizeof *graph->stacks);
}

// ---------------------------------------------------------------------------
// Nodes
// ---------------------------------------------------------------------------

// The place of an object's number in the table; 0 there: it has none yet.
static uint32_t *slot_of(struct graph *graph, const char *start)
{
    uint64_t mixed = (uint64_t)(uintptr_t)start * 0x9e3779b97f4a7c15ULL;
    uint32_t at = (uint32_t)(mixed >> 32) & (graph->nslots - 1);
    while (graph->slots[at] && graph->nodes[graph->slots[at] - 1].start != start) {
        at = (at + 1) & (graph->nslots - 1);
    }
    return &graph->slots[at];
}

// Adds the object that a pointer leads to, as a child of nobody. NULL: it leads to
// none, to one that is dead, or that has been found before.
static struct graph_node *add(struct graph *graph, const void *ptr)
{
    struct object object;
    if (!lg__object_find(graph->gc, ptr, &object) ||
        !lg__object_is_marked(graph->gc, object.start)) {
        return NULL;
    }
    uint32_t *slot = slot_of(graph, object.start);
    if (*slot) {
        return NULL;
    }
    LG_ASSERT(graph->nnodes < graph->nodes_max);
    struct graph_node *node = &graph->nodes[graph->nnodes];
    node->start = object.start;
    node->top = graph->nnodes++;
    *slot = graph->nnodes;
    graph->bytes += object.size_bytes;
    return node;
}

struct parent {
    struct graph *graph;
    uint32_t number;
};

static void add_child(void *ud, void **slot)
{
    struct parent *parent = ud;
    struct graph_node *node = add(parent->graph, *slot);
    if (node) {
        const struct graph_node *above = &parent->graph->nodes[parent->number];
        node->parent = parent->number;
        node->at = (uint64_t)((char *)slot - above->start);
        node->top = above->top;
        node->depth = above->depth + 1;
    }
}

static void add_children(struct graph *graph, uint32_t number)
{
    struct parent parent = {.graph = graph, .number = number};
    struct object object;
    if (lg__object_find(graph->gc, graph->nodes[number].start, &object)) {
        lg__object_each_ref(&object, add_child, &parent);
    }
}

// ---------------------------------------------------------------------------
// Roots
// ---------------------------------------------------------------------------

static void add_handle(void *ud, void *obj)
{
    struct graph_node *node = add(ud, obj);
    if (node) {
        node->root = "a handle";
    }
}

static void add_words(void *ud, const char *name, void **words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct graph_node *node = add(ud, words[i]);
        if (node) {
            node->root = "root";
            node->label = name;
            node->at = i;
        }
    }
}

static void add_queued(void *ud, void *obj)
{
    struct graph_node *node = add(ud, obj);
    if (node) {
        node->root = "the queue of finalizers";
    }
}

// Shell's sort: in place, and there may be a hundred thousand.
static void sort_stacks(struct graph_stack *stacks, size_t n)
{
    for (size_t gap = n / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < n; i++) {
            struct graph_stack moved = stacks[i];
            size_t at = i;
            for (; at >= gap && stacks[at - gap].low > moved.low; at -= gap) {
                stacks[at] = stacks[at - gap];
            }
            stacks[at] = moved;
        }
    }
}

static void list_stacks(struct graph *graph)
{
    // acquire: as in reserve_all(), and not a longer list than there
    struct g_chunk *chunk =
        atomic_load_explicit(&graph->gc->rt->gs.chunks, memory_order_acquire);
    for (; chunk; chunk = chunk->next) {
        for (int i = 0; i < G_CHUNK; i++) {
            struct lg_g *g = &chunk->gs[i];
            if (lg__g_id(g) && g->stack && graph->nstacks < graph->stacks_max) {
                struct graph_stack *stack = &graph->stacks[graph->nstacks++];
                stack->low = g->stack->low;
                stack->size_bytes = lg__stack_size_bytes(g->stack);
                lg__g_name(g, stack->name);
                stack->id = lg__g_id(g);
            }
        }
    }
    sort_stacks(graph->stacks, graph->nstacks);
}

// The goroutine on whose stack an address lies; NULL: it is no goroutine's own.
static const struct graph_stack *stack_of(const struct graph *graph, const char *at)
{
    size_t low = 0;
    size_t high = graph->nstacks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (graph->stacks[middle].low <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct graph_stack *stack = low > 0 ? &graph->stacks[low - 1] : NULL;
    return stack && (size_t)(at - stack->low) < stack->size_bytes ? stack : NULL;
}

__attribute__((no_sanitize_address, no_sanitize_thread)) static void
add_stack(void *ud, const void *lo, const void *hi)
{
    struct graph *graph = ud;
    for (void *const *word = lo; word + 1 <= (void *const *)hi; word++) {
        // relaxed: the world is stopped
        struct graph_node *node = add(graph, __atomic_load_n(word, __ATOMIC_RELAXED));
        if (node) {
            const struct graph_stack *stack = stack_of(graph, lo);
            node->root = stack ? "goroutine" : "a goroutine";
            node->label = stack && *stack->name ? stack->name : NULL;
            node->at = stack ? stack->id : 0;
        }
    }
}

static void add_stacks(struct graph *graph)
{
    struct lg_runtime *rt = graph->gc->rt;
    list_stacks(graph);
    lg__scan_begin(rt, add_stack, graph);
    while (lg__scan_some(rt)) {
    }
    lg__scan_end(rt);
}

int lg__graph_build(struct gc *gc, struct graph *out)
{
    *out = (struct graph){.gc = gc};
    int err = reserve_all(out);
    if (err) {
        lg__graph_free(out);
        return err;
    }
    // What has a name first: an object that several roots hold is told by that.
    lg__roots_visit(&gc->roots, add_words, out);
    lg__handles_visit(&gc->handles, add_handle, out);
    lg__specials_visit_queue(&gc->specials, add_queued, out);
    add_stacks(out);
    for (uint32_t i = 0; i < out->nnodes; i++) {
        add_children(out, i);
    }
    return LG_OK;
}
