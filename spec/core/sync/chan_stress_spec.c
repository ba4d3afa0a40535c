// SPDX-License-Identifier: MIT
//
// Channels under load: nothing is lost, nothing comes twice, order is kept.
#include "spec.h"

enum { PRODUCERS = 4, CONSUMERS = 4 };

struct item {
    uint32_t producer;
    uint32_t number;
};

static lg_chan *ch;
static int n_each;
static _Atomic int producers_left = PRODUCERS;
static _Atomic int consumers_left = CONSUMERS;
static _Atomic int64_t n_received;
static _Atomic int64_t sum_received;

static void produce(void *arg)
{
    struct item item = {.producer = (uint32_t)(uintptr_t)arg};
    for (int i = 0; i < n_each; i++) {
        item.number = (uint32_t)i + 1;
        CHECK_OK(lg_chan_send(ch, &item, LG_NEVER));
    }
    if (--producers_left == 0) {
        CHECK_OK(lg_chan_close(ch));
    }
}

// What one producer sent comes to one consumer in the order sent.
static void consume(__attribute__((unused)) void *arg)
{
    uint32_t last[PRODUCERS] = {0};
    struct item item;
    while (lg_chan_recv(ch, &item, LG_NEVER) == LG_OK) {
        CHECK(item.producer < PRODUCERS && item.number > last[item.producer]);
        last[item.producer] = item.number;
        n_received++;
        sum_received += item.number;
    }
    consumers_left--;
}

static void many_to_many(lg_runtime *rt, size_t cap)
{
    ch = spec_chan(rt, sizeof(struct item), cap);
    n_each = spec_rounds(50000);
    for (uintptr_t i = 0; i < CONSUMERS; i++) {
        spec_go(rt, consume, (void *)i);
    }
    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        spec_go(rt, produce, (void *)i);
    }
    SETTLE(consumers_left == 0);
    CHECK_INT(n_received, (int64_t)n_each * PRODUCERS);
    CHECK_INT(sum_received, (int64_t)n_each * (n_each + 1) / 2 * PRODUCERS);
    lg_chan_free(ch);
}

it("chan without a buffer, 4 to 4 on 4 Ps", "delivers each element once, in order",
   .procs = 4, .limit_s = 20)
{
    many_to_many(rt, 0);
}

it("chan of 1, 4 to 4 on 4 Ps", "delivers each element once, in order", .procs = 4,
   .limit_s = 20)
{
    many_to_many(rt, 1);
}

it("chan of 64, 4 to 4 on 4 Ps", "delivers each element once, in order", .procs = 4,
   .limit_s = 20)
{
    many_to_many(rt, 64);
}

// ---------------------------------------------------------------------------
// Daisy chain: each link takes a number from its right and passes it on, plus 1
// ---------------------------------------------------------------------------

struct link {
    lg_chan *left;
    lg_chan *right;
};

static void link_run(void *arg)
{
    struct link *link = arg;
    int64_t value = 0;
    CHECK_OK(lg_chan_recv(link->right, &value, LG_NEVER));
    value++;
    CHECK_OK(lg_chan_send(link->left, &value, LG_NEVER));
}

it("chan in a daisy chain of 10,000 goroutines", "adds up to 10,000", .procs = 2,
   .limit_s = 20)
{
    int n = spec_has_tsan() ? 1000 : 10000;
    struct link *links = calloc((size_t)n, sizeof *links);
    CHECK(links);
    lg_chan *leftmost = spec_chan(rt, sizeof(int64_t), 0);
    lg_chan *left = leftmost;
    for (int i = 0; i < n; i++) {
        links[i] = (struct link){.left = left, .right = spec_chan(rt, 8, 0)};
        spec_go(rt, link_run, &links[i]);
        left = links[i].right;
    }
    CHECK_OK(lg_chan_send(left, &(int64_t){0}, LG_NEVER));
    int64_t value = 0;
    CHECK_OK(lg_chan_recv(leftmost, &value, LG_NEVER));
    CHECK_INT(value, n);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(leftmost);
    for (int i = 0; i < n; i++) {
        lg_chan_free(links[i].right);
    }
    free(links);
}

// ---------------------------------------------------------------------------
// The prime sieve: a filter per prime
// ---------------------------------------------------------------------------

