// SPDX-License-Identifier: MIT
//
// Where programs that can be attached to have their sockets: PID.sock in a folder that only
// their user may enter, $XDG_RUNTIME_DIR/lagoon or else /tmp/lagoon-UID.
//
// Whatever somebody else may have put there is refused: folders are opened one by one, never
// through a symbolic link, and names are looked up below what was opened and looked at.
#ifndef LAGOON_ATTACHPLACE_H
#define LAGOON_ATTACHPLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { PLACE_WHY_SIZE = 256 };

// Where this program's socket stands.
struct place {
    int folder; // -1: it has none
    char path[PATH_MAX];
};

// Makes the socket, with mode 0600, and takes away those of programs that are no more.
// Returns the descriptor, which does not block, or -1 and why.
int lagoon__place_listen(struct place *out, char why[PLACE_WHY_SIZE]);

// Takes it away.
void lagoon__place_remove(struct place *place);

// Connects to a program's. Returns the descriptor, which does not block, or -1 and why.
int lagoon__place_dial(int pid, char why[PLACE_WHY_SIZE]);

// Calls fn with each program that has one.
void lagoon__place_each(void (*fn)(void *ud, int pid), void *ud);

// Whether the one at the other end of a socket is of our user.
bool lagoon__peer_is_ours(int fd);

#endif // LAGOON_ATTACHPLACE_H
