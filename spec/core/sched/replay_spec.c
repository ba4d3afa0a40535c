// SPDX-License-Identifier: MIT
//
// Inputs: sent by native threads at random moments, recorded, and replayed to the byte.
#include <pthread.h>
#include <sched.h>

#include "spec.h"

enum { NMESSAGES = 40, NINPUTS = 2 };

struct bytes {
    unsigned char *at;
    size_t size;
    size_t cap;
};

static bool write_bytes(void *ud, const void *bytes, size_t size)
{
    struct bytes *b = ud;
    if (b->cap - b->size < size) {
        b->cap = (b->cap + size) * 2;
        b->at = realloc(b->at, b->cap);
        CHECK(b->at);
    }
    memcpy(b->at + b->size, bytes, size);
    b->size += size;
    return true;
}

static void write_trace(void *ud, const lg_trace_event *events, size_t nevents)
{
    for (size_t i = 0; i < nevents; i++) {
        char line[256];
        size_t length = lg_trace_line(&events[i], line, sizeof line - 1);
        line[length] = '\n';
        write_bytes(ud, line, length + 1);
    }
}

// ---------------------------------------------------------------------------
// A run: goroutines that work on what threads send
// ---------------------------------------------------------------------------

struct source {
    struct run *run;
    lg_input *in;
    const char *name;
    uint64_t seed;
    pthread_t thread;
};

struct run {
    lg_runtime *rt;
    struct source sources[NINPUTS];
    lg_chan *ch;
    lg_waitgroup group;
    uint64_t sum; // of what has come, by order
    uint64_t nsleeps;
    struct bytes trace;
    int pumped;
    bool is_other; // does something else than what was recorded
};

static void *send_all(void *arg)
{
    struct source *source = arg;
    struct spec_random r = {.state = source->seed};
    for (uint64_t i = 0; i < NMESSAGES; i++) {
        uint64_t words[3] = {i, spec_random_next(&r), 0};
        CHECK_OK(lg_input_send(source->in, words, 8 + 8 * spec_random_below(&r, 3)));
        for (uint32_t n = spec_random_below(&r, 20); n > 0; n--) {
            sched_yield();
        }
    }
    CHECK_OK(lg_input_end(source->in));
    lg_release(source->run->rt);
    return NULL;
}

// The next message; its code if there is none.
static int await_message(lg_input *in, const void **out, size_t *out_size)
{
    int rc = lg_input_await(in, LG_NEVER);
    return rc == LG_OK ? lg_input_peek(in, out, out_size) : rc;
}

// Takes what comes and passes it on.
static void pump(void *arg)
{
    struct source *source = arg;
    int rc;
    const void *bytes;
    size_t size;
    while ((rc = await_message(source->in, &bytes, &size)) == LG_OK) {
        uint64_t words[3] = {0};
        memcpy(words, bytes, size);
        lg_input_skip(source->in);
        uint64_t value = words[0] * 31 + words[1] + size;
        CHECK_OK(lg_chan_send(source->run->ch, &value, LG_NEVER));
    }
    CHECK(rc == LG_ECLOSED || rc == LG_EDIVERGED);
    if (++source->run->pumped == NINPUTS) {
        lg_chan_close(source->run->ch);
    }
}

static void consume(void *arg)
{
    struct run *run = arg;
    uint64_t value;
    while (lg_chan_recv(run->ch, &value, LG_NEVER) == LG_OK) {
        run->sum = run->sum * 0x9e3779b97f4a7c15ULL + value;
        if (value % 4 == 0) {
            run->nsleeps++;
            lg_sleep_until(lg_now(run->rt) + 1000 * (int64_t)(value % 50));
        } else if (value % 4 == 1) {
            lg_yield();
        }
    }
    lg_waitgroup_add(&run->group, -1);
}

// Something that goes on beside.
static void tick(void *arg)
{
    struct run *run = arg;
    for (int i = 0; i < 20; i++) {
        lg_sleep_until(lg_now(run->rt) + 7000);
    }
    lg_waitgroup_add(&run->group, -1);
}

