// SPDX-License-Identifier: MIT
//
// Files that are written beside a program: its trace, its profile. They may be pipes and devices,
// too, but nothing is waited for: a pipe that nobody reads is an error, ENXIO.
#ifndef LAGOON_OUTFILE_H
#define LAGOON_OUTFILE_H

#include <stdio.h>

// A descriptor, or -1 and errno. Flags are those of open() besides what writing needs.
int lagoon__outfile_open(const char *path, int flags);

// An emptied file as a stream, or NULL and errno.
FILE *lagoon__outfile_stream(const char *path);

#endif // LAGOON_OUTFILE_H
