// SPDX-License-Identifier: MIT
//
// What does an element cost that a select takes from one of two producers, over
// unbuffered channels?
#include "meter.h"

struct producer {
    lg_chan *ch;
    int64_t times;
    lg_waitgroup *done;
};

static void produce(void *arg)
{
    struct producer *me = arg;
    int64_t one = 1;
    for (int64_t i = 0; i < me->times; i++) {
        lg_chan_send(me->ch, &one, LG_NEVER);
    }
    lg_waitgroup_add(me->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    lg_waitgroup done = {0};
    struct producer a = {meter_chan(0), ops / 2, &done};
    struct producer b = {meter_chan(0), ops / 2, &done};
    int64_t total = 0;
    (void)size;
    lg_waitgroup_add(&done, 2);
    meter_go(produce, &a);
    meter_go(produce, &b);
    for (int64_t i = 0; i < ops; i++) {
        int64_t v = 0;
        size_t index = 0;
        lg_case cases[2] = {{a.ch, &v, LG_RECV}, {b.ch, &v, LG_RECV}};
        lg_select(cases, 2, LG_NEVER, &index);
        total += v;
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    lg_chan_free(a.ch);
    lg_chan_free(b.ch);
    meter_check(total == ops, "elements were lost");
}

static void bench(int64_t size)
{
    meter_run("select_blocking", meter_ops(500000, 2), 2, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
