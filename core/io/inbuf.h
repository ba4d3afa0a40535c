// SPDX-License-Identifier: MIT
//
// What has come in over a connection and has not been read yet: a list of chunks, oldest
// first. Without bytes it has no chunk, so an idle connection costs none.
//
//    first                                    last
//    +------+-------------+----+     +------+----------+------------+
//    | read |   unread    |    | ... |      |  unread  |   room     |
//    +------+-------------+----+     +------+----------+------------+
//           start         end               start      end          cap
#ifndef LG_IO_INBUF_H
#define LG_IO_INBUF_H

#include "base/base.h"

struct alloc;

struct inchunk {
    struct inchunk *next;
    uint32_t start;
    uint32_t end;
    uint32_t cap;
    char bytes[];
};

struct inbuf {
    struct inchunk *first;
    struct inchunk *last;
    size_t size;      // unread bytes
    size_t scanned;   // of them, so many have no newline
    uint32_t is_wide; // the last chunk was filled at once: the next one is large
};

// Room for more at the end, some bytes at least. LG_OK or LG_ENOMEM.
int lg__inbuf_room(struct inbuf *in, const struct alloc *alloc, char **out,
                   size_t *out_n);

// So many bytes stand there now; 0 gives the room back.
void lg__inbuf_add(struct inbuf *in, const struct alloc *alloc, size_t n);

// How many bytes up to and with the first newline; 0: there is none.
size_t lg__inbuf_line(struct inbuf *in);

// The oldest bytes that stand together; 0: there are none.
size_t lg__inbuf_peek(const struct inbuf *in, const char **out);

// Forgets n of those, or takes up to n bytes, wherever they stand. Returns how many.
void lg__inbuf_skip(struct inbuf *in, const struct alloc *alloc, size_t n);
size_t lg__inbuf_take(struct inbuf *in, const struct alloc *alloc, void *out, size_t n);

void lg__inbuf_fini(struct inbuf *in, const struct alloc *alloc);

#endif // LG_IO_INBUF_H
