// SPDX-License-Identifier: MIT
//
// Objects for the collector's specs: nodes with references and a check sum of their
// own, so that one that was freed or overwritten too early is noticed.
#ifndef SPEC_GC_NODES_H
#define SPEC_GC_NODES_H

#include "spec.h"

enum { NODE_REFS = 3 };

struct node_obj {
    struct node_obj *refs[NODE_REFS];
    uint64_t number;
    uint64_t seal; // number ^ NODE_SEAL
};

#define NODE_SEAL UINT64_C(0x5ea1ed0b1ec7ed00)

extern const lg_type_info node_info;

// The type of nodes, of leaves (a number without references), and of references.
lg_type *node_type(lg_runtime *rt);
lg_type *leaf_type(lg_runtime *rt);
lg_type *ref_type(lg_runtime *rt);

// A sealed node without references.
struct node_obj *node_new(lg_type *type, uint64_t number);

// Fails unless it is a node that nobody has freed.
void node_check(const struct node_obj *node);

// A list of n nodes through refs[0]; its first.
struct node_obj *node_list(lg_type *type, size_t n);

// Makes n nodes that nobody keeps, below a frame that is gone when it returns.
void node_litter(lg_type *type, size_t n);

// Overwrites the stack below the caller, where old pointers may lie.
void node_scrub(void);

lg_gc_stats gc_stats(lg_runtime *rt);

// How many objects are alive after a full collection.
size_t live_objects(lg_runtime *rt);

#endif // SPEC_GC_NODES_H
