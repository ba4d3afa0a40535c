// SPDX-License-Identifier: MIT
//
// Options, the environment, and words for codes.
#include "spec.h"

it("options_init", "fills in the defaults and the size")
{
    lg_options opts;
    memset(&opts, 0xFF, sizeof opts);
    lg_options_init(&opts);
    CHECK_INT(opts.size_bytes, sizeof opts);
    CHECK_INT(opts.procs, 0);
    CHECK_INT(opts.seed, 0);
    CHECK(!opts.alloc && !opts.clock && !opts.on_log && !opts.on_fatal);
    CHECK(!opts.signals);
    CHECK_INT(opts.stack_size_bytes, 0);
}

it("options_env without LAGOON_PROCS", "changes nothing")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 3;
    char why[64] = "untouched";
    unsetenv("LAGOON_PROCS");
    CHECK_OK(lg_options_env(&opts, why, sizeof why));
    CHECK_INT(opts.procs, 3);
}

it("options_env with LAGOON_PROCS", "sets the number of Ps")
{
    lg_options opts;
    lg_options_init(&opts);
    setenv("LAGOON_PROCS", "7", 1);
    CHECK_OK(lg_options_env(&opts, NULL, 0));
    CHECK_INT(opts.procs, 7);
    setenv("LAGOON_PROCS", "256", 1);
    CHECK_OK(lg_options_env(&opts, NULL, 0));
    CHECK_INT(opts.procs, 256);
}

it("options_env with a LAGOON_PROCS that is no number of Ps", "refuses it by name")
{
    static const char *const bad[] = {
        "0", "-1", "two", "1.5", "257", "3x", "0x2", "1e1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lg_options opts;
        lg_options_init(&opts);
        opts.procs = 2;
        char why[200] = "";
        setenv("LAGOON_PROCS", bad[i], 1);
        CHECK_CODE(lg_options_env(&opts, why, sizeof why), LG_EINVAL);
        CHECK_HAS(why, "LAGOON_PROCS");
        CHECK_HAS(why, bad[i]);
        CHECK_INT(opts.procs, 2);
        CHECK_CODE(lg_options_env(&opts, NULL, 0), LG_EINVAL);
    }
}

static const char *const variables[] = {"LAGOON_PROCS", "LAGOON_GC", "LAGOON_MEMLIMIT",
                                        "LAGOON_MEMCAP", "LAGOON_DEBUG"};

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        unsetenv(variables[i]);
    }
}

// What the options are with one variable set; the code.
static int read_env(const char *name, const char *value, lg_options *out)
{
    clear_environment();
    lg_options_init(out);
    setenv(name, value, 1);
    int rc = lg_options_env(out, NULL, 0);
    clear_environment();
    return rc;
}

static void check_bad(const char *name, const char *value)
{
    clear_environment();
    lg_options opts;
    lg_options_init(&opts);
    opts.gc_percent = 40;
    opts.mem_limit_bytes = 1000;
    char why[200] = "";
    setenv("LAGOON_PROCS", "3", 1);
    setenv(name, value, 1);
    CHECK_CODE(lg_options_env(&opts, why, sizeof why), LG_EINVAL);
    CHECK_HAS(why, name);
    CHECK_HAS(why, value);
    CHECK_INT(opts.procs, 0);
    CHECK_INT(opts.gc_percent, 40);
    CHECK_INT(opts.mem_limit_bytes, 1000);
    CHECK(!opts.gctrace);
    clear_environment();
}

it("options_env with LAGOON_GC", "takes a percentage or off")
{
    lg_options opts;
    CHECK_OK(read_env("LAGOON_GC", "50", &opts));
    CHECK_INT(opts.gc_percent, 50);
    CHECK_OK(read_env("LAGOON_GC", "off", &opts));
    CHECK_INT(opts.gc_percent, LG_GC_OFF);
    CHECK_OK(read_env("LAGOON_GC", "0", &opts));
    CHECK_INT(opts.gc_percent, 1);
    CHECK_OK(read_env("LAGOON_GC", "2147483647", &opts));
    CHECK_INT(opts.gc_percent, INT32_MAX);
    static const char *const bad[] = {"",   "-1",   "-100", "1.5", "50%",       " 50",
                                      "+5", "0x10", "OFF",  "no",  "2147483648"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_bad("LAGOON_GC", bad[i]);
    }
}

