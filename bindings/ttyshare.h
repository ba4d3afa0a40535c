// SPDX-License-Identifier: MIT
//
// The user's terminal for others beside the REPL's own descriptor of it: for its reader of keys, and
// for children.
//
// Opening it once more is best, since what one does with that is nobody else's business; but it may be
// another user's, as behind `su`. Then /dev/tty is the same one if it is the terminal of our session,
// and else there is only a copy, which blocks as the user's own does.
#ifndef LAGOON_TTYSHARE_H
#define LAGOON_TTYSHARE_H

#include <lua.h>

// Looks how a terminal can be had.
void lagoon__ttyshare_init(int tty);

// Opens it for reading, for lg_conn_adopt_shared(). Negative: it cannot be had.
int lagoon__ttyshare_open(void);

// Passes what was typed and not read on to a descriptor.
void lagoon__ttyshare_pass_pending(int to);

// Pushes a path of it for children; nil: there is none, and its place is `fd` of ours until
// lagoon__ttyshare_end(), for a child that is started meanwhile.
void lagoon__ttyshare_push_path(lua_State *L, int fd);

// What stands in its place is `slave` again.
void lagoon__ttyshare_end(int slave);

#endif // LAGOON_TTYSHARE_H
