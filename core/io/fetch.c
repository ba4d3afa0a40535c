// SPDX-License-Identifier: MIT
#include "io/fetch.h"

#include <string.h>
#include <strings.h>
#include <uv.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "io/multi.h"
#include "sched/park.h"
#include "sched/runtime.h"
#include "sched/strand.h"

enum { HEAD_MAX = 64 * 1024 };

// A body of more is announced first: the server may not want it.
static const size_t BODY_ANNOUNCED = 1024 * 1024;

static const long ANNOUNCED_WAIT_MS = 1000;
static const long NEVER_S = 1000 * 1000 * 1000;

static bool is_announced(const lg_fetch_options *opts)
{
    return opts->body == LG_BODY_STREAM ||
           (opts->body == LG_BODY_WHOLE && opts->body_size_bytes > BODY_ANNOUNCED);
}

// ---------------------------------------------------------------------------
// What libcurl is told
// ---------------------------------------------------------------------------

// The first of the codes counts: what follows is told in vain.
#define TELL(option, value)                                                    \
    do {                                                                       \
        if (*code == CURLE_OK) {                                               \
            *code = lg__curl()->easy_setopt(f->easy, CURLOPT_##option, value); \
        }                                                                      \
    } while (0)

// What the build of libcurl may lack.
#define TELL_IF_KNOWN(option, value) \
    lg__curl()->easy_setopt(f->easy, CURLOPT_##option, value)

static void tell_callbacks(struct lg_fetch *f, CURLcode *code)
{
    TELL(PRIVATE, f);
    TELL(ERRORBUFFER, f->message);
    TELL(HEADERFUNCTION, lg__fetch_on_head);
    TELL(HEADERDATA, f);
    TELL(WRITEFUNCTION, lg__fetch_on_body);
    TELL(WRITEDATA, f);
    TELL(READFUNCTION, lg__fetch_on_room);
    TELL(READDATA, f);
    TELL(SEEKFUNCTION, lg__fetch_on_seek);
    TELL(SEEKDATA, f);
}

// Of the host's nothing is touched, and nothing but HTTP is spoken; redirects are the caller's.
static void tell_manners(struct lg_fetch *f, CURLcode *code)
{
    TELL(NOSIGNAL, 1L);
    TELL(QUICK_EXIT, 1L); // a look-up of a name that hangs is not waited for
    if (TELL_IF_KNOWN(PROTOCOLS_STR, "http,https") != CURLE_OK) {
        TELL(PROTOCOLS_STR, "http");
    }
    TELL(FOLLOWLOCATION, 0L);
    TELL(HTTP09_ALLOWED, 0L);
    TELL(PATH_AS_IS, 1L);
    TELL(SUPPRESS_CONNECT_HEADERS, 1L);
    TELL(EXPECT_100_TIMEOUT_MS, ANNOUNCED_WAIT_MS);
}

static void tell_security(struct lg_fetch *f, const lg_fetch_options *opts,
                          CURLcode *code)
{
    if (opts->is_unverified) {
        TELL(SSL_VERIFYPEER, 0L);
        TELL(SSL_VERIFYHOST, 0L);
    }
    if (opts->ca_file) {
        TELL(CAINFO, opts->ca_file);
        TELL_IF_KNOWN(CAPATH, (char *)NULL);
    }
    if (opts->ca_text) {
        struct curl_blob blob = {(void *)(uintptr_t)opts->ca_text, strlen(opts->ca_text),
                                 CURL_BLOB_COPY};
        TELL(CAINFO_BLOB, &blob);
        TELL_IF_KNOWN(CAPATH, (char *)NULL);
    }
}

static void tell_request(struct lg_fetch *f, const lg_fetch_options *opts, CURLcode *code)
{
    const char *method = opts->method ? opts->method : "GET";
    TELL(URL, opts->url);
    if (opts->body != LG_BODY_NONE) {
        TELL(UPLOAD, 1L);
        TELL(INFILESIZE_LARGE, opts->body == LG_BODY_STREAM
                                   ? (curl_off_t)-1
                                   : (curl_off_t)opts->body_size_bytes);
    }
    // libcurl 7.88 now and then misses the moment when it has waited long enough for the server
    // to agree. While it checks the speed it looks again every second.
    if (is_announced(opts)) {
        TELL(LOW_SPEED_LIMIT, 1L);
        TELL(LOW_SPEED_TIME, NEVER_S);
    }
    if (strcmp(method, "HEAD") == 0) {
        TELL(NOBODY, 1L);
    } else if (strcmp(method, "GET") != 0 || opts->body != LG_BODY_NONE) {
        TELL(CUSTOMREQUEST, method);
    }
    TELL(HTTPHEADER, f->fields);
    TELL_IF_KNOWN(HTTP_VERSION, (long)(opts->is_http1 ? CURL_HTTP_VERSION_1_1
                                                      : CURL_HTTP_VERSION_2TLS));
    if (opts->is_compressed) {
        TELL(ACCEPT_ENCODING, "");
    }
    if (opts->proxy) {
        TELL(PROXY, opts->proxy);
    }
}

#undef TELL
#undef TELL_IF_KNOWN

static int code_of_setup(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK: return LG_OK;
    case CURLE_OUT_OF_MEMORY: return LG_ENOMEM;
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN: return lg__ioerr_of(UV_ENOSYS);
    default: return lg__ioerr_of(UV_EINVAL);
    }
}

static bool add_field(struct lg_fetch *f, const char *line)
{
    struct curl_slist *fields = lg__curl()->slist_append(f->fields, line);
    if (fields) {
        f->fields = fields;
    }
    return fields != NULL;
}

static bool has_field(const lg_fetch_options *opts, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *line = opts->fields; line && *line; line++) {
        if (strncasecmp(*line, name, length) == 0 &&
            ((*line)[length] == ':' || (*line)[length] == ';')) {
            return true;
        }
    }
    return false;
}

