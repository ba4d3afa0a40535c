// SPDX-License-Identifier: MIT
//
// What does a select of two empty channels and a default cost?
#include "meter.h"

static lg_chan *first;
static lg_chan *second;

static void body(int64_t ops, int64_t size)
{
    int64_t idle = 0;
    (void)size;
    for (int64_t i = 0; i < ops; i++) {
        int64_t v = 0;
        size_t index = 0;
        lg_case cases[2] = {{first, &v, LG_RECV}, {second, &v, LG_RECV}};
        idle += lg_select(cases, 2, 0, &index) == LG_EAGAIN;
    }
    meter_check(idle == ops, "an empty channel was ready");
}

static void bench(int64_t size)
{
    first = meter_chan(1);
    second = meter_chan(1);
    meter_run("select_default", meter_ops(2000000, 1), 1, body, size);
    lg_chan_free(first);
    lg_chan_free(second);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
