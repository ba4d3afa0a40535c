// SPDX-License-Identifier: MIT
//
// Files whose end is always in place: processes that do nothing but write one are killed, and
// what they have left is read.
#include "os/sealed.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spec.h"

enum { PAGES_MAX = 40 };

static const char END[SEALED_END] = {']', '}'};

static char path[] = "/tmp/lagoon-sealed.XXXXXX";

static void make_path(void)
{
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
}

// A page of numbers, each of them after a comma.
static void fill(char page[SEALED_PAGE], unsigned number)
{
    char text[16];
    size_t length = (size_t)snprintf(text, sizeof text, ",%u", number);
    memset(page, ' ', SEALED_PAGE);
    for (size_t at = 0; at + length < SEALED_PAGE; at += length) {
        memcpy(page + at, text, length);
    }
}

static int open_it(struct sealed *file)
{
    return lg__sealed_open(path, "{\"a\":[0", 7, END, file);
}

static const char *skip_spaces(const char *at)
{
    while (*at == ' ') {
        at++;
    }
    return at;
}

// {"a":[0,1,2]}, with spaces anywhere but inside of the numbers.
static bool is_valid(const char *text)
{
    if (strncmp(text, "{\"a\":[0", 7) != 0) {
        return false;
    }
    const char *at = skip_spaces(text + 7);
    while (*at == ',') {
        at = skip_spaces(at + 1);
        if (!isdigit((unsigned char)*at)) {
            return false;
        }
        while (isdigit((unsigned char)*at)) {
            at++;
        }
        at = skip_spaces(at);
    }
    return at[0] == ']' && at[1] == '}' && *skip_spaces(at + 2) == '\0';
}

static char *read_it(size_t *out_size)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    CHECK(text && fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    *out_size = (size_t)size;
    return text;
}

it("os.sealed", "has its end behind what was written last, and replaces pages")
{
    struct sealed file;
    char pages[3 * SEALED_PAGE];
    size_t size;
    make_path();
    CHECK_INT(open_it(&file), 0);
    for (unsigned i = 0; i < 3; i++) {
        fill(pages + i * SEALED_PAGE, i + 10);
    }
    CHECK_INT(lg__sealed_put(&file, 1, pages, 3), 0);
    CHECK_INT(lg__sealed_put(&file, 2, pages + SEALED_PAGE, 1), 0);
    CHECK_INT(lg__sealed_put(&file, 3, pages, 2), 0);
    CHECK_INT(lg__sealed_close(&file), 0);
    char *text = read_it(&size);
    CHECK_INT(size, 5 * SEALED_PAGE + SEALED_END);
    CHECK(is_valid(text));
    CHECK(strncmp(text + SEALED_PAGE, ",10,", 4) == 0);
    CHECK(strncmp(text + 2 * SEALED_PAGE, ",11,", 4) == 0);
    CHECK(strncmp(text + 3 * SEALED_PAGE, ",10,", 4) == 0);
    CHECK(strncmp(text + 4 * SEALED_PAGE, ",11,", 4) == 0);
    free(text);
    unlink(path);
}

it("os.sealed", "refuses what has no pages, and what somebody else has cut")
{
    struct sealed file;
    char page[SEALED_PAGE] = {0};
    CHECK(lg__sealed_open("/dev/null", "", 0, END, &file) < 0);
    CHECK(lg__sealed_open("/nonexistent/file", "", 0, END, &file) < 0);
    make_path();
    CHECK_INT(open_it(&file), 0);
    CHECK_INT(ftruncate(file.fd, 0), 0);
    fill(page, 1);
    CHECK(lg__sealed_put(&file, 1, page, 1) < 0);
    lg__sealed_close(&file);
    unlink(path);
}

// Until there is an error.
static int write_on_and_on(unsigned seed)
{
    static char pages[PAGES_MAX * SEALED_PAGE];
    struct sealed file;
    int err = open_it(&file);
    if (err) {
        return err;
    }
    for (unsigned i = 0;; i++) {
        seed = seed * 1664525U + 1013904223U;
        size_t n = 1 + (seed >> 16) % PAGES_MAX;
        for (size_t k = 0; k < n; k++) {
            fill(pages + k * SEALED_PAGE, seed + (unsigned)k);
        }
        uint64_t npages = file.end_at / SEALED_PAGE;
        uint64_t first = npages > 3 && i % 2 ? npages - 3 : npages;
        if (npages > 4000) {
            first = 1;
        }
        err = lg__sealed_put(&file, first, pages, n);
        if (err) {
            lg__sealed_close(&file);
            return err;
        }
    }
}

// In a process of its own, which ends with the error.
static pid_t start_to_write(unsigned seed)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); // seconds
        _exit(-write_on_and_on(seed));
    }
    return child;
}

static int64_t size_now(void)
{
    struct stat stat_now;
    CHECK_INT(stat(path, &stat_now), 0);
    return stat_now.st_size;
}

it("os.sealed", "is valid whenever the process is killed", .limit_s = 60)
{
    int rounds = spec_rounds(20);
    struct spec_random random = spec_random_new(1);
    make_path();
    for (int i = 0; i < rounds; i++) {
        int64_t least = spec_random_below(&random, 2 << 20);
        CHECK_INT(truncate(path, 0), 0);
        pid_t child = start_to_write((unsigned)i);
        SETTLE(size_now() >= least);
        int status;
        CHECK_INT(kill(child, SIGKILL), 0);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        size_t size;
        char *text = read_it(&size);
        CHECK(size == 0 || is_valid(text)); // it may not have begun
        free(text);
    }
    unlink(path);
}

it("os.sealed", "survives who cuts the file at any moment", .limit_s = 60)
{
    int rounds = spec_rounds(100);
    struct spec_random random = spec_random_new(1);
    make_path();
    for (int i = 0; i < rounds; i++) {
        int64_t least = 1 + spec_random_below(&random, 1 << 20);
        CHECK_INT(truncate(path, 0), 0);
        pid_t child = start_to_write((unsigned)i);
        SETTLE(size_now() >= least);
        CHECK_INT(truncate(path, 0), 0);
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CHECK_INT(WEXITSTATUS(status), EBUSY);
    }
    unlink(path);
}

it("os.sealed", "survives the limit of a file's size, and is valid then")
{
    make_path();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {100 * 1000, 100 * 1000};
        sigset_t pending;
        signal(SIGXFSZ, SIG_DFL);
        setrlimit(RLIMIT_FSIZE, &limit);
        int err = -write_on_and_on(1);
        _exit(sigpending(&pending) || sigismember(&pending, SIGXFSZ) ? 1 : err);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), EFBIG);
    size_t size;
    char *text = read_it(&size);
    CHECK_INT(size, 100 * 1000);
    CHECK(is_valid(text));
    free(text);
    unlink(path);
}
