// SPDX-License-Identifier: MIT
//
// Channels and select with more at each end than can go on: nobody is left out, and a
// select prefers none of its cases.
#include "shares.h"

enum { LEAST = 400, CASES = 4 };

static lg_runtime *host;
static struct shares shares;
static lg_chan *chans[CASES];
static lg_chan *quit;
static size_t cap;
static _Atomic bool is_over; // for those who only keep the others busy
static _Atomic int n_busy;

static void start(void (*fn)(void *arg), intptr_t first, intptr_t end)
{
    for (intptr_t i = first; i < end; i++) {
        spec_go(host, fn, (void *)i);
    }
}

static void begin(int contestants, int nchans)
{
    shares_begin(&shares, contestants, spec_rounds(LEAST));
    quit = spec_chan(host, 1, 0);
    for (int i = 0; i < nchans; i++) {
        chans[i] = spec_chan(host, sizeof(int), cap);
    }
}

// Ends those who stand in a select with `quit`.
static void end(int nbusy, int nchans)
{
    is_over = true;
    CHECK_OK(lg_chan_close(quit));
    SETTLE(n_busy == nbusy);
    lg_chan_free(quit);
    for (int i = 0; i < nchans; i++) {
        lg_chan_free(chans[i]);
    }
}

static void contend(int procs, bool has_signals, size_t chan_cap, void (*fn)(void *arg))
{
    cap = chan_cap;
    host = shares_open(procs, has_signals);
    spec_main(host, fn, NULL);
}

// ---------------------------------------------------------------------------
// Senders and receivers of one channel
// ---------------------------------------------------------------------------

static void receive_until_quit(__attribute__((unused)) void *arg)
{
    int value;
    size_t which = 0;
    lg_case cases[] = {{.ch = chans[0], .elem = &value}, {.ch = quit}};
    while (which == 0) {
        int rc = lg_select(cases, 2, LG_NEVER, &which);
        CHECK_CODE(rc, which == 0 ? LG_OK : LG_ECLOSED);
    }
    n_busy++;
}

static void send_on(void *arg)
{
    int who = (int)(intptr_t)arg;
    do {
        CHECK_OK(lg_chan_send(chans[0], &who, LG_NEVER));
    } while (shares_take(&shares, who));
    shares.nended++;
}

static void many_senders(__attribute__((unused)) void *arg)
{
    begin(8, 1);
    start(send_on, 0, 8);
    start(receive_until_quit, 0, 2);
    shares_check(&shares, 8);
    end(2, 1);
}

static void send_until_quit(__attribute__((unused)) void *arg)
{
    int value = 1;
    size_t which = 0;
    lg_case cases[] = {{.ch = chans[0], .elem = &value, .op = LG_SEND}, {.ch = quit}};
    while (which == 0) {
        int rc = lg_select(cases, 2, LG_NEVER, &which);
        CHECK_CODE(rc, which == 0 ? LG_OK : LG_ECLOSED);
    }
    n_busy++;
}

static void receive_on(void *arg)
{
    int value;
    do {
        CHECK_OK(lg_chan_recv(chans[0], &value, LG_NEVER));
    } while (shares_take(&shares, (int)(intptr_t)arg));
    shares.nended++;
}

static void many_receivers(__attribute__((unused)) void *arg)
{
    begin(8, 1);
    start(receive_on, 0, 8);
    start(send_until_quit, 0, 2);
    shares_check(&shares, 8);
    end(2, 1);
}

it("chan.send of eight to two receivers", "is shared on one P", .limit_s = 60)
{
    contend(1, true, 0, many_senders);
}

it("chan.send of eight to two receivers", "is shared on four Ps", .limit_s = 60)
{
    contend(4, false, 0, many_senders);
}

it("chan.send of eight into a buffer", "is shared on four Ps", .limit_s = 60)
{
    contend(4, false, 3, many_senders);
}

it("chan.recv of eight from two senders", "is shared on one P", .limit_s = 60)
{
    contend(1, true, 0, many_receivers);
}

it("chan.recv of eight from two senders", "is shared on four Ps", .limit_s = 60)
{
    contend(4, false, 0, many_receivers);
}

