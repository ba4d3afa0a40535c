// SPDX-License-Identifier: MIT
#include "mem/fixed.h"

#include "lagoon.h"
#include "os/vm.h"
#include "spec.h"

enum { MANY = 2000 };

static size_t size_of(int i)
{
    return (size_t)i * 7 % 3000;
}

it("memory for tables", "is zero, again after use, and does not overlap")
{
    struct fixed fixed;
    lg__fixed_init(&fixed);
    static unsigned char *tables[MANY];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            tables[i] = lg__fixed_get(&fixed, size_of(i));
            CHECK(tables[i]);
            CHECK_INT((uintptr_t)tables[i] % 16, 0);
            for (size_t j = 0; j < size_of(i); j++) {
                CHECK_INT(tables[i][j], 0);
            }
            memset(tables[i], i % 255 + 1, size_of(i));
        }
        for (int i = 0; i < MANY; i++) {
            for (size_t j = 0; j < size_of(i); j++) {
                CHECK_INT(tables[i][j], i % 255 + 1);
            }
            lg__fixed_put(&fixed, tables[i], size_of(i));
        }
    }
    CHECK_BETWEEN(lg__fixed_bytes(&fixed), 1, 2 << 20);
    lg__fixed_put(&fixed, NULL, 10);
    lg__fixed_fini(&fixed);
}

it("memory for tables when there is none", "says so")
{
    struct fixed fixed;
    lg__fixed_init(&fixed);
    CHECK(lg__fixed_get(&fixed, SIZE_MAX) == NULL);
    CHECK(lg__fixed_get(&fixed, SIZE_MAX / 2) == NULL);
#ifdef LG_CHECK
    lg__vm_fail_after(1, true);
    CHECK(lg__fixed_get(&fixed, 16) == NULL);
    CHECK(lg__fixed_get(&fixed, 5000) == NULL);
    lg__vm_fail_after(0, false);
    CHECK(lg__fixed_get(&fixed, 16) != NULL);
#endif
    CHECK_BETWEEN(lg__fixed_bytes(&fixed), 0, 16);
    lg__fixed_fini(&fixed);
}
