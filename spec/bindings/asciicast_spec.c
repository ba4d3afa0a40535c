// SPDX-License-Identifier: MIT
//
// Recordings of a terminal.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asciicast.h"
#include "spec.h"

static char path[64];
static char text[256 * 1024];

static struct asciicast *begin(void)
{
    snprintf(path, sizeof path, "/tmp/lagoon-cast-%d", (int)getpid());
    unlink(path);
    struct asciicast *cast = lagoon__cast_open(path, 80, 24);
    CHECK(cast != NULL);
    return cast;
}

// Ends it, and reads the lines behind the head, without the times of events.
static char *end(struct asciicast *cast)
{
    CHECK_INT(lagoon__cast_close(cast), 0);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(path);
    char *lines = strchr(text, '\n') + 1;
    char *to = lines;
    for (char *from = lines; *from;) {
        CHECK(*from == '[' && from[1] >= '0' && from[1] <= '9');
        from = strstr(from, ", \"");
        char *behind = strchr(from, '\n') + 1;
        memmove(to, from + 2, (size_t)(behind - from - 2));
        to += behind - from - 2;
        from = behind;
    }
    *to = '\0';
    return lines;
}

it("asciicast", "begins with a head, in a file of the user's alone")
{
    struct asciicast *cast = begin();
    struct stat stat_of;
    CHECK_INT(stat(path, &stat_of), 0);
    CHECK_INT(stat_of.st_mode & 0777, 0600);
    CHECK_STR(end(cast), "");
    CHECK_HAS(text, "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": ");
    CHECK(text[strlen(text) - 1] == '\n');
}

it("asciicast", "writes over no file")
{
    struct asciicast *cast = begin();
    CHECK(lagoon__cast_open(path, 80, 24) == NULL);
    CHECK_INT(errno, EEXIST);
    end(cast);
    CHECK(lagoon__cast_open("/nowhere/at/all", 80, 24) == NULL);
    CHECK_INT(errno, ENOENT);
}

it("asciicast", "has text, markers and sizes as JSON")
{
    struct asciicast *cast = begin();
    lagoon__cast_output(cast, "a\"\\\33[1m\r\n\177é", 12);
    lagoon__cast_marker(cast, "1 + 1", 5);
    lagoon__cast_resize(cast, 80, 24); // as it was
    lagoon__cast_resize(cast, 100, 30);
    lagoon__cast_output(cast, "", 0);
    CHECK_STR(end(cast), "\"o\", \"a\\\"\\\\\\u001b[1m\\u000d\\u000a\\u007fé\"]\n"
                         "\"m\", \"1 + 1\"]\n\"r\", \"100x30\"]\n");
}

it("asciicast", "puts a sign for what is no UTF-8")
{
    struct asciicast *cast = begin();
    lagoon__cast_output(cast, "\xFFx\xC3", 3);
    lagoon__cast_output(cast, "\xED\xA0\x80", 3);
    lagoon__cast_output(cast, "\xE2\x82\xACz\0", 5);
    CHECK_STR(end(cast), "\"o\", \"\xEF\xBF\xBDx\xEF\xBF\xBD\"]\n"
                         "\"o\", \"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"]\n"
                         "\"o\", \"\xE2\x82\xACz\\u0000\"]\n");
}

it("asciicast", "makes several events of a long text, and cuts no character in two")
{
    enum { EUROS = 20000 };
    static char long_text[3 * EUROS];
    for (int i = 0; i < EUROS; i++) {
        long_text[3 * i] = '\xE2';
        long_text[3 * i + 1] = '\x82';
        long_text[3 * i + 2] = '\xAC';
    }
    struct asciicast *cast = begin();
    lagoon__cast_output(cast, long_text, sizeof long_text);
    char *lines = end(cast);
    CHECK(strstr(lines, "\xEF\xBF\xBD") == NULL);
    int neuros = 0;
    for (char *at = lines; (at = strstr(at, "\xE2\x82\xAC")); at += 3) {
        neuros++;
    }
    CHECK_INT(neuros, EUROS);
}

it("asciicast", "ends with a whole line where no more can be written")
{
    struct asciicast *cast = begin();
    lagoon__cast_output(cast, "first", 5);
    struct stat before;
    CHECK_INT(stat(path, &before), 0);
    struct rlimit limit = {.rlim_cur = (rlim_t)before.st_size + 10,
                           .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    lagoon__cast_output(cast, "second", 6);
    lagoon__cast_output(cast, "third", 5);
    struct stat after;
    CHECK_INT(stat(path, &after), 0);
    CHECK_INT(after.st_size, before.st_size);
    CHECK_INT(lagoon__cast_close(cast), EFBIG);
    unlink(path);
}

it("asciicast", "is nothing where there is none")
{
    lagoon__cast_output(NULL, "x", 1);
    lagoon__cast_marker(NULL, "x", 1);
    lagoon__cast_resize(NULL, 1, 1);
    CHECK_INT(lagoon__cast_close(NULL), 0);
}
