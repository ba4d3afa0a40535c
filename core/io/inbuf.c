// SPDX-License-Identifier: MIT
#include "io/inbuf.h"

#include <string.h>

#include "lagoon.h"
#include "mem/alloc.h"

// With the header, sizes of the allocator's. In the check build data rarely stands
// together.
enum {
    SMALL_BYTES = LG_SIZED(4096, 64),
    WIDE_BYTES = LG_SIZED(32768, 128),
    ROOM_MIN = LG_SIZED(512, 1),
};

static size_t chunk_bytes(const struct inchunk *chunk)
{
    return sizeof *chunk + chunk->cap;
}

static void chunk_free(struct inchunk *chunk, const struct alloc *alloc)
{
    lg__alloc_free_for(alloc, LG_USE_BUFFERS, chunk, chunk_bytes(chunk));
}

static int append(struct inbuf *in, const struct alloc *alloc)
{
    size_t size_bytes = in->is_wide ? WIDE_BYTES : SMALL_BYTES;
    struct inchunk *chunk = lg__alloc_raw_for(alloc, LG_USE_BUFFERS, size_bytes);
    if (!chunk) {
        return LG_ENOMEM;
    }
    *chunk = (struct inchunk){.cap = (uint32_t)(size_bytes - sizeof *chunk)};
    if (in->last) {
        in->last->next = chunk;
    } else {
        in->first = chunk;
    }
    in->last = chunk;
    return LG_OK;
}

int lg__inbuf_room(struct inbuf *in, const struct alloc *alloc, char **out, size_t *out_n)
{
    if (!in->last || in->last->cap - in->last->end < ROOM_MIN) {
        int err = append(in, alloc);
        if (err) {
            return err;
        }
    }
    *out = in->last->bytes + in->last->end;
    *out_n = in->last->cap - in->last->end;
    return LG_OK;
}

static void drop_first(struct inbuf *in, const struct alloc *alloc)
{
    struct inchunk *chunk = in->first;
    in->first = chunk->next;
    if (!in->first) {
        in->last = NULL;
    }
    chunk_free(chunk, alloc);
}

// The room that was given may be a chunk of its own, behind others.
static void drop_last(struct inbuf *in, const struct alloc *alloc)
{
    struct inchunk **at = &in->first;
    struct inchunk *before = NULL;
    while (*at != in->last) {
        before = *at;
        at = &before->next;
    }
    chunk_free(in->last, alloc);
    *at = NULL;
    in->last = before;
}

void lg__inbuf_add(struct inbuf *in, const struct alloc *alloc, size_t n)
{
    struct inchunk *last = in->last;
    if (n == 0 && last->start == last->end) {
        drop_last(in, alloc);
        return;
    }
    last->end += (uint32_t)n;
    in->size += n;
    in->is_wide = last->end == last->cap;
}

size_t lg__inbuf_line(struct inbuf *in)
{
    size_t passed = 0; // of whole chunks
    for (struct inchunk *chunk = in->first; chunk; chunk = chunk->next) {
        size_t here = chunk->end - chunk->start;
        size_t from = in->scanned > passed ? in->scanned - passed : 0;
        if (from < here) {
            const char *bytes = chunk->bytes + chunk->start;
            const char *newline = memchr(bytes + from, '\n', here - from);
            if (newline) {
                return passed + (size_t)(newline - bytes) + 1;
            }
        }
        passed += here;
    }
    in->scanned = passed;
    return 0;
}

size_t lg__inbuf_peek(const struct inbuf *in, const char **out)
{
    if (in->size == 0) {
        return 0;
    }
    *out = in->first->bytes + in->first->start;
    return in->first->end - in->first->start;
}

void lg__inbuf_skip(struct inbuf *in, const struct alloc *alloc, size_t n)
{
    in->first->start += (uint32_t)n;
    in->size -= n;
    in->scanned = in->scanned > n ? in->scanned - n : 0;
    if (in->first->start == in->first->end) {
        drop_first(in, alloc);
    }
}

size_t lg__inbuf_take(struct inbuf *in, const struct alloc *alloc, void *out, size_t n)
{
    size_t done = 0;
    const char *bytes;
    size_t here;
    while (done < n && (here = lg__inbuf_peek(in, &bytes)) > 0) {
        here = here < n - done ? here : n - done;
        memcpy((char *)out + done, bytes, here);
        lg__inbuf_skip(in, alloc, here);
        done += here;
    }
    return done;
}

void lg__inbuf_fini(struct inbuf *in, const struct alloc *alloc)
{
    while (in->first) {
        drop_first(in, alloc);
    }
    *in = (struct inbuf){0};
}
