// SPDX-License-Identifier: MIT
//
// What does a select over `size` channels (2 or 8) cost when all are ready to be
// received from? Filling them again is not counted.
#include "meter.h"

enum {
    PLACES = 256, // of each channel: as many selects can never leave one empty too early
    ROUNDS = 800000 / PLACES,
    CHANNELS_MAX = 8,
};

static lg_chan *channels[CHANNELS_MAX];

static void fill(int64_t size)
{
    int64_t one = 1;
    for (int64_t i = 0; i < size; i++) {
        while (lg_chan_len(channels[i]) < PLACES) {
            lg_chan_send(channels[i], &one, LG_NEVER);
        }
    }
}

static int64_t drain_some(int64_t size)
{
    int64_t total = 0;
    for (int i = 0; i < PLACES; i++) {
        int64_t v = 0;
        size_t index = 0;
        lg_case cases[CHANNELS_MAX];
        for (int64_t c = 0; c < size; c++) {
            cases[c] = (lg_case){channels[c], &v, LG_RECV};
        }
        lg_select(cases, (size_t)size, LG_NEVER, &index);
        total += v;
    }
    return total;
}

static int64_t body(int64_t ops, int64_t size)
{
    int64_t took_ns = 0;
    for (int64_t round = 0; round < ops / PLACES; round++) {
        fill(size);
        int64_t start_ns = meter_now_ns();
        int64_t total = drain_some(size);
        took_ns += meter_now_ns() - start_ns;
        meter_check(total == PLACES, "elements were lost");
    }
    return took_ns;
}

static void bench(int64_t size)
{
    meter_check(size == 2 || size == 8, "the size must be 2 or 8");
    for (int64_t i = 0; i < size; i++) {
        channels[i] = meter_chan(PLACES);
    }
    int64_t ops = meter_ops(ROUNDS * PLACES, PLACES);
    meter_run_timed("select_ready", ops, PLACES, body, size);
    for (int64_t i = 0; i < size; i++) {
        lg_chan_free(channels[i]);
    }
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 2, bench);
}
