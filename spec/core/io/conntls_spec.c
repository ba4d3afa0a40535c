// SPDX-License-Identifier: MIT
//
// TLS from native goroutines, whose calls run on the strand that they share: two of them may be in
// the handshake of one connection at a time, on different Ms.
#include <stdio.h>
#include <string.h>

#include "script.h"

enum { PEM_SIZE = 8192 };

static lg_tls *server;
static lg_tls *client;
static lg_listener *listener;
static char place[LG_ADDRESS_SIZE];
static _Atomic int n_done;
static _Atomic int last_code;

// ---------------------------------------------------------------------------
// A certificate that has signed itself, with its key
// ---------------------------------------------------------------------------

static const char *pem(void)
{
    static char text[PEM_SIZE];
    if (text[0] == '\0') {
        FILE *pipe =
            popen("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
                  " -nodes -days 2 -subj /CN=localhost -keyout /dev/stdout"
                  " -addext subjectAltName=DNS:localhost 2>/dev/null",
                  "r");
        size_t n = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
        text[n] = '\0';
        pclose(pipe);
    }
    return text;
}

struct making {
    lg_tls_options opts;
    lg_tls *made;
    int rc;
    char why[LG_WHY_SIZE];
};

static void make(void *arg)
{
    struct making *making = arg;
    making->rc = lg_tls_new(&making->opts, &making->made, making->why);
}

// On a thread of the pool, as it blocks.
static struct making make_tls(lg_tls_options opts)
{
    struct making making = {.opts = opts};
    CHECK_OK(lg_work(make, NULL, &making));
    return making;
}

// False: there is no openssl here.
static bool open_tls(void)
{
    if (pem()[0] == '\0') {
        return false;
    }
    server =
        make_tls((lg_tls_options){.role = LG_TLS_SERVER, .cert = pem(), .alpn = "a,bc"})
            .made;
    client = make_tls((lg_tls_options){.ca = pem(), .alpn = "bc"}).made;
    CHECK(server && client);
    lg_listen_options opts = {.tls = server};
    CHECK_OK(lg_listen("tcp", "127.0.0.1:0", &opts, &listener));
    CHECK_OK(lg_listener_local(listener, place, sizeof place));
    n_done = 0;
    return true;
}

static void close_tls(void)
{
    lg_listener_free(listener);
    lg_tls_free(server);
    lg_tls_free(client);
}

static lg_conn *dial(void)
{
    lg_conn *c = NULL;
    CHECK_OK(lg_dial("tcp", place, &c, LG_NEVER));
    CHECK_OK(lg_conn_tls(c, client, "localhost"));
    return c;
}

static lg_conn *accept_one(void)
{
    lg_conn *c = NULL;
    CHECK_OK(lg_accept(listener, &c, LG_NEVER));
    return c;
}

static void shake(void *arg)
{
    last_code = lg_conn_handshake(arg, LG_NEVER);
    n_done++;
}

// ---------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------

static void echo(void *arg)
{
    lg_conn *c = arg;
    char buffer[256];
    size_t n;
    int rc;
    while ((rc = lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER)) == LG_OK) {
        CHECK_OK(lg_conn_write(c, buffer, n, &n, LG_NEVER));
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
    (void)arg;
    for (int i = 0; i < 20; i++) {
        size_t length = (size_t)snprintf(buffer, sizeof buffer, "message %d", i);
        size_t n;
        CHECK_OK(lg_conn_write(c, buffer, length, &n, LG_NEVER));
        CHECK_OK(lg_conn_read_full(c, got, length, &n, LG_NEVER));
        CHECK(n == length && memcmp(buffer, got, n) == 0);
    }
    CHECK_OK(lg_conn_close(c));
    lg_conn_free(c);
    n_done++;
}

static void echo_many(lg_runtime *rt)
{
    enum { TALKERS = 8 };
    if (!open_tls()) {
        return;
    }
    for (int i = 0; i < TALKERS; i++) {
        spec_go(rt, talk, NULL);
    }
    for (int i = 0; i < TALKERS; i++) {
        spec_go(rt, echo, accept_one());
    }
    SETTLE(n_done == 2 * TALKERS);
    close_tls();
}

