// SPDX-License-Identifier: MIT
//
// Modes of the REPL's two terminals: the user's, and the pty that the program has. The pty's are what
// the program and its children have set: the user's terminal gets them for as long as a child has it.
#ifndef LAGOON_TTYMODES_H
#define LAGOON_TTYMODES_H

#include <lua.h>
#include <stdbool.h>
#include <termios.h>

// The modes for a line editor, which gets every key, and those for a program that runs, which gets
// those that send no signal.
void lagoon__modes_make(const struct termios *before, struct termios *out_editing,
                        struct termios *out_running);

// The user's terminal gets the program's modes; whether Ctrl-S stops it is its user's business.
void lagoon__modes_lend(int tty, int slave, const struct termios *before);

// The program gets the user's terminal's modes, since the child has ended well that has set them.
void lagoon__modes_keep(int tty, int slave);

// Pushes what has been typed there and nobody has read.
void lagoon__modes_push_unread(lua_State *L, int fd);

#endif // LAGOON_TTYMODES_H
