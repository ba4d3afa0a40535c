// SPDX-License-Identifier: MIT
//
// Channels between native goroutines.
#include "spec.h"

static lg_chan *ch;
static int order[64];
static _Atomic int n_done;

static void receive_one(void *arg)
{
    int value = -1;
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    order[(intptr_t)arg] = value;
    n_done++;
}

static void send_one(void *arg)
{
    int value = (int)(intptr_t)arg;
    CHECK_OK(lg_chan_send(ch, &value, LG_NEVER));
    n_done++;
}

static void send_to_closed(void *arg)
{
    int value = (int)(intptr_t)arg;
    CHECK_CODE(lg_chan_send(ch, &value, LG_NEVER), LG_ECLOSED);
    n_done++;
}

static void receive_from_closed(__attribute__((unused)) void *arg)
{
    int value = 77;
    CHECK_CODE(lg_chan_recv(ch, &value, LG_NEVER), LG_ECLOSED);
    CHECK_INT(value, 0);
    n_done++;
}

it("chan.new", "refuses an element over 65,535 bytes and a capacity over 2^31 - 1")
{
    lg_runtime *host = spec_open(1);
    lg_chan *out = (lg_chan *)&out;
    CHECK_CODE(lg_chan_new(host, NULL, 65536, 1, &out), LG_EINVAL);
    CHECK_CODE(lg_chan_new(host, NULL, 8, (size_t)INT32_MAX + 1, &out), LG_EINVAL);
    CHECK_CODE(lg_chan_new(host, NULL, 8, SIZE_MAX, &out), LG_EINVAL);
    CHECK_CODE(lg_chan_new(host, NULL, 65535, INT32_MAX, &out), LG_ENOMEM);
    CHECK(out == (lg_chan *)&out);
    CHECK_INT(spec_stats(host).channels, 0);
}

it("chan.new", "makes a channel that is empty and open", .procs = 1)
{
    ch = spec_chan(rt, 8, 5);
    CHECK_INT(lg_chan_len(ch), 0);
    CHECK_INT(lg_chan_cap(ch), 5);
    CHECK(!lg_chan_is_closed(ch));
    CHECK_INT(spec_stats(rt).channels, 1);
    lg_chan_free(ch);
    CHECK_INT(spec_stats(rt).channels, 0);
}

it("chan.free", "frees what is in the buffer, and nothing for NULL", .procs = 1)
{
    lg_chan_free(NULL);
    ch = spec_chan(rt, 1000, 8);
    char element[1000] = {1};
    CHECK_OK(lg_chan_send(ch, element, 0));
    lg_chan_free(ch);
}

it("chan.free while a goroutine waits", "is fatal", .dies = "chan", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, receive_one, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    lg_chan_free(ch);
}

it("chan with a buffer", "keeps elements in order and refuses one too many", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 3);
    int value = 0;
    CHECK_CODE(lg_chan_recv(ch, &value, 0), LG_EAGAIN);
    for (int round = 0; round < 5; round++) { // round the ring
        for (int i = 0; i < 3; i++) {
            CHECK_OK(lg_chan_send(ch, &i, 0));
            CHECK_INT(lg_chan_len(ch), i + 1);
        }
        value = 9;
        CHECK_CODE(lg_chan_send(ch, &value, 0), LG_EAGAIN);
        for (int i = 0; i < 3; i++) {
            CHECK_OK(lg_chan_recv(ch, &value, 0));
            CHECK_INT(value, i);
        }
        CHECK_CODE(lg_chan_recv(ch, &value, 0), LG_EAGAIN);
        CHECK_INT(value, 2); // untouched
    }
    lg_chan_free(ch);
}

