// SPDX-License-Identifier: MIT
//
// Lines of text, made while the world is stopped and handed out after, when the
// locks of the host's own functions can be taken again. Until then they wait in
// address space from the system.
#ifndef LG_GC_LINES_H
#define LG_GC_LINES_H

#include "base/base.h"

enum { LINE_BYTES_MAX = 8 * 1024 }; // what is longer is cut

struct lines_block;

struct lines {
    struct lines_block *first;
    struct lines_block *last;
    bool has_failed; // no memory: all since is lost
    size_t len;      // of line
    char line[LINE_BYTES_MAX];
};

// Zero bytes are no lines.
void lg__lines_fini(struct lines *lines);

// Adds to the line that is being made.
void lg__lines_say(struct lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Ends it.
void lg__lines_end(struct lines *lines);

// Calls write with each line, in order.
void lg__lines_each(const struct lines *lines, void (*write)(void *ud, const char *line),
                    void *ud);

#endif // LG_GC_LINES_H
