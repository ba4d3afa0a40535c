// SPDX-License-Identifier: MIT
//
// Records by themselves: addresses, reuse, and a walk while others come and go.
#include "gc/records.h"

#include "spec.h"

enum { MANY = 1000 };

struct thing {
    void *link; // the records' while it is free
    int value;  // 0: it is free
};

static struct spec_memory memory;
static const struct alloc alloc = {.fn = spec_realloc, .ud = &memory};
static struct records records;
static struct thing *things[MANY];

static struct thing *get(int value)
{
    struct thing *thing = lg__records_get(&records);
    CHECK(thing);
    CHECK(!thing->link);
    CHECK_INT(thing->value, 0);
    thing->value = value;
    return thing;
}

static void close_records(void)
{
    lg__records_fini(&records);
    CHECK_INT(memory.blocks, 0);
}

it("records", "are zeroed, apart from each other, and reused")
{
    lg__records_init(&records, &alloc, sizeof(struct thing));
    for (int i = 0; i < MANY; i++) {
        things[i] = get(i + 1);
    }
    int64_t blocks = memory.blocks;
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(things[i]->value, i + 1);
        lg__records_put(&records, things[i]);
    }
    CHECK_INT(records.nused, 0);
    for (int i = 0; i < MANY; i++) {
        things[i] = get(-i - 1);
    }
    CHECK_INT(memory.blocks, blocks);
    CHECK_INT(records.nused, MANY);
    close_records();
}

it("a walk over no records", "ends at once, and meets those that come later")
{
    lg__records_init(&records, &alloc, sizeof(struct thing));
    struct records_walk walk = {0};
    CHECK(!lg__records_next(&records, &walk));
    get(1);
    struct thing *thing = lg__records_next(&records, &walk);
    CHECK(thing && thing->value == 1);
    close_records();
}

it("a walk over records", "meets all that stay, whatever else comes and goes")
{
    static bool is_met[MANY];
    lg__records_init(&records, &alloc, sizeof(struct thing));
    struct spec_random random = spec_random_new(1);
    for (int i = 0; i < MANY; i++) {
        things[i] = get(i + 1);
    }
    struct records_walk walk = {0};
    struct thing *thing;
    while ((thing = lg__records_next(&records, &walk))) {
        is_met[thing->value > 0 ? thing->value - 1 : 0] = true;
        if (records.nused > 2 * MANY) {
            continue;
        }
        uint32_t odd = 2 * spec_random_below(&random, MANY / 2) + 1;
        if (things[odd]) {
            lg__records_put(&records, things[odd]);
            things[odd] = NULL;
        }
        get(-1);
        get(-1);
    }
    for (int i = 0; i < MANY; i += 2) {
        CHECK(is_met[i]);
    }
    close_records();
}

it("records without memory", "say so, and those there are stay")
{
    lg__records_init(&records, &alloc, sizeof(struct thing));
    things[0] = get(1);
    memory.fail_at = 1;
    memory.is_fail_after = true;
    while (lg__records_get(&records)) {
    }
    CHECK_INT(things[0]->value, 1);
    memory.fail_at = 0;
    get(2);
    close_records();
}
