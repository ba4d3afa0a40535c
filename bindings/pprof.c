// SPDX-License-Identifier: MIT
//
// The numbers of fields are those of profile.proto (github.com/google/pprof). Ids there
// begin with 1, ours with 0; strings begin with "" in both, and are put behind ours as they
// are needed.
#include "pprof.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "protobuf.h"
#include "utf8.h"

enum profile_field {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};

enum { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_STR = 2, LABEL_NUM = 3 };
enum { MAPPING_ID = 1, MAPPING_FILENAME = 5, MAPPING_HAS_FUNCTIONS = 7 };
enum { MAPPING_HAS_FILENAMES = 8, MAPPING_HAS_LINE_NUMBERS = 9 };
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID = 2, LOCATION_LINE = 4 };
enum { LINE_FUNCTION_ID = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3 };
enum { FUNCTION_FILENAME = 4, FUNCTION_START_LINE = 5 };

enum { TITLE_SIZE = 256, THE_MAPPING = 1 };

static const struct {
    const char *type;
    const char *unit;
} columns[NCOLUMNS] = {
    [COLUMN_SAMPLES] = {"samples", "count"},
    [COLUMN_CPU] = {"cpu", "nanoseconds"},
    [COLUMN_WALL] = {"wall", "nanoseconds"},
    [COLUMN_WAITS] = {"contentions", "count"},
    [COLUMN_DELAY] = {"delay", "nanoseconds"},
    [COLUMN_MUTEX_WAITS] = {"mutex_contentions", "count"},
    [COLUMN_MUTEX_DELAY] = {"mutex_delay", "nanoseconds"},
};

// What is written, and what it is made of.
struct writer {
    const struct samples *samples;
    struct blobs strings; // all: the samples' first, with their numbers
    struct protobuf out;
    struct protobuf message;
    struct protobuf inner;
};

// The number of a string.
static uint64_t text(struct writer *w, const char *string)
{
    uint32_t i = lagoon__blobs_intern(&w->strings, string, strlen(string) + 1);
    w->out.is_lost |= i == NO_BLOB;
    return i;
}

static void put_type(struct writer *w, uint32_t field, enum column_kind column)
{
    lagoon__protobuf_number(&w->message, TYPE_TYPE, text(w, columns[column].type));
    lagoon__protobuf_number(&w->message, TYPE_UNIT, text(w, columns[column].unit));
    lagoon__protobuf_message(&w->out, field, &w->message);
}

static void put_label(struct writer *w, const char *key, uint32_t string, uint64_t number)
{
    if (string == 0 && number == 0) {
        return;
    }
    lagoon__protobuf_number(&w->inner, LABEL_KEY, text(w, key));
    lagoon__protobuf_number(&w->inner, LABEL_STR, string);
    lagoon__protobuf_number(&w->inner, LABEL_NUM, number);
    lagoon__protobuf_message(&w->message, SAMPLE_LABEL, &w->inner);
}

static void put_sample(struct writer *w, uint32_t stack)
{
    const uint32_t *places;
    const struct sampled_labels *labels =
        lagoon__samples_stack(w->samples, stack, &places);
    for (uint32_t i = 0; i < labels->nplaces; i++) {
        lagoon__protobuf_packed(&w->inner, (uint64_t)places[i] + 1);
    }
    lagoon__protobuf_message(&w->message, SAMPLE_LOCATION_ID, &w->inner);
    for (int i = 0; i < NCOLUMNS; i++) {
        int64_t value = lagoon__samples_value(w->samples, stack, (enum column_kind)i);
        lagoon__protobuf_packed(&w->inner, (uint64_t)value);
    }
    lagoon__protobuf_message(&w->message, SAMPLE_VALUE, &w->inner);
    put_label(w, "goroutine", 0, labels->goroutine);
    put_label(w, "name", labels->name, 0);
    put_label(w, "state", labels->state, 0);
    put_label(w, "wait", labels->wait, 0);
    lagoon__protobuf_message(&w->out, PROFILE_SAMPLE, &w->message);
}

// One, or pprof would look for a binary to get names from.
static void put_mapping(struct writer *w)
{
    lagoon__protobuf_number(&w->message, MAPPING_ID, THE_MAPPING);
    lagoon__protobuf_number(&w->message, MAPPING_FILENAME, text(w, "lagoon"));
    lagoon__protobuf_number(&w->message, MAPPING_HAS_FUNCTIONS, 1);
    lagoon__protobuf_number(&w->message, MAPPING_HAS_FILENAMES, 1);
    lagoon__protobuf_number(&w->message, MAPPING_HAS_LINE_NUMBERS, 1);
    lagoon__protobuf_message(&w->out, PROFILE_MAPPING, &w->message);
}

