// SPDX-License-Identifier: MIT
//
// The thread alone makes and frees clients; a goroutine of the first state finds one by its
// number, and a post, which keeps its client there, by its address. Nothing of the program
// waits for a client: what it does not take stays in `out`.
#include "attach.h"

#include <errno.h>
#include <lagoon.h>
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attachclient.h"
#include "attachplace.h"
#include "dumpall.h"
#include "fail.h"
#include "go.h"
#include "listener.h"
#include "open.h"
#include "state.h"

enum {
    CLIENTS_MAX = 16,
    SHORT_MS = 100, // from one look for a descriptor to the next
};

static const char GUEST[] = "lagoon.repl.guest";

// A process has one.
static struct {
    pthread_mutex_t dump_lock; // before the other: a dump is being made
    pthread_mutex_t lock;
    // -- lock --
    struct script *script; // NULL: not begun, or goroutine 1 has ended
    struct client *clients;
    size_t nclients;
    uint32_t last_id;
    struct place place;
    bool is_started;
    // -- fixed, once it is started --
    int listener;
    int bell; // rung for the thread to look up
    // -- any thread --
    _Atomic bool stays;
    _Atomic bool must_hurry; // it stops
} server = {.dump_lock = PTHREAD_MUTEX_INITIALIZER,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .place = {.folder = -1}};

static void ring(void)
{
    static const uint64_t one = 1;
    ssize_t n = write(server.bell, &one, sizeof one); // if it is full it rings already
    (void)n;
}

// -- inside the first state --

struct delivery {
    struct script *s;
    uint32_t id;
    const struct message *message;
};

static int start_goroutine(lua_State *L)
{
    struct delivery *delivery = lua_touserdata(L, 1);
    const struct message *message = delivery->message;
    const char kind = (char)message->kind;
    lua_getfield(L, LUA_REGISTRYINDEX, GUEST);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lagoon__load_module(L, delivery->s, GUEST);
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, GUEST);
    }
    lua_pushnumber(L, delivery->id);
    lua_pushlstring(L, &kind, message->kind == FRAME_GONE ? 0 : 1);
    lua_pushlstring(L, message->text, message->size);
    lg_ref ref;
    lagoon__go(L, delivery->s, 3, &ref);
    return 0;
}

static void deliver(struct script *s, struct client *client,
                    const struct message *message)
{
    static const char WHY[] = "not enough memory\n";
    struct delivery delivery = {s, client->id, message};
    if (lua_cpcall(s->aux, start_goroutine, &delivery) == 0) {
        return;
    }
    lua_settop(s->aux, 0);
    pthread_mutex_lock(&server.lock);
    lagoon__client_send(client, FRAME_OUTPUT, WHY, sizeof WHY - 1);
    if (message->kind == FRAME_INPUT || message->kind == FRAME_HELLO) {
        lagoon__client_send(client, FRAME_READY, "", 0);
        client->is_busy = false;
    }
    pthread_mutex_unlock(&server.lock);
}

static void on_post(lg_post *post)
{
    struct client *client =
        (struct client *)(void *)((char *)post - offsetof(struct client, post));
    for (;;) {
        pthread_mutex_lock(&server.lock);
        struct script *s = server.script;
        struct message *message = lagoon__client_pop(client);
        client->is_posted = message != NULL;
        pthread_mutex_unlock(&server.lock);
        if (message == NULL) {
            ring(); // it may be freed by now
            return;
        }
        if (s != NULL && !s->is_over) {
            deliver(s, client, message);
        }
        free(message);
    }
}

// -- the thread --

static void post_locked(struct client *client)
{
    if (client->first != NULL && !client->is_posted && server.script != NULL) {
        client->is_posted = true;
        client->is_told = false;
        client->patience = (struct patience){0};
        client->post.fn = on_post;
        lg_strand_post(server.script->strand, &client->post);
    }
}

// False: not now, for want of a descriptor. Who waits for that is seen again and again.
static bool accept_locked(void)
{
    int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    }
    struct client *client =
        lagoon__peer_is_ours(fd) ? lagoon__client_new(fd, ++server.last_id) : NULL;
    if (client == NULL) {
        close(fd);
        return true;
    }
    client->next = server.clients;
    server.clients = client;
    if (server.nclients++ >= CLIENTS_MAX || server.script == NULL) {
        lagoon__client_bye(client, "too many are attached already");
    }
    return true;
}

