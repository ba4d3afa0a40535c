// SPDX-License-Identifier: MIT
//
// How long does a tree of goroutines take, ten children to each, with `size` leaves that
// send their number up?
#include "meter.h"

struct node {
    lg_chan *up;
    int64_t number;
    int64_t size;
};

// The children's records stand on this stack: each has read its own before it sends, and
// all have sent before this returns.
static void skynet(void *arg)
{
    struct node me = *(const struct node *)arg;
    struct node children[10];
    int64_t sum = 0;
    if (me.size == 1) {
        lg_chan_send(me.up, &me.number, LG_NEVER);
        return;
    }
    lg_chan *ch = meter_chan(0);
    for (int i = 0; i < 10; i++) {
        children[i] = (struct node){ch, me.number + i * (me.size / 10), me.size / 10};
        meter_go(skynet, &children[i]);
    }
    for (int i = 0; i < 10; i++) {
        int64_t v = 0;
        lg_chan_recv(ch, &v, LG_NEVER);
        sum += v;
    }
    lg_chan_free(ch);
    lg_chan_send(me.up, &sum, LG_NEVER);
}

static void body(int64_t ops, int64_t size)
{
    struct node root = {meter_chan(0), 0, size};
    int64_t sum = 0;
    (void)ops;
    meter_go(skynet, &root);
    lg_chan_recv(root.up, &sum, LG_NEVER);
    lg_chan_free(root.up);
    meter_check(sum == size * (size - 1) / 2,
                "the sum is wrong; is the size a power of ten?");
}

static void bench(int64_t size)
{
    meter_run("skynet", 1, 1, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1000000, bench);
}
