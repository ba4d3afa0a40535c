// SPDX-License-Identifier: MIT
//
// The addresses of a name, for those who want to see them.
#include <string.h>

#include "io/address.h"
#include "io/call.h"
#include "io/ioloop.h"
#include "io/lookup.h"
#include "sched/runtime.h"

struct resolve {
    struct lg_runtime *rt;
    struct lg_strand *strand;
    struct address_text text;
    struct io_lookup *lookup;
    size_t cap;
    size_t *out_n;
};

static void resolve_free(struct resolve *r)
{
    lg__alloc_free_for(&r->rt->alloc, LG_USE_BUFFERS, r, sizeof *r);
}

static void on_orphan(struct waiter *w)
{
    resolve_free(w->owner);
}

static int hook(struct waiter *w)
{
    struct resolve *r = w->owner;
    int err = lg__lookup_start(r->strand, &r->text, w, on_orphan, &r->lookup);
    if (err) {
        resolve_free(r);
    }
    return err;
}

static void unhook(struct waiter *w)
{
    struct resolve *r = w->owner;
    lg__lookup_drop(r->lookup);
    resolve_free(r);
}

static bool is_ready(struct waiter *w)
{
    return ((struct resolve *)w->owner)->lookup->is_done;
}

// Without the port, which an address of a name has not.
static void format_host(const struct socket_address *address, char *out)
{
    char text[LG_ADDRESS_SIZE];
    lg__address_format(address, text, sizeof text);
    char *from = text[0] == '[' ? text + 1 : text;
    size_t length = strcspn(from, text[0] == '[' ? "]" : ":");
    memcpy(out, from, length);
    out[length] = '\0';
}

static void take(struct waiter *w)
{
    struct resolve *r = w->owner;
    struct call_op *call = lg__call_op(w);
    char(*hosts)[LG_ADDRESS_SIZE] = call->out;
    struct socket_address address;
    size_t n = 0;
    while (n < r->cap && lg__lookup_next(r->lookup, &r->text, &address)) {
        format_host(&address, hosts[n++]);
    }
    call->rc = r->lookup->rc;
    *r->out_n = n;
}

static int await(struct waiter *w)
{
    (void)w;
    return LG_OK;
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind resolving = {
    .reason = "io wait",
    .hook = hook,
    .unhook = unhook,
    .is_ready = is_ready,
    .take = take,
    .await = await,
    .cut = cut,
};

int lg_resolve(const char *name, char (*out)[LG_ADDRESS_SIZE], size_t cap, size_t *out_n,
               int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&resolving, NULL);
    if (!w) {
        return LG_EAGAIN;
    }
    struct lg_strand *s;
    size_t length = strlen(name);
    int err = length < HOST_SIZE ? lg__io_strand(w->g, &s) : LG_EINVAL;
    if (err) {
        return err;
    }
    struct lg_runtime *rt = w->g->rt;
    struct resolve *r = lg__alloc_new_for(&rt->alloc, LG_USE_BUFFERS, sizeof *r);
    if (!r) {
        return LG_ENOMEM;
    }
    *r = (struct resolve){.rt = rt, .strand = s, .cap = cap};
    r->out_n = out_n;
    memcpy(r->text.host, name, length + 1);
    w->owner = r;
    lg__call_op(w)->out = out;
    int rc = lg__call(w, s, deadline_ns);
    if (rc != LG_WAIT && !lg__call_op(w)->has_begun) {
        resolve_free(r);
    }
    return rc;
}
