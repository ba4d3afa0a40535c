// SPDX-License-Identifier: MIT
//
// Datagrams, from native goroutines.
#include <errno.h>
#include <stdio.h>

#include "script.h"

static _Atomic int n_done;
static _Atomic int result;
static lg_datagram got;
static char bytes[64];

static lg_udp *open_at(const char *address, char *place)
{
    lg_udp *u = NULL;
    CHECK_OK(lg_udp_open("udp", address, NULL, &u));
    CHECK_OK(lg_udp_local(u, place, LG_ADDRESS_SIZE));
    n_done = 0;
    return u;
}

static void receive_one(void *arg)
{
    result = lg_udp_recv_from(arg, bytes, sizeof bytes, &got, LG_NEVER);
    n_done++;
}

it("udp", "carries datagrams, empty ones too, and tells from where", .procs = 2)
{
    char place[LG_ADDRESS_SIZE];
    char mine[LG_ADDRESS_SIZE];
    lg_udp *there = open_at("127.0.0.1:0", place);
    lg_udp *here = open_at("127.0.0.1:0", mine);
    CHECK_OK(lg_udp_send_to(here, "hello", 5, place, LG_NEVER));
    CHECK_OK(lg_udp_recv_from(there, bytes, sizeof bytes, &got, LG_NEVER));
    CHECK_INT(got.size, 5);
    CHECK_STR(got.from, mine);
    CHECK(memcmp(bytes, "hello", 5) == 0);
    CHECK_OK(lg_udp_send_to(there, "", 0, mine, LG_NEVER));
    CHECK_OK(lg_udp_recv_from(here, bytes, sizeof bytes, &got, LG_NEVER));
    CHECK_INT(got.size, 0);
    lg_udp_free(here);
    lg_udp_free(there);
}

it("udp.recv_from", "says what it had no room for", .procs = 1)
{
    char place[LG_ADDRESS_SIZE];
    lg_udp *u = open_at("127.0.0.1:0", place);
    CHECK_OK(lg_udp_send_to(u, "0123456789", 10, place, LG_NEVER));
    CHECK_OK(lg_udp_send_to(u, "next", 4, place, LG_NEVER));
    int rc = lg_udp_recv_from(u, bytes, 4, &got, LG_NEVER);
    CHECK_STR(lg_error_name(rc), "EMSGSIZE");
    CHECK_INT(got.size, 10);
    CHECK(memcmp(bytes, "0123", 4) == 0);
    CHECK_OK(lg_udp_recv_from(u, bytes, sizeof bytes, &got, LG_NEVER));
    CHECK_INT(got.size, 4);
    CHECK_CODE(lg_udp_recv_from(u, NULL, 0, &got, LG_NEVER), LG_EINVAL);
    lg_udp_free(u);
}

it("udp.recv_from with a deadline", "times out, and loses nothing", .procs = 2)
{
    char place[LG_ADDRESS_SIZE];
    lg_udp *u = open_at("127.0.0.1:0", place);
    CHECK_CODE(lg_udp_recv_from(u, bytes, sizeof bytes, &got, 0), LG_EAGAIN);
    CHECK_CODE(lg_udp_recv_from(u, bytes, sizeof bytes, &got, spec_ms(rt, 5)),
               LG_ETIMEDOUT);
    CHECK_OK(lg_udp_send_to(u, "x", 1, place, 0));
    CHECK_OK(lg_udp_recv_from(u, bytes, sizeof bytes, &got, LG_NEVER));
    lg_udp_free(u);
}

it("udp.recv_from", "ends with a cancellation, a deadline of the socket, a close",
   .procs = 2)
{
    char place[LG_ADDRESS_SIZE];
    lg_udp *u = open_at("127.0.0.1:0", place);
    lg_ref receiver = spec_go(rt, receive_one, u);
    SETTLE(spec_is_waiting(rt, receiver));
    SETTLE(lg_udp_recv_from(u, bytes, sizeof bytes, &got, 0) == LG_EBUSY);
    CHECK_OK(lg_cancel(receiver));
    SETTLE(n_done == 1);
    CHECK_CODE(result, LG_ECANCELED);
    receiver = spec_go(rt, receive_one, u);
    SETTLE(spec_is_waiting(rt, receiver));
    CHECK_OK(lg_udp_set_deadline(u, spec_ms(rt, 1)));
    SETTLE(n_done == 2);
    CHECK_CODE(result, LG_ETIMEDOUT);
    CHECK_OK(lg_udp_set_deadline(u, LG_NEVER));
    receiver = spec_go(rt, receive_one, u);
    SETTLE(spec_is_waiting(rt, receiver));
    CHECK_OK(lg_udp_close(u));
    SETTLE(n_done == 3);
    CHECK_CODE(result, LG_ECLOSED);
    CHECK_CODE(lg_udp_close(u), LG_ECLOSED);
    CHECK_CODE(lg_udp_send_to(u, "x", 1, place, LG_NEVER), LG_ECLOSED);
    lg_udp_free(u);
}

