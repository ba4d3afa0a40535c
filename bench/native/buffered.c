// SPDX-License-Identifier: MIT
//
// What does an element cost that passes through a channel of 128 places, from `size`
// producers to as many consumers?
#include "meter.h"

struct belt {
    lg_chan *ch;
    int64_t times; // that each producer sends and each consumer receives
    lg_waitgroup done;
};

struct consumer {
    struct belt *belt;
    int64_t sum;
};

static void produce(void *arg)
{
    struct belt *belt = arg;
    for (int64_t i = 0; i < belt->times; i++) {
        lg_chan_send(belt->ch, &i, LG_NEVER);
    }
    lg_waitgroup_add(&belt->done, -1);
}

static void consume(void *arg)
{
    struct consumer *me = arg;
    int64_t total = 0;
    for (int64_t i = 0; i < me->belt->times; i++) {
        int64_t v = 0;
        lg_chan_recv(me->belt->ch, &v, LG_NEVER);
        total += v;
    }
    me->sum = total;
    lg_waitgroup_add(&me->belt->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    struct belt belt = {.ch = meter_chan(128), .times = ops / size};
    struct consumer *consumers = meter_array((size_t)size, sizeof *consumers);
    int64_t total = 0;
    lg_waitgroup_add(&belt.done, 2 * size);
    for (int64_t i = 0; i < size; i++) {
        consumers[i].belt = &belt;
        meter_go(produce, &belt);
        meter_go(consume, &consumers[i]);
    }
    lg_waitgroup_wait(&belt.done, LG_NEVER);
    for (int64_t i = 0; i < size; i++) {
        total += consumers[i].sum;
    }
    lg_chan_free(belt.ch);
    free(consumers);
    meter_check(total == size * (belt.times * (belt.times - 1) / 2),
                "elements were lost");
}

static void bench(int64_t size)
{
    meter_run("buffered", meter_ops(2000000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
