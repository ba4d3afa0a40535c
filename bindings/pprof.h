// SPDX-License-Identifier: MIT
//
// Profiles as pprof has them: profile.proto, a protocol buffer, mostly compressed.
#ifndef LAGOON_PPROF_H
#define LAGOON_PPROF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "samples.h"

struct pprof_times {
    int64_t begun_ns; // on the system's clock of the day
    int64_t duration_ns;
    int64_t period_ns; // between two samples
};

enum pprof_packing { PPROF_PLAIN, PPROF_GZIP };

// Writes a profile. False: no memory; the rest is told by ferror().
bool lagoon__pprof_write(FILE *file, const struct samples *samples,
                         const struct pprof_times *times, enum pprof_packing packing);

#endif // LAGOON_PPROF_H
