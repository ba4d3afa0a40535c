// SPDX-License-Identifier: MIT
//
// Profiles: gathered while they are on, and written into a file in the end, as pprof's
// protocol buffer or as collapsed stacks.
#ifndef LAGOON_PROFILE_H
#define LAGOON_PROFILE_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "samples.h"

struct script;

struct profile_options {
    const char *path;         // NULL: none
    const char *columns_path; // for several columns of collapsed stacks; NULL: none
    enum column_kind column;  // of collapsed stacks at path
    int hz;
    int64_t wait_ns;
};

enum profile_result { PROFILE_NONE, PROFILE_WRITTEN, PROFILE_FAILED };

// With what is usual; the path may be NULL.
void lagoon__profile_options(struct profile_options *out, const char *path);

// The column of a name, as of the option `value`. False: there is none.
bool lagoon__profile_column(const char *name, enum column_kind *out);

// Begins a profile; the path decides what is written. At columns_path stand CPU, wall, and
// waits, each behind a line "# cpu" with the column's name. False: *why says why not, and
// errno is set if it is the file's fault.
bool lagoon__profile_start(lg_runtime *rt, const struct profile_options *options,
                           char *why, size_t why_size);

// Of which goroutines it is told that they still wait.
enum profile_scope {
    PROFILE_OWN, // of those of the calling one's state
    PROFILE_ALL, // of all; nothing runs any more
};

// Ends it and writes the file. PROFILE_FAILED: *why says why.
enum profile_result lagoon__profile_stop(lg_runtime *rt, enum profile_scope scope,
                                         char *why, size_t why_size);

// Adds profile_start() and profile_stop() to the table on top.
void lagoon__open_profile(lua_State *L, struct script *s);

#endif // LAGOON_PROFILE_H
