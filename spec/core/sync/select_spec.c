// SPDX-License-Identifier: MIT
//
// Select between native goroutines.
#include "spec.h"

static lg_chan *a;
static lg_chan *b;
static _Atomic int n_done;

static lg_case receive_from(lg_chan *ch, int *value)
{
    return (lg_case){.ch = ch, .elem = value, .op = LG_RECV};
}

static lg_case send_to(lg_chan *ch, int *value)
{
    return (lg_case){.ch = ch, .elem = value, .op = LG_SEND};
}

it("select", "does the one case that can go on", .procs = 1)
{
    a = spec_chan(rt, sizeof(int), 1);
    b = spec_chan(rt, sizeof(int), 1);
    int in = -1;
    int out = 5;
    size_t index = 77;
    lg_case cases[] = {receive_from(a, &in), send_to(b, &out)};
    CHECK_OK(lg_select(cases, 2, LG_NEVER, &index));
    CHECK_INT(index, 1);
    CHECK_INT(lg_chan_len(b), 1);
    CHECK_CODE(lg_select(cases, 2, 0, &index), LG_EAGAIN);
    CHECK_OK(lg_chan_send(a, &(int){6}, 0));
    CHECK_OK(lg_select(cases, 2, 0, &index));
    CHECK_INT(index, 0);
    CHECK_INT(in, 6);
    CHECK_INT(lg_chan_len(a), 0);
    lg_chan_free(a);
    lg_chan_free(b);
}

it("select with nothing ready", "times out with nothing done", .procs = 1)
{
    a = spec_chan(rt, sizeof(int), 0);
    int in = -1;
    int out = 5;
    size_t index = 77;
    lg_case cases[] = {receive_from(a, &in), send_to(a, &out)};
    CHECK_CODE(lg_select(cases, 2, spec_ms(rt, 1), &index), LG_ETIMEDOUT);
    CHECK_INT(in, -1);
    CHECK_CODE(lg_chan_send(a, &out, 0), LG_EAGAIN);
    CHECK_CODE(lg_chan_recv(a, &in, 0), LG_EAGAIN);
    lg_chan_free(a);
}

it("select without cases, or with none but NULL channels", "waits for its deadline",
   .procs = 1)
{
    size_t index = 77;
    lg_case cases[3] = {{.ch = NULL, .op = LG_RECV}, {.ch = NULL, .op = LG_SEND}};
    CHECK_CODE(lg_select(NULL, 0, 0, &index), LG_EAGAIN);
    CHECK_CODE(lg_select(NULL, 0, spec_ms(rt, 1), &index), LG_ETIMEDOUT);
    CHECK_CODE(lg_select(cases, 3, 0, &index), LG_EAGAIN);
    CHECK_CODE(lg_select(cases, 3, spec_ms(rt, 1), &index), LG_ETIMEDOUT);
}

it("select with a NULL channel among others", "passes over it", .procs = 1)
{
    a = spec_chan(rt, sizeof(int), 1);
    CHECK_OK(lg_chan_send(a, &(int){1}, 0));
    size_t index = 77;
    lg_case cases[3] = {{.ch = NULL}, {.ch = NULL, .op = LG_SEND}, {.ch = a}};
    CHECK_OK(lg_select(cases, 3, LG_NEVER, &index));
    CHECK_INT(index, 2);
    lg_chan_free(a);
}

it("select with 65,536 cases", "is refused, with 65,535 works", .procs = 1)
{
    size_t n = LG_CHAN_CASES_MAX;
    lg_case *cases = calloc(n + 1, sizeof *cases);
    CHECK(cases);
    a = spec_chan(rt, sizeof(int), 0);
    b = spec_chan(rt, sizeof(int), 1);
    int value = 3;
    for (size_t i = 0; i <= n; i++) {
        cases[i] = receive_from(a, &value);
    }
    cases[n - 1] = send_to(b, &value);
    size_t index = 77;
    CHECK_CODE(lg_select(cases, n + 1, 0, &index), LG_EINVAL);
    CHECK_CODE(lg_select(cases, SIZE_MAX, LG_NEVER, &index), LG_EINVAL);
    CHECK_OK(lg_select(cases, n, LG_NEVER, &index));
    CHECK_INT(index, n - 1);
    CHECK_CODE(lg_select(cases, n, spec_ms(rt, 1), &index), LG_ETIMEDOUT);
    CHECK_CODE(lg_chan_send(a, &value, 0), LG_EAGAIN);
    lg_chan_free(a);
    lg_chan_free(b);
    free(cases);
}

