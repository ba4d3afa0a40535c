// SPDX-License-Identifier: MIT
//
// What is alive and why: a tree of shortest paths from the roots to every object
// that can be reached, built by a breadth-first walk while the world is stopped.
//
// All its memory is address space from the system: a thread that was stopped may
// hold the lock of any other allocator.
#ifndef LG_GC_GRAPH_H
#define LG_GC_GRAPH_H

#include "base/base.h"
#include "lagoon.h"

struct gc;
struct lg_type;

// One object, in the order in which they were found: nearest to the roots first.
struct graph_node {
    char *start;
    const char *root;  // what refers to it; NULL: its parent
    const char *label; // of that root, or NULL
    uint64_t at;       // the reference: word of the root, or offset in the parent
    uint32_t parent;   // number of the node
    uint32_t top;      // the first of its path, to which a root refers
    uint32_t depth;    // nodes above it
};

// The stack of a goroutine.
struct graph_stack {
    const char *low;
    size_t size_bytes;
    char name[LG_NAME_SIZE]; // of the goroutine, or ""
    uint64_t id;
};

struct graph {
    struct gc *gc;
    struct graph_node *nodes;
    uint32_t nnodes;
    uint32_t nodes_max;
    uint32_t *slots; // hash table: number of a node + 1, by its start
    uint32_t nslots; // a power of two
    struct graph_stack *stacks;
    size_t nstacks;
    size_t stacks_max;
    size_t bytes; // of all objects
};

// Builds it. The world is stopped, no cycle is marking. LG_OK or LG_ENOMEM.
int lg__graph_build(struct gc *gc, struct graph *out);

void lg__graph_free(struct graph *graph);

#endif // LG_GC_GRAPH_H
