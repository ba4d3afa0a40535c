// SPDX-License-Identifier: MIT
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

// From so many stacks on new ones forget whose they are, and from so many on none is new:
// a program may start any number of goroutines.
enum { NAMED_STACKS_MAX = 50000, STACKS_MAX = 100000 };

bool lagoon__samples_init(struct samples *samples)
{
    memset(samples, 0, sizeof *samples);
    return lagoon__blobs_intern(&samples->strings, "", 1) == 0;
}

void lagoon__samples_fini(struct samples *samples)
{
    lagoon__blobs_fini(&samples->strings);
    lagoon__blobs_fini(&samples->functions);
    lagoon__blobs_fini(&samples->places);
    lagoon__blobs_fini(&samples->stacks);
    free(samples->names);
    free(samples->columns);
}

// -- stacks --

void lagoon__draft_init(struct stack_draft *draft, struct samples *samples)
{
    memset(&draft->labels, 0, sizeof draft->labels);
    draft->samples = samples;
    draft->is_lost = false;
}

uint32_t lagoon__draft_string(struct stack_draft *draft, const char *text)
{
    uint32_t i = lagoon__blobs_intern(&draft->samples->strings, text, strlen(text) + 1);
    draft->is_lost |= i == NO_BLOB;
    return i == NO_BLOB ? 0 : i;
}

void lagoon__draft_name(struct stack_draft *draft, const char *name)
{
    if (draft->samples->stacks.n < NAMED_STACKS_MAX) {
        draft->labels.name = lagoon__draft_string(draft, name);
    }
}

// Room for the entry of number i, all zero. False: no memory.
static bool reserve(void **array, uint32_t *cap, uint32_t i, size_t size)
{
    if (i < *cap) {
        return true;
    }
    uint32_t new_cap = *cap ? *cap * 2 : 64;
    char *more = realloc(*array, new_cap * size);
    if (more == NULL) {
        return false;
    }
    memset(more + *cap * size, 0, (new_cap - *cap) * size);
    *array = more;
    *cap = new_cap;
    return true;
}

// The name that a function was given by its caller is the first that it had.
static void note_name(struct stack_draft *draft, uint32_t function, const char *name)
{
    struct samples *s = draft->samples;
    void *names = s->names;
    if (!reserve(&names, &s->names_cap, function, sizeof *s->names)) {
        draft->is_lost = true;
        return;
    }
    s->names = names;
    if (s->names[function] == 0 && *name != '\0') {
        s->names[function] = lagoon__draft_string(draft, name);
    }
}

bool lagoon__draft_add(struct stack_draft *draft, const char *name, const char *file,
                       int begins_at, int line)
{
    struct samples *s = draft->samples;
    if (draft->labels.nplaces == STACK_MAX) {
        return false;
    }
    struct sampled_function f = {.line = begins_at};
    f.file = lagoon__draft_string(draft, file);
    f.name = f.file == 0 ? lagoon__draft_string(draft, name) : 0;
    uint32_t function = lagoon__blobs_intern(&s->functions, &f, sizeof f);
    if (function == NO_BLOB) {
        draft->is_lost = true;
        return false;
    }
    note_name(draft, function, name);
    struct sampled_place p = {function, line > 0 ? line : 0};
    uint32_t place = lagoon__blobs_intern(&s->places, &p, sizeof p);
    draft->is_lost |= place == NO_BLOB;
    draft->places[draft->labels.nplaces++] = place;
    return true;
}

static uint32_t intern_stack(struct stack_draft *draft)
{
    unsigned char key[sizeof draft->labels + sizeof draft->places];
    size_t places_size = draft->labels.nplaces * sizeof draft->places[0];
    if (draft->samples->stacks.n >= NAMED_STACKS_MAX) {
        draft->labels.goroutine = 0;
    }
    memcpy(key, &draft->labels, sizeof draft->labels);
    memcpy(key + sizeof draft->labels, draft->places, places_size);
    return lagoon__blobs_intern(&draft->samples->stacks, key,
                                sizeof draft->labels + places_size);
}

void lagoon__draft_count(struct stack_draft *draft, const int64_t columns[NCOLUMNS])
{
    struct samples *s = draft->samples;
    void *all = s->columns;
    uint32_t stack =
        draft->is_lost || s->stacks.n >= STACKS_MAX ? NO_BLOB : intern_stack(draft);
    if (stack == NO_BLOB || !reserve(&all, &s->columns_cap, stack, sizeof *s->columns)) {
        s->nlost++;
        return;
    }
    s->columns = all;
    for (int i = 0; i < NCOLUMNS; i++) {
        s->columns[stack][i] += columns[i];
    }
}

// -- for those who write it --

const char *lagoon__samples_string(const struct samples *samples, uint32_t i)
{
    return samples->strings.items[i].bytes;
}

const struct sampled_function *lagoon__samples_function(const struct samples *samples,
                                                        uint32_t i)
{
    return samples->functions.items[i].bytes;
}

const struct sampled_place *lagoon__samples_place(const struct samples *samples,
                                                  uint32_t i)
{
    return samples->places.items[i].bytes;
}

const struct sampled_labels *lagoon__samples_stack(const struct samples *samples,
                                                   uint32_t i, const uint32_t **places)
{
    const struct sampled_labels *labels = samples->stacks.items[i].bytes;
    *places = (const uint32_t *)(const void *)(labels + 1);
    return labels;
}

// One for which there was no memory has none.
int64_t lagoon__samples_value(const struct samples *samples, uint32_t stack,
                              enum column_kind column)
{
    return stack < samples->columns_cap ? samples->columns[stack][column] : 0;
}

void lagoon__samples_title(const struct samples *samples, uint32_t function, char *out,
                           size_t size)
{
    const struct sampled_function *f = lagoon__samples_function(samples, function);
    const char *name = lagoon__samples_string(samples, samples->names[function]);
    const char *file = lagoon__samples_string(samples, f->file);
    const char *slash = strrchr(file, '/');
    file = slash ? slash + 1 : file;
    int length;
    if (*file == '\0') {
        length = snprintf(out, size, "%s", name);
    } else if (f->line == 0) {
        length = snprintf(out, size, "main chunk %s", file);
    } else {
        length = snprintf(out, size, "%s %s:%d", *name ? name : "anonymous", file,
                          (int)f->line);
    }
    if (length >= 0 && (size_t)length >= size) {
        lagoon__utf8_trim(out);
    }
}
