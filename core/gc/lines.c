// SPDX-License-Identifier: MIT
#include "gc/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lagoon.h"
#include "os/vm.h"

enum { BLOCK_BYTES = LG_SIZED(1024 * 1024, 16 * 1024) };

// Each line with its final zero.
struct lines_block {
    struct lines_block *next;
    size_t used;
    char bytes[BLOCK_BYTES - sizeof(void *) - sizeof(size_t)];
};

void lg__lines_fini(struct lines *lines)
{
    while (lines->first) {
        struct lines_block *block = lines->first;
        lines->first = block->next;
        lg__vm_free(block, sizeof *block);
    }
}

void lg__lines_say(struct lines *lines, const char *format, ...)
{
    size_t room = LINE_BYTES_MAX - lines->len; // with the final zero
    va_list args;
    va_start(args, format);
    int n = vsnprintf(lines->line + lines->len, room, format, args);
    va_end(args);
    if (n > 0) {
        lines->len += (size_t)n < room ? (size_t)n : room - 1;
    }
}

static void add_block(struct lines *lines)
{
    void *mem;
    if (lg__vm_reserve(sizeof(struct lines_block), &mem) != LG_OK) {
        lines->has_failed = true;
        return;
    }
    if (lines->last) {
        lines->last->next = mem;
    } else {
        lines->first = mem;
    }
    lines->last = mem;
}

void lg__lines_end(struct lines *lines)
{
    size_t bytes = lines->len + 1;
    struct lines_block *block = lines->last;
    if (!lines->has_failed && (!block || sizeof block->bytes - block->used < bytes)) {
        add_block(lines);
    }
    if (!lines->has_failed) {
        block = lines->last;
        memcpy(block->bytes + block->used, lines->line, bytes);
        block->used += bytes;
    }
    lines->len = 0;
}

void lg__lines_each(const struct lines *lines, void (*write)(void *ud, const char *line),
                    void *ud)
{
    for (const struct lines_block *block = lines->first; block; block = block->next) {
        for (size_t at = 0; at < block->used; at += strlen(block->bytes + at) + 1) {
            write(ud, block->bytes + at);
        }
    }
}
