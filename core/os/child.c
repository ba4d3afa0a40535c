// SPDX-License-Identifier: MIT
#include "os/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_OTHER_FD = 3 };

// Of waitid(): older C libraries do not name it.
static const idtype_t BY_PIDFD = (idtype_t)3;

static int plan_signals(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int err = posix_spawnattr_setsigmask(attr, &none);
    err = err ? err : posix_spawnattr_setsigdefault(attr, &all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    return err ? err : posix_spawnattr_setflags(attr, flags);
}

static int plan_files(posix_spawn_file_actions_t *files, const struct child_plan *plan)
{
    int err = plan->cwd ? posix_spawn_file_actions_addchdir_np(files, plan->cwd) : 0;
    for (int i = 0; i < 3 && !err; i++) {
        if (plan->fds[i] >= 0) {
            err = posix_spawn_file_actions_adddup2(files, plan->fds[i], i);
        }
    }
    return err ? err : posix_spawn_file_actions_addclosefrom_np(files, FIRST_OTHER_FD);
}

static int start(const struct child_plan *plan, const posix_spawn_file_actions_t *files,
                 const posix_spawnattr_t *attr, pid_t *out)
{
    // It reads them only.
    char *const *argv = (char *const *)(uintptr_t)plan->argv;
    char *const *env = plan->env ? (char *const *)(uintptr_t)plan->env : environ;
    return posix_spawnp(out, plan->file, files, attr, argv, env);
}

static int start_planned(const struct child_plan *plan, pid_t *out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int err = posix_spawn_file_actions_init(&files);
    if (err) {
        return err;
    }
    err = posix_spawnattr_init(&attr);
    if (err) {
        goto undo_files;
    }
    err = plan_signals(&attr);
    err = err ? err : plan_files(&files, plan);
    err = err ? err : start(plan, &files, &attr, out);
    posix_spawnattr_destroy(&attr);
undo_files:
    posix_spawn_file_actions_destroy(&files);
    return err;
}

int lg__child_start(const struct child_plan *plan, pid_t *out_pid, int *out_fd)
{
    pid_t pid;
    int err = start_planned(plan, &pid);
    if (err) {
        return -err;
    }
    // The number is still the child's: nobody but its parent lets go of it.
    int fd = (int)syscall(SYS_pidfd_open, pid, 0); // closed where a program is loaded
    if (fd < 0) {
        err = errno; // no descriptor left: a child that nobody could wait for
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return -err;
    }
    *out_pid = pid;
    *out_fd = fd;
    return 0;
}

int lg__child_reap(int fd, struct child_end *out)
{
    siginfo_t info;
    int rc;
    memset(&info, 0, sizeof info);
    do {
        rc = waitid(BY_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        return -errno;
    }
    if (info.si_pid == 0) {
        return -EAGAIN;
    }
    bool is_exit = info.si_code == CLD_EXITED;
    *out = (struct child_end){.code = is_exit ? info.si_status : 0,
                              .signal = is_exit ? 0 : info.si_status};
    return 0;
}

int lg__child_signal(int fd, int signo)
{
    return syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0) < 0 ? -errno : 0;
}
