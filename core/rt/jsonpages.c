// SPDX-License-Identifier: MIT
#include "rt/jsonpages.h"

#include <string.h>

#include "io/ioerr.h"
#include "lagoon.h"

static const char END[SEALED_END] = {']', '}'};

// ---------------------------------------------------------------------------
// Pages
// ---------------------------------------------------------------------------

static void write_out(struct json_pages *j, const char *pages, size_t npages)
{
    if (j->err == LG_OK && npages > 0) {
        j->err = lg__ioerr_of(lg__sealed_put(&j->file, j->first, pages, npages));
    }
}

static size_t fill_page(struct json_pages *j)
{
    size_t npages = (j->fill + SEALED_PAGE - 1) / SEALED_PAGE;
    memset(j->buffer + j->fill, ' ', npages * SEALED_PAGE - j->fill);
    return npages;
}

// Writes full pages, and begins the buffer anew.
static void flush(struct json_pages *j)
{
    size_t npages = fill_page(j);
    write_out(j, j->buffer, npages);
    j->first += npages;
    j->fill = 0;
}

char *lg__json_room(struct json_pages *j, size_t size_bytes)
{
    size_t left = SEALED_PAGE - j->fill % SEALED_PAGE;
    if (left < size_bytes) {
        j->fill = fill_page(j) * SEALED_PAGE;
    }
    if (j->fill == sizeof j->buffer) {
        flush(j);
    }
    return j->buffer + j->fill;
}

int lg__json_open(struct json_pages *j, const char *path, const char *head, size_t length)
{
    int err = lg__ioerr_of(lg__sealed_open(path, head, length, END, &j->file));
    if (err) {
        return err;
    }
    j->err = LG_OK;
    j->first = 1;
    j->end = 1;
    j->fill = 0;
    return LG_OK;
}

void lg__json_mark(struct json_pages *j)
{
    size_t npages = j->fill / SEALED_PAGE;
    j->mark_first = j->first + npages;
    j->mark_fill = j->fill % SEALED_PAGE;
    memcpy(j->mark_page, j->buffer + npages * SEALED_PAGE, j->mark_fill);
}

// Pages that had something to say until now.
static void blank(struct json_pages *j, uint64_t from, uint64_t to)
{
    char spaces[SEALED_PAGE];
    memset(spaces, ' ', sizeof spaces);
    for (; from < to; from++) {
        j->first = from;
        write_out(j, spaces, 1);
    }
}

void lg__json_back(struct json_pages *j)
{
    flush(j);
    uint64_t end = j->first;
    blank(j, end, j->end);
    j->end = end;
    j->first = j->mark_first;
    j->fill = j->mark_fill;
    memcpy(j->buffer, j->mark_page, j->mark_fill);
}

uint64_t lg__json_bytes(const struct json_pages *j)
{
    return j->first * SEALED_PAGE + j->fill;
}

int lg__json_close(struct json_pages *j)
{
    int err = lg__ioerr_of(lg__sealed_close(&j->file));
    return j->err ? j->err : err;
}

// ---------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------

// How many bytes of text are one character of UTF-8; 0: they are none.
static size_t char_length(const unsigned char *text, size_t length)
{
    unsigned char lead = text[0];
    size_t n = lead < 0x80   ? 1
               : lead < 0xc2 ? 0
               : lead < 0xe0 ? 2
               : lead < 0xf0 ? 3
               : lead < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > length) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    // Not in the shortest form, a half of a pair, or past the last character.
    bool is_bad = (lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] >= 0xa0) ||
                  (lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] >= 0x90);
    return is_bad ? 0 : n;
}

static size_t escape_byte(unsigned char byte, char out[6])
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        out[0] = '\\';
        out[1] = (char)byte;
        return 2;
    }
    out[0] = '\\';
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = hex[byte >> 4];
    out[5] = hex[byte & 15];
    return 6;
}

size_t lg__json_escape(const char *text, size_t length, char *out, size_t size_bytes)
{
    size_t fill = 0;
    for (size_t at = 0; at < length;) {
        const unsigned char *from = (const unsigned char *)text + at;
        size_t n = char_length(from, length - at);
        char escaped[6];
        const char *piece = (const char *)from;
        size_t piece_length = n;
        if (n == 0) {
            n = 1;
            piece = "\\ufffd";
            piece_length = 6;
        } else if (*from < 0x20 || *from == '"' || *from == '\\' || *from == 0x7f) {
            piece = escaped;
            piece_length = escape_byte(*from, escaped);
        }
        if (fill + piece_length >= size_bytes) {
            break;
        }
        memcpy(out + fill, piece, piece_length);
        fill += piece_length;
        at += n;
    }
    out[fill] = '\0';
    return fill;
}
