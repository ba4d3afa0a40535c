// SPDX-License-Identifier: MIT
//
// The records come from the C library: a thread of libuv's may still write to one when the
// runtime is gone.
#include "io/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "io/call.h"
#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/thread.h"

static void lookup_free(struct io_lookup *lookup)
{
    uv_freeaddrinfo(lookup->found);
    free(lookup);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct io_lookup *lookup = request->data;
    lg__pool_end();
    lookup->found = found;
    lookup->next = found;
    lookup->rc = lg__ioerr_of(status);
    lookup->is_done = true;
    if (lookup->loop) {
        lg__list_remove(&lookup->loop->lookups, &lookup->node);
    }
    if (!lookup->waiter) {
        lookup_free(lookup);
        return;
    }
    lg__call_look(lookup->waiter);
}

static int family_of(enum network network)
{
    return network == NETWORK_TCP4 ? AF_INET : network == NETWORK_TCP6 ? AF_INET6 : 0;
}

int lg__lookup_start(struct lg_strand *s, const struct address_text *text,
                     struct waiter *w, void (*on_orphan)(struct waiter *w),
                     struct io_lookup **out)
{
    struct io_loop *loop;
    int err = lg__ioloop_of(s, &loop);
    if (err) {
        return err;
    }
    struct io_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        return LG_ENOMEM;
    }
    struct addrinfo hints = {.ai_family = family_of(text->network),
                             .ai_socktype = SOCK_STREAM};
    lookup->request.data = lookup;
    lookup->waiter = w;
    lookup->on_orphan = on_orphan;
    lookup->loop = loop;
    // libuv's threads take none of the host's signals.
    sigset_t mask;
    lg__thread_keep_signals_off(&mask);
    err = uv_getaddrinfo(&loop->uv, &lookup->request, on_found, text->host, NULL, &hints);
    lg__thread_set_mask(&mask);
    if (err) {
        free(lookup);
        return lg__ioerr_of(err);
    }
    lg__pool_ask();
    lg__list_push_back(&loop->lookups, &lookup->node);
    loop->is_dirty = true;
    *out = lookup;
    return LG_OK;
}

bool lg__lookup_next(struct io_lookup *lookup, const struct address_text *text,
                     struct socket_address *out)
{
    while (lookup->next) {
        const struct addrinfo *at = lookup->next;
        lookup->next = at->ai_next;
        if (at->ai_addrlen <= sizeof out->storage) {
            *out = (struct socket_address){.length = at->ai_addrlen};
            memcpy(&out->storage, at->ai_addr, at->ai_addrlen);
            if (lg__address_fits(text->network, out, text->port)) {
                return true;
            }
        }
    }
    return false;
}

void lg__lookup_drop(struct io_lookup *lookup)
{
    if (!lookup) {
        return;
    }
    lookup->waiter = NULL;
    if (lookup->is_done) {
        lookup_free(lookup);
    } else {
        uv_cancel((uv_req_t *)&lookup->request); // if it has not begun
    }
}

void lg__lookup_orphan(struct io_lookup *lookup)
{
    lookup->loop = NULL;
    if (lookup->waiter) {
        lookup->on_orphan(lookup->waiter);
        lookup->waiter = NULL;
    }
    uv_cancel((uv_req_t *)&lookup->request);
}
