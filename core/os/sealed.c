// SPDX-License-Identifier: MIT
#include "os/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/vm.h"

enum { STEP = sizeof(uint64_t) - SEALED_END };

// One store of the processor's, wherever it points: no compiler may make two of it.
static void store_word(char *at, uint64_t word) // NOLINT(readability-non-const-parameter)
{
#if defined(__x86_64__)
    __asm__ volatile("movq %1, (%0)" ::"r"(at), "r"(word) : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("str %1, [%0]" ::"r"(at), "r"(word) : "memory");
#endif
}

static int write_at(int fd, const char *bytes, size_t size_bytes, uint64_t at)
{
    while (size_bytes > 0) {
        ssize_t n = pwrite(fd, bytes, size_bytes, (off_t)at);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        size_t done = n > 0 ? (size_t)n : 0;
        bytes += done;
        at += done;
        size_bytes -= done;
    }
    return 0;
}

// Spaces behind the end: the file is as valid as before after each byte.
static int append_spaces(const struct sealed *file, uint64_t to)
{
    char spaces[4 * SEALED_PAGE];
    memset(spaces, ' ', sizeof spaces);
    int err = 0;
    for (uint64_t at = file->end_at; at < to && !err; at += sizeof spaces) {
        size_t left = (size_t)(to - at);
        err = write_at(file->fd, spaces, left < sizeof spaces ? left : sizeof spaces,
                       at + SEALED_END);
    }
    return err;
}

// The end as the last bytes of a word, the others are spaces.
static uint64_t step_of(const struct sealed *file)
{
    char bytes[sizeof(uint64_t)];
    uint64_t word;
    memset(bytes, ' ', STEP);
    memcpy(bytes + STEP, file->end, SEALED_END);
    memcpy(&word, bytes, sizeof word);
    return word;
}

// From one place to another in memory, between which are spaces.
static void walk(char *from, char *to, uint64_t step)
{
    for (; from + STEP <= to; from += STEP) {
        store_word(from, step);
    }
    if (from < to) {
        store_word(to - STEP, step);
    }
}

// Where files cannot be mapped for writing: for a moment the end is in neither place.
static int jump(struct sealed *file, uint64_t to)
{
    int err = write_at(file->fd, "  ", SEALED_END, file->end_at);
    return err ? err : write_at(file->fd, file->end, SEALED_END, to);
}

// Behind its end a file's mapping is not to be touched, and what somebody else has cut is
// not to be mended.
static int check_size(const struct sealed *file, uint64_t size_bytes)
{
    struct stat stat;
    if (fstat(file->fd, &stat)) {
        return -errno;
    }
    return (uint64_t)stat.st_size == size_bytes ? 0 : -EBUSY;
}

static int move_end(struct sealed *file, uint64_t to)
{
    int err = check_size(file, to + SEALED_END);
    if (err) {
        return err;
    }
    uint64_t first = file->end_at & ~(uint64_t)(lg__vm_page_bytes() - 1);
    size_t size_bytes = (size_t)(to + SEALED_END - first);
    char *map = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd,
                     (off_t)first);
    if (map == MAP_FAILED) {
        return jump(file, to);
    }
    walk(map + (file->end_at - first), map + (to - first), step_of(file));
    munmap(map, size_bytes);
    return 0;
}

// Makes room up to there.
static int extend(struct sealed *file, uint64_t to)
{
    int err = check_size(file, file->end_at + SEALED_END);
    err = err ? err : append_spaces(file, to);
    err = err ? err : move_end(file, to);
    if (!err) {
        file->end_at = to;
    }
    return err;
}

// In one page from the first moment on.
static int begin(struct sealed *file, const char *head, size_t length)
{
    char first[SEALED_PAGE];
    memcpy(first, head, length);
    memcpy(first + length, file->end, SEALED_END);
    int err = ftruncate(file->fd, 0) ? -errno : 0;
    err = err ? err : write_at(file->fd, first, length + SEALED_END, 0);
    file->end_at = length;
    return err ? err : extend(file, SEALED_PAGE);
}

int lg__sealed_open(const char *path, const char *head, size_t length,
                    const char end[SEALED_END], struct sealed *out)
{
    // Others may have it as their output, or read it: it is emptied when it is known.
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (fd < 0) {
        return -errno;
    }
    struct stat stat;
    int err = fstat(fd, &stat) ? -errno : S_ISREG(stat.st_mode) ? 0 : -EINVAL;
    out->fd = fd;
    memcpy(out->end, end, SEALED_END);
    err = err ? err : begin(out, head, length);
    if (err) {
        close(fd);
    }
    return err;
}

int lg__sealed_put(struct sealed *file, uint64_t first, const char *pages, size_t npages)
{
    uint64_t needed = (first + npages) * SEALED_PAGE;
    int err = needed > file->end_at ? extend(file, needed) : 0;
    return err ? err
               : write_at(file->fd, pages, npages * SEALED_PAGE, first * SEALED_PAGE);
}

int lg__sealed_close(struct sealed *file)
{
    int fd = file->fd;
    file->fd = -1;
    return close(fd) && errno != EINTR ? -errno : 0;
}
