// SPDX-License-Identifier: MIT
//
// Frames of a game: goroutines that go on once in each. A host begins them; while none has
// ever begun one, a pacer does, at 60 a second of the runtime's clock, as long as somebody
// waits.
#ifndef LG_SYNC_FRAME_H
#define LG_SYNC_FRAME_H

#include <stdbool.h>

struct lg_runtime;

// Begins a frame, as lg_frame_begin().
void lg__frame_begin(struct lg_runtime *rt);

// Whether somebody waits for the next one.
bool lg__frame_is_awaited(struct lg_runtime *rt);

#endif // LG_SYNC_FRAME_H
