// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lagoon.h"

void lg_options_init(lg_options *out)
{
    memset(out, 0, sizeof *out);
    out->size_bytes = sizeof *out;
}

static bool parse_procs(const char *text, int *out)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool has_digit = text[0] >= '0' && text[0] <= '9'; // strtol() takes blanks and signs
    if (errno || !has_digit || *end != '\0' || value < 1 || value > LG_PROCS_MAX) {
        return false;
    }
    *out = (int)value;
    return true;
}

int lg_options_env(lg_options *opts, char *why, size_t why_size)
{
    const char *procs = getenv("LAGOON_PROCS");
    if (procs && !parse_procs(procs, &opts->procs)) {
        if (why) {
            snprintf(why, why_size,
                     "LAGOON_PROCS=%s: must be a whole number from 1 to %d", procs,
                     (int)LG_PROCS_MAX);
        }
        return LG_EINVAL;
    }
    return LG_OK;
}
