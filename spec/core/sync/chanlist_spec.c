// SPDX-License-Identifier: MIT
//
// The list of channels.
#include "spec.h"

enum { INFOS = 64 };

static lg_chan *ch;
static lg_chan_info infos[INFOS];
static size_t ninfos;
static lg_chan **selected;

static bool add(void *ud, const lg_chan_info *info)
{
    size_t *limit = ud;
    infos[ninfos++] = *info;
    return ninfos < *limit;
}

static void list(lg_runtime *rt, size_t limit)
{
    ninfos = 0;
    lg_channels(rt, add, &limit);
}

static void receive_one(__attribute__((unused)) void *arg)
{
    int value;
    lg_chan_recv(ch, &value, LG_NEVER);
}

static void send_one(__attribute__((unused)) void *arg)
{
    int value = 1;
    lg_chan_send(ch, &value, LG_NEVER);
}

static void select_two(__attribute__((unused)) void *arg)
{
    int value = 1;
    lg_case cases[] = {{.ch = selected[0], .op = LG_SEND, .elem = &value},
                       {.ch = selected[1], .op = LG_RECV, .elem = &value}};
    size_t which;
    lg_select(cases, 2, LG_NEVER, &which);
}

it("channels", "lists each with its length and capacity, oldest first", .procs = 1)
{
    list(rt, INFOS);
    CHECK_INT(ninfos, 0);
    lg_chan *first = spec_chan(rt, 8, 5);
    lg_chan *second = spec_chan(rt, sizeof(int), 0);
    uint64_t value = 7;
    CHECK_OK(lg_chan_send(first, &value, 0));
    lg_chan_close(second);
    list(rt, INFOS);
    CHECK_INT(ninfos, 2);
    CHECK_INT(infos[0].len, 1);
    CHECK_INT(infos[0].cap, 5);
    CHECK(!infos[0].is_closed && infos[0].has_waiters && !infos[0].strand);
    CHECK(infos[1].is_closed);
    CHECK(infos[0].number != 0 && infos[1].number != infos[0].number);
    lg_chan_free(first);
    list(rt, INFOS);
    CHECK_INT(ninfos, 1);
    lg_chan_free(second);
}

it("channels", "stops when visit says so", .procs = 1)
{
    lg_chan *chans[] = {spec_chan(rt, 8, 1), spec_chan(rt, 8, 2), spec_chan(rt, 8, 3)};
    list(rt, 2);
    CHECK_INT(ninfos, 2);
    CHECK_INT(infos[1].cap, 2);
    for (int i = 0; i < 3; i++) {
        lg_chan_free(chans[i]);
    }
}

static size_t nreceivers(void)
{
    lg_chan_info info;
    lg_chan_get_info(ch, &info);
    return info.nreceivers;
}

it("channels", "names who waits, and counts those that have no room", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref refs[LG_CHAN_WAITERS + 2];
    for (int i = 0; i < LG_CHAN_WAITERS + 2; i++) {
        CHECK_OK(lg_go(rt, receive_one, NULL, NULL, &refs[i]));
    }
    SETTLE(nreceivers() == LG_CHAN_WAITERS + 2);
    list(rt, INFOS);
    CHECK_INT(ninfos, 1);
    CHECK(infos[0].has_waiters);
    CHECK_INT(infos[0].nreceivers, LG_CHAN_WAITERS + 2);
    CHECK_INT(infos[0].nsenders, 0);
    CHECK_INT(infos[0].nlisted, LG_CHAN_WAITERS);
    for (int i = 0; i < LG_CHAN_WAITERS; i++) {
        bool is_one = false;
        for (int j = 0; j < LG_CHAN_WAITERS + 2; j++) {
            is_one = is_one || infos[0].waiters[i] == refs[j].id;
        }
        CHECK(is_one);
    }
    lg_chan_close(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

it("channels", "does not count who was canceled", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref ref;
    CHECK_OK(lg_go(rt, send_one, NULL, NULL, &ref));
    lg_chan_info info;
    SETTLE((lg_chan_get_info(ch, &info), info.nsenders == 1));
    CHECK_INT(info.waiters[0], ref.id);
    CHECK_OK(lg_cancel(ref));
    lg_chan_get_info(ch, &info); // it may still stand there
    CHECK_INT(info.nsenders, 0);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(ch);
}

it("channels", "names who waits in a select, in each of its channels", .procs = 1)
{
    lg_chan *chans[] = {spec_chan(rt, sizeof(int), 0), spec_chan(rt, sizeof(int), 0)};
    selected = chans;
    lg_ref ref;
    CHECK_OK(lg_go(rt, select_two, NULL, NULL, &ref));
    ch = chans[1];
    SETTLE(nreceivers() == 1);
    list(rt, INFOS);
    CHECK_INT(infos[0].nsenders, 1);
    CHECK_INT(infos[0].waiters[0], ref.id);
    CHECK_INT(infos[1].waiters[0], ref.id);
    lg_chan_close(ch);
    SETTLE(lg_num_goroutine(rt) == 1);
    lg_chan_free(chans[0]);
    lg_chan_free(chans[1]);
}

// ---------------------------------------------------------------------------
// Others go on
// ---------------------------------------------------------------------------

enum { PAIRS = 3 };

static _Atomic int npairs = PAIRS;

struct pair {
    lg_chan *there;
    lg_chan *back;
    _Atomic bool is_done;
};

static void echo(void *arg)
{
    struct pair *pair = arg;
    int value;
    while (lg_chan_recv(pair->there, &value, LG_NEVER) == LG_OK) {
        CHECK_OK(lg_chan_send(pair->back, &value, LG_NEVER));
    }
    pair->is_done = true;
}

// Channels come and go, with somebody waiting on them nearly all the time.
static void make_pairs(void *arg)
{
    lg_runtime *rt = arg;
    for (int i = spec_rounds(300); i > 0; i--) {
        struct pair pair = {.there = spec_chan(rt, sizeof(int), 0),
                            .back = spec_chan(rt, sizeof(int), 1)};
        spec_go(rt, echo, &pair);
        int value = i;
        for (int j = 0; j < 3; j++) {
            CHECK_OK(lg_chan_send(pair.there, &value, LG_NEVER));
            CHECK_OK(lg_chan_recv(pair.back, &value, LG_NEVER));
            CHECK_INT(value, i);
        }
        lg_chan_close(pair.there);
        SETTLE(pair.is_done);
        lg_chan_free(pair.there);
        lg_chan_free(pair.back);
    }
    npairs--;
}

static bool check_info(void *ud, const lg_chan_info *info)
{
    size_t *n = ud;
    ++*n;
    CHECK_INT(info->len <= 1, 1);
    CHECK(info->nreceivers + info->nsenders <= 1);
    CHECK_INT(info->nlisted, info->nreceivers + info->nsenders);
    return true;
}

it("channels on 4 Ps", "is right while they are made, used and freed", .procs = 4,
   .limit_s = 20)
{
    for (int i = 0; i < PAIRS; i++) {
        spec_go(rt, make_pairs, rt);
    }
    while (npairs > 0) {
        size_t n = 0;
        lg_channels(rt, check_info, &n);
        CHECK_BETWEEN(n, 0, 2 * PAIRS);
        lg_yield();
    }
    SETTLE(lg_num_goroutine(rt) == 1);
}
