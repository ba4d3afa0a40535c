// SPDX-License-Identifier: MIT
//
// Transfers, of native goroutines and of a strand's.
#include <stdio.h>
#include <string.h>

#include "script.h"

static lg_listener *listener;
static char url[LG_ADDRESS_SIZE + 16];
static _Atomic int n_done;

static void listen_here(void)
{
    char place[LG_ADDRESS_SIZE];
    CHECK_OK(lg_listen("tcp", "127.0.0.1:0", NULL, &listener));
    CHECK_OK(lg_listener_local(listener, place, sizeof place));
    snprintf(url, sizeof url, "http://%s/", place);
    n_done = 0;
}

// Reads to the end of a head; what follows, as far as it is there, stands at out.
static void pass_head(lg_conn *c, char *buffer, size_t size)
{
    size_t n = 0;
    const char *end = NULL;
    while (!end) {
        size_t more;
        CHECK_OK(lg_conn_read(c, buffer + n, size - n - 1, &more, LG_NEVER));
        n += more;
        buffer[n] = '\0';
        end = strstr(buffer, "\r\n\r\n");
    }
    memmove(buffer, end + 4, strlen(end + 4) + 1);
}

// Answers one request with a text, and waits for the other side to close.
static void answer(void *text)
{
    lg_conn *c;
    char buffer[4096];
    size_t n;
    CHECK_OK(lg_accept(listener, &c, LG_NEVER));
    pass_head(c, buffer, sizeof buffer);
    CHECK_OK(lg_conn_write(c, text, strlen(text), &n, LG_NEVER));
    n_done++;
    while (lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER) == LG_OK) {
    }
    lg_conn_free(c);
    n_done++;
}

static lg_fetch *open_fetch(const lg_fetch_options *more)
{
    lg_fetch_options opts = more ? *more : (lg_fetch_options){0};
    lg_fetch *f = NULL;
    opts.url = url;
    opts.proxy = "";
    CHECK_OK(lg_fetch_load());
    CHECK(lg_fetch_missing() == NULL);
    CHECK_OK(lg_fetch_open(&opts, &f));
    return f;
}

static void check_body(lg_fetch *f, const char *expected, int end)
{
    char got[256];
    size_t n = 0;
    size_t more;
    int rc;
    while ((rc = lg_fetch_read(f, got + n, sizeof got - n - 1, &more, LG_NEVER)) ==
           LG_OK) {
        n += more;
    }
    got[n] = '\0';
    CHECK_INT(rc, end);
    CHECK_STR(got, expected);
}

it("fetch", "gives a head as it came, and a body to its end", .procs = 2)
{
    static const char said[] = "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nhello";
    listen_here();
    spec_go(rt, answer, (void *)(uintptr_t)said);
    lg_fetch *f = open_fetch(NULL);
    const char *head;
    CHECK_OK(lg_fetch_await_head(f, LG_NEVER));
    CHECK_INT(lg_fetch_head(f, &head), strlen(said) - 5);
    CHECK(memcmp(head, said, strlen(said) - 5) == 0);
    check_body(f, "hello", LG_EOF);
    lg_fetch_free(f);
    CHECK_INT(n_done, 1); // the connection is kept
    CHECK_OK(lg_fetch_close_idle());
    SETTLE(n_done == 2);
    lg_listener_free(listener);
}

it("fetch of half a response", "is an error, behind what has come", .procs = 1)
{
    static const char said[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    listen_here();
    spec_go(rt, answer, (void *)(uintptr_t)said);
    lg_fetch *f = open_fetch(NULL);
    char buffer[16];
    size_t n;
    CHECK_OK(lg_fetch_read(f, buffer, sizeof buffer, &n, LG_NEVER));
    CHECK_INT(n, 4);
    CHECK_CODE(lg_fetch_read(f, buffer, sizeof buffer, &n, spec_ms(rt, 5)), LG_ETIMEDOUT);
    CHECK_CODE(lg_fetch_read(f, buffer, sizeof buffer, &n, 0), LG_EAGAIN);
    CHECK_OK(lg_fetch_close(f));
    CHECK_CODE(lg_fetch_read(f, buffer, sizeof buffer, &n, LG_NEVER), LG_ECLOSED);
    CHECK_CODE(lg_fetch_close(f), LG_ECLOSED);
    lg_fetch_free(f);
    SETTLE(n_done == 2);
    CHECK_OK(lg_fetch_close_idle());
    lg_listener_free(listener);
}

// Gives a body in chunks back as it came.
static void reflect(void *arg)
{
    lg_conn *c;
    char buffer[4096];
    size_t n;
    (void)arg;
    CHECK_OK(lg_accept(listener, &c, LG_NEVER));
    pass_head(c, buffer, sizeof buffer);
    const char *go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *said = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK_OK(lg_conn_write(c, go_on, strlen(go_on), &n, LG_NEVER));
    CHECK_OK(lg_conn_write(c, said, strlen(said), &n, LG_NEVER));
    while (lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER) == LG_OK) {
        size_t written;
        CHECK_OK(lg_conn_write(c, buffer, n, &written, LG_NEVER));
    }
    lg_conn_free(c);
    n_done++;
}

