// SPDX-License-Identifier: MIT
#include "restless.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

// A line as "4242 (name) S 1 ...". The name may have anything in it, so the last ')' counts.
static bool is_at_work(int task_folder, const char *name)
{
    char path[32];
    char line[128]; // names have 15 bytes
    snprintf(path, sizeof path, "%.16s/stat", name);
    int fd = openat(task_folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false; // it has ended
    }
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    line[n > 0 ? n : 0] = '\0';
    const char *state = strrchr(line, ')');
    if (strstr(line, "(lagoon-sysmon)") != NULL) {
        return false; // looks around now and then, whatever the others do
    }
    return state != NULL && state[1] == ' ' && (state[2] == 'R' || state[2] == 'D');
}

bool lagoon__is_restless(void)
{
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) {
        return true;
    }
    bool is_restless = false;
    struct dirent *entry;
    while (!is_restless && (entry = readdir(tasks)) != NULL) {
        long tid = strtol(entry->d_name, NULL, 10);
        is_restless =
            tid > 0 && tid != gettid() && is_at_work(dirfd(tasks), entry->d_name);
    }
    closedir(tasks);
    return is_restless;
}