it("options_env with LAGOON_MEMLIMIT and LAGOON_MEMCAP", "takes bytes with a unit or off")
{
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"1", 1},
                {"1000000", 1000000},
                {"7B", 7},
                {"3KiB", 3 * 1024},
                {"512MiB", 512LL << 20},
                {"2GiB", 2LL << 30},
                {"1TiB", 1LL << 40},
                {"9223372036854775807", INT64_MAX},
                {"8388607TiB", 8388607LL << 40},
                {"off", LG_MEM_NO_LIMIT}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        lg_options opts;
        CHECK_OK(read_env("LAGOON_MEMLIMIT", good[i].text, &opts));
        CHECK(opts.mem_limit_bytes == good[i].bytes);
        CHECK_INT(opts.mem_cap_bytes, 0);
        CHECK_OK(read_env("LAGOON_MEMCAP", good[i].text, &opts));
        CHECK(opts.mem_cap_bytes == good[i].bytes);
    }
    static const char *const bad[] = {"",          "0",
                                      "0MiB",      "-1",
                                      "512MB",     "512 MiB",
                                      "1.5GiB",    "MiB",
                                      "512mib",    "1e9",
                                      "1KiB ",     "1BB",
                                      "infinite",  "9223372036854775808",
                                      "8388608TiB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_bad("LAGOON_MEMLIMIT", bad[i]);
        check_bad("LAGOON_MEMCAP", bad[i]);
        int64_t bytes = 5;
        CHECK_CODE(lg_mem_limit_parse(bad[i], &bytes), LG_EINVAL);
        CHECK_INT(bytes, 5);
    }
}

it("options_env with LAGOON_DEBUG", "knows gcstress")
{
    lg_options opts;
    lg_options_init(&opts);
    setenv("LAGOON_DEBUG", "gctrace=0,gcstress=1", 1);
    char why[128];
    CHECK_OK(lg_options_env(&opts, why, sizeof why));
    CHECK(opts.gc_stress);
    CHECK(!opts.gctrace);
    unsetenv("LAGOON_DEBUG");
}

it("options_env with LAGOON_DEBUG", "knows gctrace and passes over other names")
{
    static const struct {
        const char *text;
        bool gctrace;
    } good[] = {{"", false},
                {"gctrace=1", true},
                {"gctrace=2", true},
                {"gctrace=0", false},
                {"gctrace=1,gctrace=0", false},
                {"schedtrace=1000,gctrace=1", true},
                {"gctrace=1,", true},
                {"other=,gctrace=1", true},
                {"gctraces=1", false},
                {"other=words with spaces", false}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        lg_options opts;
        CHECK_OK(read_env("LAGOON_DEBUG", good[i].text, &opts));
        CHECK(opts.gctrace == good[i].gctrace);
    }
    static const char *const bad[] = {"gctrace",
                                      "gctrace=",
                                      "gctrace=yes",
                                      "gctrace=-1",
                                      "=1",
                                      ",gctrace=1",
                                      "a=1,,b=2",
                                      "gctrace=1x",
                                      "gctrace=1;b=2",
                                      "gctrace=00000000000000000000000000000000001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_bad("LAGOON_DEBUG", bad[i]);
    }
}