// A name with a colon and nothing behind it takes away what libcurl would say by itself.
static int add_fields(struct lg_fetch *f, const lg_fetch_options *opts)
{
    bool is_good = has_field(opts, "Accept") || add_field(f, "Accept:");
    is_good =
        is_good && add_field(f, is_announced(opts) ? "Expect: 100-continue" : "Expect:");
    for (const char *const *line = opts->fields; is_good && line && *line; line++) {
        is_good = add_field(f, *line);
    }
    return is_good ? LG_OK : LG_ENOMEM;
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

// What libcurl has of it.
static void drop_easy(struct lg_fetch *f)
{
    struct multi *m = f->multi;
    if (m) {
        lg__multi_remove(f);
    }
    if (m && f->is_touched) {
        f->is_touched = false;
        lg__list_remove(&m->touched, &f->touched);
    }
    if (f->easy) {
        lg__curl()->easy_cleanup(f->easy);
        lg__curl()->slist_free_all(f->fields);
        f->easy = NULL;
        f->fields = NULL;
    }
}

static void fetch_free(struct lg_fetch *f)
{
    const struct alloc *alloc = &f->rt->alloc;
    drop_easy(f);
    lg__inbuf_fini(&f->in, alloc);
    if (f->head) {
        lg__alloc_free_for(alloc, LG_USE_BUFFERS, f->head, f->head_cap);
    }
    if (f->loop) {
        lg__list_remove(&f->loop->fetches, &f->node);
    }
    lg__alloc_free_for(alloc, LG_USE_BUFFERS, f, sizeof *f);
}

// What was under way is broken off; what has come is lost.
static void close_now(struct lg_fetch *f)
{
    struct multi *m = f->multi;
    drop_easy(f);
    lg__inbuf_fini(&f->in, &f->rt->alloc);
    f->status = LG_ECLOSED;
    if (m) {
        lg__multi_leave(m);
    }
}

void lg__fetch_orphan(struct lg_fetch *f)
{
    f->reader = f->writer = NULL; // their goroutines are dropped
    drop_easy(f);
    lg__inbuf_fini(&f->in, &f->rt->alloc);
    f->status = LG_ECLOSED;
    f->strand = NULL;
    f->loop = NULL;
}

static struct lg_fetch *fetch_new(struct lg_runtime *rt, struct lg_strand *s,
                                  struct multi *m)
{
    struct lg_fetch *f = lg__alloc_new_for(&rt->alloc, LG_USE_BUFFERS, sizeof *f);
    if (f) {
        f->rt = rt;
        f->strand = s;
        f->loop = m->loop;
        f->easy = lg__curl()->easy_init();
        lg__list_push_back(&f->loop->fetches, &f->node);
    }
    if (f && !f->easy) {
        fetch_free(f);
        f = NULL;
    }
    return f;
}

// What lg_fetch_open() was given, for the strand.
struct opening {
    struct lg_runtime *rt;
    struct lg_strand *strand;
    const lg_fetch_options *opts;
    lg_fetch *fetch;
};

static int prepare(struct lg_fetch *f, const lg_fetch_options *opts)
{
    CURLcode code = CURLE_OK;
    f->head_max = opts->max_head_bytes ? opts->max_head_bytes : HEAD_MAX;
    f->is_streamed = opts->body == LG_BODY_STREAM;
    if (opts->body == LG_BODY_WHOLE) {
        f->body = opts->body_bytes;
        f->body_size = opts->body_size_bytes;
    }
    int err = add_fields(f, opts);
    tell_callbacks(f, &code);
    tell_manners(f, &code);
    tell_security(f, opts, &code);
    tell_request(f, opts, &code);
    return err ? err : code_of_setup(code);
}

static int open_at_once(void *owner, int64_t amount)
{
    struct opening *opening = owner;
    struct multi *m;
    (void)amount;
    int err = lg__multi_of(opening->strand, &m);
    if (err) {
        return err;
    }
    struct lg_fetch *f = fetch_new(opening->rt, opening->strand, m);
    if (!f) {
        return LG_ENOMEM;
    }
    err = prepare(f, opening->opts);
    err = err ? err : lg__multi_add(m, f);
    if (err) {
        fetch_free(f);
        return err;
    }
    opening->fetch = f;
    return LG_OK;
}

static int close_at_once(void *owner, int64_t amount)
{
    struct lg_fetch *f = owner;
    (void)amount;
    if (f->status == LG_ECLOSED) {
        return LG_ECLOSED;
    }
    close_now(f);
    lg__call_end(f->reader, LG_ECLOSED);
    lg__call_end(f->writer, LG_ECLOSED);
    return LG_OK;
}

static int free_at_once(void *owner, int64_t amount)
{
    (void)amount;
    close_now(owner);
    fetch_free(owner);
    return LG_OK;
}

static int close_idle_at_once(void *owner, int64_t amount)
{
    struct io_loop *loop = ((struct lg_strand *)owner)->polled.loop;
    (void)amount;
    if (loop) {
        lg__multi_retire(loop);
    }
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

int lg_fetch_open(const lg_fetch_options *opts, lg_fetch **out)
{
    struct lg_g *g = lg__g_self();
    struct opening opening = {.opts = opts};
    if (!g) {
        return LG_EAGAIN;
    }
    if (!lg__curl()) {
        return lg__ioerr_of(UV_ENOSYS);
    }
    opening.rt = g->rt;
    int rc = lg__io_strand(g, &opening.strand);
    rc = rc ? rc : lg__call_at_once(opening.strand, open_at_once, &opening, 0);
    if (rc == LG_OK) {
        *out = opening.fetch;
    }
    return rc;
}

int lg_fetch_close(lg_fetch *f)
{
    return lg__call_at_once(f->strand, close_at_once, f, 0);
}

void lg_fetch_free(lg_fetch *f)
{
    if (f) {
        lg__call_at_once(f->strand, free_at_once, f, 0);
    }
}

int lg_fetch_close_idle(void)
{
    struct lg_g *g = lg__g_self();
    struct lg_strand *s;
    int rc = g ? lg__io_strand(g, &s) : LG_EAGAIN;
    return rc ? rc : lg__call_at_once(s, close_idle_at_once, s, 0);
}
