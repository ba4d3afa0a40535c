// SPDX-License-Identifier: MIT
//
// Which lines of which files have run, counted by all states of a runtime. Any thread; the lock is a
// leaf.
#ifndef LAGOON_COVERED_H
#define LAGOON_COVERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct covered;

// NULL: no memory.
struct covered *lagoon__covered_new(void);
void lagoon__covered_free(struct covered *c);

// Counts a line of a file.
void lagoon__covered_hit(struct covered *c, const char *name, int line);

// One more file, for as long as *at is not NULL; begins with NULL in *at. False: there are no
// more. Its counts, by line, are copied to hits: cap at most; *nlines is how many there are.
struct covered_file;
bool lagoon__covered_next(struct covered *c, struct covered_file **at);
const char *lagoon__covered_name(const struct covered_file *file);
size_t lagoon__covered_copy(struct covered *c, const struct covered_file *file,
                            uint64_t *hits, size_t cap);

// Whether all hits have been counted: there was memory for them.
bool lagoon__covered_is_whole(struct covered *c);

#endif // LAGOON_COVERED_H
