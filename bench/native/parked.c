// SPDX-License-Identifier: MIT
//
// How many bytes does a goroutine hold that waits on a channel, when there are `size` of
// them? Counted is what the process grows by, page tables included.
#include "meter.h"

struct gate {
    lg_chan *ch;
    lg_waitgroup started;
    lg_waitgroup ended;
};

static void wait(void *arg)
{
    struct gate *gate = arg;
    int64_t v = 0;
    lg_waitgroup_add(&gate->started, -1);
    lg_chan_recv(gate->ch, &v, LG_NEVER);
    lg_waitgroup_add(&gate->ended, -1);
}

static double park(int64_t size)
{
    struct gate gate = {.ch = meter_chan(0)};
    lg_waitgroup_add(&gate.started, size);
    lg_waitgroup_add(&gate.ended, size);
    double before = meter_resident_bytes();
    for (int64_t i = 0; i < size; i++) {
        meter_go(wait, &gate);
    }
    lg_waitgroup_wait(&gate.started, LG_NEVER);
    for (int i = 0; i < 10; i++) {
        lg_yield();
    }
    double grown = meter_resident_bytes() - before;
    lg_chan_close(gate.ch);
    lg_waitgroup_wait(&gate.ended, LG_NEVER);
    lg_chan_free(gate.ch);
    return grown / (double)size;
}

static void bench(int64_t size)
{
    park(10);
    double bytes = park(size);
    meter_report("parked", &bytes, 1);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 100000, bench);
}
