// SPDX-License-Identifier: MIT
#include "nodes.h"

static const lg_field node_fields[] = {
    LG_FIELD_ARRAY(struct node_obj, refs, LG_FIELD_REF),
    LG_FIELD(struct node_obj, number, LG_FIELD_UINT),
};
const lg_type_info node_info = LG_TYPE_INFO(struct node_obj, node_fields);

static const lg_field leaf_fields[] = {{LG_FIELD_UINT, 0, 8, 1, "number"}};
static const lg_type_info leaf_info = {"leaf", 8, leaf_fields, 1};

static const lg_field ref_fields[] = {{LG_FIELD_REF, 0, sizeof(void *), 1, "ref"}};
static const lg_type_info ref_info = {"ref", sizeof(void *), ref_fields, 1};

static lg_type *type_for(lg_runtime *rt, const lg_type_info *info)
{
    lg_type *type;
    CHECK_OK(lg_type_register(rt, info, &type));
    return type;
}

lg_type *node_type(lg_runtime *rt)
{
    return type_for(rt, &node_info);
}

lg_type *leaf_type(lg_runtime *rt)
{
    return type_for(rt, &leaf_info);
}

lg_type *ref_type(lg_runtime *rt)
{
    return type_for(rt, &ref_info);
}

struct node_obj *node_new(lg_type *type, uint64_t number)
{
    struct node_obj *node = lg_new(type);
    CHECK(node);
    for (int i = 0; i < NODE_REFS; i++) {
        CHECK(!node->refs[i]);
    }
    node->number = number;
    node->seal = number ^ NODE_SEAL;
    return node;
}

void node_check(const struct node_obj *node)
{
    if ((node->number ^ NODE_SEAL) != node->seal) {
        spec_fail(SPEC_HERE, "node %p has been freed: number %" PRIx64 ", seal %" PRIx64,
                  (const void *)node, node->number, node->seal);
    }
}

struct node_obj *node_list(lg_type *type, size_t n)
{
    struct node_obj *first = NULL;
    for (size_t i = n; i > 0; i--) {
        struct node_obj *node = node_new(type, i - 1);
        lg_store(&node->refs[0], first);
        first = node;
    }
    return first;
}

__attribute__((noinline)) void node_litter(lg_type *type, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        node_new(type, i);
    }
    node_scrub();
}

// Without the sanitizer's red zones, which would be holes in what is zeroed.
__attribute__((noinline, no_sanitize("address"))) void node_scrub(void)
{
    volatile char below[4096];
    for (size_t i = 0; i < sizeof below; i++) {
        below[i] = 0;
    }
}

lg_gc_stats gc_stats(lg_runtime *rt)
{
    lg_gc_stats stats = {.size_bytes = sizeof stats};
    lg_get_gc_stats(rt, &stats);
    return stats;
}

size_t live_objects(lg_runtime *rt)
{
    CHECK_OK(lg_gc(rt));
    lg_gc_stats stats = gc_stats(rt);
    return (size_t)(stats.allocated - stats.freed);
}
