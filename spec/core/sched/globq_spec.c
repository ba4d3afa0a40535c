// SPDX-License-Identifier: MIT
//
// The global run queue by itself: order over growth, and memory that is refused.
#include "sched/globq.h"

#include <stdlib.h>

#include "spec.h"

enum { MANY = 1000 };

static bool is_refused;

static void *alloc_unless_refused(void *ud, void *ptr, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    return is_refused ? NULL : realloc(ptr, nsize);
}

static const struct alloc alloc = {.fn = alloc_unless_refused};
static struct runnable runnables[MANY];

it("the global queue", "keeps its order while it grows")
{
    struct globq q = {0};
    CHECK(!lg__globq_pop(&q));
    int first = 0;
    for (int last = 0; last < MANY; last++) {
        CHECK_OK(lg__globq_reserve(&q, &alloc, 1));
        lg__globq_push(&q, &runnables[last]);
        if (last % 3 == 0) { // so that it wraps
            CHECK(lg__globq_pop(&q) == &runnables[first++]);
        }
    }
    while (first < MANY) {
        CHECK(lg__globq_pop(&q) == &runnables[first++]);
    }
    CHECK(!lg__globq_pop(&q));
    lg__globq_unreserve(&q, MANY);
    CHECK_INT((int64_t)q.reserved, 0);
    lg__globq_fini(&q, &alloc);
}

it("the global queue without memory to grow", "says so and loses nothing")
{
    struct globq q = {0};
    CHECK_OK(lg__globq_reserve(&q, &alloc, 2));
    lg__globq_push(&q, &runnables[0]);
    lg__globq_push(&q, &runnables[1]);
    is_refused = true;
    CHECK_CODE(lg__globq_reserve(&q, &alloc, 100000), LG_ENOMEM);
    CHECK_INT((int64_t)q.reserved, 2);
    CHECK(lg__globq_pop(&q) == &runnables[0]);
    CHECK(lg__globq_pop(&q) == &runnables[1]);
    lg__globq_fini(&q, &alloc);
}
