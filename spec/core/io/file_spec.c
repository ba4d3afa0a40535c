// SPDX-License-Identifier: MIT
//
// Open files and what happens to them, from native goroutines and from a strand's.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "script.h"

static char path[64];
static lg_file *file;
static _Atomic int n_done;

// A file with a text in it, which has its name until forget().
static void make(const char *text)
{
    strcpy(path, "/tmp/lagoon-file-spec.XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    n_done = 0;
}

static void forget(void)
{
    lg_file_free(file);
    file = NULL;
    unlink(path);
}

static void read_and_write(lg_runtime *rt)
{
    char buffer[32];
    size_t n;
    int64_t at;
    lg_stat stat;
    (void)rt;
    make("0123456789");
    CHECK_OK(lg_file_open(path, LG_OPEN_READ | LG_OPEN_WRITE, &file));
    CHECK_OK(lg_file_read(file, buffer, 4, &n, LG_NEVER));
    CHECK(n == 4 && memcmp(buffer, "0123", 4) == 0);
    CHECK_OK(lg_file_write(file, "xy", 2, &n, LG_NEVER));
    CHECK(n == 2);
    CHECK_OK(lg_file_seek(file, 0, LG_FROM_HERE, &at));
    CHECK_INT((int)at, 6);
    CHECK_OK(lg_file_seek(file, -6, LG_FROM_END, &at));
    CHECK_OK(lg_file_read(file, buffer, sizeof buffer, &n, LG_NEVER));
    CHECK(n == 6 && memcmp(buffer, "xy6789", 6) == 0);
    CHECK_CODE(lg_file_read(file, buffer, sizeof buffer, &n, LG_NEVER), LG_EOF);
    CHECK_OK(lg_file_stat(file, &stat));
    CHECK_INT((int)stat.size_bytes, 10);
    CHECK_OK(lg_file_sync(file));
    CHECK_OK(lg_file_close(file));
    CHECK_CODE(lg_file_close(file), LG_ECLOSED);
    CHECK_CODE(lg_file_read(file, buffer, 1, &n, LG_NEVER), LG_ECLOSED);
    forget();
}

static void fail_to_open(lg_runtime *rt)
{
    (void)rt;
    CHECK_CODE(lg_file_open("/no/such/file", LG_OPEN_READ, &file), LG_ESYSTEM - ENOENT);
    CHECK_CODE(lg_file_open("/", LG_OPEN_READ, &file), LG_ESYSTEM - EISDIR);
    CHECK(file == NULL);
}

static void append(void *arg)
{
    size_t n;
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_file_write(file, arg, 8, &n, LG_NEVER));
    }
    n_done++;
}

static void append_together(lg_runtime *rt)
{
    static char texts[4][9] = {"aaaaaaa\n", "bbbbbbb\n", "ccccccc\n", "ddddddd\n"};
    char buffer[8];
    int counts[4] = {0};
    size_t n;
    make("");
    CHECK_OK(lg_file_open(path, LG_OPEN_READ | LG_OPEN_APPEND, &file));
    for (int i = 0; i < 4; i++) {
        spec_go(rt, append, texts[i]);
    }
    SETTLE(n_done == 4);
    int64_t at;
    CHECK_OK(lg_file_seek(file, 0, LG_FROM_START, &at));
    while (lg_file_read(file, buffer, 8, &n, LG_NEVER) == LG_OK) {
        CHECK(n == 8 && memcmp(buffer, texts[buffer[0] - 'a'], 8) == 0);
        counts[buffer[0] - 'a']++;
    }
    for (int i = 0; i < 4; i++) {
        CHECK_INT(counts[i], 20);
    }
    forget();
}

static void close_it(void *arg)
{
    (void)arg;
    CHECK_OK(lg_file_close(file));
    n_done++;
}

static void write_or_be_late(void *arg)
{
    size_t n;
    int rc = lg_file_write(file, arg, 1, &n, LG_NEVER);
    CHECK(rc == LG_OK || rc == LG_ECLOSED);
    n_done++;
}

static void close_among_others(lg_runtime *rt)
{
    for (int round = 0; round < 20; round++) {
        make("");
        CHECK_OK(lg_file_open(path, LG_OPEN_WRITE, &file));
        for (int i = 0; i < 6; i++) {
            spec_go(rt, i == 3 ? close_it : write_or_be_late, "x");
        }
        SETTLE(n_done == 6);
        forget();
    }
}

