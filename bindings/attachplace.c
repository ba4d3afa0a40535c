// SPDX-License-Identifier: MIT
#include "attachplace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128, NAME_BYTES = 40 };

// -- folders --

// A folder that is not ours alone is as good as none.
static bool is_private(int fd, mode_t others)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISDIR(found.st_mode) &&
           found.st_uid == geteuid() && (found.st_mode & others) == 0;
}

// Opens a folder of ours in a base. is_made: makes it if it is not there.
static int open_in(int base, const char *name, bool is_made)
{
    if (is_made && mkdirat(base, name, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !is_private(fd, S_IRWXG | S_IRWXO)) {
        close(fd);
        errno = EPERM;
        return -1;
    }
    return fd;
}

static int open_base(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

// The user's folder for such things; -1: there is none, or it is not the user's.
static int open_runtime_dir(const char *path)
{
    int fd = path != NULL && path[0] == '/' ? open_base(path) : -1;
    if (fd >= 0 && !is_private(fd, S_IWGRP | S_IWOTH)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

// Where sockets may stand: a program may have had another environment than who asks.
enum where { BY_ENVIRONMENT, BY_USER, IN_TMP, NFOLDERS };

// The path is written also if it cannot be opened. -1, and *is_absent: nobody's could be there.
static int open_folder(enum where where, bool is_made, char path[PATH_MAX],
                       bool *is_absent)
{
    char by_user[NAME_BYTES];
    char name[NAME_BYTES] = "lagoon";
    const char *base_path;
    int base;
    if (where == IN_TMP) {
        base_path = "/tmp";
        snprintf(name, sizeof name, "lagoon-%u", (unsigned)geteuid());
        base = open_base(base_path);
    } else {
        snprintf(by_user, sizeof by_user, "/run/user/%u", (unsigned)geteuid());
        base_path = where == BY_ENVIRONMENT ? getenv("XDG_RUNTIME_DIR") : by_user;
        base = open_runtime_dir(base_path);
    }
    *is_absent = base < 0;
    if (base < 0) {
        return -1;
    }
    snprintf(path, PATH_MAX, "%s/%s", base_path, name);
    int fd = open_in(base, name, is_made);
    int saved = errno;
    close(base);
    errno = saved;
    return fd;
}

static int make_folder(char path[PATH_MAX])
{
    bool is_absent;
    int fd = open_folder(BY_ENVIRONMENT, true, path, &is_absent);
    return is_absent ? open_folder(IN_TMP, true, path, &is_absent) : fd;
}

// -- sockets --

static void name_of(int pid, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%d.sock", pid);
}

static bool is_alive(int pid)
{
    return kill(pid, 0) == 0 || errno != ESRCH;
}

// The number in a name; 0: it is none of a socket's.
static int pid_of(const char *name)
{
    char again[NAME_BYTES];
    long pid = strtol(name, NULL, 10);
    if (pid <= 0 || pid > INT_MAX) {
        return 0;
    }
    name_of((int)pid, again);
    return strcmp(name, again) == 0 ? (int)pid : 0;
}

// Below the folder that is open, however long its path is, and whatever that leads to by now.
static void address_in(int folder, const char *name, struct sockaddr_un *out)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", folder, name);
}

// Returns the descriptor; or -1, and a name that nobody listens at is taken away: its program
// has ended without doing so.
static int connect_in(int folder, const char *name)
{
    struct sockaddr_un address;
    address_in(folder, name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int saved = errno;
        if (saved == ECONNREFUSED) {
            unlinkat(folder, name, 0);
        }
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

// Calls fn with each socket's number; takes those of the dead away. Who is dead to us may live
// in another container.
static void walk(int folder, void (*fn)(void *ud, int pid), void *ud)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (dir == NULL) {
        if (copy >= 0) {
            close(copy);
        }
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        int pid = pid_of(entry->d_name);
        if (pid != 0 && is_alive(pid)) {
            if (fn != NULL) {
                fn(ud, pid);
            }
        } else if (pid != 0) {
            int fd = connect_in(folder, entry->d_name);
            if (fd >= 0) {
                close(fd);
            }
        }
    }
    closedir(dir);
}

static int refuse(int fd, char why[PLACE_WHY_SIZE], const char *what, const char *path)
{
    snprintf(why, PLACE_WHY_SIZE, "cannot %s %.150s: %s", what, path,
             errno == EPERM ? "it is not this user's alone" : strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

// Who finds the name finds one that listens: it gets it at last.
int lagoon__place_listen(struct place *out, char why[PLACE_WHY_SIZE])
{
    struct sockaddr_un address;
    char fresh[NAME_BYTES];
    char name[NAME_BYTES];
    out->folder = make_folder(out->path);
    if (out->folder < 0) {
        return refuse(-1, why, "use", out->path);
    }
    walk(out->folder, NULL, NULL);
    name_of(getpid(), name);
    snprintf(fresh, sizeof fresh, "%d.new", getpid());
    unlinkat(out->folder, fresh, 0);
    address_in(out->folder, fresh, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // The mode of the descriptor becomes that of the name, unless the umask takes more.
    if (fd < 0 || fchmod(fd, 0600) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        fchmodat(out->folder, fresh, 0600, 0) != 0 || listen(fd, BACKLOG) != 0 ||
        renameat(out->folder, fresh, out->folder, name) != 0) {
        refuse(fd, why, "listen in", out->path);
        unlinkat(out->folder, fresh, 0);
        close(out->folder);
        out->folder = -1;
        return -1;
    }
    size_t length = strlen(out->path);
    snprintf(out->path + length, sizeof out->path - length, "/%s", name);
    return fd;
}

void lagoon__place_remove(struct place *place)
{
    char name[NAME_BYTES];
    if (place->folder >= 0) {
        name_of(getpid(), name);
        unlinkat(place->folder, name, 0);
        close(place->folder);
        place->folder = -1;
    }
}

bool lagoon__peer_is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

// Returns the descriptor, or -1 and why.
static int dial_in(int folder, int pid, char why[PLACE_WHY_SIZE])
{
    char name[NAME_BYTES];
    name_of(pid, name);
    int fd = connect_in(folder, name);
    if (fd < 0 && errno == ECONNREFUSED) {
        snprintf(why, PLACE_WHY_SIZE, "cannot attach to process %d: it has ended", pid);
    } else if (fd < 0) {
        snprintf(why, PLACE_WHY_SIZE, "cannot attach to process %d: %s", pid,
                 errno == EAGAIN ? "too many want to" : strerror(errno));
    } else if (!lagoon__peer_is_ours(fd)) {
        snprintf(why, PLACE_WHY_SIZE, "cannot attach to process %d: it is another user's",
                 pid);
        close(fd);
        fd = -1;
    }
    return fd;
}

int lagoon__place_dial(int pid, char why[PLACE_WHY_SIZE])
{
    snprintf(why, PLACE_WHY_SIZE,
             is_alive(pid)
                 ? "process %d cannot be attached to: it is no lagoon program that "
                   "was started with --attach"
                 : "there is no process %d",
             pid);
    char path[PATH_MAX];
    bool is_absent;
    for (enum where where = BY_ENVIRONMENT; where < NFOLDERS; where++) {
        int folder = open_folder(where, false, path, &is_absent);
        if (folder < 0) {
            continue;
        }
        char name[NAME_BYTES];
        name_of(pid, name);
        bool is_there = faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        int fd = is_there ? dial_in(folder, pid, why) : -1;
        close(folder);
        if (is_there) {
            return fd;
        }
    }
    return -1;
}

void lagoon__place_each(void (*fn)(void *ud, int pid), void *ud)
{
    char path[PATH_MAX];
    bool is_absent;
    for (enum where where = BY_ENVIRONMENT; where < NFOLDERS; where++) {
        int folder = open_folder(where, false, path, &is_absent);
        if (folder >= 0) {
            walk(folder, fn, ud);
            close(folder);
        }
    }
}
