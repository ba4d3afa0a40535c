// SPDX-License-Identifier: MIT
//
// Calls on transfers that may wait.
#include "io/call.h"
#include "io/curl.h"
#include "io/fetch.h"
#include "io/multi.h"
#include "sched/runtime.h"

static int hook_reader(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    if (f->status == LG_ECLOSED) {
        return LG_ECLOSED;
    }
    if (f->reader) {
        return LG_EBUSY;
    }
    f->reader = w;
    return LG_OK;
}

static void unhook_reader(struct waiter *w)
{
    ((struct lg_fetch *)w->owner)->reader = NULL;
}

static int await(struct waiter *w)
{
    (void)w; // the loop's turn looks at it
    return LG_OK;
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

// -- the head --

static bool has_head(struct waiter *w)
{
    const struct lg_fetch *f = w->owner;
    return f->has_head || f->status != LG_OK;
}

static void take_head(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    lg__call_op(w)->rc = f->has_head ? LG_OK : f->status;
}

static const struct call_kind awaiting_head = {
    .reason = "io wait",
    .hook = hook_reader,
    .unhook = unhook_reader,
    .is_ready = has_head,
    .take = take_head,
    .await = await,
    .cut = cut,
};

// -- the body --

static bool is_readable(struct waiter *w)
{
    const struct lg_fetch *f = w->owner;
    return f->in.size > 0 || f->status != LG_OK;
}

static void take_read(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    struct call_op *call = lg__call_op(w);
    call->rc = f->in.size > 0 ? LG_OK : f->status;
    if (w->elem) {
        *(size_t *)call->out =
            lg__inbuf_take(&f->in, &f->rt->alloc, w->elem, (size_t)w->amount);
        lg__fetch_resume(f);
    }
}

static const struct call_kind reading = {
    .reason = "io wait",
    .hook = hook_reader,
    .unhook = unhook_reader,
    .is_ready = is_readable,
    .take = take_read,
    .await = await,
    .cut = cut,
};

// -- what is sent --

static int hook_writer(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    if (f->is_cut) {
        return LG_EBROKEN;
    }
    if (f->status != LG_OK || f->is_all_sent) {
        return f->status == LG_OK || f->status == LG_EOF ? LG_ECLOSED : f->status;
    }
    if (f->writer) {
        return LG_EBUSY;
    }
    f->writer = w;
    f->body = w->elem;
    f->body_size = (size_t)w->amount;
    f->body_at = 0;
    return LG_OK;
}

// The bytes are the caller's again. Nothing may follow half of them.
static void unhook_writer(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    f->is_cut = f->body_at > 0 && f->body_at < f->body_size;
    f->writer = NULL;
    f->body = NULL;
    f->body_size = f->body_at = 0;
}

static bool is_written(struct waiter *w)
{
    const struct lg_fetch *f = w->owner;
    return f->body_at == f->body_size || f->status != LG_OK;
}

static void take_written(struct waiter *w)
{
    struct lg_fetch *f = w->owner;
    bool is_whole = f->body_at == f->body_size;
    int status =
        f->status == LG_EOF ? LG_ECLOSED : f->status; // the server has had enough
    lg__call_op(w)->rc = is_whole ? LG_OK : status;
}

static int await_write(struct waiter *w)
{
    lg__fetch_resume(w->owner);
    return LG_OK;
}

static const struct call_kind writing = {
    .reason = "io wait",
    .hook = hook_writer,
    .unhook = unhook_writer,
    .is_ready = is_written,
    .take = take_written,
    .await = await_write,
    .cut = cut,
};

// -- public --

static void load(void *arg)
{
    (void)arg;
    lg__curl_load();
}

static void forget(void *arg)
{
    (void)arg;
}

int lg_fetch_load(void)
{
    return lg__curl() ? LG_OK : lg_work(load, forget, NULL);
}

int lg_fetch_await_head(lg_fetch *f, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&awaiting_head, f);
    if (!w) {
        return LG_EAGAIN;
    }
    return f->strand ? lg__call(w, f->strand, deadline_ns) : LG_ECLOSED;
}

size_t lg_fetch_head(const lg_fetch *f, const char **out)
{
    *out = f->head;
    return f->has_head ? f->head_size : 0;
}

static int read_into(lg_fetch *f, void *buffer, size_t size, size_t *out_n,
                     int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&reading, f);
    if (!w) {
        return LG_EAGAIN;
    }
    w->elem = buffer;
    w->amount = (int64_t)size;
    lg__call_op(w)->out = out_n;
    return f->strand ? lg__call(w, f->strand, deadline_ns) : LG_ECLOSED;
}

int lg_fetch_read(lg_fetch *f, void *buffer, size_t size, size_t *out_n,
                  int64_t deadline_ns)
{
    *out_n = 0;
    return size == 0 ? LG_EINVAL : read_into(f, buffer, size, out_n, deadline_ns);
}

int lg_fetch_await(lg_fetch *f, int64_t deadline_ns)
{
    return read_into(f, NULL, 0, NULL, deadline_ns);
}

size_t lg_fetch_peek(const lg_fetch *f, const void **out)
{
    const char *bytes;
    size_t n = lg__inbuf_peek(&f->in, &bytes);
    if (n > 0) {
        *out = bytes;
    }
    return n;
}

void lg_fetch_skip(lg_fetch *f, size_t n)
{
    const char *bytes;
    LG_MISUSE_IF(n > lg__inbuf_peek(&f->in, &bytes),
                 "lg_fetch_skip() of more than lg_fetch_peek() gave");
    if (n > 0) {
        lg__inbuf_skip(&f->in, &f->rt->alloc, n);
        lg__fetch_resume(f);
    }
}

int lg_fetch_write(lg_fetch *f, const void *data, size_t size, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&writing, f);
    if (!w) {
        return LG_EAGAIN;
    }
    LG_MISUSE_IF(!f->is_streamed, "lg_fetch_write() for a body that is not streamed");
    w->elem = (void *)(uintptr_t)data; // only ever read
    w->amount = (int64_t)size;
    return f->strand ? lg__call(w, f->strand, deadline_ns) : LG_ECLOSED;
}

static int finish_at_once(void *owner, int64_t amount)
{
    struct lg_fetch *f = owner;
    (void)amount;
    if (f->writer || f->is_cut) {
        return f->writer ? LG_EBUSY : LG_EBROKEN;
    }
    if (f->status != LG_OK) {
        return LG_ECLOSED;
    }
    f->is_all_sent = true;
    lg__fetch_resume(f);
    return LG_OK;
}

int lg_fetch_finish(lg_fetch *f)
{
    return lg__call_at_once(f->strand, finish_at_once, f, 0);
}
