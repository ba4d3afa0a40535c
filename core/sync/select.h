// SPDX-License-Identifier: MIT
//
// What a select leaves with a P: blocks of waiters for reuse.
#ifndef LG_SYNC_SELECT_H
#define LG_SYNC_SELECT_H

#include "sched/runtime.h"

// Frees the waiters of selects that were never finished, on a runtime where
// nothing runs, while its goroutines' records are still there.
void lg__selects_free(struct lg_runtime *rt);

// Frees a P's blocks, on a runtime where nothing runs.
void lg__wait_blocks_free(struct lg_runtime *rt, struct p *p);

#endif // LG_SYNC_SELECT_H
