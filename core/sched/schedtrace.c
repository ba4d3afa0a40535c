// SPDX-License-Identifier: MIT
#include "sched/schedtrace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "os/clock.h"
#include "sched/scheddetail.h"

enum {
    NS_PER_MS = 1000 * 1000,
    LINE_BYTES = 1024,
};

struct line {
    char text[LINE_BYTES];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line,
                                                      const char *format, ...)
{
    size_t room = sizeof line->text - line->length;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line->text + line->length, room, format, args);
    va_end(args);
    if (length > 0) {
        line->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

static void say(struct lg_runtime *rt, const struct line *line)
{
    rt->options.on_log(rt->options.ud, line->text);
}

static int64_t open_ms(struct lg_runtime *rt)
{
    return (lg__clock_now() - rt->sysmon.open_ns) / NS_PER_MS;
}

// All in one moment, as far as the lock says.
static void add_summary(struct lg_runtime *rt, struct line *line)
{
    lg__lock(&rt->lock, RANK_SCHED);
    uint32_t nthreads = rt->nlive + (rt->driver != NULL);
    // relaxed: figures
    add(line,
        "SCHED %" PRId64 "ms: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
        "blockedthreads=%u asideprocs=%u idlethreads=%u runqueue=%zu [",
        open_ms(rt), lg__nprocs(rt),
        atomic_load_explicit(&rt->nidle, memory_order_relaxed), nthreads,
        atomic_load_explicit(&rt->nspinning, memory_order_relaxed),
        atomic_load_explicit(&rt->nblocked, memory_order_relaxed),
        atomic_load_explicit(&rt->nexcess, memory_order_relaxed), rt->nidle_ms,
        rt->global.count);
    lg__unlock(&rt->lock, RANK_SCHED);
    const char *between = "";
    for (uint32_t i = 0; i < lg__nps(rt); i++) {
        struct p *p = lg__p_at(rt, i);
        if (lg__p_is_active(p)) {
            add(line, "%s%u", between, lg__runq_len(&p->runq));
            between = " ";
        }
    }
    add(line, "]");
}

int64_t lg__schedtrace_left(struct lg_runtime *rt)
{
    int64_t period_ns = (int64_t)rt->options.schedtrace_ms * NS_PER_MS;
    if (period_ns == 0 || !rt->options.on_log) {
        return LG_NEVER;
    }
    int64_t left_ns = rt->sysmon.traced_ns + period_ns - lg__clock_now();
    return left_ns > 0 ? left_ns : 0;
}

void lg__schedtrace(struct lg_runtime *rt)
{
    if (lg__schedtrace_left(rt) > 0) {
        return;
    }
    rt->sysmon.traced_ns = lg__clock_now();
    struct line line = {.length = 0};
    add_summary(rt, &line);
    say(rt, &line);
    if (rt->options.scheddetail) {
        lg__scheddetail(rt);
    }
}
