// SPDX-License-Identifier: MIT
//
// Between main.c, which chooses and forks, and spec.c, which runs one.
#ifndef RUN_H
#define RUN_H

#include "spec.h"

enum { SPEC_EXIT_FAILED = 99, SPEC_EXIT_LATE = 98 };

struct spec_settings {
    const char *only;
    uint64_t seed;
    bool is_stress;
    bool is_verbose;
    bool is_unforked;
    bool is_listing;
};

const struct spec_settings *spec_settings(void);

// How long a spec may take in this build.
int spec_limit_s(const struct spec *spec);

// Runs one in this process; returns if it passed.
void spec_run(struct spec *spec);

// The spec's runtimes, last: to standard error; checked and closed.
void spec_runtimes_dump(void);
void spec_runtimes_close(void);

#endif // RUN_H