struct filter {
    lg_chan *in;
    lg_chan *out;
    int prime;
};

static void generate(void *arg)
{
    for (int i = 2; lg_chan_send(arg, &i, LG_NEVER) == LG_OK; i++) {
    }
}

static void filter_run(void *arg)
{
    struct filter *filter = arg;
    int value = 0;
    while (lg_chan_recv(filter->in, &value, LG_NEVER) == LG_OK) {
        if (value % filter->prime && lg_chan_send(filter->out, &value, LG_NEVER)) {
            break;
        }
    }
    CHECK_CODE(lg_chan_close(filter->in), LG_OK);
}

enum { PRIMES = 200, LAST_PRIME = 1223 };

it("chan in the prime sieve", "finds the 200th prime, and closing unwinds it", .procs = 4,
   .limit_s = 20)
{
    static struct filter filters[PRIMES];
    lg_chan *in = spec_chan(rt, sizeof(int), 0);
    spec_go(rt, generate, in);
    int prime = 0;
    for (int i = 0; i < PRIMES; i++) {
        CHECK_OK(lg_chan_recv(in, &prime, LG_NEVER));
        filters[i] = (struct filter){in, spec_chan(rt, sizeof(int), 0), prime};
        spec_go(rt, filter_run, &filters[i]);
        in = filters[i].out;
    }
    CHECK_INT(prime, LAST_PRIME);
    CHECK_OK(lg_chan_close(in));
    SETTLE(lg_num_goroutine(rt) == 1);
    for (int i = 0; i < PRIMES; i++) {
        lg_chan_free(filters[i].in);
    }
    lg_chan_free(in);
}

// ---------------------------------------------------------------------------
// What fails to be sent is not delivered
// ---------------------------------------------------------------------------

enum { SENDERS = 8, PER_SENDER = 4000 };

static _Atomic uint8_t fates[SENDERS * PER_SENDER]; // 1: sent; 2: received; 3: both
static _Atomic int senders_left = SENDERS;
static lg_ref sender_refs[SENDERS];
static int per_sender;

static void send_in_haste(void *arg)
{
    int sender = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)sender + 100);
    for (int i = 0; i < per_sender; i++) {
        int id = sender * PER_SENDER + i;
        int64_t deadline = lg_now(lg_current()) + spec_random_below(&random, 4000);
        int err = lg_chan_send(ch, &id, deadline);
        if (err == LG_OK) {
            fates[id] |= 1;
        } else {
            CHECK(err == LG_ETIMEDOUT || err == LG_ECANCELED);
        }
    }
    senders_left--;
}

static void receive_in_haste(__attribute__((unused)) void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)lg_self().id + 1000);
    for (;;) {
        int id = -1;
        int64_t deadline = lg_now(lg_current()) + spec_random_below(&random, 4000);
        int err = lg_chan_recv(ch, &id, deadline);
        if (err == LG_ECLOSED) {
            break;
        }
        if (err == LG_OK) {
            CHECK_INT(atomic_fetch_or(&fates[id], 2) & 2, 0);
        } else {
            CHECK_CODE(err, LG_ETIMEDOUT);
            CHECK_INT(id, -1);
        }
    }
    consumers_left--;
}

it("chan with deadlines and cancellation in a race",
   "delivers what was reported as sent and nothing else", .procs = 4, .limit_s = 30)
{
    ch = spec_chan(rt, sizeof(int), 0);
    per_sender = spec_rounds(PER_SENDER / 10) < PER_SENDER ? spec_rounds(PER_SENDER / 10)
                                                           : PER_SENDER;
    for (intptr_t i = 0; i < CONSUMERS; i++) {
        spec_go(rt, receive_in_haste, NULL);
    }
    for (intptr_t i = 0; i < SENDERS; i++) {
        sender_refs[i] = spec_go(rt, send_in_haste, (void *)i);
    }
    for (int i = 0; senders_left; i++) {
        lg_cancel(sender_refs[i % SENDERS]); // may have ended
        CHECK_OK(lg_yield());
    }
    CHECK_OK(lg_chan_close(ch));
    SETTLE(consumers_left == 0);
    for (int i = 0; i < SENDERS * PER_SENDER; i++) {
        CHECK(fates[i] == 0 || fates[i] == 3);
    }
    lg_chan_free(ch);
}
