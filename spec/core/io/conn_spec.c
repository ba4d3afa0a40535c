// SPDX-License-Identifier: MIT
//
// Connections and listeners, from native goroutines and from a strand's.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "script.h"

static lg_runtime *host;
static lg_listener *listener;
static char place[LG_ADDRESS_SIZE];
static _Atomic int n_done;

static void listen_at(const char *network, const char *address)
{
    CHECK_OK(lg_listen(network, address, NULL, &listener));
    CHECK_OK(lg_listener_local(listener, place, sizeof place));
    n_done = 0;
}

static lg_conn *dial(void)
{
    lg_conn *c = NULL;
    CHECK_OK(lg_dial("tcp", place, &c, LG_NEVER));
    return c;
}

static lg_conn *accept_one(void)
{
    lg_conn *c = NULL;
    CHECK_OK(lg_accept(listener, &c, LG_NEVER));
    return c;
}

// Both ends of a connection.
struct pair {
    lg_conn *here;
    lg_conn *there;
};

static void dial_into(void *arg)
{
    ((struct pair *)arg)->here = dial();
    n_done++;
}

static struct pair make_pair(lg_runtime *rt)
{
    static struct pair pair;
    listen_at("tcp", "127.0.0.1:0");
    spec_go(rt, dial_into, &pair);
    pair.there = accept_one();
    SETTLE(n_done == 1);
    lg_listener_free(listener);
    n_done = 0;
    return pair;
}

static void free_pair(struct pair pair)
{
    lg_conn_free(pair.here);
    lg_conn_free(pair.there);
}

static void echo(void *arg)
{
    lg_conn *c = arg;
    char buffer[256];
    size_t n;
    int rc;
    while ((rc = lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER)) == LG_OK) {
        size_t written;
        CHECK_OK(lg_conn_write(c, buffer, n, &written, LG_NEVER));
        CHECK_INT(written, n);
    }
    CHECK_CODE(rc, LG_EOF);
    lg_conn_free(c);
    n_done++;
}

static void talk(void *arg)
{
    lg_conn *c = dial();
    char buffer[64];
    char got[64];
    for (int i = 0; i < 100; i++) {
        int length =
            snprintf(buffer, sizeof buffer, "message %d of %d", i, *(const int *)arg);
        size_t n;
        CHECK_OK(lg_conn_write(c, buffer, (size_t)length, &n, LG_NEVER));
        CHECK_OK(lg_conn_read_full(c, got, (size_t)length, &n, LG_NEVER));
        CHECK_INT(n, length);
        CHECK(memcmp(buffer, got, n) == 0);
    }
    lg_conn_free(c);
    n_done++;
}

static void echo_many(lg_runtime *rt)
{
    enum { TALKERS = 20 };
    static int numbers[TALKERS];
    listen_at("tcp", "127.0.0.1:0");
    for (int i = 0; i < TALKERS; i++) {
        numbers[i] = i;
        spec_go(rt, talk, &numbers[i]);
    }
    for (int i = 0; i < TALKERS; i++) {
        spec_go(rt, echo, accept_one());
    }
    SETTLE(n_done == 2 * TALKERS);
    lg_listener_free(listener);
}

it("conn", "carries bytes there and back, on one P", .procs = 1)
{
    echo_many(rt);
}

it("conn", "carries bytes there and back, on four Ps", .procs = 4)
{
    echo_many(rt);
}

it("dial to where nobody listens", "says ECONNREFUSED", .procs = 1)
{
    listen_at("tcp", "127.0.0.1:0");
    lg_listener_free(listener);
    lg_conn *c;
    int rc = lg_dial("tcp", place, &c, LG_NEVER);
    CHECK_INT(rc, LG_ESYSTEM - ECONNREFUSED);
    CHECK_STR(lg_error_name(rc), "ECONNREFUSED");
    CHECK_STR(lg_strerror(rc), "connection refused");
}

