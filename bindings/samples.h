// SPDX-License-Identifier: MIT
//
// What a profile has gathered: samples added up by stack and goroutine. Strings,
// functions, places and stacks are interned, so that a long run stays small; the Lua states
// that they came from may be gone. One thread at a time.
#ifndef LAGOON_SAMPLES_H
#define LAGOON_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blobs.h"

enum { STACK_MAX = 64 }; // places of a stack; what stands further out is left out

// What is added up, in the order of a profile's columns.
enum column_kind {
    COLUMN_SAMPLES,
    COLUMN_CPU,
    COLUMN_WALL,
    COLUMN_WAITS,
    COLUMN_DELAY,
    COLUMN_MUTEX_WAITS,
    COLUMN_MUTEX_DELAY,
    NCOLUMNS,
};

// A function is known by where it begins; the name is what it was first called by.
struct sampled_function {
    uint32_t file; // numbers of strings
    uint32_t name; // of one without a place; else 0, the empty string
    int32_t line;  // where it begins; 0: a main chunk, or no Lua function
};

struct sampled_place {
    uint32_t function;
    int32_t line; // 0: unknown
};

// Whose a stack is, and what it did there.
struct sampled_labels {
    uint64_t goroutine; // 0: none, or left out
    uint32_t name;      // numbers of strings; 0: none
    uint32_t state;
    uint32_t wait;
    uint32_t nplaces; // behind it, the innermost one first
};

struct samples {
    struct blobs strings; // 0: ""
    struct blobs functions;
    uint32_t *names; // of functions, strings
    uint32_t names_cap;
    struct blobs places;
    struct blobs stacks; // struct sampled_labels, then numbers of places
    int64_t (*columns)[NCOLUMNS];
    uint32_t columns_cap;
    uint64_t nlost; // samples that there was no memory for
};

// A stack that is being put together.
struct stack_draft {
    struct samples *samples;
    struct sampled_labels labels;
    uint32_t places[STACK_MAX];
    bool is_lost; // no memory
};

bool lagoon__samples_init(struct samples *samples);
void lagoon__samples_fini(struct samples *samples);

void lagoon__draft_init(struct stack_draft *draft, struct samples *samples);

// The number of a string.
uint32_t lagoon__draft_string(struct stack_draft *draft, const char *text);

// Says what the goroutine is called, as long as stacks are anybody's.
void lagoon__draft_name(struct stack_draft *draft, const char *name);

// Adds the next place, further out than all before. file "": the function has no place of
// its own, and is known by its name. False: no more fit.
bool lagoon__draft_add(struct stack_draft *draft, const char *name, const char *file,
                       int begins_at, int line);

// Adds what was counted to what is known of the stack.
void lagoon__draft_count(struct stack_draft *draft, const int64_t columns[NCOLUMNS]);

// What is there, for those who write it.
const char *lagoon__samples_string(const struct samples *samples, uint32_t i);
const struct sampled_function *lagoon__samples_function(const struct samples *samples,
                                                        uint32_t i);
const struct sampled_place *lagoon__samples_place(const struct samples *samples,
                                                  uint32_t i);
const struct sampled_labels *lagoon__samples_stack(const struct samples *samples,
                                                   uint32_t i, const uint32_t **places);

int64_t lagoon__samples_value(const struct samples *samples, uint32_t stack,
                              enum column_kind column);

// "work script.lua:12", as it is shown; cut between two characters.
void lagoon__samples_title(const struct samples *samples, uint32_t function, char *out,
                           size_t size);

#endif // LAGOON_SAMPLES_H
