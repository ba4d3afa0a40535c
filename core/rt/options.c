// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lagoon.h"

void lg_options_init(lg_options *out)
{
    memset(out, 0, sizeof *out);
    out->size_bytes = sizeof *out;
}

// The whole number that text begins with; strtoll() takes blanks and signs, which
// are refused here. NULL: there is none, or it is too large.
static const char *parse_number(const char *text, int64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno ? NULL : end;
}

static bool parse_whole(const char *text, int64_t min, int64_t max, int *out)
{
    int64_t number;
    const char *end = parse_number(text, &number);
    if (!end || *end != '\0' || number < min || number > max) {
        return false;
    }
    *out = (int)number;
    return true;
}

static bool parse_procs(const char *text, lg_options *opts)
{
    return parse_whole(text, 1, LG_PROCS_MAX, &opts->procs);
}

static bool parse_percent(const char *text, lg_options *opts)
{
    if (strcmp(text, "off") == 0) {
        opts->gc_percent = LG_GC_OFF;
        return true;
    }
    if (!parse_whole(text, 0, INT32_MAX, &opts->gc_percent)) {
        return false;
    }
    if (opts->gc_percent == 0) {
        opts->gc_percent = 1; // 0 means the default in options
    }
    return true;
}

static bool parse_limit(const char *text, lg_options *opts)
{
    return lg_mem_limit_parse(text, &opts->mem_limit_bytes) == LG_OK;
}

static bool parse_cap(const char *text, lg_options *opts)
{
    return lg_mem_limit_parse(text, &opts->mem_cap_bytes) == LG_OK;
}

int lg_mem_limit_parse(const char *text, int64_t *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (strcmp(text, "off") == 0) {
        *out = LG_MEM_NO_LIMIT;
        return LG_OK;
    }
    int64_t number;
    const char *unit = parse_number(text, &number);
    if (!unit || number == 0) {
        return LG_EINVAL;
    }
    size_t i = 0;
    size_t nunits = sizeof units / sizeof *units;
    while (*unit && i < nunits && strcmp(unit, units[i]) != 0) {
        i++;
    }
    if (i == nunits || number > INT64_MAX >> 10 * i) {
        return LG_EINVAL;
    }
    *out = number << 10 * i;
    return LG_OK;
}