it("select on a closed channel", "names the case, receiving and sending", .procs = 1)
{
    a = spec_chan(rt, sizeof(int), 2);
    b = spec_chan(rt, sizeof(int), 0);
    CHECK_OK(lg_chan_send(a, &(int){4}, 0));
    CHECK_OK(lg_chan_close(a));
    int value = 9;
    size_t index = 77;
    lg_case receive[] = {receive_from(b, &value), receive_from(a, &value)};
    CHECK_OK(lg_select(receive, 2, LG_NEVER, &index)); // drains first
    CHECK_INT(value, 4);
    CHECK_CODE(lg_select(receive, 2, LG_NEVER, &index), LG_ECLOSED);
    CHECK_INT(index, 1);
    CHECK_INT(value, 0);
    lg_case send[] = {send_to(b, &value), receive_from(b, &value), send_to(a, &value)};
    CHECK_CODE(lg_select(send, 3, 0, &index), LG_ECLOSED);
    CHECK_INT(index, 2);
    lg_chan_free(a);
    lg_chan_free(b);
}

static void select_until_closed(void *arg)
{
    int value = 9;
    size_t index = 77;
    lg_case cases[] = {receive_from(a, &value), receive_from(b, &value)};
    if (arg) {
        cases[0] = send_to(a, &value);
    }
    CHECK_CODE(lg_select(cases, 2, LG_NEVER, &index), LG_ECLOSED);
    CHECK_INT(index, 0);
    n_done++;
}

it("select that waits", "is woken by a close of any of its channels", .procs = 2)
{
    a = spec_chan(rt, sizeof(int), 0);
    b = spec_chan(rt, sizeof(int), 0);
    spec_go(rt, select_until_closed, NULL);
    SETTLE(spec_waiting(rt, NULL) == 1);
    CHECK_OK(lg_chan_close(a));
    SETTLE(n_done == 1);
    CHECK_CODE(lg_chan_send(b, &(int){1}, 0), LG_EAGAIN);
    lg_chan_free(a);
    a = spec_chan(rt, sizeof(int), 0);
    spec_go(rt, select_until_closed, a);
    SETTLE(spec_waiting(rt, NULL) == 1);
    CHECK_OK(lg_chan_close(a));
    SETTLE(n_done == 2);
    lg_chan_free(a);
    lg_chan_free(b);
}

static int got[3];

static void select_three_times(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 3; i++) {
        int value = -1;
        int out = 50;
        size_t index = 77;
        lg_case cases[] = {receive_from(a, &value), send_to(b, &out)};
        CHECK_OK(lg_select(cases, 2, LG_NEVER, &index));
        got[i] = index == 0 ? value : 50;
        n_done++;
    }
}

it("select that waits", "goes on with whichever comes, and leaves no waiter behind",
   .procs = 2)
{
    a = spec_chan(rt, sizeof(int), 0);
    b = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, select_three_times, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_OK(lg_chan_send(a, &(int){10}, 0));
    SETTLE(n_done == 1 && spec_is_waiting(rt, ref));
    int value = 0;
    CHECK_OK(lg_chan_recv(b, &value, 0));
    CHECK_INT(value, 50);
    SETTLE(n_done == 2 && spec_is_waiting(rt, ref));
    CHECK_OK(lg_chan_send(a, &(int){11}, 0));
    SETTLE(n_done == 3);
    CHECK_INT(got[0], 10);
    CHECK_INT(got[1], 50);
    CHECK_INT(got[2], 11);
    CHECK_CODE(lg_chan_send(a, &(int){12}, 0), LG_EAGAIN);
    CHECK_CODE(lg_chan_recv(b, &value, 0), LG_EAGAIN);
    lg_chan_free(a);
    lg_chan_free(b);
}

