// SPDX-License-Identifier: MIT
//
// Figures of collected memory.
#include "nodes.h"

enum { NODES = 600000 }; // of 48 bytes: 29 MB

static int64_t counted_bytes(lg_runtime *rt)
{
    lg_stats s = spec_stats(rt);
    return (int64_t)(s.mem_objects + s.mem_unused + s.mem_idle + s.mem_meta +
                     s.mem_stacks);
}

it("stats", "add up to what the system counts for collected objects", .procs = 1,
   .limit_s = 60)
{
    lg_gc_percent(rt, LG_GC_OFF);
    int64_t counted = counted_bytes(rt);
    int64_t resident = spec_resident_bytes();
    lg_handle *handle;
    CHECK_OK(lg_handle_new(rt, node_list(node_type(rt), NODES), &handle));
    counted = counted_bytes(rt) - counted;
    resident = spec_resident_bytes() - resident;
    CHECK(counted > NODES * 48);
    if (spec_resident_is_ours()) {
        CHECK_BETWEEN(counted, resident - resident / 50, resident + resident / 50);
    }
    lg_handle_free(handle);
}

static lg_class_stats class_of(lg_runtime *rt, size_t block_bytes)
{
    lg_class_stats stats;
    for (size_t i = 0; lg_get_class_stats(rt, i, &stats) == LG_OK; i++) {
        if (stats.block_bytes == block_bytes) {
            return stats;
        }
    }
    spec_fail(SPEC_HERE, "no class of %zu bytes", block_bytes);
}

it("stats", "tell what is in use of each class, and after a collection what is left",
   .procs = 1)
{
    lg_gc_percent(rt, LG_GC_OFF);
    size_t node_bytes = 48; // 40, and the next class
    size_t before = class_of(rt, node_bytes).collected_blocks;
    node_litter(node_type(rt), 1000);
    lg_class_stats stats = class_of(rt, node_bytes);
    CHECK_BETWEEN(stats.collected_blocks, before + 1000, before + 1000 + 8192 / 48);
    CHECK(stats.collected_spans * stats.span_bytes >=
          stats.collected_blocks * node_bytes);
    CHECK(spec_stats(rt).mem_collected >= 1000 * node_bytes);
    CHECK_OK(lg_gc(rt));
    CHECK_BETWEEN(class_of(rt, node_bytes).collected_blocks, 0, before + 200);
    void *large = lg_new_bytes(rt, 100000);
    CHECK_INT(class_of(rt, 0).collected_blocks, 1);
    CHECK(spec_stats(rt).mem_collected >= 100000);
    lg_keep_alive(large);
}
