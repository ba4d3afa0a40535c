// SPDX-License-Identifier: MIT
//
// The program's options about the course of a run: that it is the same each time
// (--deterministic), recorded, replayed, and written down as a trace.
#ifndef LAGOON_COURSE_H
#define LAGOON_COURSE_H

#include <lagoon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "htmlreport.h"

struct course {
    char **argv;
    bool is_deterministic;
    uint64_t seed; // 0: none was given
    const char *record_path;
    const char *replay_path;
    const char *trace_path;
    const char *profile_path;
    const char *html_path;
    const char *profile_value; // what of it is written, as collapsed stacks; NULL: usual
    struct html_report html;
    FILE *record;
    FILE *trace;
    char *log; // of the replay
    size_t log_size;
};

// Reads the options in front of the script. False: *why says what is wrong.
bool lagoon__course_parse(char **argv, struct course *out, char *why, size_t why_size);

// Fills in what is known before the runtime is opened, also by LAGOON_DEBUG.
void lagoon__course_options(struct course *course, lg_options *opts);

// Begins the program anew at addresses that are not random, where it must be the same each
// time: the order of tables follows them, and what LuaJIT compiles. Returns where it has
// been done, or cannot be.
void lagoon__course_settle(char **argv);

// Begins to record, replay and trace. False: *why says why not.
bool lagoon__course_start(struct course *course, lg_runtime *rt, char *why,
                          size_t why_size);

// Writes what a profile has gathered, ends the trace and makes the page, of a process that is
// about to end with that status while others may run. exit() and SIGTERM do it, _exit() does
// not.
void lagoon__course_leave(int status);

// Ends all that, when nothing runs any more; says what went wrong. False: something did.
// status: that the program ends with.
bool lagoon__course_stop(struct course *course, lg_runtime *rt, int status);

// Frees what it has read, when the runtime is closed.
void lagoon__course_free(struct course *course);

#endif // LAGOON_COURSE_H