static int first_index;

static void select_both_ways(__attribute__((unused)) void *arg)
{
    int in = -1;
    int out = 21;
    size_t index = 77;
    lg_case cases[] = {receive_from(a, &in), send_to(a, &out)};
    CHECK_OK(lg_select(cases, 2, LG_NEVER, &index));
    CHECK_INT(in, index == 0 ? 21 : -1);
    first_index += (int)index;
    n_done++;
}

it("select that sends and receives on one channel", "does not meet itself", .procs = 2)
{
    a = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, select_both_ways, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_INT(n_done, 0);
    spec_go(rt, select_both_ways, NULL); // two of them meet
    SETTLE(n_done == 2);
    CHECK_INT(first_index, 1);
    CHECK_CODE(lg_chan_recv(a, NULL, 0), LG_EAGAIN);
    CHECK_CODE(lg_chan_send(a, &(int){1}, 0), LG_EAGAIN);
    lg_chan_free(a);
}

it("select that sends and receives on one buffered channel", "does either", .procs = 1)
{
    a = spec_chan(rt, sizeof(int), 1);
    int in = -1;
    int out = 21;
    size_t index = 77;
    lg_case cases[] = {receive_from(a, &in), send_to(a, &out)};
    for (int i = 0; i < 10; i++) {
        CHECK_OK(lg_select(cases, 2, LG_NEVER, &index));
        CHECK_INT(index, (i + 1) % 2);
        CHECK_INT(lg_chan_len(a), (i + 1) % 2);
    }
    lg_chan_free(a);
}

enum { FAIR = 5, FAIR_ROUNDS = 100000 };

static void check_fair(const int *counts, int n, int rounds)
{
    int share = rounds / n;
    for (int i = 0; i < n; i++) {
        CHECK_BETWEEN(counts[i], share - share / 20, share + share / 20);
    }
}

it("select among ready cases", "is fair within 5 % over 100,000 rounds", .procs = 1)
{
    lg_chan *chans[FAIR];
    lg_case cases[FAIR];
    int counts[FAIR] = {0};
    int value = 1;
    for (int i = 0; i < FAIR; i++) {
        chans[i] = spec_chan(rt, sizeof(int), 1);
        cases[i] = receive_from(chans[i], &value);
        CHECK_OK(lg_chan_send(chans[i], &value, 0));
    }
    for (int i = 0; i < FAIR_ROUNDS; i++) {
        size_t index = 77;
        CHECK_OK(lg_select(cases, FAIR, LG_NEVER, &index));
        counts[index]++;
        CHECK_OK(lg_chan_send(chans[index], &value, 0));
    }
    check_fair(counts, FAIR, FAIR_ROUNDS);
    for (int i = 0; i < FAIR; i++) {
        lg_chan_free(chans[i]);
    }
}

it("select among two ready cases of one channel", "is fair within 5 %", .procs = 1)
{
    int counts[2] = {0};
    int value = 1;
    a = spec_chan(rt, sizeof(int), 2);
    lg_case cases[] = {receive_from(a, &value), send_to(a, &value)};
    for (int i = 0; i < FAIR_ROUNDS; i++) {
        size_t index = 77;
        while (lg_chan_len(a) < 1) {
            CHECK_OK(lg_chan_send(a, &value, 0));
        }
        while (lg_chan_len(a) > 1) {
            CHECK_OK(lg_chan_recv(a, &value, 0));
        }
        CHECK_OK(lg_select(cases, 2, 0, &index));
        counts[index]++;
    }
    check_fair(counts, 2, FAIR_ROUNDS);
    lg_chan_free(a);
}
