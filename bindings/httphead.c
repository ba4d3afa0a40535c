// SPDX-License-Identifier: MIT
#include "httphead.h"

#include <string.h>

#include "httpframing.h"

bool lagoon__http_is_token(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

// Visible characters, blanks, and bytes beyond ASCII; no control characters.
bool lagoon__http_is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool refuse(struct http_fault *fault, int status, const char *message)
{
    *fault = (struct http_fault){status, message};
    return false;
}

// -- where the head ends --

// Goes on until the empty line, looking at the ends of lines on the way (RFC 9112, 2.2: a bare
// LF may be taken for a line end, which is not done here; a bare CR must not be). `first` is where
// the first line begins.
static enum http_progress scan(const char *bytes, size_t n, size_t first, size_t *scanned,
                               struct http_fault *fault)
{
    for (size_t i = *scanned; i < n; i++) {
        bool follows_cr = i > 0 && bytes[i - 1] == '\r';
        if (follows_cr != (bytes[i] == '\n')) {
            refuse(fault, 400, follows_cr ? "bare CR" : "bare LF");
            return HTTP_FAULT;
        }
        if (bytes[i] == '\n' && i >= first + 3 && bytes[i - 2] == '\n') {
            *scanned = i + 1;
            return HTTP_DONE;
        }
        if (bytes[i] == '\n' && i == first + 1) {
            refuse(fault, 400, "empty first line");
            return HTTP_FAULT;
        }
    }
    *scanned = n;
    return HTTP_MORE;
}

static enum http_progress scan_within(const char *bytes, size_t n, size_t first,
                                      size_t *scanned, size_t max_bytes,
                                      struct http_fault *fault)
{
    size_t within = n < max_bytes ? n : max_bytes;
    enum http_progress progress = scan(bytes, within, first, scanned, fault);
    if (progress == HTTP_MORE && within == max_bytes) {
        bool has_line = within > first && memchr(bytes + first, '\n', within - first);
        refuse(fault, has_line ? 431 : 414,
               has_line ? "head too large" : "line too long");
        return HTTP_FAULT;
    }
    return progress;
}

// -- lines --

// What is left of a line, or of the lines of a head.
struct cursor {
    const char *bytes;
    size_t at;
    size_t end;
};

static struct http_slice slice_of(size_t from, size_t to)
{
    return (struct http_slice){(uint32_t)from, (uint32_t)(to - from)};
}

// The next line, which is there: without its CR LF.
static struct cursor next_line(struct cursor *head)
{
    const char *from = head->bytes + head->at;
    const char *cr = memchr(from, '\r', head->end - head->at);
    struct cursor line = {head->bytes, head->at, (size_t)(cr - head->bytes)};
    head->at = line.end + 2;
    return line;
}

static struct http_slice take_while(struct cursor *line, bool (*is_of)(unsigned char))
{
    size_t from = line->at;
    while (line->at < line->end && is_of((unsigned char)line->bytes[line->at])) {
        line->at++;
    }
    return slice_of(from, line->at);
}

static bool take_char(struct cursor *line, char c)
{
    if (line->at == line->end || line->bytes[line->at] != c) {
        return false;
    }
    line->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// HTTP/1.x (RFC 9112, 2.3).
static bool take_version(struct cursor *line, struct http_head *out,
                         struct http_fault *fault)
{
    const char *text = line->bytes + line->at;
    if (line->end - line->at < 8 || memcmp(text, "HTTP/", 5) != 0 || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7])) {
        return refuse(fault, 400, "bad version");
    }
    if (text[5] != '1') {
        return refuse(fault, 505, "version not supported");
    }
    out->minor = text[7] == '0' ? 0 : 1;
    line->at += 8;
    return true;
}

// Printable ASCII without the blank; there is no fragment in a target (RFC 9112, 3.2).
static bool is_target(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '#';
}

// method SP target SP version, with one blank each (RFC 9112, 3).
static bool parse_request_line(struct cursor line, struct http_head *out,
                               struct http_fault *fault)
{
    out->method = take_while(&line, lagoon__http_is_token);
    if (out->method.length == 0 || !take_char(&line, ' ')) {
        return refuse(fault, 400, "bad method");
    }
    out->target = take_while(&line, is_target);
    if (out->target.length == 0 || !take_char(&line, ' ')) {
        return refuse(fault, 400, "bad target");
    }
    if (!take_version(&line, out, fault)) {
        return false;
    }
    return line.at == line.end || refuse(fault, 400, "bad version");
}