it("chan without a buffer", "lets sender and receiver meet", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    int value = 5;
    CHECK_CODE(lg_chan_send(ch, &value, 0), LG_EAGAIN);
    CHECK_CODE(lg_chan_recv(ch, &value, 0), LG_EAGAIN);
    lg_ref sender = spec_go(rt, send_one, (void *)7);
    SETTLE(spec_is_waiting(rt, sender));
    CHECK_INT(n_done, 0);
    CHECK_INT(lg_chan_len(ch), 0);
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    CHECK_INT(value, 7);
    SETTLE(n_done == 1);
    lg_ref receiver = spec_go(rt, receive_one, NULL);
    SETTLE(spec_is_waiting(rt, receiver));
    CHECK_OK(lg_chan_send(ch, &(int){8}, LG_NEVER));
    SETTLE(n_done == 2);
    CHECK_INT(order[0], 8);
    lg_chan_free(ch);
}

it("chan.send with a receiver waiting", "skips the buffer", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 4);
    lg_ref receiver = spec_go(rt, receive_one, NULL);
    SETTLE(spec_is_waiting(rt, receiver));
    CHECK_OK(lg_chan_send(ch, &(int){3}, 0));
    CHECK_INT(lg_chan_len(ch), 0);
    SETTLE(n_done == 1);
    CHECK_INT(order[0], 3);
    lg_chan_free(ch);
}

it("chan.recv", "serves receivers first come, first served", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 0);
    for (intptr_t i = 0; i < 20; i++) {
        lg_ref ref = spec_go(rt, receive_one, (void *)i);
        SETTLE(spec_is_waiting(rt, ref));
    }
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_chan_send(ch, &i, 0));
    }
    SETTLE(n_done == 20);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(order[i], i);
    }
    lg_chan_free(ch);
}

it("chan.send", "serves senders first come, first served, behind the buffer", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lg_chan_send(ch, &i, 0));
    }
    for (intptr_t i = 3; i < 20; i++) {
        lg_ref ref = spec_go(rt, send_one, (void *)i);
        SETTLE(spec_is_waiting(rt, ref));
    }
    CHECK_INT(lg_chan_len(ch), 3);
    for (int i = 0; i < 20; i++) {
        int value = -1;
        CHECK_OK(lg_chan_recv(ch, &value, 0));
        CHECK_INT(value, i);
    }
    SETTLE(n_done == 17);
    lg_chan_free(ch);
}

it("chan.recv", "drops the element when it is given no place", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 2);
    CHECK_OK(lg_chan_send(ch, &(int){1}, 0));
    CHECK_OK(lg_chan_send(ch, &(int){2}, 0));
    CHECK_OK(lg_chan_recv(ch, NULL, 0));
    int value = 0;
    CHECK_OK(lg_chan_recv(ch, &value, 0));
    CHECK_INT(value, 2);
    lg_chan_free(ch);
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref sender = spec_go(rt, send_one, (void *)3);
    SETTLE(spec_is_waiting(rt, sender));
    CHECK_OK(lg_chan_recv(ch, NULL, 0));
    SETTLE(n_done == 1);
    lg_chan_free(ch);
}

it("chan.close", "fails waiting senders and keeps what was buffered", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 2);
    CHECK_OK(lg_chan_send(ch, &(int){1}, 0));
    CHECK_OK(lg_chan_send(ch, &(int){2}, 0));
    for (intptr_t i = 0; i < 5; i++) {
        lg_ref ref = spec_go(rt, send_to_closed, (void *)i);
        SETTLE(spec_is_waiting(rt, ref));
    }
    CHECK_OK(lg_chan_close(ch));
    CHECK(lg_chan_is_closed(ch));
    SETTLE(n_done == 5);
    CHECK_INT(lg_chan_len(ch), 2);
    int value = 0;
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    CHECK_INT(value, 1);
    CHECK_OK(lg_chan_recv(ch, &value, 0));
    CHECK_INT(value, 2);
    for (int i = 0; i < 3; i++) {
        value = 9;
        CHECK_CODE(lg_chan_recv(ch, &value, i ? LG_NEVER : 0), LG_ECLOSED);
        CHECK_INT(value, 0);
    }
    lg_chan_free(ch);
}

it("chan.close", "wakes all receivers that wait", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 0);
    for (int i = 0; i < 30; i++) {
        spec_go(rt, receive_from_closed, NULL);
    }
    SETTLE(spec_waiting(rt, NULL) == 30);
    CHECK_OK(lg_chan_close(ch));
    SETTLE(n_done == 30);
    lg_chan_free(ch);
}

