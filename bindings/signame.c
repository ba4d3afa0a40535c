// SPDX-License-Identifier: MIT
#include "signame.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    int signo;
} signals[] = {
    {"SIGHUP", SIGHUP},       {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT},
    {"SIGILL", SIGILL},       {"SIGTRAP", SIGTRAP}, {"SIGABRT", SIGABRT},
    {"SIGBUS", SIGBUS},       {"SIGFPE", SIGFPE},   {"SIGKILL", SIGKILL},
    {"SIGUSR1", SIGUSR1},     {"SIGSEGV", SIGSEGV}, {"SIGUSR2", SIGUSR2},
    {"SIGPIPE", SIGPIPE},     {"SIGALRM", SIGALRM}, {"SIGTERM", SIGTERM},
    {"SIGCHLD", SIGCHLD},     {"SIGCONT", SIGCONT}, {"SIGSTOP", SIGSTOP},
    {"SIGTSTP", SIGTSTP},     {"SIGTTIN", SIGTTIN}, {"SIGTTOU", SIGTTOU},
    {"SIGURG", SIGURG},       {"SIGXCPU", SIGXCPU}, {"SIGXFSZ", SIGXFSZ},
    {"SIGVTALRM", SIGVTALRM}, {"SIGPROF", SIGPROF}, {"SIGWINCH", SIGWINCH},
    {"SIGIO", SIGIO},         {"SIGSYS", SIGSYS},
};

enum { NSIGNALS = sizeof signals / sizeof signals[0], PREFIX = 3 };

const char *lagoon__signal_name(int signo)
{
    for (size_t i = 0; i < NSIGNALS; i++) {
        if (signals[i].signo == signo) {
            return signals[i].name;
        }
    }
    return NULL;
}

int lagoon__signal_number(const char *name)
{
    for (size_t i = 0; i < NSIGNALS; i++) {
        if (strcmp(name, signals[i].name) == 0 ||
            strcmp(name, signals[i].name + PREFIX) == 0) {
            return signals[i].signo;
        }
    }
    return 0;
}
