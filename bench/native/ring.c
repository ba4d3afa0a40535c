// SPDX-License-Identifier: MIT
//
// What does a hop cost of a token that goes round in a ring of `size` goroutines, over
// unbuffered channels?
#include "meter.h"

struct node {
    lg_chan *in;
    lg_chan *out;
    int64_t laps;
    lg_waitgroup *done;
};

static void pass(void *arg)
{
    struct node *me = arg;
    for (int64_t i = 0; i < me->laps; i++) {
        int64_t token = 0;
        lg_chan_recv(me->in, &token, LG_NEVER);
        token++;
        lg_chan_send(me->out, &token, LG_NEVER);
    }
    lg_waitgroup_add(me->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    lg_waitgroup done = {0};
    int64_t laps = ops / size;
    lg_chan *first = meter_chan(0);
    lg_chan *in = first;
    struct node *nodes = meter_array((size_t)size, sizeof *nodes);
    int64_t token = 0;
    lg_waitgroup_add(&done, size - 1);
    for (int64_t i = 1; i < size; i++) {
        nodes[i] = (struct node){in, meter_chan(0), laps, &done};
        in = nodes[i].out;
        meter_go(pass, &nodes[i]);
    }
    for (int64_t i = 0; i < laps; i++) {
        token++;
        lg_chan_send(first, &token, LG_NEVER);
        lg_chan_recv(in, &token, LG_NEVER);
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    for (int64_t i = 1; i < size; i++) {
        lg_chan_free(nodes[i].out);
    }
    lg_chan_free(first);
    free(nodes);
    meter_check(token == ops, "the token is wrong");
}

static void bench(int64_t size)
{
    meter_check(size > 1, "the size must be at least 2");
    meter_run("ring", meter_ops(500000, size), size, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1000, bench);
}