it("chan.close of a closed channel", "says so, as does a send", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 2);
    CHECK_OK(lg_chan_close(ch));
    CHECK_CODE(lg_chan_close(ch), LG_ECLOSED);
    CHECK_CODE(lg_chan_send(ch, &(int){1}, 0), LG_ECLOSED);
    CHECK_CODE(lg_chan_send(ch, &(int){1}, LG_NEVER), LG_ECLOSED);
    CHECK_INT(lg_chan_len(ch), 0);
    lg_chan_free(ch);
}

it("chan", "carries elements of every size whole", .procs = 1)
{
    static const size_t sizes[] = {0, 1, 3, 8, 15, 16, 24, 127, 4096, 65535};
    static unsigned char out[65535];
    static unsigned char in[65535];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        ch = spec_chan(rt, size, 3);
        for (int element = 0; element < 3; element++) {
            for (size_t at = 0; at < size; at++) {
                out[at] = (unsigned char)(at * 7 + size + (size_t)element);
            }
            CHECK_OK(lg_chan_send(ch, out, 0));
        }
        for (int element = 0; element < 3; element++) {
            memset(in, 0xEE, sizeof in);
            CHECK_OK(lg_chan_recv(ch, in, 0));
            for (size_t at = 0; at < size; at++) {
                CHECK_INT(in[at], (unsigned char)(at * 7 + size + (size_t)element));
            }
            CHECK(size == sizeof in || in[size] == 0xEE);
        }
        lg_chan_free(ch);
    }
}

static void receive_twice(__attribute__((unused)) void *arg)
{
    int value = 0;
    CHECK_CODE(lg_chan_recv(ch, &value, LG_NEVER), LG_ECANCELED);
    n_done++;
    CHECK_OK(lg_chan_recv(ch, &value, LG_NEVER));
    CHECK_INT(value, 4);
    n_done++;
}

it("chan.recv that was canceled", "took nothing, and the next one is ordinary",
   .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, receive_twice, NULL);
    SETTLE(spec_is_waiting(rt, ref));
    CHECK_OK(lg_cancel(ref));
    SETTLE(n_done == 1 && spec_is_waiting(rt, ref));
    CHECK_OK(lg_chan_send(ch, &(int){4}, LG_NEVER));
    SETTLE(n_done == 2);
    CHECK_CODE(lg_chan_send(ch, &(int){5}, 0), LG_EAGAIN); // nobody is left behind
    lg_chan_free(ch);
}

it("chan.send that timed out", "is not delivered", .procs = 1)
{
    ch = spec_chan(rt, sizeof(int), 0);
    int64_t deadline = spec_ms(rt, 2);
    CHECK_CODE(lg_chan_send(ch, &(int){4}, deadline), LG_ETIMEDOUT);
    CHECK(lg_now(rt) >= deadline);
    CHECK_CODE(lg_chan_recv(ch, &(int){0}, 0), LG_EAGAIN);
    CHECK_CODE(lg_chan_recv(ch, &(int){0}, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_CODE(lg_chan_send(ch, &(int){4}, 0), LG_EAGAIN);
    lg_chan_free(ch);
}

static _Atomic bool is_go_ahead;

static void cancel_before(__attribute__((unused)) void *arg)
{
    while (!is_go_ahead) {
        CHECK_OK(lg_yield()); // does not notice it
    }
    CHECK_CODE(lg_chan_recv(ch, NULL, LG_NEVER), LG_ECANCELED);
    CHECK_CODE(lg_chan_recv(ch, NULL, spec_ms(lg_current(), 1)), LG_ETIMEDOUT);
    n_done++;
}

it("chan.recv of a goroutine that was canceled before", "ends at once, once", .procs = 2)
{
    ch = spec_chan(rt, sizeof(int), 0);
    lg_ref ref = spec_go(rt, cancel_before, NULL);
    CHECK_OK(lg_cancel(ref));
    is_go_ahead = true;
    SETTLE(n_done == 1);
    SETTLE(lg_cancel(ref) == LG_ESRCH);
    lg_chan_free(ch);
}