// What poll() has found of one.
static void serve_locked(struct client *client, short events)
{
    bool is_there = true;
    if (events & (POLLIN | POLLHUP | POLLERR)) {
        is_there = lagoon__client_read(client);
        while (lagoon__client_take(client)) {
        }
    }
    if (client->fd >= 0) {
        is_there = lagoon__client_flush(client) && is_there;
    }
    if (!is_there) {
        lagoon__client_drop(client);
    }
    post_locked(client);
}

// Returns a client whose request the first state has not come to for long; 0: none.
static uint32_t look_after_locked(void)
{
    uint32_t stuck = 0;
    for (struct client **at = &server.clients; *at != NULL;) {
        struct client *client = *at;
        if (client->is_posted && !client->is_told &&
            !lagoon__patience_lasts(&client->patience)) {
            client->is_told = true;
            stuck = client->id;
        }
        post_locked(client); // for who was dropped outside of serve_locked()
        if (client->fd < 0 && !client->is_posted) {
            *at = client->next;
            server.nclients--;
            lagoon__client_free(client);
        } else {
            at = &client->next;
        }
    }
    return stuck;
}

static struct client *find_locked(uint32_t id)
{
    struct client *client = server.clients;
    while (client != NULL && client->id != id) {
        client = client->next;
    }
    return client;
}

// The first state is in C code. The lock is open meanwhile: that state may want it.
static void tell_stuck(uint32_t id)
{
    static const char WHY[] =
        "the program's first Lua state is in C code and does not come "
        "to this; meanwhile:\n\n";
    pthread_mutex_lock(&server.dump_lock);
    pthread_mutex_lock(&server.lock);
    struct script *s = server.script;
    pthread_mutex_unlock(&server.lock);
    char *text = s != NULL ? lagoon__dump_all(s, &server.must_hurry) : NULL;
    pthread_mutex_unlock(&server.dump_lock);
    pthread_mutex_lock(&server.lock);
    struct client *client = find_locked(id);
    if (client != NULL && text != NULL) {
        lagoon__client_send(client, FRAME_OUTPUT, WHY, sizeof WHY - 1);
        lagoon__client_send(client, FRAME_OUTPUT, text, strlen(text));
    }
    pthread_mutex_unlock(&server.lock);
    free(text);
}

// Whom to wait for; returns how many. Further clients than there is room for do not come.
static nfds_t fill_locked(struct pollfd *polled, struct client **whose, int *timeout_ms)
{
    nfds_t n = 0;
    *timeout_ms = -1;
    polled[n++] = (struct pollfd){.fd = server.bell, .events = POLLIN};
    polled[n++] = (struct pollfd){.fd = server.listener, .events = POLLIN};
    for (struct client *client = server.clients; client; client = client->next) {
        if (client->is_posted) {
            *timeout_ms = PATIENCE_ROUND_MS;
        }
        if (client->fd >= 0) {
            whose[n] = client;
            polled[n++] = (struct pollfd){
                .fd = client->fd,
                .events = (short)((client->is_closing ? 0 : POLLIN) |
                                  (client->out.size > 0 ? POLLOUT : 0)),
            };
        }
    }
    return n;
}

static void *serve(void *arg)
{
    (void)arg;
    enum { MORE = 8 }; // that are told to go
    struct pollfd polled[2 + CLIENTS_MAX + MORE];
    struct client *whose[2 + CLIENTS_MAX + MORE];
    bool is_short = false; // of descriptors
    for (;;) {
        int timeout_ms;
        pthread_mutex_lock(&server.lock);
        nfds_t n = fill_locked(polled, whose, &timeout_ms);
        bool is_full = server.nclients >= CLIENTS_MAX + MORE;
        pthread_mutex_unlock(&server.lock);
        polled[1].fd = is_full || is_short ? -1 : server.listener;
        if (is_short && timeout_ms < 0) {
            timeout_ms = SHORT_MS;
        }
        is_short = false;
        if (poll(polled, n, timeout_ms) < 0) {
            continue;
        }
        if (polled[0].revents) {
            uint64_t count;
            ssize_t nread = read(server.bell, &count, sizeof count);
            (void)nread;
        }
        pthread_mutex_lock(&server.lock);
        for (nfds_t i = 2; i < n; i++) {
            if (whose[i]->fd >= 0) {
                serve_locked(whose[i], polled[i].revents);
            }
        }
        if (polled[1].revents) {
            is_short = !accept_locked();
        }
        uint32_t stuck = look_after_locked();
        pthread_mutex_unlock(&server.lock);
        if (stuck != 0) {
            tell_stuck(stuck);
        }
    }
    return NULL;
}

