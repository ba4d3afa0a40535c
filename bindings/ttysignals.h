// SPDX-License-Identifier: MIT
//
// Signals of the REPL's terminal that cannot wait until its Lua state is free: a call may hold that up.
// Stopping, by Ctrl-Z, gives the terminal the modes that it had before, which not every shell does, and
// going on in the foreground gives back those that it had. A new size is the pty's at once. Where the
// process is to end, because somebody says so or the terminal is gone, and the state does not come to it
// within two seconds, it ends without.
#ifndef LAGOON_TTYSIGNALS_H
#define LAGOON_TTYSIGNALS_H

#include <stdbool.h>
#include <termios.h>

// Minds them, for the user's terminal and the pty. A stop that is ignored stays so.
void lagoon__ttysignals_start(int tty, int slave, const struct termios *before);

void lagoon__ttysignals_stop(void);

// Whether we may set a terminal's modes without being stopped for it: not in the background of a
// shell.
bool lagoon__ttysignals_is_ours(int tty);

#endif // LAGOON_TTYSIGNALS_H
