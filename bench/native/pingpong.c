// SPDX-License-Identifier: MIT
//
// What does a round trip between two goroutines cost, over two unbuffered channels?
#include "meter.h"

struct table {
    lg_chan *there;
    lg_chan *back;
    lg_waitgroup done;
};

static void echo(void *arg)
{
    struct table *table = arg;
    int64_t v = 0;
    while (lg_chan_recv(table->there, &v, LG_NEVER) == LG_OK) {
        lg_chan_send(table->back, &v, LG_NEVER);
    }
    lg_waitgroup_add(&table->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    struct table table = {.there = meter_chan(0), .back = meter_chan(0)};
    int64_t total = 0;
    (void)size;
    lg_waitgroup_add(&table.done, 1);
    meter_go(echo, &table);
    for (int64_t i = 0; i < ops; i++) {
        int64_t v = 0;
        lg_chan_send(table.there, &i, LG_NEVER);
        lg_chan_recv(table.back, &v, LG_NEVER);
        total += v;
    }
    lg_chan_close(table.there);
    lg_waitgroup_wait(&table.done, LG_NEVER);
    lg_chan_free(table.there);
    lg_chan_free(table.back);
    meter_check(total == ops * (ops - 1) / 2, "the echo is wrong");
}

static void bench(int64_t size)
{
    meter_run("pingpong", meter_ops(500000, 1), 1, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
