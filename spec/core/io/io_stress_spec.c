// SPDX-License-Identifier: MIT
//
// Everything at once on sockets: native goroutines and those of two strands, short reads and
// writes that are cut, deadlines, cancellations, closes by others, resets, while the number of Ps
// changes. What arrives is what was sent, in order, up to some byte.
#include <stdio.h>

#include "script.h"

enum { PAIRS = 8, SCRIPTS = 6 };

static lg_runtime *host;
static lg_listener *listener;
static char place[LG_ADDRESS_SIZE];
static _Atomic int n_done;
static _Atomic int n_bytes_heard;

static unsigned char byte_at(uint64_t i)
{
    return (unsigned char)(i * 31 + (i >> 8));
}

// One side of a connection: says a stream of bytes, or checks one.
struct side {
    lg_conn *conn;
    uint64_t salt;
    uint64_t total; // that are said at most
    bool is_gentle; // neither cut nor closed early
};

static int64_t soon(struct spec_random *random)
{
    return lg_now(host) + spec_random_below(random, 300) * 1000;
}

static void say(void *arg)
{
    struct side *side = arg;
    struct spec_random random = spec_random_new(side->salt);
    static const size_t most = 20000;
    unsigned char *buffer = malloc(most);
    CHECK(buffer);
    uint64_t said = 0;
    int rc = LG_OK;
    while (rc == LG_OK && said < side->total) {
        size_t size = 1 + spec_random_below(&random, (uint32_t)most);
        size = size < side->total - said ? size : (size_t)(side->total - said);
        for (size_t i = 0; i < size; i++) {
            buffer[i] = byte_at(said + i);
        }
        bool may_be_cut = !side->is_gentle && spec_random_below(&random, 40) == 0;
        size_t n = 0;
        rc = lg_conn_write(side->conn, buffer, size, &n,
                           may_be_cut ? soon(&random) : LG_NEVER);
        said += n;
        if (spec_random_below(&random, 3) == 0) {
            lg_yield();
        }
    }
    CHECK(!side->is_gentle || (rc == LG_OK && said == side->total));
    if (side->is_gentle || spec_random_below(&random, 2) == 0) {
        lg_conn_close_write(side->conn);
    } else {
        lg_conn_close(side->conn);
    }
    free(buffer);
    n_done++;
}

static void hear(void *arg)
{
    struct side *side = arg;
    struct spec_random random = spec_random_new(side->salt);
    unsigned char buffer[5000];
    uint64_t heard = 0;
    for (;;) {
        size_t size = 1 + spec_random_below(&random, sizeof buffer);
        int64_t deadline_ns =
            spec_random_below(&random, 4) == 0 ? soon(&random) : LG_NEVER;
        size_t n = 0;
        int rc = spec_random_below(&random, 2)
                     ? lg_conn_read(side->conn, buffer, size, &n, deadline_ns)
                     : lg_conn_read_full(side->conn, buffer, size, &n, deadline_ns);
        if (rc == LG_ETIMEDOUT) {
            continue;
        }
        if (rc != LG_OK) {
            CHECK(rc == LG_EOF || (rc <= LG_ESYSTEM && !side->is_gentle));
            break;
        }
        CHECK_BETWEEN(n, 1, size);
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(buffer[i], byte_at(heard + i));
        }
        heard += n;
    }
    CHECK(!side->is_gentle || heard == side->total);
    n_bytes_heard += (int)heard;
    lg_conn_free(side->conn);
    n_done++;
}

static void resize(void *arg)
{
    struct spec_random random = spec_random_new(77);
    while (n_done < *(int *)arg) {
        lg_set_procs(host, 1 + (int)spec_random_below(&random, 4));
        lg_sleep_until(lg_now(host) + 500 * 1000);
    }
    lg_set_procs(host, 4);
    n_done++;
}

// A script echoes lines to a native goroutine until that has had enough.
static int echo_lines(struct script *script, int result)
{
    lg_conn **conn = (lg_conn **)(void *)&script->words[0];
    size_t *n = (size_t *)(void *)&script->words[1];
    size_t *written = (size_t *)(void *)&script->words[2];
    const void *bytes;
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_dial("tcp", place, conn, LG_NEVER));
    CHECK_OK(result);
    for (;;) {
        SCRIPT_AWAIT(lg_conn_await(*conn, LG_WANT_SOME, 0, n, LG_NEVER));
        if (result != LG_OK) {
            break;
        }
        script->words[3] = lg_conn_peek(*conn, &bytes);
        script->words[4] = (uint64_t)(uintptr_t)bytes;
        SCRIPT_AWAIT(lg_conn_write(*conn, (const void *)(uintptr_t)script->words[4],
                                   script->words[3], written, LG_NEVER));
        if (result != LG_OK) {
            break;
        }
        lg_conn_skip(*conn, script->words[3]);
    }
    lg_conn_free(*conn);
    n_done++;
    SCRIPT_END
}

