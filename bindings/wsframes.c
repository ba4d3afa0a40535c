// SPDX-License-Identifier: MIT
#include "wsframes.h"

#include <lagoon.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    KEPT_BYTES = 16 * 1024, // a buffer that has become larger is given back after its use
    CODE_PROTOCOL = WSLAY_CODE_PROTOCOL_ERROR,
    CODE_TEXT = WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA,
    CODE_SIZE = WSLAY_CODE_MESSAGE_TOO_BIG,
    CODE_MEMORY = WSLAY_CODE_INTERNAL_SERVER_ERROR,
    CODE_NONE = WSLAY_CODE_NO_STATUS_RCVD,
};

// -- bytes --

static bool append(struct ws_bytes *to, const void *bytes, size_t n)
{
    if (n > to->capacity - to->n) {
        size_t capacity = to->capacity < 256 ? 256 : to->capacity;
        while (capacity < to->n + n) {
            capacity *= 2;
        }
        uint8_t *at = realloc(to->at, capacity);
        if (at == NULL) {
            return false;
        }
        to->at = at;
        to->capacity = capacity;
    }
    if (n > 0) {
        memcpy(to->at + to->n, bytes, n);
    }
    to->n += n;
    return true;
}

static void clear(struct ws_bytes *bytes)
{
    bytes->n = 0;
    if (bytes->capacity > KEPT_BYTES) {
        free(bytes->at);
        *bytes = (struct ws_bytes){0};
    }
}

// -- libwslay's calls --

static ssize_t give_input(uint8_t *to, size_t n, int flags, void *user)
{
    (void)flags;
    struct ws_frames *frames = user;
    size_t here = n < frames->nin ? n : frames->nin;
    if (here == 0) {
        return -1;
    }
    memcpy(to, frames->in, here);
    frames->in += here;
    frames->nin -= here;
    return (ssize_t)here;
}

static ssize_t take_output(const uint8_t *bytes, size_t n, int flags, void *user)
{
    (void)flags;
    struct ws_frames *frames = user;
    return append(&frames->out, bytes, n) ? (ssize_t)n : -1;
}

// RFC 6455, 5.3: nobody can tell the next mask from the ones before.
static int make_mask(uint8_t *to, size_t n, void *user)
{
    (void)user;
    return getrandom(to, n, 0) == (ssize_t)n ? 0 : -1;
}

int lagoon__ws_init(struct ws_frames *frames, enum ws_role role, size_t max_bytes)
{
    static const struct wslay_frame_callbacks callbacks = {
        .send_callback = take_output,
        .recv_callback = give_input,
        .genmask_callback = make_mask,
    };
    memset(frames, 0, sizeof *frames);
    frames->role = role;
    frames->max_bytes = max_bytes;
    return wslay_frame_context_init(&frames->core, &callbacks, frames) == 0 ? LG_OK
                                                                            : LG_ENOMEM;
}

void lagoon__ws_fini(struct ws_frames *frames)
{
    wslay_frame_context_free(frames->core);
    free(frames->message.at);
    free(frames->out.at);
    memset(frames, 0, sizeof *frames);
}

// -- the end --

bool lagoon__ws_is_code(int code)
{
    bool is_reserved = code == 1004 || code == 1005 || code == 1006;
    return (code >= 1000 && code <= 1014 && !is_reserved) ||
           (code >= 3000 && code <= 4999);
}

void lagoon__ws_close(struct ws_frames *frames, int code, const void *reason, size_t n)
{
    if (frames->owes_close || frames->has_closed) {
        return;
    }
    frames->owes_close = true;
    frames->close.n = 0;
    if (code != CODE_NONE) {
        frames->close.bytes[0] = (uint8_t)(code >> 8);
        frames->close.bytes[1] = (uint8_t)code;
        memcpy(frames->close.bytes + 2, reason, n);
        frames->close.n = 2 + n;
    }
}

