// SPDX-License-Identifier: MIT
#include "slots.h"

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

enum { FIRST_CAP = 8 };

static bool grow(struct slots *slots, struct script *s)
{
    if (slots->cap > INT32_MAX / 2) {
        return false;
    }
    int32_t cap = slots->cap ? slots->cap * 2 : FIRST_CAP;
    int32_t *bigger = lagoon__realloc(s, slots->free, (size_t)slots->cap * sizeof *bigger,
                                      (size_t)cap * sizeof *bigger);
    if (bigger == NULL) {
        return false;
    }
    slots->free = bigger;
    slots->cap = cap;
    return true;
}

int32_t lagoon__slots_get(struct slots *slots, struct script *s)
{
    if (slots->nfree > 0) {
        return slots->free[--slots->nfree];
    }
    if (slots->last == slots->cap && !grow(slots, s)) {
        return 0;
    }
    return ++slots->last;
}

void lagoon__slots_put(struct slots *slots, int32_t slot)
{
    slots->free[slots->nfree++] = slot;
}

void lagoon__slots_fini(struct slots *slots, struct script *s)
{
    lagoon__realloc(s, slots->free, (size_t)slots->cap * sizeof *slots->free, 0);
    *slots = (struct slots){0};
}