it("fetch with a streamed body", "sends it piece by piece", .procs = 2)
{
    listen_here();
    spec_go(rt, reflect, NULL);
    lg_fetch *f =
        open_fetch(&(lg_fetch_options){.method = "POST", .body = LG_BODY_STREAM});
    for (int i = 0; i < 10; i++) {
        CHECK_OK(lg_fetch_write(f, "0123456789", 10, LG_NEVER));
    }
    CHECK_OK(lg_fetch_finish(f));
    CHECK_CODE(lg_fetch_write(f, "x", 1, LG_NEVER), LG_ECLOSED);
    CHECK_OK(lg_fetch_await_head(f, LG_NEVER));
    check_body(f,
               "0123456789012345678901234567890123456789012345678901234567890123456789"
               "012345678901234567890123456789",
               LG_EOF);
    lg_fetch_free(f);
    CHECK_OK(lg_fetch_close_idle());
    SETTLE(n_done == 1);
    lg_listener_free(listener);
}

static void await_closed(void *arg)
{
    CHECK_CODE(lg_fetch_await_head(arg, LG_NEVER), LG_ECLOSED);
    n_done++;
}

it("fetch.close", "wakes who waits for the head", .procs = 2)
{
    listen_here();
    lg_fetch *f = open_fetch(NULL);
    spec_go(rt, await_closed, f);
    SETTLE(lg_fetch_await_head(f, 0) == LG_EBUSY);
    CHECK_OK(lg_fetch_close(f));
    SETTLE(n_done == 1);
    lg_fetch_free(f);
    CHECK_OK(lg_fetch_close_idle());
    lg_listener_free(listener);
}

it("fetch at the end of the runtime", "is freed with it", .procs = 2)
{
    listen_here();
    lg_fetch *f = open_fetch(NULL);
    CHECK_CODE(lg_fetch_await_head(f, spec_ms(rt, 5)), LG_ETIMEDOUT);
    CHECK_OK(lg_fetch_close_idle());
    lg_fetch_free(f);
    lg_listener_free(listener);
}

static lg_fetch *left;
static lg_chan *is_listening; // gets an element when it is

static int ask_and_leave(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_KEEP(lg_chan_recv(is_listening, script->words, LG_NEVER));
    CHECK_OK(result);
    SCRIPT_KEEP(lg_fetch_load());
    CHECK_OK(result);
    CHECK_OK(lg_fetch_open(&(lg_fetch_options){.url = url, .proxy = ""}, &left));
    n_done++;
    SCRIPT_KEEP(lg_fetch_await_head(left, LG_NEVER));
    SCRIPT_END
}

static void outlive(void *arg)
{
    char buffer[16];
    size_t n;
    uint64_t element = 1;
    listen_here();
    CHECK_OK(lg_chan_send(is_listening, &element, LG_NEVER));
    lg_conn *c;
    CHECK_OK(lg_accept(listener, &c, LG_NEVER));
    lg_strand_close(arg);
    CHECK_INT(n_done, 1);
    while (lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER) == LG_OK) {
    }
    CHECK_CODE(lg_fetch_close(left), LG_ECLOSED);
    CHECK_CODE(lg_fetch_read(left, buffer, sizeof buffer, &n, LG_NEVER), LG_ECLOSED);
    lg_fetch_free(left);
    lg_conn_free(c);
    lg_chan_free(is_listening);
    lg_listener_free(listener);
}

it("fetch under way", "is broken off with its strand, which it outlives")
{
    rt = spec_open(2);
    static struct interpreter interpreter;
    lg_strand *strand = script_strand(rt, &interpreter);
    CHECK_OK(lg_chan_new(rt, NULL, sizeof(uint64_t), 0, &is_listening));
    script_go(strand, ask_and_leave, NULL);
    spec_main(rt, outlive, strand);
}
