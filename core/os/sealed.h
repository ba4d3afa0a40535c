// SPDX-License-Identifier: MIT
//
// A text file whose last two bytes, "]}" say, are always in place, and that consists of pages
// which are whole or not there: also while it is written, and if the process is killed in
// the middle of that. What it costs is that each page must leave the text valid by itself,
// and that a page of spaces must be one, too.
//
// A write is cut by a fatal signal between two pages of the system's only, which are not
// smaller than ours. To make room, spaces are appended behind the end; then the end moves
// behind them: inside of a page by writes, and from one page to another by one word across
// their border, which the system stores in a mapping.
//
// Nothing here ends the process: neither a file that somebody else has cut meanwhile nor the
// limit of a file's size (RLIMIT_FSIZE) is a signal.
#ifndef LG_OS_SEALED_H
#define LG_OS_SEALED_H

#include "base/base.h"

enum { SEALED_PAGE = 4096, SEALED_END = 2 };

struct sealed {
    int fd;
    int word_fd;     // an eventfd: what is written to it, the system stores elsewhere
    uint64_t end_at; // where the end stands: behind all pages
    char end[SEALED_END];
};

// Makes the file, or empties it, with one page that begins so: less than a page. Only plain
// files have pages. 0, or a negative errno, as all here.
int lg__sealed_open(const char *path, const char *head, size_t length,
                    const char end[SEALED_END], struct sealed *out);

// Writes pages from number `first` on, at most one behind the last: over what stands there,
// or after it. -EBUSY: somebody else has changed the file. After an error the file is
// valid still, but no more should be written.
int lg__sealed_put(struct sealed *file, uint64_t first, const char *pages, size_t npages);

int lg__sealed_close(struct sealed *file);

#endif // LG_OS_SEALED_H
