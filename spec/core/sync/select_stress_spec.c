// SPDX-License-Identifier: MIT
//
// Select under contention: each element goes to exactly one receiver, and a
// select that did not send has sent nothing.
#include "spec.h"

enum { CHANS = 3, SENDERS = 6, RECEIVERS = 6, PER_SENDER = 20000 };

static lg_chan *chans[CHANS];
static lg_chan *quit;
static _Atomic uint8_t fates[SENDERS * PER_SENDER]; // 1: sent; 2: received; 3: both
static _Atomic int senders_left = SENDERS;
static _Atomic int receivers_left = RECEIVERS;
static lg_ref refs[SENDERS];
static int per_sender;
static bool is_hasty;

static int64_t deadline_choose(struct spec_random *random)
{
    if (!is_hasty) {
        return LG_NEVER;
    }
    uint32_t choice = spec_random_below(random, 3000);
    return choice < 300 ? 0 : lg_now(lg_current()) + choice;
}

static void send_by_select(void *arg)
{
    int sender = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)sender + 1);
    for (int i = 0; i < per_sender; i++) {
        int id = sender * PER_SENDER + i;
        lg_case cases[CHANS];
        for (int c = 0; c < CHANS; c++) {
            lg_chan *ch = chans[(c + i) % CHANS]; // orders differ: no lock cycle
            cases[c] = (lg_case){.ch = ch, .elem = &id, .op = LG_SEND};
        }
        size_t index = 77;
        int err = lg_select(cases, CHANS, deadline_choose(&random), &index);
        if (err == LG_OK) {
            CHECK(index < CHANS);
            fates[id] |= 1;
        } else {
            CHECK(is_hasty &&
                  (err == LG_ETIMEDOUT || err == LG_EAGAIN || err == LG_ECANCELED));
        }
    }
    senders_left--;
}

static void receive_by_select(void *arg)
{
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)arg + 1000);
    for (;;) {
        int values[CHANS];
        lg_case cases[CHANS + 1];
        uint32_t first = spec_random_below(&random, CHANS);
        for (uint32_t c = 0; c < CHANS; c++) {
            values[c] = -1;
            cases[c] = (lg_case){.ch = chans[(first + c) % CHANS], .elem = &values[c]};
        }
        cases[CHANS] = (lg_case){.ch = quit};
        size_t index = 77;
        int err = lg_select(cases, CHANS + 1, deadline_choose(&random), &index);
        if (err == LG_ECLOSED) {
            CHECK_INT(index, CHANS);
            break;
        }
        for (size_t c = 0; c < CHANS; c++) {
            CHECK((values[c] >= 0) == (err == LG_OK && index == c));
        }
        if (err == LG_OK) {
            CHECK_INT(atomic_fetch_or(&fates[values[index]], 2) & 2, 0);
        }
    }
    receivers_left--;
}

static void contend(lg_runtime *rt, size_t cap, int wanted)
{
    per_sender = wanted < PER_SENDER ? wanted : PER_SENDER;
    quit = spec_chan(rt, 0, 0);
    for (int c = 0; c < CHANS; c++) {
        chans[c] = spec_chan(rt, sizeof(int), cap);
    }
    for (intptr_t i = 0; i < RECEIVERS; i++) {
        spec_go(rt, receive_by_select, (void *)i);
    }
    for (intptr_t i = 0; i < SENDERS; i++) {
        refs[i] = spec_go(rt, send_by_select, (void *)i);
    }
    for (int i = 0; senders_left; i++) {
        if (is_hasty) {
            lg_cancel(refs[i % SENDERS]); // may have ended
        }
        CHECK_OK(lg_yield());
    }
    for (int c = 0; c < CHANS; c++) {
        SETTLE(lg_chan_len(chans[c]) == 0);
    }
    CHECK_OK(lg_chan_close(quit));
    SETTLE(receivers_left == 0);
    for (int i = 0; i < SENDERS * PER_SENDER; i++) {
        CHECK(fates[i] == 0 || fates[i] == 3);
        CHECK(is_hasty || i % PER_SENDER >= per_sender || fates[i] == 3);
    }
    for (int c = 0; c < CHANS; c++) {
        lg_chan_free(chans[c]);
    }
    lg_chan_free(quit);
}

it("select on 4 Ps without buffers", "never delivers twice or to nobody", .procs = 4,
   .limit_s = 30)
{
    contend(rt, 0, spec_rounds(20000));
}

it("select on 4 Ps with buffers", "never delivers twice or to nobody", .procs = 4,
   .limit_s = 30)
{
    contend(rt, 2, spec_rounds(20000));
}

it("select on 4 Ps with deadlines and cancellation", "never delivers twice or to nobody",
   .procs = 4, .limit_s = 30)
{
    is_hasty = true;
    contend(rt, 0, spec_rounds(4000));
}

it("select on 4 Ps with deadlines, cancellation and buffers",
   "never delivers twice or to nobody", .procs = 4, .limit_s = 30)
{
    is_hasty = true;
    contend(rt, 1, spec_rounds(4000));
}
