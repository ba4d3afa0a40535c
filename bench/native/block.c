// SPDX-License-Identifier: MIT
//
// What does it cost to say that a call may block its thread, and that it is over? Beside:
// with such a call in between that does not.
#include "meter.h"

#include <sys/syscall.h>
#include <unistd.h>

static void pairs(int64_t ops, int64_t size)
{
    (void)size;
    for (int64_t i = 0; i < ops; i++) {
        lg_block_enter();
        lg_block_leave();
    }
}

static void calls(int64_t ops, int64_t size)
{
    (void)size;
    long parent = syscall(SYS_getppid);
    for (int64_t i = 0; i < ops; i++) {
        lg_block_enter();
        meter_check(syscall(SYS_getppid) == parent, "another parent");
        lg_block_leave();
    }
}

static void bench(int64_t size)
{
    meter_run("block", meter_ops(20000000, 1), 1, pairs, size);
    meter_run("block.getppid", meter_ops(2000000, 1), 1, calls, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
