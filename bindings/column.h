// SPDX-License-Identifier: MIT
//
// In which column the cursor is after what was written, and how wide characters are.
#ifndef LAGOON_COLUMN_H
#define LAGOON_COLUMN_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct column {
    int at;      // columns before the cursor
    int columns; // of the terminal
    int state;   // inside of an escape sequence; 0: not
};

// Goes on by so many bytes. A character that is cut in two counts for none.
void lagoon__column_pass(struct column *c, const char *text, size_t size);

// Whether a text that begins with an escape has not come to the end of what that begins.
bool lagoon__is_sequence_open(const char *text, size_t size);

// The bytes of a character, by its first one.
size_t lagoon__utf8_length(unsigned char lead);

// The columns of all characters of a text.
int lagoon__columns_of(const char *text, size_t size);

// width(text) -> how many columns it takes, for Lua.
int lagoon__column_width(lua_State *L);

#endif // LAGOON_COLUMN_H
