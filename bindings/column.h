// SPDX-License-Identifier: MIT
//
// In which column the cursor is after what was written, and how wide characters are.
#ifndef LAGOON_COLUMN_H
#define LAGOON_COLUMN_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

enum { COLUMN_HELD_MAX = 64 }; // bytes of what is not whole; more is no sequence

struct column {
    int at;          // columns before the cursor
    int columns;     // of the terminal
    bool is_unknown; // somebody else has written: at counts from where that ended
    int state;       // inside of an escape sequence; 0: not
};

// Goes on by so many bytes. A character that is cut in two counts for none.
void lagoon__column_pass(struct column *c, const char *text, size_t size);

// How much of a text can be shown: a sequence or character that is cut in two at its end
// must not have anything else in its middle.
size_t lagoon__whole_size(const char *text, size_t size);

// The columns of all characters of a text.
int lagoon__columns_of(const char *text, size_t size);

// width(text) -> how many columns it takes, for Lua.
int lagoon__column_width(lua_State *L);

#endif // LAGOON_COLUMN_H