static void run_all(void *arg)
{
    struct run *run = arg;
    for (size_t i = 0; i < NINPUTS; i++) {
        struct source *source = &run->sources[i];
        CHECK_OK(lg_input_open(run->rt, source->name, &source->in));
        CHECK_INT(lg_input_number(source->in), i + 1);
        CHECK_OK(lg_go(run->rt, pump, source, NULL, NULL));
        if (!lg_is_replaying(run->rt)) {
            lg_hold(run->rt);
            CHECK_INT(pthread_create(&source->thread, NULL, send_all, source), 0);
        }
        if (run->is_other) {
            lg_yield();
        }
    }
    lg_waitgroup_add(&run->group, 3);
    CHECK_OK(lg_go(run->rt, consume, run, NULL, NULL));
    CHECK_OK(lg_go(run->rt, consume, run, NULL, NULL));
    CHECK_OK(lg_go(run->rt, tick, run, NULL, NULL));
    CHECK_OK(lg_waitgroup_wait(&run->group, LG_NEVER));
}

static void open_run(struct run *run, uint64_t seed)
{
    lg_options options;
    lg_options_init(&options);
    options.deterministic = true;
    options.seed = seed;
    memset(run, 0, sizeof *run);
    CHECK_OK(lg_open(&options, &run->rt));
    CHECK_OK(lg_chan_new(run->rt, NULL, sizeof(uint64_t), 3, &run->ch));
    for (size_t i = 0; i < NINPUTS; i++) {
        run->sources[i] = (struct source){
            .run = run, .name = i ? "keys" : "net", .seed = seed * NINPUTS + i + 1};
    }
    CHECK_OK(lg_trace_start(run->rt, write_trace, &run->trace));
}

static int finish_run(struct run *run)
{
    int rc = lg_run(run->rt, run_all, run);
    lg_trace_stop(run->rt);
    return rc;
}

static void record(struct run *run, uint64_t seed, struct bytes *log)
{
    log->size = 0;
    open_run(run, seed);
    CHECK_OK(lg_record_start(run->rt, write_bytes, log));
    CHECK_OK(finish_run(run));
    CHECK_OK(lg_record_stop(run->rt));
    for (size_t i = 0; i < NINPUTS; i++) {
        CHECK_INT(pthread_join(run->sources[i].thread, NULL), 0);
    }
    lg_close(run->rt);
}

static int replay(struct run *run, const struct bytes *log, const char *second_input,
                  bool is_other)
{
    char why[128];
    open_run(run, 999); // the log's counts
    run->is_other = is_other;
    run->sources[1].name = second_input;
    CHECK_OK(lg_replay_start(run->rt, log->at, log->size, why, sizeof why));
    return finish_run(run);
}

static void check_replay(uint64_t seed)
{
    struct bytes log = {0};
    struct run recorded;
    struct run replayed;
    record(&recorded, seed, &log);
    int rc = replay(&replayed, &log, "keys", false);
    if (lg_replay_error(replayed.rt)) {
        spec_fail(SPEC_HERE, "seed %" PRIu64 ": %s", seed, lg_replay_error(replayed.rt));
    }
    CHECK_OK(rc);
    CHECK_INT(replayed.sum, recorded.sum);
    CHECK_INT(replayed.trace.size, recorded.trace.size);
    CHECK(memcmp(replayed.trace.at, recorded.trace.at, recorded.trace.size) == 0);
    lg_close(replayed.rt);
    free(log.at);
    free(recorded.trace.at);
    free(replayed.trace.at);
}

it("a replay", "is the recorded run, whatever the threads did", .limit_s = 120)
{
    for (int i = 0; i < spec_rounds(20); i++) {
        check_replay(spec_random_next(&(struct spec_random){.state = (uint64_t)i}) | 1);
    }
}

// ---------------------------------------------------------------------------
// Other courses
// ---------------------------------------------------------------------------

it("a replay that opens another input", "says so")
{
    struct bytes log = {0};
    struct run run;
    record(&run, 5, &log);
    free(run.trace.at);
    replay(&run, &log, "mouse", false);
    CHECK_HAS(lg_replay_error(run.rt), "takes another course than the recorded one");
    CHECK_HAS(lg_replay_error(run.rt), "input 'mouse' is opened, there it is 'keys'");
    lg_close(run.rt);
    free(run.trace.at);
    free(log.at);
}

it("a replay that schedules in another way", "says so")
{
    struct bytes log = {0};
    struct run run;
    record(&run, 5, &log);
    free(run.trace.at);
    replay(&run, &log, "keys", true);
    CHECK_HAS(lg_replay_error(run.rt), "takes another course than the recorded one");
    lg_close(run.rt);
    free(run.trace.at);
    free(log.at);
}

