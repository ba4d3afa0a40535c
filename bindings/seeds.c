// SPDX-License-Identifier: MIT
//
// The linker has LuaJIT call our function instead of its own (premake5.lua, --wrap), which
// asks the system for random bytes. An installed LuaJIT is as it is.
#include "seeds.h"

#include <stdbool.h>
#include <stdint.h>

// LuaJIT's PRNGState.
struct prng {
    uint64_t u[4];
};

int __real_lj_prng_seed_secure(struct prng *out) __attribute__((weak));
int __wrap_lj_prng_seed_secure(struct prng *out);

// Of the process: written before the first state is made.
static bool is_fixed;

void lagoon__seeds_fix(void)
{
    is_fixed = true;
}

int __wrap_lj_prng_seed_secure(struct prng *out)
{
    if (!is_fixed) {
        return __real_lj_prng_seed_secure(out);
    }
    // Each word has bits where LuaJIT's generator wants them: not all in the lowest.
    for (uint64_t i = 0; i < 4; i++) {
        out->u[i] = 0xa0761d6478bd642fULL * (i + 1);
    }
    return 1;
}
