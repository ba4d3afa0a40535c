// SPDX-License-Identifier: MIT
//
// A number that all Lua states change at once: the bits of a double in the shared
// object. A NaN is always the same one, so that equal bits and being the same agree but
// for 0 and -0.
//
// All accesses are seq_cst, as Go's: whatever two goroutines do with atomics, all see
// it happen in one order, and what one wrote before, into a buffer say, who reads the
// number later sees.
#ifndef LAGOON_ATOMIC_H
#define LAGOON_ATOMIC_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "object.h"
#include "share.h"

struct script;

struct atomic {
    struct object object;
    _Atomic uint64_t *word; // in the shared object, which the userdata keeps alive
};

extern const struct share_ops lagoon__atomic_ops;

static inline uint64_t lagoon__atomic_bits(double number)
{
    double canonical = number == number ? number : __builtin_nan("");
    uint64_t bits;
    memcpy(&bits, &canonical, sizeof bits);
    return bits;
}

static inline double lagoon__atomic_number(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline double lagoon__atomic_get(const struct atomic *atomic)
{
    // seq_cst: as the header says
    return lagoon__atomic_number(
        atomic_load_explicit(atomic->word, memory_order_seq_cst));
}

static inline void lagoon__atomic_set(struct atomic *atomic, double number)
{
    // seq_cst: as the header says
    atomic_store_explicit(atomic->word, lagoon__atomic_bits(number),
                          memory_order_seq_cst);
}

// Returns what was there before.
static inline double lagoon__atomic_swap(struct atomic *atomic, double number)
{
    // seq_cst: as the header says
    return lagoon__atomic_number(atomic_exchange_explicit(
        atomic->word, lagoon__atomic_bits(number), memory_order_seq_cst));
}

// Returns the sum.
static inline double lagoon__atomic_add(struct atomic *atomic, double number)
{
    // relaxed: a guess, which the exchange checks
    uint64_t old = atomic_load_explicit(atomic->word, memory_order_relaxed);
    double sum;
    do {
        sum = lagoon__atomic_number(old) + number;
        // seq_cst: as the header says; relaxed: only a better guess
    } while (!atomic_compare_exchange_weak_explicit(
        atomic->word, &old, lagoon__atomic_bits(sum), memory_order_seq_cst,
        memory_order_relaxed));
    return sum;
}

// Equal as Lua's numbers are, and NaN to itself. False: it is another number.
static inline bool lagoon__atomic_cas(struct atomic *atomic, double expected,
                                      double number)
{
    // seq_cst: as the header says, also of what is found to be different
    uint64_t old = atomic_load_explicit(atomic->word, memory_order_seq_cst);
    while (lagoon__atomic_number(old) == expected ||
           old == lagoon__atomic_bits(expected)) {
        if (atomic_compare_exchange_weak_explicit(
                atomic->word, &old, lagoon__atomic_bits(number), memory_order_seq_cst,
                memory_order_seq_cst)) {
            return true;
        }
    }
    return false;
}

// Adds atomic() and the methods to the table on top.
void lagoon__open_atomic(lua_State *L, struct script *s);

#endif // LAGOON_ATOMIC_H
