// SPDX-License-Identifier: MIT
//
// Signals by their names.
#ifndef LAGOON_SIGNAME_H
#define LAGOON_SIGNAME_H

// "SIGTERM"; NULL: the number has none.
const char *lagoon__signal_name(int signo);

// The number of "SIGTERM", which may also be written "TERM"; 0: there is no such signal.
int lagoon__signal_number(const char *name);

#endif // LAGOON_SIGNAME_H