static void put_location(struct writer *w, uint32_t i)
{
    const struct sampled_place *place = lagoon__samples_place(w->samples, i);
    lagoon__protobuf_number(&w->message, LOCATION_ID, (uint64_t)i + 1);
    lagoon__protobuf_number(&w->message, LOCATION_MAPPING_ID, THE_MAPPING);
    lagoon__protobuf_number(&w->inner, LINE_FUNCTION_ID, (uint64_t)place->function + 1);
    lagoon__protobuf_number(&w->inner, LINE_LINE, (uint64_t)place->line);
    lagoon__protobuf_message(&w->message, LOCATION_LINE, &w->inner);
    lagoon__protobuf_message(&w->out, PROFILE_LOCATION, &w->message);
}

static void put_function(struct writer *w, uint32_t i)
{
    const struct sampled_function *f = lagoon__samples_function(w->samples, i);
    char title[TITLE_SIZE];
    lagoon__samples_title(w->samples, i, title, sizeof title);
    uint64_t name = text(w, title);
    lagoon__protobuf_number(&w->message, FUNCTION_ID, (uint64_t)i + 1);
    lagoon__protobuf_number(&w->message, FUNCTION_NAME, name);
    lagoon__protobuf_number(&w->message, FUNCTION_SYSTEM_NAME, name);
    lagoon__protobuf_number(&w->message, FUNCTION_FILENAME, f->file);
    lagoon__protobuf_number(&w->message, FUNCTION_START_LINE, (uint64_t)f->line);
    lagoon__protobuf_message(&w->out, PROFILE_FUNCTION, &w->message);
}

// Names are anybody's bytes, and a string of protobuf's is UTF-8.
static void put_strings(struct writer *w)
{
    for (uint32_t i = 0; i < w->strings.n; i++) {
        char *string = strdup(w->strings.items[i].bytes);
        if (string != NULL) {
            lagoon__utf8_clean(string, '_');
        }
        // Without memory it is "": the numbers of the others stay.
        lagoon__protobuf_bytes(&w->out, PROFILE_STRING_TABLE, string ? string : "",
                               string ? strlen(string) : 0);
        free(string);
    }
}

static void encode(struct writer *w, const struct pprof_times *times)
{
    const struct samples *s = w->samples;
    for (uint32_t i = 0; i < s->strings.n; i++) {
        text(w, lagoon__samples_string(s, i));
    }
    for (int i = 0; i < NCOLUMNS; i++) {
        put_type(w, PROFILE_SAMPLE_TYPE, (enum column_kind)i);
    }
    for (uint32_t i = 0; i < s->stacks.n; i++) {
        put_sample(w, i);
    }
    put_mapping(w);
    for (uint32_t i = 0; i < s->places.n; i++) {
        put_location(w, i);
    }
    for (uint32_t i = 0; i < s->functions.n; i++) {
        put_function(w, i);
    }
    lagoon__protobuf_number(&w->out, PROFILE_TIME_NANOS, (uint64_t)times->begun_ns);
    lagoon__protobuf_number(&w->out, PROFILE_DURATION_NANOS,
                            (uint64_t)times->duration_ns);
    put_type(w, PROFILE_PERIOD_TYPE, COLUMN_CPU);
    lagoon__protobuf_number(&w->out, PROFILE_PERIOD, (uint64_t)times->period_ns);
    lagoon__protobuf_number(&w->out, PROFILE_DEFAULT_SAMPLE_TYPE,
                            text(w, columns[COLUMN_CPU].type));
    put_strings(w);
}

static bool write_gzip(FILE *file, const struct protobuf *in)
{
    enum { WINDOW_BITS = 15, AS_GZIP = 16, MEM_LEVEL = 8 };
    z_stream z = {0};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + AS_GZIP,
                     MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    uLong bound = deflateBound(&z, (uLong)in->size);
    unsigned char *packed = malloc(bound);
    if (packed != NULL) {
        z.next_in = in->bytes;
        z.avail_in = (uInt)in->size;
        z.next_out = packed;
        z.avail_out = (uInt)bound;
        deflate(&z, Z_FINISH);
        fwrite(packed, 1, bound - z.avail_out, file);
        free(packed);
    }
    deflateEnd(&z);
    return packed != NULL;
}

bool lagoon__pprof_write(FILE *file, const struct samples *samples,
                         const struct pprof_times *times, enum pprof_packing packing)
{
    struct writer w = {.samples = samples};
    encode(&w, times);
    bool is_whole = !w.out.is_lost;
    if (is_whole && packing == PPROF_GZIP) {
        is_whole = write_gzip(file, &w.out);
    } else if (is_whole) {
        fwrite(w.out.bytes, 1, w.out.size, file);
    }
    lagoon__blobs_fini(&w.strings);
    lagoon__protobuf_fini(&w.out);
    lagoon__protobuf_fini(&w.message);
    lagoon__protobuf_fini(&w.inner);
    return is_whole;
}
