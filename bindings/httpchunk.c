// SPDX-License-Identifier: MIT
#include "httpchunk.h"

static const uint64_t CHUNK_MAX = (uint64_t)1 << 53;

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool refuse(struct http_chunks *chunks, const char *message)
{
    chunks->message = message;
    return false;
}

// Goes to a state if the byte is the one that leads there.
static bool expect(struct http_chunks *chunks, char c, char wanted,
                   enum http_chunk_state next)
{
    if (c != wanted) {
        return refuse(chunks, "bad line end in a chunked body");
    }
    chunks->state = next;
    return true;
}

static bool take_digit(struct http_chunks *chunks, char c)
{
    int digit = hex_of(c);
    if (digit < 0 || chunks->left > CHUNK_MAX / 16) {
        return refuse(chunks, "bad size of a chunk");
    }
    chunks->left = chunks->left * 16 + (uint64_t)digit;
    chunks->state = CHUNK_DIGITS;
    return true;
}

// Behind a size: blanks may stand before an extension, and nowhere else (RFC 9112, 7.1.1).
static bool before_extension(struct http_chunks *chunks, char c)
{
    bool is_blank = c == ' ' || c == '\t';
    if (!is_blank && c != ';') {
        return refuse(chunks, "bad size of a chunk");
    }
    chunks->state = is_blank ? CHUNK_BLANK : CHUNK_EXTENSION;
    return true;
}

// Its end, an extension, which is passed over, or one more digit.
static bool after_digit(struct http_chunks *chunks, char c)
{
    if (c == ';' || c == ' ' || c == '\t') {
        return before_extension(chunks, c);
    }
    if (c == '\r') {
        chunks->state = CHUNK_SIZE_LF;
        return true;
    }
    return take_digit(chunks, c);
}

static bool take_text(struct http_chunks *chunks, char c, enum http_chunk_state at_cr)
{
    if (c == '\r') {
        chunks->state = at_cr;
        return true;
    }
    return lagoon__http_is_text((unsigned char)c) ||
           refuse(chunks, "control character in a chunked body");
}

static bool end_size_line(struct http_chunks *chunks, char c)
{
    chunks->line_bytes = 0;
    return expect(chunks, c, '\n', chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER);
}

static bool begin_trailer(struct http_chunks *chunks, char c)
{
    if (c == '\r') {
        chunks->state = CHUNK_END_LF;
        return true;
    }
    chunks->state = CHUNK_NAME;
    return lagoon__http_is_token((unsigned char)c) ||
           refuse(chunks, "bad trailer of a chunked body");
}

static bool take_name(struct http_chunks *chunks, char c)
{
    if (c == ':') {
        chunks->state = CHUNK_VALUE;
        return true;
    }
    return lagoon__http_is_token((unsigned char)c) ||
           refuse(chunks, "bad trailer of a chunked body");
}

// One byte that is no data. False: refused.
static bool step(struct http_chunks *chunks, char c)
{
    switch (chunks->state) {
    case CHUNK_SIZE: return take_digit(chunks, c);
    case CHUNK_DIGITS: return after_digit(chunks, c);
    case CHUNK_BLANK: return before_extension(chunks, c);
    case CHUNK_EXTENSION: return take_text(chunks, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF: return end_size_line(chunks, c);
    case CHUNK_DATA_CR: return expect(chunks, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        chunks->line_bytes = 0;
        return expect(chunks, c, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER: return begin_trailer(chunks, c);
    case CHUNK_NAME: return take_name(chunks, c);
    case CHUNK_VALUE: return take_text(chunks, c, CHUNK_VALUE_LF);
    case CHUNK_VALUE_LF: return expect(chunks, c, '\n', CHUNK_TRAILER);
    case CHUNK_END_LF: return expect(chunks, c, '\n', CHUNK_ENDED);
    case CHUNK_DATA:
    case CHUNK_ENDED: break;
    }
    return true;
}

// Takes what is there of the chunk.
static void take_data(struct http_chunks *chunks, size_t n, size_t *out_ndata)
{
    *out_ndata = chunks->left < n ? (size_t)chunks->left : n;
    chunks->left -= *out_ndata;
    if (chunks->left == 0) {
        chunks->state = CHUNK_DATA_CR;
    }
}

enum http_progress lagoon__http_chunks(struct http_chunks *chunks, const char *bytes,
                                       size_t n, size_t *out_taken, size_t *out_ndata)
{
    size_t at = 0;
    *out_ndata = 0;
    while (at < n && chunks->message == NULL && chunks->state != CHUNK_ENDED) {
        if (chunks->state == CHUNK_DATA) {
            take_data(chunks, n - at, out_ndata);
            at += *out_ndata;
            break;
        }
        if (chunks->line_bytes++ == HTTP_CHUNK_LINE_MAX) {
            refuse(chunks, "line too long in a chunked body");
            break;
        }
        if (!step(chunks, bytes[at])) {
            break;
        }
        at++;
    }
    *out_taken = at;
    if (chunks->message != NULL) {
        return HTTP_FAULT;
    }
    return chunks->state == CHUNK_ENDED ? HTTP_DONE : HTTP_MORE;
}
