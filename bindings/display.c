// SPDX-License-Identifier: MIT
#include "display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "writeall.h"

// If the terminal is gone nobody sees what is lost.
static void show(struct display *d, const char *text, size_t size)
{
    (void)lagoon__write_all(d->tty, text, size);
    lagoon__record_output(text, size);
}

void lagoon__display_say(struct display *d, const char *text)
{
    show(d, text, strlen(text));
}

// Back to where the last text ended.
static void continue_line(struct display *d)
{
    char move[64];
    if (d->column.at > 0) {
        snprintf(move, sizeof move, "\33[1A\33[%dC", d->column.at);
        lagoon__display_say(d, move);
    }
}

// Blanks that fill a line get to the next one, unless they have begun at the beginning.
static void end_unknown_line(struct display *d)
{
    for (int i = 0; i < d->column.columns; i++) {
        show(d, " ", 1);
    }
    lagoon__display_say(d, "\r\33[J");
    d->column.at = 0;
    d->column.is_unknown = false;
}

// A text that has filled its last line goes on there.
void lagoon__display_end_line(struct display *d)
{
    if (d->column.is_unknown) {
        end_unknown_line(d);
    } else if (d->column.at > 0) {
        lagoon__display_say(d, "\r\n");
    }
    if (d->column.at >= d->column.columns) {
        d->column.at = 0;
    }
}

void lagoon__display_pass(struct display *d, const char *text, size_t size)
{
    if (size == 0) {
        return;
    }
    if (d->is_drawn) {
        show(d, d->wipe.bytes, d->wipe.size);
        continue_line(d);
    }
    show(d, text, size);
    lagoon__column_pass(&d->column, text, size);
    if (d->is_drawn) {
        lagoon__display_end_line(d);
        show(d, d->block.bytes, d->block.size);
    }
}

static void keep_text(struct kept_text *kept, struct text text)
{
    char *bytes = realloc(kept->bytes, text.size + 1);
    if (bytes != NULL) {
        memcpy(bytes, text.bytes, text.size);
        kept->bytes = bytes;
    }
    kept->size = bytes ? text.size : 0;
}

static void wipe_block(struct display *d)
{
    if (d->is_drawn) {
        show(d, d->wipe.bytes, d->wipe.size);
    }
}

void lagoon__display_draw(struct display *d, struct text block, struct text wipe)
{
    wipe_block(d);
    show(d, block.bytes, block.size);
    keep_text(&d->block, block);
    keep_text(&d->wipe, wipe);
    d->is_drawn = true;
}

void lagoon__display_leave(struct display *d, struct text block)
{
    wipe_block(d);
    show(d, block.bytes, block.size);
    d->is_drawn = false;
    d->column.at = 0;
}

void lagoon__display_clear(struct display *d)
{
    lagoon__display_say(d, "\33[H\33[2J");
    keep_text(&d->wipe, (struct text){"", 0});
    d->column.at = 0;
}