// -- started and stopped --

static int start_locked(char why[PLACE_WHY_SIZE])
{
    server.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server.bell < 0) {
        snprintf(why, PLACE_WHY_SIZE, "%s", strerror(errno));
        return -1;
    }
    server.listener = lagoon__place_listen(&server.place, why);
    if (server.listener < 0) {
        close(server.bell);
        return -1;
    }
    if (!lagoon__start_thread(serve, NULL)) {
        snprintf(why, PLACE_WHY_SIZE, "the system refuses a thread");
        lagoon__place_remove(&server.place);
        close(server.listener);
        close(server.bell);
        return -1;
    }
    atexit(lagoon__attach_stop);
    server.is_started = true;
    return 0;
}

bool lagoon__attach_stays(void)
{
    // relaxed: a setting
    return atomic_load_explicit(&server.stays, memory_order_relaxed);
}

void lagoon__attach_stop(void)
{
    // relaxed: seen a round later it does as well
    atomic_store_explicit(&server.must_hurry, true, memory_order_relaxed);
    pthread_mutex_lock(&server.lock);
    if (server.script != NULL) {
        server.script = NULL; // no post follows
        lagoon__place_remove(&server.place);
        for (struct client *client = server.clients; client; client = client->next) {
            lagoon__client_bye(client, "the program has ended");
            if (client->fd >= 0) {
                lagoon__client_flush(client);
            }
        }
    }
    pthread_mutex_unlock(&server.lock);
    pthread_mutex_lock(&server.dump_lock); // one that is being made looks at the script
    pthread_mutex_unlock(&server.dump_lock);
}

// attach_start([stays]) -> path; or nil, why. Once more, the same path.
static int attach_start(lua_State *L)
{
    struct script *s = lagoon__script(L);
    char why[PLACE_WHY_SIZE] = "";
    lagoon__rt(L, s);
    if (!s->is_program || s->worker != NULL) {
        lagoon__raise(
            L, "only the first Lua state of the lagoon program can be attached to");
    }
    if (lg_is_deterministic(s->rt)) {
        lagoon__raise(L, "a deterministic run cannot be attached to: it would not be the "
                         "same each time");
    }
    pthread_mutex_lock(&server.lock);
    int err = server.is_started ? 0 : start_locked(why);
    if (err == 0) {
        server.script = s;
        // relaxed: a setting
        atomic_store_explicit(&server.stays, lua_toboolean(L, 1), memory_order_relaxed);
    }
    pthread_mutex_unlock(&server.lock);
    if (err == 0) {
        lua_pushstring(L, server.place.path);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

// attach_write(id, kind, text) -> whether that one is still there.
static int attach_write(lua_State *L)
{
    uint32_t id = (uint32_t)luaL_checknumber(L, 1);
    enum frame kind = (enum frame)luaL_checkstring(L, 2)[0];
    size_t size;
    const char *text = luaL_checklstring(L, 3, &size);
    pthread_mutex_lock(&server.lock);
    struct client *client = find_locked(id);
    bool is_there = client != NULL && client->fd >= 0;
    if (is_there) {
        client->is_busy = client->is_busy && kind != FRAME_READY;
        lagoon__client_send(client, kind, text, size);
        client->is_closing = client->is_closing || kind == FRAME_BYE;
        ring();
    }
    pthread_mutex_unlock(&server.lock);
    lua_pushboolean(L, is_there);
    return 1;
}

void lagoon__open_attach(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {
        {"attach_start", attach_start}, {"attach_write", attach_write}, {NULL, NULL}};
    lagoon__register(L, s, functions);
}
