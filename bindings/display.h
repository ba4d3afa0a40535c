// SPDX-License-Identifier: MIT
//
// What the user's terminal shows while the REPL has it: what is written by whomever, and below that,
// while somebody types, a block that somebody else has drawn. Who calls has the terminal's lock.
#ifndef LAGOON_DISPLAY_H
#define LAGOON_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "column.h"

// A text, of who calls.
struct text {
    const char *bytes;
    size_t size;
};

// One that stays.
struct kept_text {
    char *bytes;
    size_t size;
};

struct display {
    int tty;                // the user's
    bool is_drawn;          // the block stands below what is written
    struct kept_text block; // draws it
    struct kept_text wipe;  // takes it away again, wherever in it the cursor is
    struct column column;   // of what is written
};

// Sends a text that is ours and moves nothing.
void lagoon__display_say(struct display *d, const char *text);

// Shows what was written, above the block.
void lagoon__display_pass(struct display *d, const char *text, size_t size);

// To the beginning of a line: of the next one, unless the cursor is there.
void lagoon__display_end_line(struct display *d);

// Shows the block in the place of the one before, from the beginning of a line. `wipe` takes it away.
void lagoon__display_draw(struct display *d, struct text block, struct text wipe);

// Shows a last block, which stays as what was written does, up to the beginning of a line.
void lagoon__display_leave(struct display *d, struct text block);

// Wipes the whole screen; the block is to be drawn again.
void lagoon__display_clear(struct display *d);

#endif // LAGOON_DISPLAY_H
