// SPDX-License-Identifier: MIT
//
// What libFuzzer feeds to the parser of HTTP: all of it at once and in pieces, with the same result, and
// nothing told that lies outside of the input. The first byte says which parser, the second how
// long the pieces are.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httpchunk.h"
#include "httphead.h"

enum { HEAD_MAX = 2048 };

#define CHECK(condition) check((condition), #condition)

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz: does not hold: %s\n", what);
        abort();
    }
}

typedef enum http_progress parse_fn(const char *bytes, size_t n, size_t *scanned,
                                    size_t max_bytes, struct http_head *out,
                                    struct http_fault *fault);

static void check_slice(const struct http_head *head, struct http_slice slice)
{
    CHECK(slice.at <= head->size_bytes && slice.length <= head->size_bytes - slice.at);
}

// No value has an end of line in it, no name is empty.
static void check_field(const char *bytes, const struct http_head *head,
                        const struct http_field *field)
{
    check_slice(head, field->name);
    check_slice(head, field->value);
    CHECK(field->name.length > 0);
    CHECK(bytes[field->name.at + field->name.length] == ':');
    for (uint32_t i = 0; i < field->value.length; i++) {
        CHECK(lagoon__http_is_text((unsigned char)bytes[field->value.at + i]));
    }
}

// Taken apart by themselves, they are the same.
static void check_fields_again(const char *bytes, const struct http_head *head)
{
    struct http_head again;
    size_t at = head->fields_at;
    CHECK(at <= head->size_bytes);
    CHECK(lagoon__http_fields(bytes + at, head->size_bytes - at, &again));
    CHECK(again.nfields == head->nfields);
    for (uint32_t i = 0; i < head->nfields; i++) {
        CHECK(again.fields[i].name.at + at == head->fields[i].name.at);
        CHECK(again.fields[i].value.at + at == head->fields[i].value.at);
        CHECK(again.fields[i].value.length == head->fields[i].value.length);
    }
}

static void check_head(const char *bytes, size_t n, const struct http_head *head)
{
    CHECK(head->size_bytes <= n && head->size_bytes <= HEAD_MAX);
    CHECK(memcmp(bytes + head->size_bytes - 4, "\r\n\r\n", 4) == 0);
    check_slice(head, head->method);
    check_slice(head, head->target);
    check_slice(head, head->reason);
    CHECK(head->nfields <= HTTP_FIELDS_MAX);
    for (uint32_t i = 0; i < head->nfields; i++) {
        check_field(bytes, head, &head->fields[i]);
    }
    check_fields_again(bytes, head);
}

static bool are_same(const struct http_head *a, const struct http_head *b)
{
    return a->size_bytes == b->size_bytes && a->status == b->status &&
           a->minor == b->minor && a->framing == b->framing &&
           a->content_length == b->content_length && a->keeps_alive == b->keeps_alive &&
           a->expects_continue == b->expects_continue && a->nfields == b->nfields &&
           memcmp(a->fields, b->fields, a->nfields * sizeof a->fields[0]) == 0;
}

static void fuzz_head(parse_fn *parse, const char *bytes, size_t n, size_t piece)
{
    struct http_head whole;
    struct http_head parts;
    struct http_head anything;
    struct http_fault fault = {0};
    struct http_fault fault_of_parts = {0};
    size_t scanned = 0;
    enum http_progress progress = parse(bytes, n, &scanned, HEAD_MAX, &whole, &fault);
    enum http_progress of_parts = HTTP_MORE;
    size_t scanned_of_parts = 0;
    for (size_t given = 0; of_parts == HTTP_MORE && given < n;) {
        given = n - given < piece ? n : given + piece;
        of_parts =
            parse(bytes, given, &scanned_of_parts, HEAD_MAX, &parts, &fault_of_parts);
    }
    CHECK(progress == of_parts);
    lagoon__http_fields(bytes, n, &anything);
    if (progress == HTTP_DONE) {
        check_head(bytes, n, &whole);
        CHECK(are_same(&whole, &parts));
    } else if (progress == HTTP_FAULT) {
        CHECK(fault.status == fault_of_parts.status);
        CHECK(fault.message == fault_of_parts.message);
    }
}

// Decodes all of it in pieces; the data, one after the other, into out.
static enum http_progress decode(const char *bytes, size_t n, size_t piece, char *out,
                                 size_t *out_n, size_t *out_taken)
{
    struct http_chunks chunks = {0};
    enum http_progress progress = HTTP_MORE;
    *out_n = 0;
    *out_taken = 0;
    while (progress == HTTP_MORE && *out_taken < n) {
        size_t here = n - *out_taken < piece ? n - *out_taken : piece;
        size_t taken;
        size_t ndata;
        progress = lagoon__http_chunks(&chunks, bytes + *out_taken, here, &taken, &ndata);
        CHECK(taken <= here && ndata <= taken);
        CHECK(progress != HTTP_MORE || taken > 0);
        memcpy(out + *out_n, bytes + *out_taken + taken - ndata, ndata);
        *out_n += ndata;
        *out_taken += taken;
    }
    CHECK((progress == HTTP_FAULT) == (chunks.message != NULL));
    return progress;
}

static void fuzz_chunks(const char *bytes, size_t n, size_t piece)
{
    char *whole = malloc(n + 1);
    char *parts = malloc(n + 1);
    size_t n_whole;
    size_t n_parts;
    size_t taken;
    size_t taken_of_parts;
    enum http_progress progress = decode(bytes, n, n + 1, whole, &n_whole, &taken);
    CHECK(progress == decode(bytes, n, piece, parts, &n_parts, &taken_of_parts));
    CHECK(n_whole == n_parts && memcmp(whole, parts, n_whole) == 0);
    CHECK(progress == HTTP_FAULT || taken == taken_of_parts);
    free(whole);
    free(parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *bytes = (const char *)input + 2;
    size_t piece = (size_t)input[1] % 32 + 1;
    switch (input[0] % 3) {
    case 0: fuzz_head(lagoon__http_request, bytes, size - 2, piece); break;
    case 1: fuzz_head(lagoon__http_response, bytes, size - 2, piece); break;
    default: fuzz_chunks(bytes, size - 2, piece); break;
    }
    return 0;
}
