// SPDX-License-Identifier: MIT
//
// How much memory the process holds, as the system counts it.
#ifndef LAGOON_BENCH_RESIDENT_H
#define LAGOON_BENCH_RESIDENT_H

#include "stopwatch.h"

// A field of /proc/self/status that counts kilobytes, with its colon.
static inline double meter_status_bytes(const char *field)
{
    double bytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    meter_check(status, "cannot read /proc/self/status");
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, field, strlen(field)) == 0) {
            bytes = (double)strtoll(line + strlen(field), NULL, 10) * 1024;
        }
    }
    fclose(status);
    return bytes;
}

// The memory of this process, page tables included.
static inline double meter_resident_bytes(void)
{
    return meter_status_bytes("VmRSS:") + meter_status_bytes("VmPTE:");
}

// Prints the most memory that this process has ever held.
static inline void meter_tell_peak(const char *name)
{
    meter_tell(name, meter_status_bytes("VmHWM:"));
}

#endif // LAGOON_BENCH_RESIDENT_H