it("options_env with names in LAGOON_DEBUG that are not known", "tells of them")
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", ""},
        {"gctrace=0,attach=1", ""},
        {"a=1,gctrace=0,bcd=", "LAGOON_DEBUG has names that are not known: a, bcd"},
        {"gctraces=1", "LAGOON_DEBUG has names that are not known: gctraces"}};
    lg_options opts;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[200] = "what was there";
        setenv("LAGOON_DEBUG", cases[i].text, 1);
        lg_options_init(&opts);
        CHECK_OK(lg_options_env(&opts, why, sizeof why));
        CHECK_STR(why, cases[i].why);
        char cut[12];
        CHECK_OK(lg_options_env(&opts, cut, sizeof cut));
        CHECK(strncmp(cut, why, sizeof cut - 1) == 0);
    }
    clear_environment();
    char why[8] = "before";
    CHECK_OK(lg_options_env(&opts, why, sizeof why));
    CHECK_STR(why, "");
}

it("options_env of an older host", "does not touch what it does not have")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.gc_percent = 7;
    opts.size_bytes = offsetof(lg_options, gc_percent);
    setenv("LAGOON_PROCS", "5", 1);
    setenv("LAGOON_GC", "33", 1);
    CHECK_OK(lg_options_env(&opts, NULL, 0));
    CHECK_INT(opts.procs, 5);
    CHECK_INT(opts.gc_percent, 7);
    clear_environment();
}

it("options_env with little room for its reason", "cuts it and ends it")
{
    lg_options opts;
    lg_options_init(&opts);
    setenv("LAGOON_PROCS", "many", 1);
    for (size_t size = 1; size < 30; size++) {
        char why[40];
        memset(why, '#', sizeof why);
        CHECK_CODE(lg_options_env(&opts, why, size), LG_EINVAL);
        CHECK(memchr(why, 0, size));
        for (size_t i = size; i < sizeof why; i++) {
            CHECK_INT(why[i], '#');
        }
    }
}

static void check_refused(const lg_options *opts)
{
    lg_runtime *rt = (lg_runtime *)&rt;
    CHECK_CODE(lg_open(opts, &rt), LG_EINVAL);
    CHECK(rt == (lg_runtime *)&rt);
}

it("open with options out of range", "refuses")
{
    lg_options opts;
    static const int procs[] = {-1, LG_PROCS_MAX + 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof procs / sizeof *procs; i++) {
        lg_options_init(&opts);
        opts.procs = procs[i];
        check_refused(&opts);
    }
    lg_options_init(&opts);
    opts.stack_size_bytes = (size_t)LG_STACK_MAX + 1;
    check_refused(&opts);
    opts.stack_size_bytes = SIZE_MAX;
    check_refused(&opts);
}

it("open with options of an older host", "takes what it does not know as default")
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 3;
    opts.stack_size_bytes = SIZE_MAX; // beyond what the host says it has
    opts.size_bytes = offsetof(lg_options, stack_size_bytes);
    lg_runtime *host = NULL;
    CHECK_OK(lg_open(&opts, &host));
    CHECK_INT(lg_procs(host), 3);
    lg_close(host);
}

it("strerror", "has words for each code and for what is none")
{
    for (int code = LG_ESRCH; code <= LG_WAIT; code++) {
        const char *words = lg_strerror(code);
        CHECK(words && *words);
        for (int other = LG_ESRCH; other < code; other++) {
            CHECK(strcmp(words, lg_strerror(other)) != 0);
        }
    }
    CHECK_STR(lg_strerror(LG_ETIMEDOUT), "timed out");
    CHECK_STR(lg_strerror(-1000), "unknown error");
    CHECK_STR(lg_strerror(1000), "unknown error");
    CHECK_STR(lg_strerror(INT32_MIN), "unknown error");
}

it("version", "is the header's")
{
    CHECK_STR(lg_version(), LG_VERSION);
}

it("num_cpu", "is at least one, and the default number of Ps")
{
    CHECK(lg_num_cpu() >= 1);
    lg_runtime *host = NULL;
    CHECK_OK(lg_open(NULL, &host));
    CHECK_INT(lg_procs(host), lg_num_cpu());
    lg_close(host);
}
