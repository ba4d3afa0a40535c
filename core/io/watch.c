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

int lg__watch_enlist(struct io_watch *watch, struct lg_strand *s)
{
    if (watch->loop) {
        return LG_OK;
    }
    struct io_loop *loop;
    int err = lg__ioloop_of(s, &loop);
    if (!err) {
        watch->loop = loop;
        lg__list_push_back(&loop->watches, &watch->node);
    }
    return err;
}

static int begin(struct io_watch *watch, struct lg_strand *s)
{
    int err = lg__watch_enlist(watch, s);
    bool blocks = watch->is_shared && watch->watcher == 0 && lg__socket_blocks(watch->fd);
    if (!err) {
        int fd = watch->watcher > 0 ? watch->watcher : watch->fd;
        err = lg__ioerr_of(uv_poll_init(&watch->loop->uv, &watch->poll, fd));
    }
    if (blocks) {
        lg__socket_block(watch->fd);
    }
    if (!err) {
        watch->poll.data = watch;
        watch->is_begun = true;
    }
    return err;
}

int lg__watch_for(struct io_watch *watch, struct lg_strand *s, int interest)
{
    if (interest == watch->interest || watch->fd < 0) {
        return LG_OK;
    }
    int err = watch->is_begun ? LG_OK : begin(watch, s);
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

static void free_if_done(struct io_watch *watch)
{
    if (watch->is_freed && !watch->is_begun) {
        watch->on_free(watch);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct io_watch *watch = handle->data;
    ((struct io_loop *)handle->loop->data)->nclosing--;
    watch->is_begun = false;
    free_if_done(watch);
}

// libuv forgets the descriptor first: the next one may have its number.
void lg__watch_close(struct io_watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    if (watch->is_begun) {
        watch->loop->nclosing++;
        watch->loop->is_dirty = true;
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    }
    lg__socket_close(watch->fd);
    if (watch->watcher > 0) {
        lg__socket_close(watch->watcher);
        watch->watcher = 0;
    }
    watch->interest = 0;
    watch->fd = -1;
}

void lg__watch_free(struct io_watch *watch)
{
    lg__watch_close(watch);
    if (watch->loop) {
        lg__list_remove(&watch->loop->watches, &watch->node);
        watch->loop = NULL;
    }
    watch->is_freed = true;
    free_if_done(watch);
}

void lg__watch_orphan(struct io_watch *watch)
{
    lg__watch_close(watch);
    watch->loop = NULL;
    watch->on_orphan(watch);
}
