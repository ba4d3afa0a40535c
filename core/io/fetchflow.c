// SPDX-License-Identifier: MIT
//
// What flows through a transfer: libcurl's callbacks.
#include <string.h>
#include <uv.h>

#include "io/call.h"
#include "io/fetch.h"
#include "io/ioerr.h"
#include "io/multi.h"
#include "sched/runtime.h"

enum {
    BODY_FULL =
        LG_SIZED(64 * 1024, 100), // bytes unread at which libcurl is told to pause
    HEAD_FIRST = 1024,
};

// ---------------------------------------------------------------------------
// The head
// ---------------------------------------------------------------------------

static int grow_head(struct lg_fetch *f, size_t size)
{
    const struct alloc *alloc = &f->rt->alloc;
    size_t cap = f->head_cap ? f->head_cap : HEAD_FIRST;
    while (cap < size) {
        cap *= 2;
    }
    char *head = lg__alloc_raw_for(alloc, LG_USE_BUFFERS, cap);
    if (!head) {
        return LG_ENOMEM;
    }
    if (f->head) {
        memcpy(head, f->head, f->head_size);
        lg__alloc_free_for(alloc, LG_USE_BUFFERS, f->head, f->head_cap);
    }
    f->head = head;
    f->head_cap = cap;
    return LG_OK;
}

static bool is_blank(const char *line, size_t size)
{
    return line[0] == '\n' || (size > 1 && line[0] == '\r' && line[1] == '\n');
}

// A response that only announces another one: "HTTP/1.1 1xx". 101 is the last one.
static bool is_interim(const struct lg_fetch *f)
{
    const char *blank = memchr(f->head, ' ', f->head_size);
    size_t left = blank ? f->head_size - (size_t)(blank - f->head) : 0;
    return left > 3 && blank[1] == '1' && memcmp(blank + 1, "101", 3) != 0;
}

// Once per line. What follows the body is trailers, which are dropped.
size_t lg__fetch_on_head(char *data, size_t size, size_t n, void *ud)
{
    struct lg_fetch *f = ud;
    size_t length = size * n;
    if (f->has_head || length == 0) {
        return length;
    }
    bool is_too_long = length > f->head_max - f->head_size;
    size_t kept = is_too_long ? f->head_max - f->head_size : length;
    if (f->head_size + kept > f->head_cap) {
        f->own_status = grow_head(f, f->head_size + kept);
        if (f->own_status != LG_OK) {
            return 0;
        }
    }
    memcpy(f->head + f->head_size, data, kept);
    f->head_size += kept;
    if (is_too_long) {
        f->own_status = lg__ioerr_of(UV_EPROTO);
        f->has_head = true; // as far as it goes, for who reads it to say what is wrong
        return 0;
    }
    if (is_blank(data, length)) {
        f->has_head = !is_interim(f);
        f->head_size = f->has_head ? f->head_size : 0;
        lg__multi_touch(f);
    }
    return length;
}

// ---------------------------------------------------------------------------
// The body that comes
// ---------------------------------------------------------------------------

static int append(struct lg_fetch *f, const char *data, size_t size)
{
    while (size > 0) {
        char *room;
        size_t n;
        int err = lg__inbuf_room(&f->in, &f->rt->alloc, &room, &n);
        if (err) {
            return err;
        }
        n = n < size ? n : size;
        memcpy(room, data, n);
        lg__inbuf_add(&f->in, &f->rt->alloc, n);
        data += n;
        size -= n;
    }
    return LG_OK;
}

size_t lg__fetch_on_body(char *data, size_t size, size_t n, void *ud)
{
    struct lg_fetch *f = ud;
    if (f->in.size >= BODY_FULL) {
        f->is_in_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    f->own_status = append(f, data, size * n);
    lg__multi_touch(f);
    return f->own_status == LG_OK ? size * n : 0;
}

// ---------------------------------------------------------------------------
// The body that goes
// ---------------------------------------------------------------------------

size_t lg__fetch_on_room(char *room, size_t size, size_t n, void *ud)
{
    struct lg_fetch *f = ud;
    size_t left = f->body_size - f->body_at;
    size_t taken = size * n < left ? size * n : left;
    if (taken > 0) {
        memcpy(room, f->body + f->body_at, taken);
        f->body_at += taken;
    }
    if (f->is_streamed && f->body_at == f->body_size) {
        lg__multi_touch(f);
    }
    if (taken == 0 && f->is_streamed && !f->is_all_sent) {
        f->is_out_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    return taken;
}

// libcurl sends a body again where the server had closed a connection that was kept.
int lg__fetch_on_seek(void *ud, curl_off_t offset, int origin)
{
    struct lg_fetch *f = ud;
    bool can_seek = !f->is_streamed && origin == SEEK_SET && offset >= 0 &&
                    (size_t)offset <= f->body_size;
    if (can_seek) {
        f->body_at = (size_t)offset;
    }
    return can_seek ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
}

// ---------------------------------------------------------------------------
// Going on
// ---------------------------------------------------------------------------

// libcurl may call lg__fetch_on_body() at once.
void lg__fetch_resume(struct lg_fetch *f)
{
    bool has_room = f->is_in_paused && f->in.size < BODY_FULL / 2;
    bool has_more = f->is_out_paused && (f->body_at < f->body_size || f->is_all_sent);
    if (!f->multi || (!has_room && !has_more)) {
        return;
    }
    f->is_in_paused = f->is_in_paused && !has_room;
    f->is_out_paused = f->is_out_paused && !has_more;
    lg__curl()->easy_pause(f->easy, (f->is_in_paused ? CURLPAUSE_RECV : 0) |
                                        (f->is_out_paused ? CURLPAUSE_SEND : 0));
    lg__multi_nudge(f->multi);
}

void lg__fetch_look(struct lg_fetch *f)
{
    lg__call_look(f->reader);
    lg__call_look(f->writer);
}

void lg__fetch_end(struct lg_fetch *f, CURLcode result)
{
    f->status = lg__fetch_code(f, result);
    if (f->status == LG_EOF && !f->has_head) {
        f->status = lg__ioerr_of(UV_EOF); // libcurl has taken half of one for a whole one
    }
    lg__multi_touch(f);
    lg__multi_remove(f);
}
