// SPDX-License-Identifier: MIT
#include "column.h"

#include <lauxlib.h>

#include <utf8proc.h>

enum { TEXT, ESCAPE, SEQUENCE, STRING, STRING_ESCAPE }; // as ECMA-48 has them

enum { TAB_COLUMNS = 8 };

static int width_of(utf8proc_int32_t character)
{
    return character < 0 ? 1 : utf8proc_charwidth(character);
}

// A byte of an escape sequence: the state after it.
static int pass_escape(int state, unsigned char byte)
{
    switch (state) {
    case ESCAPE:
        return byte == '[' ? SEQUENCE : byte == ']' || byte == 'P' ? STRING : TEXT;
    case SEQUENCE: return byte >= 0x40 && byte <= 0x7e ? TEXT : SEQUENCE;
    case STRING: return byte == 7 ? TEXT : byte == 27 ? STRING_ESCAPE : STRING;
    default: return byte == '\\' ? TEXT : STRING;
    }
}

static void pass_control(struct column *c, unsigned char byte)
{
    if (byte == '\r' || byte == '\n') {
        c->at = 0;
        c->is_unknown = false;
    } else if (byte == '\b') {
        c->at -= c->at > 0;
    } else if (byte == '\t') {
        int next = (c->at / TAB_COLUMNS + 1) * TAB_COLUMNS;
        c->at = next < c->columns ? next : c->columns - 1;
    }
}

static void pass_width(struct column *c, int width)
{
    c->at = c->at + width > c->columns ? width : c->at + width;
}

void lagoon__column_pass(struct column *c, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        if (c->state != TEXT) {
            c->state = pass_escape(c->state, bytes[i++]);
        } else if (bytes[i] == 27) {
            c->state = ESCAPE;
            i++;
        } else if (bytes[i] < 32 || bytes[i] == 127) {
            pass_control(c, bytes[i++]);
        } else {
            utf8proc_int32_t character;
            utf8proc_ssize_t n =
                utf8proc_iterate(bytes + i, (utf8proc_ssize_t)(size - i), &character);
            if (n > 0) {
                pass_width(c, width_of(character));
            }
            i += n > 0 ? (size_t)n : 1;
        }
    }
}

// Whether a text that begins with an escape has not come to the end of what that begins.
static bool is_sequence_open(const char *text, size_t size)
{
    int state = ESCAPE;
    for (size_t i = 1; i < size && state != TEXT; i++) {
        state = pass_escape(state, (unsigned char)text[i]);
    }
    return state != TEXT;
}

static size_t utf8_length(unsigned char lead)
{
    return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

size_t lagoon__whole_size(const char *text, size_t size)
{
    size_t from = size > COLUMN_HELD_MAX ? size - COLUMN_HELD_MAX : 0;
    for (size_t i = size; i-- > from;) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == 27) {
            return is_sequence_open(text + i, size - i) ? i : size;
        }
        if (byte >= 0xC0 && i + utf8_length(byte) > size) {
            return i;
        }
    }
    return size;
}

int lagoon__columns_of(const char *text, size_t size)
{
    int columns = 0;
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        utf8proc_int32_t character;
        utf8proc_ssize_t n =
            utf8proc_iterate(bytes + i, (utf8proc_ssize_t)(size - i), &character);
        columns += n > 0 ? width_of(character) : 1;
        i += n > 0 ? (size_t)n : 1;
    }
    return columns;
}

int lagoon__column_width(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    lua_pushinteger(L, lagoon__columns_of(text, n));
    return 1;
}