it("dial and listen with what is no address", "say LG_EINVAL", .procs = 1)
{
    static const char *const bad[] = {
        "",       "localhost", "1.2.3.4:",    "1.2.3.4:65536",
        "::1:80", "[::1:80",   "1.2.3.4:80x", "a:b:c"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lg_conn *c;
        CHECK_CODE(lg_dial("tcp", bad[i], &c, LG_NEVER), LG_EINVAL);
        CHECK_CODE(lg_listen("tcp", bad[i], NULL, &listener), LG_EINVAL);
    }
    CHECK_CODE(lg_listen("tcp6", "127.0.0.1:0", NULL, &listener), LG_EINVAL);
    CHECK_CODE(lg_listen("carrier pigeon", "127.0.0.1:0", NULL, &listener), LG_EINVAL);
}

it("listen where somebody listens", "says EADDRINUSE", .procs = 1)
{
    listen_at("tcp", "127.0.0.1:0");
    lg_listener *other;
    CHECK_INT(lg_listen("tcp", place, NULL, &other), LG_ESYSTEM - EADDRINUSE);
    lg_listener_free(listener);
}

it("accept with a deadline", "times out, and works afterwards", .procs = 2)
{
    listen_at("tcp", "127.0.0.1:0");
    lg_conn *c;
    CHECK_CODE(lg_accept(listener, &c, 0), LG_EAGAIN);
    CHECK_CODE(lg_accept(listener, &c, spec_ms(rt, 5)), LG_ETIMEDOUT);
    struct pair pair;
    spec_go(rt, dial_into, &pair);
    pair.there = accept_one();
    SETTLE(n_done == 1);
    free_pair(pair);
    lg_listener_free(listener);
}

it("conn.read with a deadline", "times out, and loses nothing", .procs = 2)
{
    struct pair pair = make_pair(rt);
    char buffer[16];
    size_t n;
    CHECK_CODE(lg_conn_read(pair.here, buffer, 16, &n, 0), LG_EAGAIN);
    CHECK_CODE(lg_conn_read(pair.here, buffer, 16, &n, spec_ms(rt, 5)), LG_ETIMEDOUT);
    CHECK_OK(lg_conn_write(pair.there, "half", 4, &n, LG_NEVER));
    CHECK_CODE(lg_conn_read_full(pair.here, buffer, 8, &n, spec_ms(rt, 5)), LG_ETIMEDOUT);
    CHECK_OK(lg_conn_write(pair.there, "half", 4, &n, LG_NEVER));
    CHECK_OK(lg_conn_read_full(pair.here, buffer, 8, &n, LG_NEVER));
    CHECK(memcmp(buffer, "halfhalf", 8) == 0);
    free_pair(pair);
}

static int read_result;

static void read_one(void *arg)
{
    char buffer[16];
    size_t n;
    read_result = lg_conn_read(arg, buffer, sizeof buffer, &n, LG_NEVER);
    n_done++;
}

it("conn.close by another goroutine", "wakes the reader with LG_ECLOSED", .procs = 2)
{
    struct pair pair = make_pair(rt);
    lg_ref reader = spec_go(rt, read_one, pair.here);
    SETTLE(spec_is_waiting(rt, reader));
    SETTLE(lg_conn_read(pair.here, &(char){0}, 1, &(size_t){0}, 0) == LG_EBUSY);
    CHECK_OK(lg_conn_close(pair.here));
    SETTLE(n_done == 1);
    CHECK_CODE(read_result, LG_ECLOSED);
    CHECK_CODE(lg_conn_close(pair.here), LG_ECLOSED);
    free_pair(pair);
}

it("cancel", "wakes a reader, and the connection lives on", .procs = 2)
{
    struct pair pair = make_pair(rt);
    lg_ref reader = spec_go(rt, read_one, pair.here);
    SETTLE(spec_is_waiting(rt, reader));
    CHECK_OK(lg_cancel(reader));
    SETTLE(n_done == 1);
    CHECK_CODE(read_result, LG_ECANCELED);
    size_t n;
    CHECK_OK(lg_conn_write(pair.there, "x", 1, &n, LG_NEVER));
    char byte;
    CHECK_OK(lg_conn_read(pair.here, &byte, 1, &n, LG_NEVER));
    CHECK_INT(byte, 'x');
    free_pair(pair);
}

