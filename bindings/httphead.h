// SPDX-License-Identifier: MIT
//
// The heads of HTTP/1.1 messages: the first line, the fields, and what they say about the body.
//
// Pure functions over bytes: no memory, no Lua, nothing kept between calls but a number. Strict,
// since what two parsers read differently is how requests are smuggled: lines end with CR LF and
// nothing else does, a field has one spelling, a body one length. docs/decisions/strict_http.md
// tells what is refused and by which rule.
#ifndef LAGOON_HTTPHEAD_H
#define LAGOON_HTTPHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_FIELDS_MAX = 128,
    HTTP_HEAD_MAX = 1 << 30, // the largest limit: places fit into 32 bits
};

enum http_progress {
    HTTP_MORE,  // so far so good: more bytes are needed
    HTTP_DONE,  // whole
    HTTP_FAULT, // refused, see the fault
};

struct http_fault {
    int status;          // what a server answers: 400, 414, 417, 431, 501, 505
    const char *message; // a constant
};

// How a body ends.
enum http_framing {
    HTTP_EMPTY,       // there is none
    HTTP_LENGTH,      // after content_length bytes
    HTTP_CHUNKED,     // with the last chunk
    HTTP_UNTIL_CLOSE, // with the stream; responses only
};

// A part of the bytes that were parsed.
struct http_slice {
    uint32_t at;
    uint32_t length;
};

struct http_field {
    struct http_slice name;
    struct http_slice value; // without the blanks around it
};

struct http_head {
    struct http_slice method; // of a request, as the next one
    struct http_slice target;
    struct http_slice reason; // of a response, as the next one
    int status;
    int minor; // of version 1.minor; 1 also stands for what comes after 1.1
    enum http_framing framing;
    uint64_t content_length;
    bool keeps_alive; // the connection outlives this message, as far as the peer is asked
    bool expects_continue; // the body comes after "100 Continue"
    size_t size_bytes;     // of the head with the empty line at its end
    size_t fields_at;      // where the first field begins, or the empty line
    uint32_t nfields;
    struct http_field fields[HTTP_FIELDS_MAX];
};

// Parses what may be a part of a head. `scanned` is 0 for the first call, and stays as it is left
// for the next one, which gets the same bytes and more. A head that is longer than max_bytes is
// refused as soon as that many are there.
enum http_progress lagoon__http_request(const char *bytes, size_t n, size_t *scanned,
                                        size_t max_bytes, struct http_head *out,
                                        struct http_fault *fault);
enum http_progress lagoon__http_response(const char *bytes, size_t n, size_t *scanned,
                                         size_t max_bytes, struct http_head *out,
                                         struct http_fault *fault);

// Takes the fields of a head apart once more, with the empty line behind them: bytes[fields_at] to
// bytes[size_bytes] of one that was done. False: they never were that.
bool lagoon__http_fields(const char *bytes, size_t n, struct http_head *out);

// Of which names and values are made (RFC 9110, 5.6.2 and 5.5).
bool lagoon__http_is_token(unsigned char c);
bool lagoon__http_is_text(unsigned char c);

#endif // LAGOON_HTTPHEAD_H
