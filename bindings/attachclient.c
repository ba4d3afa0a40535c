// SPDX-License-Identifier: MIT
#include "attachclient.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    OUT_MAX = 8 * 1024 * 1024, // bytes of output that are left lying for it
    OUT_LAST = 2 * OUT_MAX,    // the same of all frames
    MESSAGES_MAX = 64,
};

static const char GREETING[] = "lagoon 2 "; // of a client of the same version

struct client *lagoon__client_new(int fd, uint32_t id)
{
    struct client *client = calloc(1, sizeof *client);
    if (client != NULL) {
        client->fd = fd;
        client->id = id;
    }
    return client;
}

void lagoon__client_free(struct client *client)
{
    struct message *message;
    while ((message = lagoon__client_pop(client)) != NULL) {
        free(message);
    }
    lagoon__bytes_free(&client->in);
    lagoon__bytes_free(&client->out);
    free(client);
}

bool lagoon__client_read(struct client *client)
{
    char piece[READ_BYTES];
    ssize_t n = recv(client->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    return n > 0 && lagoon__bytes_add(&client->in, piece, (size_t)n) == 0;
}

bool lagoon__client_flush(struct client *client)
{
    while (client->out.size > 0) {
        ssize_t n = send(client->fd, client->out.at, client->out.size,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return errno == EAGAIN;
        }
        if (n > 0) {
            lagoon__bytes_skip(&client->out, (size_t)n);
        }
    }
    return !client->is_closing;
}

// Says what was left out, before anything that is no output, or when there is room again.
static bool tell_lost(struct client *client, enum frame kind)
{
    char text[128];
    if (client->nlost == 0 || (kind == FRAME_OUTPUT && client->out.size > OUT_MAX / 2)) {
        return true;
    }
    int n =
        snprintf(text, sizeof text,
                 "\n... %zu bytes are left out: they came faster than they were read\n",
                 client->nlost);
    client->nlost = 0;
    return lagoon__frame_add(&client->out, FRAME_OUTPUT, text, (size_t)n) == 0;
}

void lagoon__client_send(struct client *client, enum frame kind, const char *text,
                         size_t size)
{
    if (client->fd < 0 || client->is_closing) {
        return;
    }
    bool is_there = tell_lost(client, kind);
    if (kind == FRAME_OUTPUT) {
        size_t room = client->nlost == 0 && client->out.size < OUT_MAX
                          ? OUT_MAX - client->out.size
                          : 0;
        size_t taken = size < room ? size : room;
        client->nlost += size - taken;
        size = taken;
    }
    if (kind != FRAME_OUTPUT || size > 0) {
        is_there = is_there && client->out.size <= OUT_LAST &&
                   lagoon__frame_add(&client->out, kind, text, size) == 0;
    }
    if (!is_there) {
        lagoon__client_drop(client);
    }
}

void lagoon__client_bye(struct client *client, const char *why)
{
    lagoon__client_send(client, FRAME_BYE, why, strlen(why));
    client->is_closing = true;
}

static bool push(struct client *client, enum frame kind, const char *text, size_t size)
{
    struct message *message = malloc(sizeof *message + size);
    if (message == NULL) {
        return false;
    }
    message->next = NULL;
    message->kind = kind;
    message->size = size;
    if (size > 0) {
        memcpy(message->text, text, size);
    }
    if (client->first == NULL) {
        client->first = message;
    } else {
        client->last->next = message;
    }
    client->last = message;
    client->nmessages++;
    return true;
}

struct message *lagoon__client_pop(struct client *client)
{
    struct message *message = client->first;
    if (message != NULL) {
        client->first = message->next;
        client->nmessages--;
    }
    return message;
}

void lagoon__client_drop(struct client *client)
{
    if (client->fd < 0) {
        return;
    }
    close(client->fd);
    client->fd = -1;
    if (client->is_greeted) {
        push(client, FRAME_GONE, NULL, 0); // without memory its session stays
    }
}

// NULL: it may say that now.
static const char *objection(const struct client *client, enum frame kind,
                             const char *text, size_t size)
{
    size_t length = sizeof GREETING - 1;
    if (!client->is_greeted) {
        bool is_known =
            kind == FRAME_HELLO && size >= length && memcmp(text, GREETING, length) == 0;
        return is_known ? NULL : "this is for `lagoon attach` of the same version";
    }
    if (kind == FRAME_HELLO || (kind == FRAME_INPUT && client->is_busy)) {
        return "that was not expected";
    }
    return client->nmessages >= MESSAGES_MAX ? "too many requests at once" : NULL;
}

bool lagoon__client_take(struct client *client)
{
    enum frame kind;
    const char *text;
    size_t size;
    int found = client->is_closing || client->fd < 0
                    ? 0
                    : lagoon__frame_peek(&client->in, &kind, &text, &size);
    if (found < 0) {
        lagoon__client_bye(client, "this is for `lagoon attach`");
    }
    if (found <= 0) {
        return false;
    }
    const char *why = objection(client, kind, text, size);
    if (why == NULL && !push(client, kind, text, size)) {
        why = "not enough memory";
    }
    if (why != NULL) {
        lagoon__client_bye(client, why);
        return false;
    }
    client->is_greeted = true;
    client->is_busy = client->is_busy || kind == FRAME_INPUT || kind == FRAME_HELLO;
    lagoon__bytes_skip(&client->in, FRAME_HEAD + size);
    return true;
}
