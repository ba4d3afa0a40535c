// SPDX-License-Identifier: MIT
//
// SIGTERM in the program, which ends it as always, but not before what it has gathered is
// written.
#ifndef LAGOON_SIGTERM_H
#define LAGOON_SIGTERM_H

// Has a function called, by a thread of ours, when SIGTERM comes, unless it is ignored or
// somebody else's. Once in a process.
void lagoon__sigterm_start(void (*finish)(void));

#endif // LAGOON_SIGTERM_H
