// SPDX-License-Identifier: MIT
//
// A recording of a terminal as asciinema's players read it: asciicast, version 2. Lines of
// JSON, a head and one for each event, each written whole at once: a process that dies
// leaves a file that is valid. One at a time uses a recording.
#ifndef LAGOON_ASCIICAST_H
#define LAGOON_ASCIICAST_H

#include <stddef.h>

struct asciicast; // NULL: none; nothing happens then

// Begins one in a file that is not there yet. NULL: errno says why.
struct asciicast *lagoon__cast_open(const char *path, int columns, int rows);

// What was shown, in whole characters.
void lagoon__cast_output(struct asciicast *cast, const char *text, size_t size);

// A place that players can go to, with its name.
void lagoon__cast_marker(struct asciicast *cast, const char *text, size_t size);

// The terminal has this size now.
void lagoon__cast_resize(struct asciicast *cast, int columns, int rows);

// Ends it. 0, or the errno of what could not be written: the recording ends before that.
int lagoon__cast_close(struct asciicast *cast);

#endif // LAGOON_ASCIICAST_H
