// SPDX-License-Identifier: MIT
#include "os/lockrank.h"

#include "base/base.h"

#ifdef LG_CHECK

// Bit r is set while the thread holds a lock of rank r. Never cached across a
// switch: the accessors below are not inlined.
static __thread uint32_t held_ranks;

LG_NOINLINE void lg__lockrank_acquire(enum lock_rank rank)
{
    if (held_ranks >> rank != 0) {
        lg__panic("lock of rank %d taken while holding ranks 0x%x", (int)rank,
                  held_ranks);
    }
    held_ranks |= 1U << rank;
}

LG_NOINLINE void lg__lockrank_release(enum lock_rank rank)
{
    LG_ASSERT(held_ranks >> rank & 1U);
    held_ranks &= ~(1U << rank);
}

LG_NOINLINE void lg__lockrank_assert_none(void)
{
    if (held_ranks != 0) {
        lg__panic("a goroutine switches while holding ranks 0x%x", held_ranks);
    }
}

#endif // LG_CHECK