it("a replay of a log without its end", "says that there is no more")
{
    struct bytes log = {0};
    struct run run;
    record(&run, 5, &log);
    free(run.trace.at);
    log.size -= 40; // the last entry is an end
    replay(&run, &log, "keys", false);
    CHECK_HAS(lg_replay_error(run.rt), "the recording has no more");
    lg_close(run.rt);
    free(run.trace.at);
    free(log.at);
}

// ---------------------------------------------------------------------------
// Bad logs
// ---------------------------------------------------------------------------

static lg_runtime *open_plain(void)
{
    lg_options options;
    lg_options_init(&options);
    options.deterministic = true;
    return spec_open_with(&options);
}

static void check_refused(lg_runtime *rt, const struct bytes *log, const char *part)
{
    char why[128] = "";
    CHECK_CODE(lg_replay_start(rt, log->at, log->size, why, sizeof why), LG_EINVAL);
    CHECK_HAS(why, part);
}

it("lg_replay_start", "refuses what is no log, cut off or damaged")
{
    struct bytes log = {0};
    struct run run;
    record(&run, 5, &log);
    free(run.trace.at);
    rt = open_plain();
    struct bytes other = {.at = (unsigned char *)"#!/usr/bin/env lagoon and more",
                          .size = 30};
    check_refused(rt, &other, "it is no recording of lagoon's (at byte 0)");
    check_refused(rt, &(struct bytes){.at = log.at, .size = 23}, "no recording");
    log.at[8]++;
    check_refused(rt, &log, "of another version");
    log.at[8]--;
    size_t whole = log.size;
    for (log.size = 25; log.size < 64 + 3; log.size++) {
        if (log.size != 64) {
            check_refused(rt, &log, "cut off");
        }
    }
    log.size = whole;
    for (size_t at = 24; at < whole; at++) {
        log.at[at] ^= 0x41;
        check_refused(rt, &log, at % 7 == 0 && at < 24 ? "" : "it is ");
        log.at[at] ^= 0x41;
    }
    char why[128];
    CHECK_OK(lg_replay_start(rt, log.at, log.size, why, sizeof why));
    check_refused(rt, &log, "has begun already");
    free(log.at);
}

it("recording and replaying", "want a deterministic runtime")
{
    lg_options options;
    lg_options_init(&options);
    options.procs = 1;
    rt = spec_open_with(&options);
    struct bytes none = {0};
    CHECK_CODE(lg_record_start(rt, write_bytes, &none), LG_EINVAL);
    check_refused(rt, &none, "not deterministic");
}

// ---------------------------------------------------------------------------
// Inputs where no order is kept
// ---------------------------------------------------------------------------

it("an input of an ordinary runtime", "gives what threads send, in order", .procs = 2)
{
    lg_input *in;
    CHECK_CODE(lg_input_open(rt, "", &in), LG_EINVAL);
    CHECK_OK(lg_input_open(rt, "net", &in));
    struct run run = {.rt = rt};
    struct source source = {.run = &run, .in = in, .seed = 3};
    lg_hold(rt);
    CHECK_CODE(lg_input_await(in, 0), LG_EAGAIN);
    CHECK_CODE(lg_input_await(in, spec_ms(rt, 1)), LG_ETIMEDOUT);
    CHECK_INT(pthread_create(&source.thread, NULL, send_all, &source), 0);
    uint64_t count = 0;
    const void *bytes;
    size_t size;
    while (await_message(in, &bytes, &size) == LG_OK) {
        uint64_t first;
        memcpy(&first, bytes, sizeof first);
        CHECK_INT(first, count++);
        lg_input_skip(in);
    }
    CHECK_INT(count, NMESSAGES);
    CHECK_INT(pthread_join(source.thread, NULL), 0);
    CHECK_CODE(lg_input_send(in, "x", 1), LG_ECLOSED);
    CHECK_CODE(lg_input_end(in), LG_ECLOSED);
    lg_input_close(in);
}

it("an input that is closed", "takes what nobody took along", .procs = 1)
{
    lg_input *in;
    CHECK_OK(lg_input_open(rt, "net", &in));
    CHECK_OK(lg_input_send(in, "some bytes", 10));
    CHECK_OK(lg_input_send(in, NULL, 0));
    lg_input_close(in);
    lg_input_close(NULL);
}

it("lg_input_skip() without a message", "is misuse", .procs = 1,
   .dies = "lg_input_skip() without a message")
{
    lg_input *in;
    CHECK_OK(lg_input_open(rt, "net", &in));
    lg_input_skip(in);
}
