// SPDX-License-Identifier: MIT
#include "io/watch.h"

#include "io/ioerr.h"
#include "io/ioloop.h"
#include "os/socket.h"

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct io_watch *watch = poll->data;
    if (status < 0) {
        watch->interest = 0; // libuv has stopped
        events = UV_READABLE | UV_WRITABLE;
    }
    watch->on_ready(watch, events);
}

static int attach(struct io_watch *watch, struct lg_strand *s)
{
    struct io_loop *loop;
    int err = lg__ioloop_of(s, &loop);
    if (!err) {
        err = lg__ioerr_of(uv_poll_init(&loop->uv, &watch->poll, watch->fd));
    }
    if (err) {
        return err;
    }
    watch->poll.data = watch;
    watch->loop = loop;
    lg__list_push_back(&loop->watches, &watch->node);
    return LG_OK;
}

int lg__watch_for(struct io_watch *watch, struct lg_strand *s, int interest)
{
    if (interest == watch->interest || watch->fd < 0) {
        return LG_OK;
    }
    int err = watch->loop ? LG_OK : attach(watch, s);
    if (!err) {
        err = interest == 0 ? uv_poll_stop(&watch->poll)
                            : uv_poll_start(&watch->poll, interest, on_poll);
        err = lg__ioerr_of(err);
    }
    if (!err) {
        watch->interest = interest;
        watch->loop->is_dirty = true;
    }
    return err;
}

static void on_closed(uv_handle_t *handle)
{
    struct io_watch *watch = handle->data;
    watch->loop->nclosing--;
    watch->loop = NULL;
    if (watch->is_freed) {
        watch->on_free(watch);
    }
}

// libuv forgets the descriptor first: the next one may have its number.
static void close_both(struct io_watch *watch)
{
    watch->interest = 0;
    if (watch->loop) {
        watch->loop->nclosing++;
        watch->loop->is_dirty = true;
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    }
    lg__socket_close(watch->fd);
    watch->fd = -1;
}

void lg__watch_close(struct io_watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    if (watch->loop) {
        lg__list_remove(&watch->loop->watches, &watch->node);
    }
    close_both(watch);
}

void lg__watch_free(struct io_watch *watch)
{
    lg__watch_close(watch);
    watch->is_freed = true;
    if (!watch->loop) {
        watch->on_free(watch);
    }
}

void lg__watch_orphan(struct io_watch *watch)
{
    close_both(watch);
    watch->on_orphan(watch);
}
