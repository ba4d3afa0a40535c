// SPDX-License-Identifier: MIT
#include "httpframing.h"

#include <string.h>
#include <strings.h>

// More than this, and sums of lengths could overflow what Lua's numbers hold exactly.
static const uint64_t CONTENT_LENGTH_MAX = (uint64_t)1 << 53;

struct frame {
    const char *bytes;
    struct http_head *head;
    struct http_fault *fault;
    unsigned nlengths;
    unsigned ncodings;
    unsigned nhosts;
    bool says_close;
    bool says_keep_alive;
};

static bool refuse(struct http_fault *fault, int status, const char *message)
{
    *fault = (struct http_fault){status, message};
    return false;
}

// Whether a part of the bytes is a word, whatever the case.
static bool is_word(const char *bytes, struct http_slice slice, const char *word)
{
    return slice.length == strlen(word) &&
           strncasecmp(bytes + slice.at, word, slice.length) == 0;
}

// Digits only, and one such field only: a list of equal lengths is as wrong as two that differ
// (RFC 9112, 6.3 allows to refuse both).
static bool see_length(struct frame *frame, struct http_slice value)
{
    uint64_t length = 0;
    if (frame->nlengths++ > 0) {
        return refuse(frame->fault, 400, "more than one Content-Length");
    }
    for (uint32_t i = 0; i < value.length; i++) {
        char c = frame->bytes[value.at + i];
        if (c < '0' || c > '9' || length > CONTENT_LENGTH_MAX / 10) {
            return refuse(frame->fault, 400, "bad Content-Length");
        }
        length = length * 10 + (uint64_t)(c - '0');
    }
    frame->head->content_length = length;
    return value.length > 0 || refuse(frame->fault, 400, "bad Content-Length");
}

// Chunked, once, is all that is understood (RFC 9112, 6.1).
static bool see_coding(struct frame *frame, struct http_slice value)
{
    if (frame->ncodings++ > 0) {
        return refuse(frame->fault, 400, "more than one Transfer-Encoding");
    }
    return is_word(frame->bytes, value, "chunked") ||
           refuse(frame->fault, 501, "unknown Transfer-Encoding");
}

static bool is_host(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~%!$&'()*+,;=:[]", c) != NULL);
}

// RFC 9112, 3.2: one, and of the characters of a host and a port.
static bool see_host(struct frame *frame, struct http_slice value)
{
    if (frame->nhosts++ > 0) {
        return refuse(frame->fault, 400, "more than one Host");
    }
    for (uint32_t i = 0; i < value.length; i++) {
        if (!is_host((unsigned char)frame->bytes[value.at + i])) {
            return refuse(frame->fault, 400, "bad Host");
        }
    }
    return true;
}

// A list of options between commas.
static void see_connection(struct frame *frame, struct http_slice value)
{
    uint32_t end = value.at + value.length;
    for (uint32_t at = value.at; at < end;) {
        struct http_slice option = {at, 0};
        while (at < end && lagoon__http_is_token((unsigned char)frame->bytes[at])) {
            at++;
        }
        option.length = at - option.at;
        frame->says_close |= is_word(frame->bytes, option, "close");
        frame->says_keep_alive |= is_word(frame->bytes, option, "keep-alive");
        at += option.length == 0; // a comma or a blank
    }
}

static bool see(struct frame *frame, const struct http_field *field)
{
    switch (field->name.length) { // most fields are none of these
    case 4:
        return !is_word(frame->bytes, field->name, "Host") ||
               see_host(frame, field->value);
    case 6:
        if (is_word(frame->bytes, field->name, "Expect")) {
            frame->head->expects_continue = true;
            return is_word(frame->bytes, field->value, "100-continue") ||
                   refuse(frame->fault, 417, "unknown Expect");
        }
        return true;
    case 10:
        if (is_word(frame->bytes, field->name, "Connection")) {
            see_connection(frame, field->value);
        }
        return true;
    case 14:
        return !is_word(frame->bytes, field->name, "Content-Length") ||
               see_length(frame, field->value);
    case 17:
        return !is_word(frame->bytes, field->name, "Transfer-Encoding") ||
               see_coding(frame, field->value);
    default: return true;
    }
}

// Looks at all fields, and at what they say together.
static bool see_all(struct frame *frame)
{
    struct http_head *head = frame->head;
    for (uint32_t i = 0; i < head->nfields; i++) {
        if (!see(frame, &head->fields[i])) {
            return false;
        }
    }
    if (frame->ncodings > 0 && frame->nlengths > 0) {
        return refuse(frame->fault, 400, "Content-Length and Transfer-Encoding");
    }
    if (frame->ncodings > 0 && head->minor == 0) { // RFC 9112, 6.1
        return refuse(frame->fault, 400, "Transfer-Encoding in HTTP/1.0");
    }
    head->keeps_alive = !frame->says_close && (head->minor > 0 || frame->says_keep_alive);
    return true;
}

static enum http_framing framing_of(const struct frame *frame, enum http_framing without)
{
    if (frame->ncodings > 0) {
        return HTTP_CHUNKED;
    }
    return frame->nlengths > 0 ? HTTP_LENGTH : without;
}

bool lagoon__http_frame_request(const char *bytes, struct http_head *head,
                                struct http_fault *fault)
{
    struct frame frame = {.bytes = bytes, .head = head, .fault = fault};
    if (!see_all(&frame)) {
        return false;
    }
    if (head->minor > 0 && frame.nhosts == 0) {
        return refuse(fault, 400, "no Host");
    }
    head->framing = framing_of(&frame, HTTP_EMPTY);
    bool has_body = head->framing == HTTP_CHUNKED || head->content_length > 0;
    head->expects_continue &= head->minor > 0 && has_body; // RFC 9110, 10.1.1
    return true;
}

// RFC 9112, 6.3: some responses have no body, whatever their fields say.
static bool is_bare(int status)
{
    return status < 200 || status == 204 || status == 304;
}

bool lagoon__http_frame_response(const char *bytes, struct http_head *head,
                                 struct http_fault *fault)
{
    struct frame frame = {.bytes = bytes, .head = head, .fault = fault};
    if (!see_all(&frame)) {
        return false;
    }
    head->framing =
        is_bare(head->status) ? HTTP_EMPTY : framing_of(&frame, HTTP_UNTIL_CLOSE);
    head->keeps_alive &= head->framing != HTTP_UNTIL_CLOSE;
    head->expects_continue = false;
    return true;
}