static void talk_to_script(void *arg)
{
    lg_conn *c = arg;
    struct spec_random random = spec_random_new((uint64_t)(uintptr_t)c);
    unsigned char out[700];
    unsigned char in[700];
    for (int i = spec_rounds(60); i > 0; i--) {
        size_t size = 1 + spec_random_below(&random, sizeof out);
        size_t n;
        memset(out, i & 0xff, size);
        CHECK_OK(lg_conn_write(c, out, size, &n, LG_NEVER));
        CHECK_OK(lg_conn_read_full(c, in, size, &n, LG_NEVER));
        CHECK_INT(n, size);
        CHECK(memcmp(in, out, size) == 0);
    }
    if (spec_random_below(&random, 2)) {
        lg_conn_close(c);
    }
    lg_conn_free(c);
    n_done++;
}

static void connect_pair(struct side *here, struct side *there)
{
    CHECK_OK(lg_dial("tcp", place, &here->conn, LG_NEVER));
    CHECK_OK(lg_accept(listener, &there->conn, LG_NEVER));
}

static void run_pairs(void *arg)
{
    static struct side sides[PAIRS][2];
    static int expected;
    (void)arg;
    for (int i = 0; i < PAIRS; i++) {
        struct side *s = sides[i];
        s[0].is_gentle = s[1].is_gentle = i % 2 == 0;
        s[0].total = s[1].total = (uint64_t)spec_rounds(400) * 1000;
        s[0].salt = (uint64_t)i;
        s[1].salt = (uint64_t)i + 100;
        connect_pair(&s[0], &s[1]);
    }
    expected = 2 * PAIRS;
    spec_go(host, resize, &expected);
    for (int i = 0; i < PAIRS; i++) {
        spec_go(host, say, &sides[i][0]);
        spec_go(host, hear, &sides[i][1]);
    }
    SETTLE(n_done == 2 * PAIRS + 1);
    for (int i = 0; i < PAIRS; i++) {
        lg_conn_free(sides[i][0].conn);
    }
    CHECK(n_bytes_heard > 0);
}

static void run_scripts(void *arg)
{
    (void)arg;
    lg_conn *conns[SCRIPTS];
    for (int i = 0; i < SCRIPTS; i++) {
        CHECK_OK(lg_accept(listener, &conns[i], LG_NEVER));
        spec_go(host, talk_to_script, conns[i]);
    }
    SETTLE(n_done == 2 * SCRIPTS);
}

static void open_listener(void *arg)
{
    (void)arg;
    CHECK_OK(lg_listen("tcp", "127.0.0.1:0", NULL, &listener));
    CHECK_OK(lg_listener_local(listener, place, sizeof place));
}

static void close_listener(void *arg)
{
    (void)arg;
    lg_listener_free(listener);
}

it("streams of bytes that are cut, closed and timed out", "arrive as they were sent",
   .limit_s = 60)
{
    rt = host = spec_open(4);
    spec_main(rt, open_listener, NULL);
    spec_main(rt, run_pairs, NULL);
    spec_main(rt, close_listener, NULL);
}

it("scripts of two strands and native goroutines", "talk to each other", .limit_s = 60)
{
    static struct interpreter interpreters[2];
    rt = host = spec_open(3);
    lg_strand *strands[2];
    spec_main(rt, open_listener, NULL);
    for (int i = 0; i < 2; i++) {
        strands[i] = script_strand(rt, &interpreters[i]);
    }
    for (int i = 0; i < SCRIPTS; i++) {
        script_go(strands[i % 2], echo_lines, NULL);
    }
    spec_main(rt, run_scripts, NULL);
    spec_main(rt, close_listener, NULL);
    for (int i = 0; i < 2; i++) {
        lg_strand_close(strands[i]);
    }
}

// Goroutines are left in every wait, and the runtime is closed around them.
static void wait_in_vain(void *arg)
{
    char byte;
    size_t n;
    lg_conn_read(arg, &byte, 1, &n, LG_NEVER);
}

static void accept_in_vain(void *arg)
{
    lg_conn *c;
    lg_accept(arg, &c, LG_NEVER);
}

static void leave_all_waiting(void *arg)
{
    static struct side sides[2];
    (void)arg;
    connect_pair(&sides[0], &sides[1]);
    lg_ref a = spec_go(host, wait_in_vain, sides[0].conn);
    lg_ref b = spec_go(host, accept_in_vain, listener);
    SETTLE(spec_is_waiting(host, a) && spec_is_waiting(host, b));
}

it("a runtime that is closed while goroutines wait for sockets", "closes them")
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 2;
    CHECK_OK(lg_open(&options, &host));
    CHECK_OK(lg_run(host, open_listener, NULL));
    CHECK_OK(lg_run(host, leave_all_waiting, NULL));
    lg_close(host);
}
