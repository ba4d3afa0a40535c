// SPDX-License-Identifier: MIT
#include "sched/runq.h"

uint32_t lg__runq_grab(struct runq *victim, struct runnable **out)
{
    for (;;) {
        // acquire: pairs with the CAS of other takers
        uint32_t head = atomic_load_explicit(&victim->head, memory_order_acquire);
        // acquire: pairs with the store in lg__runq_push(); the slots are ours
        // to read
        uint32_t tail = atomic_load_explicit(&victim->tail, memory_order_acquire);
        uint32_t count = tail - head;
        count -= count / 2;
        if (count == 0) {
            return 0;
        }
        if (count > RUNQ_CAP / 2) {
            continue; // head and tail are of different moments
        }
        for (uint32_t i = 0; i < count; i++) {
            // relaxed: the acquire of tail ordered it; if the owner has
            // meanwhile reused the slot, the CAS below fails
            out[i] = atomic_load_explicit(&victim->slots[(head + i) % RUNQ_CAP],
                                          memory_order_relaxed);
        }
        // release: a push that sees the new head may reuse the slots
        if (atomic_compare_exchange_strong_explicit(&victim->head, &head, head + count,
                                                    memory_order_acq_rel,
                                                    memory_order_relaxed)) {
            return count;
        }
    }
}