static enum ws_found fail(struct ws_frames *frames, int code, const char *message)
{
    lagoon__ws_close(frames, code, "", 0);
    frames->end = WS_FAULT;
    frames->last = (struct ws_event){message, strlen(message), code};
    clear(&frames->message);
    return WS_FAULT;
}

static enum ws_found protocol_error(struct ws_frames *frames, const char *message)
{
    return fail(frames, CODE_PROTOCOL, message);
}

// -- what comes in --

static bool is_control(uint8_t opcode)
{
    return wslay_is_ctrl_frame(opcode);
}

// Whether a frame may begin here; WS_MORE: it may.
static enum ws_found begin_frame(struct ws_frames *frames,
                                 const struct wslay_frame_iocb *frame)
{
    bool has_begun = frames->opcode != WSLAY_CONTINUATION_FRAME;
    if (frame->rsv != 0) {
        return protocol_error(frames, "reserved bits are set");
    }
    if (frame->mask != (frames->role == WS_SERVER)) {
        return protocol_error(frames, frame->mask ? "a masked frame of a server"
                                                  : "a frame without a mask");
    }
    switch (frame->opcode) {
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG: frames->control.n = 0; return WS_MORE;
    case WSLAY_CONTINUATION_FRAME:
        if (!has_begun) {
            return protocol_error(frames, "a continuation of nothing");
        }
        break;
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        if (has_begun) {
            return protocol_error(frames, "a message within a message");
        }
        frames->opcode = frame->opcode;
        frames->text = (struct utf8){0};
        break;
    default: return protocol_error(frames, "an unknown kind of frame");
    }
    if (frame->payload_length > frames->max_bytes - frames->message.n) {
        return fail(frames, CODE_SIZE, "message too large");
    }
    return WS_MORE;
}

static enum ws_found finish_close(struct ws_frames *frames)
{
    const struct ws_control *control = &frames->control;
    struct ws_event last = {"", 0, CODE_NONE};
    struct utf8 text = {0};
    if (control->n == 1) {
        return protocol_error(frames, "half of a code");
    }
    if (control->n > 0) {
        last.code = control->bytes[0] << 8 | control->bytes[1];
        last.bytes = control->bytes + 2;
        last.n = control->n - 2;
    }
    if (control->n > 0 && !lagoon__ws_is_code(last.code)) {
        return protocol_error(frames, "a code that nobody may send");
    }
    if (!lagoon__utf8_add(&text, last.bytes, last.n) || !lagoon__utf8_is_whole(&text)) {
        return fail(frames, CODE_TEXT, "invalid UTF-8");
    }
    lagoon__ws_close(frames, last.code, last.bytes, last.n); // as it came: 5.5.1
    frames->end = WS_CLOSE;
    frames->last = last;
    clear(&frames->message);
    return WS_CLOSE;
}

static enum ws_found finish_control(struct ws_frames *frames, uint8_t opcode)
{
    if (opcode == WSLAY_CONNECTION_CLOSE) {
        return finish_close(frames);
    }
    if (opcode == WSLAY_PONG) {
        return WS_PONG;
    }
    frames->owes_pong = true; // for the last ping only: 5.5.3
    frames->pong = frames->control;
    return WS_MORE;
}

static enum ws_found finish_message(struct ws_frames *frames)
{
    bool is_text = frames->opcode == WSLAY_TEXT_FRAME;
    if (is_text && !lagoon__utf8_is_whole(&frames->text)) {
        return fail(frames, CODE_TEXT, "invalid UTF-8");
    }
    frames->is_told = true;
    frames->opcode = WSLAY_CONTINUATION_FRAME;
    return is_text ? WS_TEXT : WS_BINARY;
}

