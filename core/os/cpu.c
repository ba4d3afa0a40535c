// SPDX-License-Identifier: MIT
#include "os/cpu.h"

#include <sched.h>
#include <unistd.h>

int lg__cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int count = CPU_COUNT(&set);
        return count > 0 ? count : 1;
    }
    // More than 1024 CPUs: the set is too small.
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
