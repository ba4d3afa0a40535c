// SPDX-License-Identifier: MIT
//
// Child processes, by a descriptor each (a pidfd): it is readable when the child has ended, and
// names that child even when its number has gone to another. So nobody has to handle SIGCHLD,
// which is the host's. What fails returns the negative errno of the system.
#ifndef LG_OS_CHILD_H
#define LG_OS_CHILD_H

#include <sys/types.h>

#include "base/base.h"

struct child_plan {
    const char *file;        // a path, or a name that PATH is searched for
    const char *const *argv; // with its name, NULL at the end
    const char *const *env;  // NULL: ours
    const char *cwd;         // NULL: ours
    int fds[3];              // what becomes its 0, 1 and 2, all above 2; -1: ours
};

// Starts one: with all signals as the system has them at first, and without any other
// descriptor. Blocks the thread until the program is loaded, or has turned out not to be there.
int lg__child_start(const struct child_plan *plan, pid_t *out_pid, int *out_fd);

struct child_end {
    int code;   // its exit status, if signal is 0
    int signal; // what ended it
};

// How a child has ended, once: then the system forgets it. -EAGAIN: it has not; -ECHILD:
// somebody else has asked.
int lg__child_reap(int fd, struct child_end *out);

// Sends a signal. -ESRCH: it has ended.
int lg__child_signal(int fd, int signo);

#endif // LG_OS_CHILD_H
