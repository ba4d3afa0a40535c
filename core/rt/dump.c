// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "sched/runtime.h"

struct dump {
    void (*write)(void *ud, const char *line);
    void *ud;
    int64_t now_ns;
};

static const char *status_name(const lg_g_info *info)
{
    switch (info->status) {
    case LG_RUNNABLE: return "runnable";
    case LG_RUNNING: return "running";
    case LG_WAITING: return info->wait_reason ? info->wait_reason : "waiting";
    case LG_DEAD: break;
    }
    return "dead";
}

static bool dump_one(void *ud, const lg_g_info *info)
{
    struct dump *dump = ud;
    char minutes_text[32] = "";
    int64_t minutes = (dump->now_ns - info->wait_since_ns) / 60000000000;
    if (info->status == LG_WAITING && minutes > 0) {
        snprintf(minutes_text, sizeof minutes_text, ", %lld minutes", (long long)minutes);
    }
    char line[256];
    snprintf(line, sizeof line, "goroutine %llu%s%s [%s%s]: created by goroutine %llu",
             (unsigned long long)info->ref.id, *info->name ? " " : "", info->name,
             status_name(info), minutes_text, (unsigned long long)info->parent);
    dump->write(dump->ud, line);
    return true;
}

void lg_dump(lg_runtime *rt, void (*write)(void *ud, const char *line), void *ud)
{
    struct dump dump = {.write = write, .ud = ud, .now_ns = lg__now(rt)};
    lg_goroutines(rt, dump_one, &dump);
}