it("conn.set_deadline", "ends a read that waits already, and can be taken back",
   .procs = 2)
{
    struct pair pair = make_pair(rt);
    lg_ref reader = spec_go(rt, read_one, pair.here);
    SETTLE(spec_is_waiting(rt, reader));
    CHECK_OK(lg_conn_set_deadline(pair.here, spec_ms(rt, 1)));
    SETTLE(n_done == 1);
    CHECK_CODE(read_result, LG_ETIMEDOUT);
    size_t n;
    CHECK_CODE(lg_conn_write(pair.here, "x", 1, &n, LG_NEVER), LG_OK); // goes at once
    CHECK_OK(lg_conn_set_deadline(pair.here, LG_NEVER));
    CHECK_OK(lg_conn_write(pair.there, "x", 1, &n, LG_NEVER));
    char byte;
    CHECK_OK(lg_conn_read(pair.here, &byte, 1, &n, LG_NEVER));
    free_pair(pair);
}

static void write_much(void *arg)
{
    static char much[8 * 1024 * 1024];
    size_t n;
    memset(much, 'm', sizeof much);
    CHECK_OK(lg_conn_write(arg, much, sizeof much, &n, LG_NEVER));
    CHECK_INT(n, sizeof much);
    CHECK_OK(lg_conn_close_write(arg));
    n_done++;
}

it("conn.write to a slow reader", "waits, and nothing is lost", .procs = 2)
{
    struct pair pair = make_pair(rt);
    lg_ref writer = spec_go(rt, write_much, pair.there);
    SETTLE(spec_is_waiting(rt, writer));
    size_t total = 0;
    size_t n;
    char buffer[10000];
    int rc;
    while ((rc = lg_conn_read(pair.here, buffer, sizeof buffer, &n, LG_NEVER)) == LG_OK) {
        total += n;
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(buffer[i], 'm');
        }
    }
    CHECK_CODE(rc, LG_EOF);
    CHECK_INT(total, 8 * 1024 * 1024);
    free_pair(pair);
}

it("conn.write with room", "is done at once where nobody is at the loop", .procs = 1)
{
    enum { WRITES = 50 };
    struct pair pair = make_pair(rt);
    uint64_t before;
    do { // until the loop has nothing to do any more
        before = spec_stats(rt).switches;
        lg_yield();
    } while (spec_stats(rt).switches > before + 1);
    before = spec_stats(rt).switches;
    for (int i = 0; i < WRITES; i++) {
        size_t n;
        CHECK_OK(lg_conn_write(pair.here, "x", 1, &n, LG_NEVER));
        CHECK_INT(n, 1);
    }
    CHECK_INT(spec_stats(rt).switches, before);
    free_pair(pair);
}

it("conn.write that a deadline cuts in two", "says how much is gone, and is the last",
   .procs = 2)
{
    static char much[16 * 1024 * 1024];
    struct pair pair = make_pair(rt);
    size_t n = 0;
    int rc = lg_conn_write(pair.there, much, sizeof much, &n, spec_ms(rt, 20));
    CHECK_CODE(rc, LG_ETIMEDOUT);
    CHECK_BETWEEN(n, 1, sizeof much - 1);
    size_t gone = n;
    CHECK_CODE(lg_conn_write(pair.there, "x", 1, &n, LG_NEVER), LG_EBROKEN);
    CHECK_OK(lg_conn_close(pair.there));
    size_t total = 0;
    while (lg_conn_read(pair.here, much, sizeof much, &n, LG_NEVER) == LG_OK) {
        total += n;
    }
    CHECK_INT(total, gone);
    free_pair(pair);
}

static lg_conn *of_strand;