// version SP three digits [SP reason]; the second blank may be missing with the reason, as
// everybody accepts (RFC 9112, 4).
static bool parse_status_line(struct cursor line, struct http_head *out,
                              struct http_fault *fault)
{
    if (!take_version(&line, out, fault)) {
        return false;
    }
    const char *text = line.bytes + line.at;
    if (line.end - line.at < 4 || text[0] != ' ' || text[1] < '1' || text[1] > '9' ||
        !is_digit(text[2]) || !is_digit(text[3])) {
        return refuse(fault, 400, "bad status");
    }
    out->status = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    line.at += 4;
    if (line.at < line.end && !take_char(&line, ' ')) {
        return refuse(fault, 400, "bad status");
    }
    out->reason = take_while(&line, lagoon__http_is_text);
    return line.at == line.end || refuse(fault, 400, "control character");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// name ":" value. No blank before the colon (RFC 9112, 5.1), none at the beginning, which would
// continue the line before (5.2).
static bool parse_field(struct cursor line, struct http_field *out,
                        struct http_fault *fault)
{
    if (is_blank(line.bytes[line.at])) {
        return refuse(fault, 400, "folded line");
    }
    out->name = take_while(&line, lagoon__http_is_token);
    if (out->name.length == 0 || !take_char(&line, ':')) {
        return refuse(fault, 400, "bad field name");
    }
    while (line.at < line.end && is_blank(line.bytes[line.at])) {
        line.at++;
    }
    while (line.end > line.at && is_blank(line.bytes[line.end - 1])) {
        line.end--;
    }
    out->value = take_while(&line, lagoon__http_is_text);
    return line.at == line.end || refuse(fault, 400, "control character");
}

static bool parse_fields(struct cursor *head, struct http_head *out,
                         struct http_fault *fault)
{
    while (head->at < head->end - 2) {
        if (out->nfields == HTTP_FIELDS_MAX) {
            return refuse(fault, 431, "too many fields");
        }
        if (!parse_field(next_line(head), &out->fields[out->nfields], fault)) {
            return false;
        }
        out->nfields++;
    }
    return true;
}

// All of the struct but the fields, which are not looked at before they are written.
static void clear(struct http_head *head, size_t size_bytes)
{
    memset(head, 0, offsetof(struct http_head, fields));
    head->size_bytes = size_bytes;
}

// One empty line before a request is passed over (RFC 9112, 2.2).
static size_t first_line(const char *bytes, size_t n)
{
    return n > 0 && bytes[0] == '\r' ? 2 : 0;
}

enum http_progress lagoon__http_request(const char *bytes, size_t n, size_t *scanned,
                                        size_t max_bytes, struct http_head *out,
                                        struct http_fault *fault)
{
    size_t first = first_line(bytes, n);
    enum http_progress progress = scan_within(bytes, n, first, scanned, max_bytes, fault);
    if (progress != HTTP_DONE) {
        return progress;
    }
    clear(out, *scanned);
    struct cursor head = {bytes, first, *scanned};
    struct cursor line = next_line(&head);
    out->fields_at = head.at;
    bool is_good = parse_request_line(line, out, fault) &&
                   parse_fields(&head, out, fault) &&
                   lagoon__http_frame_request(bytes, out, fault);
    return is_good ? HTTP_DONE : HTTP_FAULT;
}

enum http_progress lagoon__http_response(const char *bytes, size_t n, size_t *scanned,
                                         size_t max_bytes, struct http_head *out,
                                         struct http_fault *fault)
{
    enum http_progress progress = scan_within(bytes, n, 0, scanned, max_bytes, fault);
    if (progress != HTTP_DONE) {
        return progress;
    }
    clear(out, *scanned);
    struct cursor head = {bytes, 0, *scanned};
    struct cursor line = next_line(&head);
    out->fields_at = head.at;
    bool is_good = parse_status_line(line, out, fault) &&
                   parse_fields(&head, out, fault) &&
                   lagoon__http_frame_response(bytes, out, fault);
    return is_good ? HTTP_DONE : HTTP_FAULT;
}

bool lagoon__http_fields(const char *bytes, size_t n, struct http_head *out)
{
    struct http_fault fault;
    if (n < 2 || memcmp(bytes + n - 2, "\r\n", 2) != 0) {
        return false;
    }
    clear(out, n);
    struct cursor head = {bytes, 0, n};
    return parse_fields(&head, out, &fault);
}
