// SPDX-License-Identifier: MIT
//
// What libFuzzer feeds to the frames of WebSockets: all of it at once and in pieces, with the same
// messages and the same end. The first byte says which side hears it, the second how long the
// pieces are. What is answered must be frames that the other side understands, and what the input
// is as a message must come out of the other side as it went in.
#include <lagoon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "wsframes.h"

enum { MESSAGE_MAX = 1024 };

#define CHECK(condition) check((condition), #condition)

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz: does not hold: %s\n", what);
        abort();
    }
}

// What was heard, as bytes: the kind, the code, the length and the bytes of each event.
struct heard {
    struct ws_frames frames;
    uint8_t *log;
    size_t n;
    size_t capacity;
    enum ws_found last;
};

static void note(struct heard *heard, const void *bytes, size_t n)
{
    if (heard->n + n > heard->capacity) {
        heard->capacity = 2 * (heard->n + n);
        heard->log = realloc(heard->log, heard->capacity);
        CHECK(heard->log != NULL);
    }
    if (n > 0) {
        memcpy(heard->log + heard->n, bytes, n);
    }
    heard->n += n;
}

static bool is_utf8(const void *bytes, size_t n)
{
    struct utf8 text = {0};
    return lagoon__utf8_add(&text, bytes, n) && lagoon__utf8_is_whole(&text);
}

static void note_event(struct heard *heard, enum ws_found found,
                       const struct ws_event *event)
{
    CHECK(found == WS_PONG || found == WS_FAULT || found == WS_CLOSE ||
          event->n <= MESSAGE_MAX);
    CHECK(found == WS_BINARY || found == WS_PONG || is_utf8(event->bytes, event->n));
    CHECK((found != WS_CLOSE && found != WS_FAULT) || event->code == 1005 ||
          lagoon__ws_is_code(event->code));
    note(heard, &found, sizeof found);
    note(heard, &event->code, sizeof event->code);
    note(heard, &event->n, sizeof event->n);
    note(heard, event->bytes, event->n);
}

// Gives a piece, up to the end or to where all of it is used.
static void give(struct heard *heard, const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    do {
        size_t taken;
        struct ws_event event;
        heard->last = lagoon__ws_next(&heard->frames, bytes + at, n - at, &taken, &event);
        CHECK(taken <= n - at);
        at += taken;
        if (heard->last != WS_MORE) {
            note_event(heard, heard->last, &event);
        }
    } while (heard->last != WS_MORE && heard->last != WS_CLOSE &&
             heard->last != WS_FAULT);
    CHECK(heard->last != WS_MORE || at == n);
}

static void hear(struct heard *heard, enum ws_role role, const uint8_t *bytes, size_t n,
                 size_t piece)
{
    *heard = (struct heard){0};
    CHECK(lagoon__ws_init(&heard->frames, role, MESSAGE_MAX) == LG_OK);
    for (size_t at = 0; at < n && heard->last != WS_CLOSE && heard->last != WS_FAULT;) {
        size_t here = n - at < piece ? n - at : piece;
        give(heard, bytes + at, here);
        at += here;
    }
}

static void forget(struct heard *heard)
{
    lagoon__ws_fini(&heard->frames);
    free(heard->log);
}

static bool are_same(const struct ws_control *a, const struct ws_control *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static enum ws_role other(enum ws_role role)
{
    return role == WS_SERVER ? WS_CLIENT : WS_SERVER;
}

// The answer is at most a pong and a close, and there is a close exactly at an end.
static void check_answer(struct heard *heard, enum ws_role role)
{
    struct heard peer;
    bool has_ended = heard->last == WS_CLOSE || heard->last == WS_FAULT;
    CHECK(lagoon__ws_put_owed(&heard->frames) == LG_OK);
    CHECK(!lagoon__ws_owes(&heard->frames));
    hear(&peer, other(role), heard->frames.out.at, heard->frames.out.n, SIZE_MAX);
    CHECK(has_ended ? peer.last == WS_CLOSE : peer.last == WS_MORE);
    CHECK(lagoon__ws_put(&heard->frames, WSLAY_PING, "", 0) ==
          (has_ended ? LG_ECLOSED : LG_OK));
    forget(&peer);
}

static void fuzz_frames(enum ws_role role, const uint8_t *bytes, size_t n, size_t piece)
{
    struct heard whole;
    struct heard parts;
    hear(&whole, role, bytes, n, SIZE_MAX);
    hear(&parts, role, bytes, n, piece);
    CHECK(whole.last == parts.last);
    CHECK(whole.n == parts.n &&
          (whole.n == 0 || memcmp(whole.log, parts.log, whole.n) == 0));
    CHECK(whole.frames.owes_pong == parts.frames.owes_pong);
    CHECK(are_same(&whole.frames.pong, &parts.frames.pong));
    check_answer(&whole, role);
    forget(&whole);
    forget(&parts);
}

static void fuzz_message(enum ws_role role, const uint8_t *bytes, size_t n, size_t piece)
{
    struct ws_frames sender;
    struct heard heard;
    struct heard expected = {0};
    struct ws_event event = {bytes, n, 0};
    CHECK(lagoon__ws_init(&sender, other(role), MESSAGE_MAX) == LG_OK);
    CHECK(lagoon__ws_put(&sender, WSLAY_BINARY_FRAME, bytes, n) == LG_OK);
    hear(&heard, role, sender.out.at, sender.out.n, piece);
    if (n <= MESSAGE_MAX) {
        note_event(&expected, WS_BINARY, &event);
        CHECK(heard.n == expected.n && memcmp(heard.log, expected.log, heard.n) == 0);
    } else {
        CHECK(heard.last == WS_FAULT);
    }
    lagoon__ws_fini(&sender);
    forget(&heard);
    free(expected.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 2) {
        return 0;
    }
    enum ws_role role = input[0] % 2 == 0 ? WS_SERVER : WS_CLIENT;
    size_t piece = (size_t)input[1] % 32 + 1;
    fuzz_frames(role, input + 2, size - 2, piece);
    fuzz_message(role, input + 2, size - 2, piece);
    return 0;
}
