// SPDX-License-Identifier: MIT
//
// What do a send and a receive cost that never wait, one after the other in one
// goroutine?
#include "meter.h"

static lg_chan *ch;

static void body(int64_t ops, int64_t size)
{
    int64_t total = 0;
    (void)size;
    for (int64_t i = 0; i < ops; i++) {
        int64_t v = 0;
        lg_chan_send(ch, &i, LG_NEVER);
        lg_chan_recv(ch, &v, LG_NEVER);
        total += v;
    }
    meter_check(total == ops * (ops - 1) / 2, "elements were lost");
}

static void bench(int64_t size)
{
    ch = meter_chan(128);
    meter_run("sendrecv", meter_ops(3000000, 1), 1, body, size);
    lg_chan_free(ch);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