// Keeps a piece of a frame; WS_MORE: that went well.
static enum ws_found keep_piece(struct ws_frames *frames,
                                const struct wslay_frame_iocb *piece)
{
    if (is_control(piece->opcode)) { // wslay has seen to it that there is room
        memcpy(frames->control.bytes + frames->control.n, piece->data,
               piece->data_length);
        frames->control.n += piece->data_length;
    } else if (!append(&frames->message, piece->data, piece->data_length)) {
        return fail(frames, CODE_MEMORY, "not enough memory");
    } else if (frames->opcode == WSLAY_TEXT_FRAME &&
               !lagoon__utf8_add(&frames->text, piece->data, piece->data_length)) {
        return fail(frames, CODE_TEXT, "invalid UTF-8");
    }
    return WS_MORE;
}

static enum ws_found take_piece(struct ws_frames *frames,
                                const struct wslay_frame_iocb *piece)
{
    if (!frames->is_inside) {
        if (begin_frame(frames, piece) != WS_MORE) {
            return WS_FAULT;
        }
        frames->is_inside = true;
        frames->left = piece->payload_length;
    }
    if (keep_piece(frames, piece) != WS_MORE) {
        return WS_FAULT;
    }
    frames->left -= piece->data_length;
    if (frames->left > 0) {
        return WS_MORE;
    }
    frames->is_inside = false;
    if (is_control(piece->opcode)) {
        return finish_control(frames, piece->opcode);
    }
    return piece->fin ? finish_message(frames) : WS_MORE;
}

static enum ws_found find_next(struct ws_frames *frames)
{
    enum ws_found found = frames->end;
    while (found == WS_MORE) {
        struct wslay_frame_iocb piece = {0};
        ssize_t n = wslay_frame_recv(frames->core, &piece);
        if (n == WSLAY_ERR_WANT_READ) {
            return WS_MORE;
        }
        found = n < 0 ? protocol_error(frames, "no frame of a WebSocket")
                      : take_piece(frames, &piece);
    }
    return found;
}

enum ws_found lagoon__ws_next(struct ws_frames *frames, const void *bytes, size_t n,
                              size_t *out_taken, struct ws_event *out)
{
    if (frames->is_told) {
        frames->is_told = false;
        clear(&frames->message);
    }
    frames->in = bytes;
    frames->nin = n;
    enum ws_found found = find_next(frames);
    *out_taken = n - frames->nin;
    *out = frames->last;
    if (found == WS_TEXT || found == WS_BINARY) {
        *out = (struct ws_event){frames->message.at, frames->message.n, 0};
    } else if (found == WS_PONG) {
        *out = (struct ws_event){frames->control.bytes, frames->control.n, 0};
    }
    return found;
}

// -- what goes out --

int lagoon__ws_put(struct ws_frames *frames, uint8_t opcode, const void *bytes, size_t n)
{
    if (frames->has_closed) {
        return LG_ECLOSED;
    }
    size_t before = frames->out.n;
    struct wslay_frame_iocb frame = {
        .fin = 1,
        .opcode = opcode,
        .mask = frames->role == WS_CLIENT,
        .payload_length = n,
        .data = bytes,
        .data_length = n,
    };
    if (wslay_frame_send(frames->core, &frame) != (ssize_t)n) {
        frames->out.n = before; // wslay is in the middle of a frame: it makes no other
        frames->has_closed = true;
        return LG_ENOMEM;
    }
    frames->has_closed = opcode == WSLAY_CONNECTION_CLOSE;
    return LG_OK;
}

bool lagoon__ws_owes(const struct ws_frames *frames)
{
    return !frames->has_closed && (frames->owes_pong || frames->owes_close);
}

int lagoon__ws_put_owed(struct ws_frames *frames)
{
    int rc = LG_OK;
    if (frames->owes_pong && !frames->has_closed) {
        frames->owes_pong = false;
        rc = lagoon__ws_put(frames, WSLAY_PONG, frames->pong.bytes, frames->pong.n);
    }
    if (rc == LG_OK && frames->owes_close && !frames->has_closed) {
        frames->owes_close = false;
        rc = lagoon__ws_put(frames, WSLAY_CONNECTION_CLOSE, frames->close.bytes,
                            frames->close.n);
    }
    return rc;
}

void lagoon__ws_drop_out(struct ws_frames *frames)
{
    clear(&frames->out);
}