it("chan.recv of eight out of a buffer", "is shared on four Ps", .limit_s = 60)
{
    contend(4, false, 3, many_receivers);
}

// ---------------------------------------------------------------------------
// Select
// ---------------------------------------------------------------------------

static void flood(void *arg)
{
    int value = 1;
    size_t which = 0;
    lg_case cases[] = {{.ch = chans[(intptr_t)arg], .elem = &value, .op = LG_SEND},
                       {.ch = quit}};
    while (which == 0) {
        int rc = lg_select(cases, 2, LG_NEVER, &which);
        CHECK_CODE(rc, which == 0 ? LG_OK : LG_ECLOSED);
    }
    n_busy++;
}

static void choose_on(__attribute__((unused)) void *arg)
{
    int value;
    lg_case cases[CASES];
    for (int i = 0; i < CASES; i++) {
        cases[i] = (lg_case){.ch = chans[i], .elem = &value};
    }
    size_t which;
    do {
        CHECK_OK(lg_select(cases, CASES, LG_NEVER, &which));
    } while (shares_take(&shares, (int)which));
    shares.nended++;
}

static void many_cases(__attribute__((unused)) void *arg)
{
    begin(CASES, CASES);
    start(flood, 0, CASES);
    start(choose_on, 0, 2);
    shares_check(&shares, 2);
    end(CASES, CASES);
}

it("select of four cases that are ready again and again", "does all on one P",
   .limit_s = 60)
{
    contend(1, true, 0, many_cases);
}

it("select of four cases that are ready again and again", "does all on four Ps",
   .limit_s = 60)
{
    contend(4, false, 0, many_cases);
}

it("select of four buffers that are filled again and again", "does all on four Ps",
   .limit_s = 60)
{
    contend(4, false, 2, many_cases);
}

// Some receive plainly, some by select, beside another case that is never ready.
static void receive_somehow(void *arg)
{
    int who = (int)(intptr_t)arg;
    int value;
    size_t which;
    lg_case cases[] = {{.ch = chans[1], .elem = &value},
                       {.ch = chans[0], .elem = &value}};
    do {
        if (who % 2 == 0) {
            CHECK_OK(lg_chan_recv(chans[0], &value, LG_NEVER));
        } else {
            CHECK_OK(lg_select(cases, 2, LG_NEVER, &which));
            CHECK_INT(which, 1);
        }
    } while (shares_take(&shares, who));
    shares.nended++;
}

static void selects_beside_receivers(__attribute__((unused)) void *arg)
{
    begin(8, 2);
    start(receive_somehow, 0, 8);
    start(send_until_quit, 0, 2);
    shares_check(&shares, 8);
    end(2, 2);
}

it("select beside plain receivers", "has its share on one P", .limit_s = 60)
{
    contend(1, true, 0, selects_beside_receivers);
}

it("select beside plain receivers", "has its share on four Ps", .limit_s = 60)
{
    contend(4, false, 0, selects_beside_receivers);
}

// All cases are ready each time: the buffers are never empty.
static void choose_among_full(__attribute__((unused)) void *arg)
{
    enum { ROUNDS = 4000 };
    int counts[CASES] = {0};
    int value = 1;
    lg_case cases[CASES];
    begin(1, CASES);
    for (int i = 0; i < CASES; i++) {
        cases[i] = (lg_case){.ch = chans[i], .elem = &value};
        CHECK_OK(lg_chan_send(chans[i], &value, 0));
    }
    for (int i = 0; i < ROUNDS; i++) {
        size_t which;
        CHECK_OK(lg_select(cases, CASES, LG_NEVER, &which));
        counts[which]++;
        CHECK_OK(lg_chan_send(chans[which], &value, 0));
    }
    // A standard deviation is 27.
    for (int i = 0; i < CASES; i++) {
        CHECK_BETWEEN(counts[i], ROUNDS / CASES - 200, ROUNDS / CASES + 200);
    }
    end(0, CASES);
}

it("select of four cases that are ready all the time", "does each as often")
{
    contend(1, false, 1, choose_among_full);
}
