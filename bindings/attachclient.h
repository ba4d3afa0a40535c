// SPDX-License-Identifier: MIT
//
// A client that is attached: what it sends and gets. All of it is guarded by the lock of who
// serves it (attach.c), but for what a goroutine of the first state does with its messages.
#ifndef LAGOON_ATTACHCLIENT_H
#define LAGOON_ATTACHCLIENT_H

#include <lagoon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attachframe.h"
#include "dumpall.h"

// A frame on its way to the first state.
struct message {
    struct message *next;
    enum frame kind;
    size_t size;
    char text[];
};

struct client {
    struct client *next;
    uint32_t id;
    int fd; // -1: it is gone
    struct bytes in;
    struct bytes out;
    size_t nlost; // bytes of output that came faster than it has read; untold
    bool is_greeted;
    bool is_busy;    // an input of it is running
    bool is_closing; // once it has got all of `out`
    // -- messages that the first state has not come to --
    struct message *first;
    struct message *last;
    size_t nmessages;
    lg_post post;
    bool is_posted;           // the post is queued, or at work
    struct patience patience; // with the first state meanwhile
    bool is_told;             // that this does not come to it
};

struct client *lagoon__client_new(int fd, uint32_t id);
void lagoon__client_free(struct client *client);

// Reads what has come. Returns false: it is gone, or must be.
bool lagoon__client_read(struct client *client);

// Takes the next frame out of what was read, as a message. False: there is none. What it
// must not say ends it.
bool lagoon__client_take(struct client *client);

// Sends what it takes at once. False: it is gone, or has all and is closing.
bool lagoon__client_flush(struct client *client);

// Queues a frame for it. Of output that it does not read the rest is left out, and it is told
// so; one that asks on and does not read is gone.
void lagoon__client_send(struct client *client, enum frame kind, const char *text,
                         size_t size);

// Says why, and closes once that is sent.
void lagoon__client_bye(struct client *client, const char *why);

// Closes its descriptor; the first state gets to know of it, if it has known of the client.
void lagoon__client_drop(struct client *client);

// Takes the first message out; NULL: there is none. free() it.
struct message *lagoon__client_pop(struct client *client);

#endif // LAGOON_ATTACHCLIENT_H
