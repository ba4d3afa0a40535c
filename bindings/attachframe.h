// SPDX-License-Identifier: MIT
//
// What an attached client and the program say to each other: frames.
//
//   +------+-----------------------+----------------+
//   | kind | size, 4 bytes, big    | size bytes     |
//   +------+-----------------------+----------------+
//
// The client begins with FRAME_HELLO, and sends no FRAME_INPUT before it has got FRAME_READY.
#ifndef LAGOON_ATTACHFRAME_H
#define LAGOON_ATTACHFRAME_H

#include <stddef.h>
#include <stdint.h>

enum frame {
    // -- from the client --
    FRAME_HELLO = 'H', // "lagoon 2 COLUMNS ROWS COLOUR"; no rows: nothing can be drawn
    FRAME_INPUT = 'I', // what was typed
    FRAME_INTERRUPT = 'C', // Ctrl-C
    FRAME_SIZE = 'W',      // "COLUMNS ROWS" of its terminal, from now on
    FRAME_TAB = 'T',       // its number, and a text whose end is to be completed
    FRAME_KEY = 'K',       // after a picture: the name of a key; "": its time is over
    // -- from the program --
    FRAME_OUTPUT = 'O',  //
    FRAME_READY = 'R',   // the number of the next input
    FRAME_WORDS = 'T',   // that number, where they belong, the words: a line each
    FRAME_LIVE = 'L',    // "1": keys are for pictures from now on; "0": no more
    FRAME_PICTURE = 'P', // its seconds and its rows, a line each, below what is printed
    FRAME_BYE = 'B',     // why
    // -- between the program's thread and its first state --
    FRAME_GONE = 0,
};

enum {
    FRAME_HEAD = 5,
    FRAME_MAX = 1024 * 1024, // bytes behind a head
};

// Bytes that come and go at different speeds.
struct bytes {
    char *at;
    size_t size;
    size_t cap;
};

// Appends. 0, or -1: no memory.
int lagoon__bytes_add(struct bytes *bytes, const void *from, size_t size);
void lagoon__bytes_skip(struct bytes *bytes, size_t size);
void lagoon__bytes_free(struct bytes *bytes);

// Appends a frame, as several if it is too long for one. 0, or -1: no memory.
int lagoon__frame_add(struct bytes *bytes, enum frame kind, const char *text,
                      size_t size);

// The frame of a client that stands at the beginning: 1 and its parts, which stay until
// something is appended or skipped; 0: it has not come whole; -1: it is none.
int lagoon__frame_peek(const struct bytes *bytes, enum frame *kind, const char **text,
                       size_t *size);

#endif // LAGOON_ATTACHFRAME_H
