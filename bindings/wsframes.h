// SPDX-License-Identifier: MIT
//
// The frames of a WebSocket (RFC 6455): bytes in, messages out, and the other way round.
//
// No socket, no Lua. libwslay takes frames apart and makes them; what they mean together is
// decided here: docs/decisions/websocket.md tells why. Strict: the first thing that breaks a rule is the
// last one that is looked at, and the other side is told by the code that the RFC has for it.
//
// Of what is owed to the other side, which is an answer to its last ping and one close, there is
// one of each at most: a peer that only pings costs no memory.
#ifndef LAGOON_WSFRAMES_H
#define LAGOON_WSFRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wslay/wslay.h>

#include "utf8.h"

enum {
    WS_CONTROL_MAX = 125, // bytes that a ping, a pong or a close can carry
    WS_REASON_MAX = WS_CONTROL_MAX - 2,
};

enum ws_role { WS_SERVER, WS_CLIENT };

enum ws_found {
    WS_MORE, // nothing whole: more bytes are needed
    WS_TEXT,
    WS_BINARY,
    WS_PONG,
    WS_CLOSE, // the other side says that nothing follows; with a code and a reason
    WS_FAULT, // it breaks a rule; with the code that it is told, and a message
};

struct ws_event {
    const void *bytes; // until the next call
    size_t n;
    int code; // 1005 for a close without one
};

struct ws_bytes {
    uint8_t *at;
    size_t n;
    size_t capacity;
};

struct ws_control {
    size_t n;
    uint8_t bytes[WS_CONTROL_MAX];
};

struct ws_frames {
    wslay_frame_context_ptr core;
    enum ws_role role;
    size_t max_bytes; // of a message that comes in
    // -- the call that runs --
    const uint8_t *in;
    size_t nin;
    // -- what comes in --
    bool is_inside; // a frame has begun
    uint64_t left;  // bytes of it that are to come
    uint8_t opcode; // of the message that has begun; WSLAY_CONTINUATION_FRAME: none has
    bool is_told;   // the message is whole, and was returned by the call before
    struct utf8 text;
    struct ws_bytes message;
    struct ws_control control;
    // -- the end: WS_CLOSE or WS_FAULT, and what comes with it --
    enum ws_found end;
    struct ws_event last;
    // -- what goes out --
    bool owes_pong;
    bool owes_close;
    bool has_closed; // a close is in `out` or gone: nothing may follow it
    struct ws_control pong;
    struct ws_control close;
    struct ws_bytes out; // frames, taken by who sends them
};

// 0, or LG_ENOMEM. Stays where it is until lagoon__ws_fini().
int lagoon__ws_init(struct ws_frames *frames, enum ws_role role, size_t max_bytes);
void lagoon__ws_fini(struct ws_frames *frames);

// What is next in what has come; *out_taken of the n bytes are done with, the others are for the
// next call. Only WS_MORE says that all are. The end is told again and again.
enum ws_found lagoon__ws_next(struct ws_frames *frames, const void *bytes, size_t n,
                              size_t *out_taken, struct ws_event *out);

// Adds a frame to `out`. Opcodes are libwslay's. LG_ECLOSED behind a close, LG_ENOMEM.
int lagoon__ws_put(struct ws_frames *frames, uint8_t opcode, const void *bytes, size_t n);

// The same for what is owed.
bool lagoon__ws_owes(const struct ws_frames *frames);
int lagoon__ws_put_owed(struct ws_frames *frames);

// Forgets what is in `out`.
void lagoon__ws_drop_out(struct ws_frames *frames);

// From now on a close is owed, unless one was before. The reason is UTF-8, of WS_REASON_MAX bytes
// at most.
void lagoon__ws_close(struct ws_frames *frames, int code, const void *reason, size_t n);

// Whether a close frame may have the code.
bool lagoon__ws_is_code(int code);

#endif // LAGOON_WSFRAMES_H
