// SPDX-License-Identifier: MIT
//
// Runs the specs: one child process each, sorted by file and line, so that the
// parent never has a second thread and may fork under every sanitizer.
//
//     core_spec [--only TEXT] [--stress] [--seed N] [--verbose] [--no-fork] [--list]
//
// The last line is "N passed, N failed".
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

enum { OUTPUT_MAX = 1 << 16 };

static struct spec *list;
static struct spec_settings settings;

struct outcome {
    int status;
    bool is_late;
    double seconds;
    size_t output_len;
    char output[OUTPUT_MAX + 1]; // the first so many bytes of what the child said
};

const struct spec_settings *spec_settings(void)
{
    return &settings;
}

static int spec_compare(const struct spec *a, const struct spec *b)
{
    int by_file = strcmp(a->file, b->file);
    return by_file ? by_file : a->line - b->line;
}

void spec_add(struct spec *spec)
{
    struct spec **at = &list;
    while (*at && spec_compare(*at, spec) < 0) {
        at = &(*at)->next;
    }
    spec->next = *at;
    *at = spec;
}

static double seconds_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void output_read(struct outcome *outcome, int fd)
{
    char chunk[4096];
    ssize_t n = read(fd, chunk, sizeof chunk);
    for (ssize_t i = 0; i < n && outcome->output_len < OUTPUT_MAX; i++) {
        outcome->output[outcome->output_len++] = chunk[i];
    }
    outcome->output[outcome->output_len] = 0;
}

// Waits for the child; collects what it says meanwhile. The pipe's end is not
// waited for: a grandchild might keep it.
static void outcome_collect(struct outcome *outcome, pid_t pid, int fd, int limit_s)
{
    double start = seconds_now();
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 5) > 0 && (poll_fd.revents & POLLIN)) {
            output_read(outcome, fd);
            continue;
        }
        if (waitpid(pid, &outcome->status, WNOHANG) == pid) {
            break;
        }
        if (!outcome->is_late && seconds_now() - start > limit_s) {
            outcome->is_late = true;
            kill(pid, SIGKILL);
        }
    }
    while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) > 0) {
        size_t before = outcome->output_len;
        output_read(outcome, fd);
        if (outcome->output_len == before) {
            break;
        }
    }
    outcome->seconds = seconds_now() - start;
}

static void spec_fork(struct spec *spec, struct outcome *outcome)
{
    int fds[2];
    if (pipe(fds) != 0) {
        perror("pipe");
        exit(2);
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    if (pid == 0) {
        close(fds[0]);
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[1]);
        spec_run(spec);
        exit(0);
    }
    close(fds[1]);
    // The child's own watchdog is first; this one is for a child that is stuck.
    outcome_collect(outcome, pid, fds[0], spec_limit_s(spec) + 10);
    close(fds[0]);
}

// NULL: the outcome is the expected one.
static const char *outcome_fault(const struct spec *spec, const struct outcome *outcome)
{
    static char text[80];
    int status = outcome->status;
    if (outcome->is_late ||
        (WIFEXITED(status) && WEXITSTATUS(status) == SPEC_EXIT_LATE)) {
        return "timed out";
    }
    if (spec->dies) {
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
            return "did not abort";
        }
        return strstr(outcome->output, spec->dies) ? NULL : "died with other words";
    }
    if (WIFSIGNALED(status)) {
        snprintf(text, sizeof text, "died of signal %d", WTERMSIG(status));
        return text;
    }
    if (WEXITSTATUS(status) == SPEC_EXIT_FAILED) {
        return "failed";
    }
    snprintf(text, sizeof text, "ended with status %d", WEXITSTATUS(status));
    return WEXITSTATUS(status) ? text : NULL;
}

static bool spec_passes(struct spec *spec)
{
    static struct outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    spec_fork(spec, &outcome);
    const char *fault = outcome_fault(spec, &outcome);
    if (settings.is_verbose) {
        printf("%-4s %6.2f s  %s %s\n", fault ? "FAIL" : "ok", outcome.seconds,
               spec->thing, spec->fact);
    }
    if (fault) {
        printf("\nFAIL %s %s\n  %s:%d: %s (seed %" PRIu64 ")\n%s%s", spec->thing,
               spec->fact, spec->file, spec->line, fault, settings.seed, outcome.output,
               outcome.output_len ? "\n" : "");
        if (spec->dies) {
            printf("  wanted: abort, and \"%s\"\n", spec->dies);
        }
    }
    fflush(stdout);
    return !fault;
}

static bool spec_is_wanted(const struct spec *spec)
{
    if (spec->is_stress && !settings.is_stress) {
        return false;
    }
    char name[1024];
    snprintf(name, sizeof name, "%s: %s %s", spec->file, spec->thing, spec->fact);
    return !settings.only || strstr(name, settings.only);
}

static void settings_read(int argc, char **argv)
{
    const char *seed = getenv("LAGOON_SEED");
    settings.seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--only") && i + 1 < argc) {
            settings.only = argv[++i];
        } else if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
            settings.seed = strtoull(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--stress")) {
            settings.is_stress = true;
        } else if (!strcmp(argv[i], "--verbose")) {
            settings.is_verbose = true;
        } else if (!strcmp(argv[i], "--no-fork")) {
            settings.is_unforked = true;
        } else if (!strcmp(argv[i], "--list")) {
            settings.is_listing = true;
        } else {
            fprintf(stderr, "core_spec: unknown argument '%s'\n", argv[i]);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    settings_read(argc, argv);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_IGN);
    unsetenv("LAGOON_PROCS");
    int passed = 0;
    int failed = 0;
    for (struct spec *spec = list; spec; spec = spec->next) {
        if (!spec_is_wanted(spec)) {
            continue;
        }
        if (settings.is_listing) {
            printf("%s:%d: %s %s\n", spec->file, spec->line, spec->thing, spec->fact);
            continue;
        }
        if (settings.is_unforked) {
            spec_run(spec); // for the debugger: the first failure ends it
            passed++;
            continue;
        }
        if (spec_passes(spec)) {
            passed++;
        } else {
            failed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || (!passed && !settings.is_listing);
}
