// SPDX-License-Identifier: MIT
//
// The memory is malloc()'s: the runtime's may make its caller wait, or not be there, and a hook
// of the state under test can do neither.
#include "covered.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NBUCKETS = 256, LINES_MIN = 64 };

// Once there, a file stays.
struct covered_file {
    struct covered_file *in_bucket;
    struct covered_file *next; // of all
    uint64_t *hits;            // by line; the lock
    size_t cap;
    char name[];
};

struct covered {
    pthread_mutex_t lock;
    // -- lock --
    struct covered_file *buckets[NBUCKETS];
    struct covered_file *files;
    bool is_short; // of memory
};

struct covered *lagoon__covered_new(void)
{
    struct covered *c = calloc(1, sizeof *c);
    if (c != NULL) {
        pthread_mutex_init(&c->lock, NULL);
    }
    return c;
}

void lagoon__covered_free(struct covered *c)
{
    while (c->files != NULL) {
        struct covered_file *file = c->files;
        c->files = file->next;
        free(file->hits);
        free(file);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct covered_file **bucket_of(struct covered *c, const char *name)
{
    uint32_t hash = 2166136261U; // FNV-1a
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619U;
    }
    return &c->buckets[hash % NBUCKETS];
}

// NULL: no memory.
static struct covered_file *file_of_locked(struct covered *c, const char *name)
{
    struct covered_file **bucket = bucket_of(c, name);
    for (struct covered_file *file = *bucket; file != NULL; file = file->in_bucket) {
        if (strcmp(file->name, name) == 0) {
            return file;
        }
    }
    size_t size = strlen(name) + 1;
    struct covered_file *file = calloc(1, sizeof *file + size);
    if (file != NULL) {
        memcpy(file->name, name, size);
        file->in_bucket = *bucket;
        *bucket = file;
        file->next = c->files;
        c->files = file;
    }
    return file;
}

static bool has_line_locked(struct covered_file *file, size_t line)
{
    if (line < file->cap) {
        return true;
    }
    size_t cap = line + 1 > LINES_MIN ? (line + 1) * 2 : LINES_MIN;
    uint64_t *hits = realloc(file->hits, cap * sizeof *hits);
    if (hits == NULL) {
        return false;
    }
    memset(hits + file->cap, 0, (cap - file->cap) * sizeof *hits);
    file->hits = hits;
    file->cap = cap;
    return true;
}

void lagoon__covered_hit(struct covered *c, const char *name, int line)
{
    if (line <= 0) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    struct covered_file *file = file_of_locked(c, name);
    if (file != NULL && has_line_locked(file, (size_t)line)) {
        file->hits[line]++;
    } else {
        c->is_short = true;
    }
    pthread_mutex_unlock(&c->lock);
}

bool lagoon__covered_next(struct covered *c, struct covered_file **at)
{
    pthread_mutex_lock(&c->lock);
    *at = *at != NULL ? (*at)->next : c->files;
    pthread_mutex_unlock(&c->lock);
    return *at != NULL;
}

const char *lagoon__covered_name(const struct covered_file *file)
{
    return file->name;
}

size_t lagoon__covered_copy(struct covered *c, const struct covered_file *file,
                            uint64_t *hits, size_t cap)
{
    pthread_mutex_lock(&c->lock);
    size_t nlines = file->cap;
    size_t ncopied = nlines < cap ? nlines : cap;
    if (ncopied > 0) {
        memcpy(hits, file->hits, ncopied * sizeof *hits);
    }
    pthread_mutex_unlock(&c->lock);
    return nlines;
}

bool lagoon__covered_is_whole(struct covered *c)
{
    pthread_mutex_lock(&c->lock);
    bool is_whole = !c->is_short;
    pthread_mutex_unlock(&c->lock);
    return is_whole;
}
