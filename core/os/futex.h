// SPDX-License-Identifier: MIT
//
// Sleeping on a 32-bit word until somebody changes it and says so.
#ifndef LG_OS_FUTEX_H
#define LG_OS_FUTEX_H

#include "base/base.h"

// Sleeps while *word == seen, at most timeout_ns (negative: for ever). May
// return early without a reason.
void lg__futex_wait(_Atomic uint32_t *word, uint32_t seen, int64_t timeout_ns);

// Wakes one thread that sleeps on word.
void lg__futex_wake(_Atomic uint32_t *word);

// Wakes all.
void lg__futex_wake_all(_Atomic uint32_t *word);

#endif // LG_OS_FUTEX_H