static bool is_name(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

enum debug {
    GCTRACE,
    GCSTRESS,
    SCHEDTRACE,
    SCHEDDETAIL,
    ASYNCPREEMPTOFF,
    PREEMPTSTRESS,
    WATCHDOG,
    DETERMINISTIC,
    ATTACH,
};

static const char *const debug_names[] = {
    [GCTRACE] = "gctrace",
    [GCSTRESS] = "gcstress",
    [SCHEDTRACE] = "schedtrace",
    [SCHEDDETAIL] = "scheddetail",
    [ASYNCPREEMPTOFF] = "asyncpreemptoff",
    [PREEMPTSTRESS] = "preemptstress",
    [WATCHDOG] = "watchdog",
    [DETERMINISTIC] = "deterministic",
    [ATTACH] = "attach",
};

static const int64_t NS_PER_US = 1000;
static const int64_t NS_PER_MS = 1000 * 1000;

enum { NDEBUG_NAMES = sizeof debug_names / sizeof *debug_names };

static void set_debug(enum debug which, int value, lg_options *opts)
{
    switch (which) {
    case GCTRACE: opts->gctrace = value > 0; break;
    case GCSTRESS: opts->gc_stress = value > 0; break;
    case SCHEDTRACE: opts->schedtrace_ms = value; break;
    case SCHEDDETAIL: opts->scheddetail = value > 0; break;
    case ASYNCPREEMPTOFF: opts->slice_ns = value > 0 ? -1 : opts->slice_ns; break;
    case WATCHDOG: opts->watchdog_ns = value * NS_PER_MS; break;
    case DETERMINISTIC:
        opts->deterministic = value > 0;
        opts->procs = value > 0 ? 1 : opts->procs;
        opts->seed = value > 0 ? (uint64_t)value : opts->seed;
        break;
    case ATTACH: break; // the program sees to it
    case PREEMPTSTRESS: opts->slice_ns = value > 0 ? value * NS_PER_US : 0; break;
    }
}

static unsigned find_debug(const char *name, size_t length)
{
    unsigned which = 0;
    while (which < NDEBUG_NAMES && !is_name(name, length, debug_names[which])) {
        which++;
    }
    return which;
}

// One name=value of LAGOON_DEBUG, length bytes.
static bool parse_debug_item(const char *item, size_t length, lg_options *opts)
{
    char text[32];
    const char *equals = memchr(item, '=', length);
    if (!equals || equals == item) {
        return false;
    }
    size_t name_length = (size_t)(equals - item);
    unsigned which = find_debug(item, name_length);
    if (which == NDEBUG_NAMES) {
        return true; // another version's
    }
    size_t value_length = length - name_length - 1;
    if (value_length >= sizeof text) {
        return false;
    }
    memcpy(text, equals + 1, value_length);
    text[value_length] = '\0';
    int value;
    if (!parse_whole(text, 0, INT32_MAX, &value)) {
        return false;
    }
    set_debug((enum debug)which, value, opts);
    return true;
}

static bool parse_debug(const char *text, lg_options *opts)
{
    while (*text) {
        size_t length = strcspn(text, ",");
        if (!parse_debug_item(text, length, opts)) {
            return false;
        }
        text += length + (text[length] == ',');
    }
    return true;
}

// A sentence with the names of LAGOON_DEBUG that are none; empty if all are known.
static void tell_unknown(const char *text, char *why, size_t why_size)
{
    size_t n = 0;
    why[0] = '\0';
    while (*text && n < why_size) {
        size_t name_length = strcspn(text, "=");
        if (find_debug(text, name_length) == NDEBUG_NAMES) {
            n += (size_t)snprintf(why + n, why_size - n, "%s%.*s",
                                  n == 0 ? "LAGOON_DEBUG has names that are not known: "
                                         : ", ",
                                  (int)name_length, text);
        }
        text += strcspn(text, ",");
        text += *text == ',';
    }
}

static const struct variable {
    const char *name;
    bool (*parse)(const char *text, lg_options *opts);
    const char *must; // be
} variables[] = {
    {"LAGOON_PROCS", parse_procs, "a whole number from 1 to 256"},
    {"LAGOON_GC", parse_percent, "a whole number of percent, or off"},
    {"LAGOON_MEMLIMIT", parse_limit, "bytes, as 1000000, 512MiB or 2GiB, or off"},
    {"LAGOON_MEMCAP", parse_cap, "bytes, as 1000000, 512MiB or 2GiB, or off"},
    {"LAGOON_DEBUG", parse_debug, "names and numbers, as gctrace=1"},
};

_Static_assert(LG_PROCS_MAX == 256, "the words above");

int lg_options_env(lg_options *opts, char *why, size_t why_size)
{
    // Of a host's own version, and with nothing changed if one value is wrong.
    lg_options all;
    lg_options_init(&all);
    size_t size_bytes = opts->size_bytes < sizeof all ? opts->size_bytes : sizeof all;
    memcpy(&all, opts, size_bytes);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const struct variable *v = &variables[i];
        const char *text = getenv(v->name);
        if (text && !v->parse(text, &all)) {
            if (why) {
                snprintf(why, why_size, "%s=%s: must be %s", v->name, text, v->must);
            }
            return LG_EINVAL;
        }
    }
    memcpy(opts, &all, size_bytes);
    if (why && why_size > 0) {
        const char *debug = getenv("LAGOON_DEBUG");
        tell_unknown(debug ? debug : "", why, why_size);
    }
    return LG_OK;
}