it("conn with TLS", "carries bytes there and back, on one P", .procs = 1)
{
    echo_many(rt);
}

it("conn with TLS", "carries bytes there and back, on four Ps", .procs = 4)
{
    echo_many(rt);
}

enum { MUCH = 1024 * 1024 };

static void write_much(void *arg)
{
    static const char much[MUCH]; // two read from it
    size_t n;
    CHECK_OK(lg_conn_write(arg, much, sizeof much, &n, LG_NEVER));
    CHECK_INT(n, sizeof much);
    CHECK_OK(lg_conn_close_write(arg));
    n_done++;
}

static void read_much(void *arg)
{
    char buffer[10000];
    size_t total = 0;
    size_t n;
    int rc;
    while ((rc = lg_conn_read(arg, buffer, sizeof buffer, &n, LG_NEVER)) == LG_OK) {
        total += n;
    }
    CHECK_CODE(rc, LG_EOF);
    CHECK_INT(total, MUCH);
    n_done++;
}

it("conn with TLS", "is read and written at once, from the handshake on", .procs = 4)
{
    for (int round = 0; round < 5 && open_tls(); round++) {
        lg_conn *here = dial();
        lg_conn *there = accept_one();
        void (*parts[])(void *) = {write_much, read_much, shake};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            spec_go(rt, parts[i], here);
            spec_go(rt, parts[i], there);
        }
        SETTLE(n_done == 6);
        lg_conn_free(here);
        lg_conn_free(there);
        close_tls();
    }
}

// ---------------------------------------------------------------------------
// The handshake
// ---------------------------------------------------------------------------

