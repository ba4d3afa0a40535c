// SPDX-License-Identifier: MIT
//
// The memory limit: a workload whose live data fits stays under it, however much
// garbage it makes, and one whose data does not fit goes on.
#include "nodes.h"

enum { MB = 1024 * 1024 };

static size_t total_bytes(lg_runtime *rt)
{
    lg_stats s = spec_stats(rt);
    return s.mem_objects + s.mem_unused + s.mem_idle + s.mem_meta + s.mem_stacks;
}

// Keeps a list of so many nodes alive and makes garbage; the most memory that was
// held meanwhile.
static size_t churn(lg_runtime *rt, size_t nodes, int rounds)
{
    lg_type *type = node_type(rt);
    lg_handle *keep;
    CHECK_OK(lg_handle_new(rt, node_list(type, nodes), &keep));
    size_t most = 0;
    for (int i = 0; i < rounds; i++) {
        node_litter(type, 4000);
        size_t bytes = total_bytes(rt);
        most = bytes > most ? bytes : most;
    }
    size_t count = 0;
    for (struct node_obj *at = lg_handle_get(keep); at; at = at->refs[0]) {
        node_check(at);
        count++;
    }
    CHECK_INT(count, nodes);
    lg_handle_free(keep);
    return most;
}

it("mem_limit", "is kept within 5 % by what fits under it", .procs = 1, .limit_s = 60)
{
    CHECK_INT(lg_mem_limit(rt, 24 * MB), LG_MEM_NO_LIMIT);
    CHECK_INT(lg_mem_limit_get(rt), 24 * MB);
    lg_gc_percent(rt, 1000);
    size_t most = churn(rt, 250000, 200); // 12 MB alive
    // Where marking is slow, half of the CPU time is not enough for the limit.
    size_t allowed = spec_has_tsan() ? SIZE_MAX / 2 : 24 * MB / 100 * 105;
    CHECK_BETWEEN(most, 10 * MB, allowed);
    CHECK(gc_stats(rt).cycles > 2);
}

it("mem_limit", "collects also when the percentage is off", .procs = 2, .limit_s = 60)
{
    lg_gc_percent(rt, LG_GC_OFF);
    CHECK_INT(lg_mem_limit(rt, 32 * MB), LG_MEM_NO_LIMIT);
    size_t most = churn(rt, 100000, 300);
    CHECK_BETWEEN(most, 4 * MB, 32 * MB / 100 * 105);
    CHECK(gc_stats(rt).cycles > 1);
}

it("mem_limit", "below what is alive ends nothing", .procs = 1, .limit_s = 60)
{
    CHECK_INT(lg_mem_limit(rt, 1 * MB), LG_MEM_NO_LIMIT);
    churn(rt, 100000, 50);
    CHECK(gc_stats(rt).cycles > 1);
}

it("mem_limit", "is refused when it is no amount", .procs = 1)
{
    CHECK_CODE((int)lg_mem_limit(rt, 0), LG_EINVAL);
    CHECK_CODE((int)lg_mem_limit(rt, -5), LG_EINVAL);
    CHECK_INT(lg_mem_limit_get(rt), LG_MEM_NO_LIMIT);
}