it("udp.connect", "has ECONNREFUSED told to who receives", .procs = 2)
{
    char place[LG_ADDRESS_SIZE];
    char mine[LG_ADDRESS_SIZE];
    lg_udp *there = open_at("127.0.0.1:0", place);
    lg_udp *here = open_at("127.0.0.1:0", mine);
    CHECK_OK(lg_udp_connect(here, place, LG_NEVER));
    CHECK_OK(lg_udp_send_to(here, "x", 1, NULL, LG_NEVER));
    CHECK_OK(lg_udp_recv_from(there, bytes, sizeof bytes, &got, LG_NEVER));
    lg_udp_free(there);
    lg_ref receiver = spec_go(rt, receive_one, here);
    SETTLE(spec_is_waiting(rt, receiver));
    CHECK_OK(lg_udp_send_to(here, "x", 1, NULL, LG_NEVER));
    SETTLE(n_done == 1);
    CHECK_INT(result, LG_ESYSTEM - ECONNREFUSED);
    lg_udp_free(here);
}

static char name_of_there[LG_ADDRESS_SIZE];

static void send_to_name(void *arg)
{
    result = lg_udp_send_to(arg, "x", 1, name_of_there, LG_NEVER);
    n_done++;
}

it("udp.send_to with a name", "looks it up, at a time for many", .procs = 2)
{
    enum { SENDERS = 8 };
    char place[LG_ADDRESS_SIZE];
    lg_udp *there = open_at("127.0.0.1:0", place);
    char mine[LG_ADDRESS_SIZE];
    lg_udp *here = open_at(":0", mine);
    snprintf(name_of_there, sizeof name_of_there, "localhost%s", strrchr(place, ':'));
    CHECK_OK(lg_udp_close(here));
    lg_udp_free(here);
    here = open_at("127.0.0.1:0", mine);
    for (int i = 0; i < SENDERS; i++) {
        spec_go(rt, send_to_name, here);
    }
    for (int i = 0; i < SENDERS; i++) {
        CHECK_OK(lg_udp_recv_from(there, bytes, sizeof bytes, &got, LG_NEVER));
    }
    SETTLE(n_done == SENDERS);
    CHECK_OK(result);
    lg_udp_free(here);
    lg_udp_free(there);
}

it("udp.send_to with a name",
   "ends by a close and by a cancellation while it is looked up", .procs = 2)
{
    char mine[LG_ADDRESS_SIZE];
    lg_udp *u = open_at("127.0.0.1:0", mine);
    snprintf(name_of_there, sizeof name_of_there, "no-such-name.invalid:1");
    lg_ref sender = spec_go(rt, send_to_name, u);
    lg_cancel(sender);
    SETTLE(n_done == 1);
    CHECK(result == LG_ECANCELED || lg_error_name(result));
    spec_go(rt, send_to_name, u);
    CHECK_OK(lg_udp_close(u));
    SETTLE(n_done == 2);
    CHECK(result == LG_ECLOSED || lg_error_name(result));
    lg_udp_free(u);
}

it("udp.open", "says what is wrong", .procs = 1)
{
    static const char *const networks[] = {"tcp", "udp5", "udp44", "", "udp"};
    lg_udp *u;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        CHECK_CODE(lg_udp_open(networks[i], "nowhere", NULL, &u), LG_EINVAL);
    }
    CHECK_CODE(lg_udp_open("tcp", "127.0.0.1:0", NULL, &u), LG_EINVAL);
    CHECK_CODE(lg_udp_open("udp6", "127.0.0.1:0", NULL, &u), LG_EINVAL);
    CHECK_CODE(lg_udp_open("udp", "example.org:80", NULL, &u), LG_EINVAL);
    char place[LG_ADDRESS_SIZE];
    u = open_at("127.0.0.1:0", place);
    lg_udp *other;
    CHECK_INT(lg_udp_open("udp", place, NULL, &other), LG_ESYSTEM - EADDRINUSE);
    lg_udp_free(u);
}