it("conn.handshake", "waits for the other side, and then tells what was agreed on",
   .procs = 2)
{
    if (!open_tls()) {
        return;
    }
    lg_conn *here = dial();
    lg_conn *there = accept_one();
    lg_tls_info info;
    CHECK_CODE(lg_conn_handshake(here, 0), LG_EAGAIN);
    CHECK_CODE(lg_conn_handshake(here, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_CODE(lg_conn_tls_info(here, &info), LG_EAGAIN);
    lg_ref waits = spec_go(rt, shake, here);
    SETTLE(spec_is_waiting(rt, waits));
    CHECK_CODE(lg_conn_handshake(here, LG_NEVER), LG_EBUSY);
    CHECK_OK(lg_conn_handshake(there, LG_NEVER));
    SETTLE(n_done == 1);
    CHECK_OK(last_code);
    CHECK_OK(lg_conn_tls_info(there, &info));
    CHECK_STR(info.version, "TLSv1.3");
    CHECK_STR(info.alpn, "bc");
    CHECK_STR(info.server_name, "localhost");
    CHECK_STR(info.peer, "");
    CHECK_OK(lg_conn_tls_info(here, &info));
    CHECK_STR(info.peer, "/CN=localhost");
    lg_conn_free(here);
    lg_conn_free(there);
    close_tls();
}

it("conn.close", "ends a handshake of another goroutine", .procs = 2)
{
    if (!open_tls()) {
        return;
    }
    lg_conn *here = dial();
    lg_ref waits = spec_go(rt, shake, here);
    SETTLE(spec_is_waiting(rt, waits));
    CHECK_OK(lg_conn_close(here));
    SETTLE(n_done == 1);
    CHECK_CODE(last_code, LG_ECLOSED);
    CHECK_CODE(lg_conn_handshake(here, LG_NEVER), LG_ECLOSED);
    lg_conn_free(here);
    close_tls();
}

it("conn.handshake with somebody else", "says why it trusts him not", .procs = 2)
{
    if (!open_tls()) {
        return;
    }
    lg_conn *here = NULL;
    CHECK_OK(lg_dial("tcp", place, &here, LG_NEVER));
    CHECK_OK(lg_conn_tls(here, client, "example.org"));
    lg_conn *there = accept_one();
    spec_go(rt, shake, there);
    char why[LG_WHY_SIZE];
    size_t n;
    CHECK_CODE(lg_conn_handshake(here, LG_NEVER), LG_ECERT);
    lg_conn_why(here, why);
    CHECK_STR(why, "certificate verify failed: hostname mismatch");
    CHECK_CODE(lg_conn_write(here, "x", 1, &n, LG_NEVER), LG_ECERT);
    CHECK_CODE(lg_conn_close_write(here), LG_ECERT);
    SETTLE(n_done == 1);
    CHECK_CODE(last_code, LG_ETLS);
    lg_conn_free(here);
    lg_conn_free(there);
    close_tls();
}

it("conn.free", "cuts the stream that the other side reads", .procs = 2)
{
    if (!open_tls()) {
        return;
    }
    lg_conn *here = dial();
    lg_conn *there = accept_one();
    spec_go(rt, shake, there);
    CHECK_OK(lg_conn_handshake(here, LG_NEVER));
    SETTLE(n_done == 1);
    lg_conn_free(here);
    char byte;
    size_t n;
    char why[LG_WHY_SIZE];
    CHECK_CODE(lg_conn_read(there, &byte, 1, &n, LG_NEVER), LG_ETLS);
    lg_conn_why(there, why);
    CHECK_STR(why, "unexpected eof while reading");
    lg_conn_free(there);
    close_tls();
}

it("conn.tls", "is for connections that have none, and names somebody", .procs = 1)
{
    if (!open_tls()) {
        return;
    }
    lg_conn *here = dial();
    lg_listen_options opts = {.tls = client};
    lg_listener *other;
    CHECK_CODE(lg_conn_tls(here, client, "localhost"), LG_EBUSY);
    CHECK_CODE(lg_conn_tls(here, client, NULL), LG_EINVAL);
    CHECK_CODE(lg_listen("tcp", "127.0.0.1:0", &opts, &other), LG_EINVAL);
    CHECK(lg_conn_is_tls(here));
    lg_conn_free(here);
    close_tls();
}

it("tls.new", "says what is not usable", .procs = 1)
{
    struct making making = make_tls((lg_tls_options){.ca = "nothing"});
    CHECK_CODE(making.rc, LG_ETLS);
    CHECK_STR(making.why, "ca: no start line");
    CHECK_CODE(make_tls((lg_tls_options){.role = LG_TLS_SERVER}).rc, LG_EINVAL);
    CHECK_CODE(make_tls((lg_tls_options){.alpn = "a,,b"}).rc, LG_EINVAL);
    CHECK_CODE(make_tls((lg_tls_options){.alpn = ""}).rc, LG_EINVAL);
}

// ---------------------------------------------------------------------------
// The end of a strand
// ---------------------------------------------------------------------------

static lg_conn *of_strand;
static lg_chan *may_begin;
static lg_runtime *host;

static int shake_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_chan_recv(may_begin, NULL, LG_NEVER));
    SCRIPT_AWAIT(lg_dial("tcp", place, &of_strand, LG_NEVER));
    CHECK_OK(result);
    CHECK_OK(lg_conn_tls(of_strand, client, "localhost"));
    n_done++; // and of_strand is there for others
    SCRIPT_AWAIT(lg_conn_handshake(of_strand, LG_NEVER));
    SCRIPT_END
}

struct doomed {
    lg_strand *strand;
    lg_ref shaker;
};

static void close_in_the_middle(void *arg)
{
    const struct doomed *doomed = arg;
    char byte;
    size_t n;
    if (!open_tls()) {
        lg_strand_close(doomed->strand);
        return;
    }
    CHECK_OK(lg_chan_close(may_begin));
    lg_conn *there = accept_one();
    SETTLE(n_done == 1 && spec_is_waiting(host, doomed->shaker));
    lg_strand_close(doomed->strand);
    CHECK_CODE(lg_conn_read(there, &byte, 1, &n, LG_NEVER), LG_ETLS);
    CHECK_CODE(lg_conn_close(of_strand), LG_ECLOSED);
    lg_conn_free(there);
    lg_conn_free(of_strand);
    close_tls();
}

it("a strand that is closed", "takes a handshake with it")
{
    rt = host = spec_open(2);
    static struct interpreter interpreter;
    of_strand = NULL;
    CHECK_OK(lg_chan_new(rt, NULL, 0, 0, &may_begin));
    struct doomed doomed = {.strand = script_strand(rt, &interpreter)};
    doomed.shaker = script_go(doomed.strand, shake_scripted, NULL);
    spec_main(rt, close_in_the_middle, &doomed);
    lg_chan_free(may_begin);
}
