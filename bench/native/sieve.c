// SPDX-License-Identifier: MIT
//
// How long does the chain of filters take to find the first `size` primes, one goroutine
// and one unbuffered channel for each?
#include "meter.h"

struct filter {
    lg_chan *in;
    lg_chan *out;
    int64_t prime;
    lg_waitgroup *done;
};

static int64_t last; // the numbers end here, see bound()

static bool is_prime(int64_t n)
{
    for (int64_t d = 2; d * d <= n; d++) {
        if (n % d == 0) {
            return false;
        }
    }
    return true;
}

// The size-th prime. Ending by number and not by count lets the chain run empty and stop,
// so that repetitions do not meet each other's leftovers.
static int64_t bound(int64_t size)
{
    int64_t n = 1;
    for (int64_t found = 0; found < size; found += is_prime(n)) {
        n++;
    }
    return n;
}

static void generate(void *arg)
{
    struct filter *me = arg;
    for (int64_t n = 2; n <= last; n++) {
        lg_chan_send(me->out, &n, LG_NEVER);
    }
    lg_chan_close(me->out);
    lg_waitgroup_add(me->done, -1);
}

static void filter(void *arg)
{
    struct filter *me = arg;
    int64_t prime = me->prime;
    int64_t n = 0;
    while (lg_chan_recv(me->in, &n, LG_NEVER) == LG_OK) {
        if (n % prime != 0) {
            lg_chan_send(me->out, &n, LG_NEVER);
        }
    }
    lg_chan_close(me->out);
    lg_waitgroup_add(me->done, -1);
}

static void body(int64_t ops, int64_t size)
{
    lg_waitgroup done = {0};
    struct filter *chain = meter_array((size_t)size + 1, sizeof *chain);
    int64_t primes = 0;
    int64_t prime = 0;
    (void)ops;
    chain[0] = (struct filter){NULL, meter_chan(0), 0, &done};
    lg_waitgroup_add(&done, 1);
    meter_go(generate, &chain[0]);
    while (lg_chan_recv(chain[primes].out, &prime, LG_NEVER) == LG_OK) {
        meter_check(primes < size, "numbers were made up");
        lg_chan *in = chain[primes++].out;
        chain[primes] = (struct filter){in, meter_chan(0), prime, &done};
        lg_waitgroup_add(&done, 1);
        meter_go(filter, &chain[primes]);
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    for (int64_t i = 0; i <= primes; i++) {
        lg_chan_free(chain[i].out);
    }
    free(chain);
    meter_check(primes == size, "primes were lost");
}

static void bench(int64_t size)
{
    last = bound(size);
    meter_run("sieve", 1, 1, body, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 2000, bench);
}