static int serve_scripted(struct script *script, int result)
{
    static size_t n;
    const void *bytes;
    SCRIPT_BEGIN
    CHECK_OK(lg_listen("tcp", "127.0.0.1:0", NULL, &listener));
    CHECK_OK(lg_listener_local(listener, place, sizeof place));
    n_done++;
    SCRIPT_AWAIT(lg_accept(listener, &of_strand, LG_NEVER));
    CHECK_OK(result);
    for (;;) {
        SCRIPT_AWAIT(lg_conn_await(of_strand, LG_WANT_LINE, 0, &n, LG_NEVER));
        if (result != LG_OK) {
            break;
        }
        CHECK_BETWEEN(n, 1, 64);
        while (n > 0) {
            size_t here = lg_conn_peek(of_strand, &bytes);
            here = here < n ? here : n;
            size_t written;
            CHECK_OK(lg_conn_write(of_strand, bytes, here, &written, 0));
            lg_conn_skip(of_strand, here);
            n -= here;
        }
    }
    CHECK_CODE(result, LG_EOF);
    SCRIPT_KEEP(lg_accept(listener, &of_strand, spec_ms(host, 3)));
    CHECK_CODE(result, LG_ETIMEDOUT);
    lg_conn_free(of_strand);
    lg_listener_free(listener);
    n_done++;
    SCRIPT_END
}

static void talk_lines(void *arg)
{
    (void)arg;
    SETTLE(n_done == 1);
    lg_conn *c = dial();
    char got[8];
    for (int i = 0; i < 100; i++) {
        size_t n;
        CHECK_OK(lg_conn_write(c, "one\ntwo", 7, &n, LG_NEVER));
        CHECK_OK(lg_conn_read_full(c, got, 4, &n, LG_NEVER));
        CHECK(memcmp(got, "one\n", 4) == 0);
        CHECK_OK(lg_conn_write(c, "\n", 1, &n, LG_NEVER));
        CHECK_OK(lg_conn_read_full(c, got, 4, &n, LG_NEVER));
        CHECK(memcmp(got, "two\n", 4) == 0);
    }
    lg_conn_free(c);
    SETTLE(n_done == 2);
}

it("a scripted goroutine", "waits for connections and lines as for anything else")
{
    rt = host = spec_open(2);
    static struct interpreter interpreter;
    lg_strand *strand = script_strand(rt, &interpreter);
    script_go(strand, serve_scripted, NULL);
    spec_main(rt, talk_lines, rt);
    lg_strand_close(strand);
}

static lg_conn *left[2];

// Everything is closed, nothing is freed: that is for who finds it when the strand is gone.
static int close_and_leave(struct script *script, int result)
{
    SCRIPT_BEGIN
    snprintf(place, sizeof place, "/tmp/lagoon-conn-spec.%d", (int)getpid());
    CHECK_OK(lg_listen("unix", place, NULL, &listener));
    SCRIPT_KEEP(lg_dial("unix", place, &left[0], LG_NEVER));
    CHECK_OK(result);
    SCRIPT_KEEP(lg_accept(listener, &left[1], LG_NEVER));
    CHECK_OK(result);
    CHECK_OK(lg_conn_close(left[0]));
    CHECK_OK(lg_conn_close(left[1]));
    CHECK_OK(lg_listener_close(listener));
    n_done++;
    SCRIPT_END
}

static void outlive(void *arg)
{
    lg_strand *strand = arg;
    SETTLE(n_done == 1);
    int other =
        open(place, O_CREAT | O_EXCL, 0600); // in the place of the one that is closed
    CHECK_BETWEEN(other, 0, 1 << 20);
    close(other);
    lg_strand_close(strand);
    CHECK_INT(unlink(place), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_CODE(lg_conn_close(left[i]), LG_ECLOSED);
        lg_conn_free(left[i]);
    }
    CHECK_CODE(lg_listener_close(listener), LG_ECLOSED);
    lg_listener_free(listener);
}

it("what was closed", "outlives its strand, and is freed by another goroutine")
{
    rt = host = spec_open(2);
    n_done = 0;
    static struct interpreter interpreter;
    lg_strand *strand = script_strand(rt, &interpreter);
    script_go(strand, close_and_leave, NULL);
    spec_main(rt, outlive, strand);
}
