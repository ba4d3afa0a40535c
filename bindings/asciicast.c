// SPDX-License-Identifier: MIT
//
// https://docs.asciinema.org/manual/asciicast/v2/
#include "asciicast.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "utf8.h"
#include "writeall.h"

enum {
    PIECE_BYTES = 4096, // of one event's text
    ESCAPED_MAX = 6,    // "\u001b"
    LINE_BYTES = 64 + PIECE_BYTES * ESCAPED_MAX,
    CHARACTER_MAX = 4,
    SIZE_TEXT = 32,
};

static const char REPLACEMENT[] = "\xEF\xBF\xBD"; // for what is no UTF-8

struct asciicast {
    int fd;
    int err;      // why nothing is written any more
    off_t length; // of whole lines
    int64_t begun_ns;
    int columns;
    int rows;
    size_t nline;
    char line[LINE_BYTES];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// -- a line --

static void add(struct asciicast *cast, const char *text, size_t size)
{
    memcpy(cast->line + cast->nline, text, size);
    cast->nline += size;
}

static void add_text(struct asciicast *cast, const char *text)
{
    add(cast, text, strlen(text));
}

// How long the character at a place is; 0: it is none.
static size_t character_length(const char *text, size_t size)
{
    struct utf8 character = {0};
    for (size_t i = 0; i < size && lagoon__utf8_add(&character, text + i, 1); i++) {
        if (lagoon__utf8_is_whole(&character)) {
            return i + 1;
        }
    }
    return 0;
}

// Adds the character at a place as JSON; returns how many bytes it has taken.
static size_t add_character(struct asciicast *cast, const char *text, size_t size)
{
    size_t length = character_length(text, size);
    if (length == 0) {
        add_text(cast, REPLACEMENT);
        return 1;
    }
    if (length > 1) {
        add(cast, text, length);
    } else if (*text == '"' || *text == '\\') {
        add(cast, "\\", 1);
        add(cast, text, 1);
    } else if ((unsigned char)*text < 0x20 || *text == 0x7F) {
        char escape[ESCAPED_MAX + 1];
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*text);
        add(cast, escape, ESCAPED_MAX);
    } else {
        add(cast, text, 1);
    }
    return length;
}

// Writes the line, or nothing of it, which ends the recording.
static void write_line(struct asciicast *cast)
{
    add(cast, "\n", 1);
    size_t size = cast->nline;
    cast->nline = 0;
    if (cast->err != 0) {
        return;
    }
    cast->err = lagoon__write_all(cast->fd, cast->line, size);
    if (cast->err != 0) {
        int failed = ftruncate(cast->fd, cast->length);
        (void)failed; // then a line is cut in two
        return;
    }
    cast->length += (off_t)size;
}

// Writes an event with as much of a text as fits; returns how much that was.
static size_t write_event(struct asciicast *cast, char code, const char *text,
                          size_t size)
{
    char head[48];
    int64_t at_us = (now_ns() - cast->begun_ns) / 1000;
    snprintf(head, sizeof head, "[%" PRId64 ".%06" PRId64 ", \"%c\", \"", at_us / 1000000,
             at_us % 1000000, code);
    add_text(cast, head);
    size_t done = 0;
    while (done < size && done < PIECE_BYTES - CHARACTER_MAX) {
        done += add_character(cast, text + done, size - done);
    }
    add_text(cast, "\"]");
    write_line(cast);
    return done;
}

// -- a recording --

static void write_head(struct asciicast *cast)
{
    const char *term = getenv("TERM");
    char head[96];
    snprintf(head, sizeof head,
             "{\"version\": 2, \"width\": %d, \"height\": %d, \"timestamp\": %lld",
             cast->columns, cast->rows, (long long)time(NULL));
    add_text(cast, head);
    add_text(cast, ", \"title\": \"lagoon\", \"env\": {\"TERM\": \"");
    size_t size = term ? strnlen(term, PIECE_BYTES / 2) : 0;
    for (size_t done = 0; done < size;) {
        done += add_character(cast, term + done, size - done);
    }
    add_text(cast, "\"}}");
    write_line(cast);
}

struct asciicast *lagoon__cast_open(const char *path, int columns, int rows)
{
    struct asciicast *cast = calloc(1, sizeof *cast);
    if (cast == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    cast->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (cast->fd < 0) {
        int err = errno;
        free(cast);
        errno = err;
        return NULL;
    }
    cast->begun_ns = now_ns();
    cast->columns = columns;
    cast->rows = rows;
    write_head(cast);
    return cast;
}

void lagoon__cast_output(struct asciicast *cast, const char *text, size_t size)
{
    for (size_t done = 0; cast != NULL && done < size;) {
        done += write_event(cast, 'o', text + done, size - done);
    }
}

void lagoon__cast_marker(struct asciicast *cast, const char *text, size_t size)
{
    if (cast != NULL) {
        write_event(cast, 'm', text, size);
    }
}

void lagoon__cast_resize(struct asciicast *cast, int columns, int rows)
{
    if (cast == NULL || (cast->columns == columns && cast->rows == rows)) {
        return;
    }
    char size[SIZE_TEXT];
    cast->columns = columns;
    cast->rows = rows;
    snprintf(size, sizeof size, "%dx%d", columns, rows);
    write_event(cast, 'r', size, strlen(size));
}

int lagoon__cast_close(struct asciicast *cast)
{
    if (cast == NULL) {
        return 0;
    }
    int err = cast->err;
    if (close(cast->fd) != 0 && err == 0) {
        err = errno;
    }
    free(cast);
    return err;
}
