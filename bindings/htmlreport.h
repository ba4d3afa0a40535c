// SPDX-License-Identifier: MIT
//
// `lagoon --html=FILE`: what the trace and the profiles of a run say, as one page. The page is
// made in the end by scripts/lagoon/report, in a Lua state of its own, since the program's own
// may be anywhere by then. Until then the trace and the stacks are in files beside it.
#ifndef LAGOON_HTMLREPORT_H
#define LAGOON_HTMLREPORT_H

#include <stdbool.h>
#include <stddef.h>

struct html_report {
    const char *path; // borrowed, as the next; NULL: there is none
    char **argv;
    char *trace_path; // Chrome trace events
    char *stacks_path;
    bool has_own_trace; // else it is the user's, who keeps it
};

enum { HTML_STATUS_UNKNOWN = -1 };

// Chooses the files beside the page, and writes a page that says that the program has not
// ended. trace_path: of a trace that is asked for anyway; NULL: there is none. False: *why
// says why not, and there is no report.
bool lagoon__html_begin(struct html_report *report, const char *path,
                        const char *trace_path, char **argv, char *why, size_t why_size);

// Writes the page, when both files are whole, and removes them. Only the first time. False:
// they stay, and *why says why, and where they are.
bool lagoon__html_end(struct html_report *report, int status, char *why, size_t why_size);

// Removes the page and the files, when the run does not begin. Nothing where there is none.
void lagoon__html_abandon(struct html_report *report);

#endif // LAGOON_HTMLREPORT_H