static void leave_open(void *arg)
{
    char buffer[4];
    size_t n;
    (void)arg;
    make("text");
    CHECK_OK(lg_file_open(path, LG_OPEN_READ, &file));
    CHECK_OK(lg_file_read(file, buffer, 2, &n, LG_NEVER));
}

static int scripted(struct script *script, int result)
{
    static size_t n;
    const void *bytes;
    SCRIPT_BEGIN
    make("one\ntwo\nthree");
    SCRIPT_AWAIT(lg_file_open(path, LG_OPEN_READ, &file));
    CHECK_OK(result);
    SCRIPT_AWAIT(lg_file_await(file, LG_WANT_LINE, 0, &n, LG_NEVER));
    CHECK_OK(result);
    CHECK(n == 4 && lg_file_peek(file, &bytes) >= 4 && memcmp(bytes, "one\n", 4) == 0);
    lg_file_skip(file, n);
    SCRIPT_KEEP(lg_file_await(file, LG_WANT_LINE, 0, &n, LG_NEVER));
    CHECK_OK(result);
    lg_file_skip(file, n);
    SCRIPT_AWAIT(lg_file_await(file, LG_WANT_ALL, 0, &n, LG_NEVER));
    CHECK_OK(result);
    CHECK(n == 5 && lg_file_peek(file, &bytes) == 5 && memcmp(bytes, "three", 5) == 0);
    lg_file_skip(file, n);
    SCRIPT_AWAIT(lg_file_await(file, LG_WANT_EXACT, 3, &n, LG_NEVER));
    CHECK_CODE(result, LG_EOF);
    SCRIPT_AWAIT(lg_file_close(file));
    CHECK_OK(result);
    forget();
    n_done = 1;
    SCRIPT_END
}

static void watch(lg_runtime *rt)
{
    lg_fswatch *watch;
    lg_fs_event event;
    size_t n;
    make("");
    CHECK_CODE(lg_fswatch_open("/no/such/file", &watch), LG_ESYSTEM - ENOENT);
    CHECK_OK(lg_fswatch_open(path, &watch));
    CHECK_CODE(lg_fswatch_next(watch, &event, 0), LG_EAGAIN);
    CHECK_CODE(lg_fswatch_next(watch, &event, lg_now(rt) + 1000000), LG_ETIMEDOUT);
    CHECK_OK(lg_file_open(path, LG_OPEN_WRITE, &file));
    CHECK_OK(lg_file_write(file, "x", 1, &n, LG_NEVER));
    CHECK_OK(lg_fswatch_next(watch, &event, LG_NEVER));
    CHECK(event.kind == LG_FS_CHANGE && strcmp(event.name, strrchr(path, '/') + 1) == 0);
    CHECK_OK(lg_fswatch_close(watch));
    CHECK_CODE(lg_fswatch_close(watch), LG_ECLOSED);
    CHECK_CODE(lg_fswatch_next(watch, &event, LG_NEVER), LG_ECLOSED);
    lg_fswatch_free(watch);
    forget();
}

it("a file", "is read and written where it stands", .procs = 2)
{
    read_and_write(rt);
}

it("a file that cannot be opened", "says why", .procs = 1)
{
    fail_to_open(rt);
}

it("a file", "takes the calls of several one after the other", .procs = 4)
{
    append_together(rt);
}

it("a file", "is closed behind what is under way", .procs = 4)
{
    close_among_others(rt);
}

it("a file", "may outlive its runtime, which closes it")
{
    rt = spec_open(1);
    spec_main(rt, leave_open, NULL);
    spec_close(rt);
    forget();
}

it("a watched file", "tells of what is written to it", .procs = 2)
{
    watch(rt);
}

static void see_it_done(void *arg)
{
    (void)arg;
    SETTLE(n_done == 1);
}

it("a file of a scripted goroutine", "lends its bytes, and is waited for in both ways")
{
    rt = spec_open(2);
    static struct interpreter interpreter;
    n_done = 0;
    lg_strand *strand = script_strand(rt, &interpreter);
    script_go(strand, scripted, NULL);
    spec_main(rt, see_it_done, NULL);
    lg_strand_close(strand);
}
