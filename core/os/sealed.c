// SPDX-License-Identifier: MIT
#include "os/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "os/vm.h"

enum { WORD = sizeof(uint64_t) };

// ---------------------------------------------------------------------------
// Writing
// ---------------------------------------------------------------------------

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

// Spaces behind the end: the file is as valid as before after each byte. They go to where it
// ends, not to where it should: so it is seen if somebody has cut it.
static int append_spaces(const struct sealed *file, uint64_t to)
{
    char spaces[4 * SEALED_PAGE];
    memset(spaces, ' ', sizeof spaces);
    for (uint64_t at = file->end_at; at < to;) {
        size_t left = (size_t)(to - at);
        struct iovec piece = {spaces, left < sizeof spaces ? left : sizeof spaces};
        ssize_t n = pwritev2(file->fd, &piece, 1, 0, RWF_APPEND);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Moving the end
// ---------------------------------------------------------------------------

// Inside of a page of the system's, where a write is whole or not there.
static int slide(struct sealed *file, uint64_t to)
{
    char bytes[SEALED_PAGE];
    int err = 0;
    while (file->end_at < to && !err) {
        size_t left = (size_t)(to - file->end_at);
        size_t n = left < sizeof bytes - SEALED_END ? left : sizeof bytes - SEALED_END;
        memset(bytes, ' ', n);
        memcpy(bytes + n, file->end, SEALED_END);
        err = write_at(file->fd, bytes, n + SEALED_END, file->end_at);
        file->end_at += err ? 0 : n;
    }
    return err;
}

// Where files cannot be mapped for writing: for a moment the end is in neither place.
static int jump(const struct sealed *file, uint64_t to)
{
    int err = write_at(file->fd, "  ", SEALED_END, file->end_at);
    return err ? err : write_at(file->fd, file->end, SEALED_END, to);
}

// What somebody else has cut is not to be mended.
static int check_size(const struct sealed *file, uint64_t size_bytes)
{
    struct stat stat;
    if (fstat(file->fd, &stat)) {
        return -errno;
    }
    return (uint64_t)stat.st_size == size_bytes ? 0 : -EBUSY;
}

// Has the system store a word there, in one go as the processor would: it comes out of an
// eventfd. Memory that is gone, because somebody else has cut the file, is an error then; a
// store of our own would be a SIGBUS.
static int store_word(const struct sealed *file, char *at, uint64_t word)
{
    ssize_t n = write(file->word_fd, &word, sizeof word);
    n = n < 0 ? n : read(file->word_fd, at, sizeof word);
    return n < 0 ? -errno : 0;
}

// Two pages of the file that are side by side in memory, wherever they are in the file.
static char *map_both(const struct sealed *file, uint64_t first, uint64_t second)
{
    const int access = PROT_READ | PROT_WRITE;
    size_t page = lg__vm_page_bytes();
    char *both = mmap(NULL, 2 * page, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (both == MAP_FAILED) {
        return NULL;
    }
    if (mmap(both, page, access, MAP_SHARED | MAP_FIXED, file->fd, (off_t)first) ==
            MAP_FAILED ||
        mmap(both + page, page, access, MAP_SHARED | MAP_FIXED, file->fd,
             (off_t)second) == MAP_FAILED) {
        munmap(both, 2 * page);
        return NULL;
    }
    return both;
}

// From the last bytes of a page to the first ones of a later one: a word across the border of
// the two. First what stands there already, so that the system has both at hand.
static int cross(struct sealed *file, uint64_t to)
{
    char bytes[WORD + SEALED_END];
    uint64_t before;
    uint64_t after;
    size_t page = lg__vm_page_bytes();
    char *both = map_both(file, file->end_at + SEALED_END - page, to);
    if (!both) {
        return jump(file, to);
    }
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes + WORD - SEALED_END, file->end, SEALED_END);
    memcpy(&before, bytes + SEALED_END, sizeof before);
    memcpy(&after, bytes, sizeof after);
    char *at = both + page + SEALED_END - WORD;
    int err = store_word(file, at, before);
    err = err ? err : store_word(file, at, after);
    munmap(both, 2 * page);
    if (err == -EFAULT) {
        int cut = check_size(file, to + SEALED_END);
        return cut ? cut : -EIO;
    }
    return err;
}

// To a place behind which nothing stands.
static int move_end(struct sealed *file, uint64_t to)
{
    uint64_t mask = lg__vm_page_bytes() - 1;
    uint64_t last = (file->end_at | mask) + 1 - SEALED_END;
    if (to > last) {
        int err = slide(file, last);
        err = err ? err : cross(file, to & ~mask);
        if (err) {
            return err;
        }
        file->end_at = to & ~mask;
    }
    return slide(file, to);
}

// Makes room up to there.
static int extend(struct sealed *file, uint64_t to)
{
    int err = append_spaces(file, to);
    err = err ? err : check_size(file, to + SEALED_END);
    return err ? err : move_end(file, to);
}

// In one page from the first moment on.
static int begin(struct sealed *file, const char *head, size_t length)
{
    char first[SEALED_PAGE];
    LG_ASSERT(length + SEALED_END <= sizeof first);
    memcpy(first, head, length);
    memcpy(first + length, file->end, SEALED_END);
    int err = ftruncate(file->fd, 0) ? -errno : 0;
    err = err ? err : write_at(file->fd, first, length + SEALED_END, 0);
    file->end_at = length;
    return err ? err : extend(file, SEALED_PAGE);
}

static int put(struct sealed *file, uint64_t first, const char *pages, size_t npages)
{
    uint64_t needed = (first + npages) * SEALED_PAGE;
    int err = check_size(file, file->end_at + SEALED_END);
    if (!err && needed > file->end_at) {
        err = extend(file, needed);
    }
    return err ? err
               : write_at(file->fd, pages, npages * SEALED_PAGE, first * SEALED_PAGE);
}

// ---------------------------------------------------------------------------
// The limit of a file's size
// ---------------------------------------------------------------------------

// The signal that comes with it, to the thread that writes, is kept off and taken back: the
// error says it.
struct muffled {
    sigset_t mask;
    bool is_pending; // one of somebody else's
};

static struct muffled muffle(void)
{
    struct muffled was;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &set, &was.mask);
    was.is_pending = sigpending(&set) == 0 && sigismember(&set, SIGXFSZ);
    return was;
}

static void unmuffle(const struct muffled *was, int err)
{
    const struct timespec at_once = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    if (err == -EFBIG && !was->is_pending) {
        sigtimedwait(&set, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &was->mask, NULL);
}

// ---------------------------------------------------------------------------
// The file
// ---------------------------------------------------------------------------

static int open_word(struct sealed *file)
{
    file->word_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return file->word_fd < 0 ? -errno : 0;
}

static int open_plain(const char *path, int *out_fd)
{
    // Others may have it as their output, or read it: it is emptied when it is known. A pipe is
    // not waited for.
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (fd < 0) {
        return -errno;
    }
    struct stat stat;
    int err = fstat(fd, &stat) ? -errno : S_ISREG(stat.st_mode) ? 0 : -EINVAL;
    if (err) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return 0;
}

int lg__sealed_open(const char *path, const char *head, size_t length,
                    const char end[SEALED_END], struct sealed *out)
{
    int err = open_plain(path, &out->fd);
    if (err) {
        return err;
    }
    memcpy(out->end, end, SEALED_END);
    err = open_word(out);
    if (err) {
        goto undo_fd;
    }
    struct muffled was = muffle();
    err = begin(out, head, length);
    unmuffle(&was, err);
    if (err) {
        goto undo_word;
    }
    return 0;

undo_word:
    close(out->word_fd);
undo_fd:
    close(out->fd);
    return err;
}

int lg__sealed_put(struct sealed *file, uint64_t first, const char *pages, size_t npages)
{
    struct muffled was = muffle();
    int err = put(file, first, pages, npages);
    unmuffle(&was, err);
    return err;
}

int lg__sealed_close(struct sealed *file)
{
    int fd = file->fd;
    close(file->word_fd);
    file->word_fd = -1;
    file->fd = -1;
    return close(fd) && errno != EINTR ? -errno : 0;
}
