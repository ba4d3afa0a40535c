// SPDX-License-Identifier: MIT
//
// Stacks of several goroutines are one here: they are added up, in a sorted list of lines.
#include "folded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { TITLE_SIZE = 256, NS_PER_US = 1000 };

struct line {
    char *text;
    int64_t value;
};

static bool is_time(enum column_kind column)
{
    return column == COLUMN_CPU || column == COLUMN_WALL || column == COLUMN_DELAY ||
           column == COLUMN_MUTEX_DELAY;
}

// What separates functions and lines is none of their names.
static void put_title(FILE *out, char *title)
{
    lagoon__utf8_clean(title, '_');
    for (char *at = title; *at != '\0'; at++) {
        *at = *at == ';' ? '_' : *at;
    }
    fputs(title, out);
}

// NULL: no memory.
static char *text_of(const struct samples *samples, uint32_t stack)
{
    char *text = NULL;
    size_t size;
    char title[TITLE_SIZE];
    const uint32_t *places;
    const struct sampled_labels *labels = lagoon__samples_stack(samples, stack, &places);
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    for (uint32_t i = labels->nplaces; i-- > 0;) {
        const struct sampled_place *place = lagoon__samples_place(samples, places[i]);
        lagoon__samples_title(samples, place->function, title, sizeof title);
        put_title(out, title);
        fputs(i > 0 ? ";" : "", out);
    }
    if (labels->wait != 0) {
        fprintf(out, ";[%s]", lagoon__samples_string(samples, labels->wait));
    }
    return fclose(out) == 0 ? text : NULL;
}

static int compare(const void *a, const void *b)
{
    const struct line *x = a;
    const struct line *y = b;
    return strcmp(x->text, y->text);
}

// Equal texts have stood side by side.
static void write_sums(FILE *file, const struct line *lines, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        const char *text = lines[i].text;
        int64_t sum = 0;
        for (; i < n && strcmp(lines[i].text, text) == 0; i++) {
            sum += lines[i].value;
        }
        if (sum > 0) {
            fprintf(file, "%s %" PRId64 "\n", text, sum);
        }
    }
}

bool lagoon__folded_write(FILE *file, const struct samples *samples,
                          enum column_kind column)
{
    struct line *lines = calloc(samples->stacks.n + 1, sizeof *lines);
    bool is_whole = lines != NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; is_whole && i < samples->stacks.n; i++) {
        int64_t value = lagoon__samples_value(samples, i, column);
        value = is_time(column) ? (value + NS_PER_US / 2) / NS_PER_US : value;
        if (value > 0) {
            lines[n] = (struct line){text_of(samples, i), value};
            is_whole = lines[n].text != NULL;
            n += is_whole;
        }
    }
    if (n > 0) {
        qsort(lines, n, sizeof *lines, compare);
        write_sums(file, lines, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        free(lines[i].text);
    }
    free(lines);
    return is_whole;
}
