// SPDX-License-Identifier: MIT
//
// Chrome trace events as JSON text, in pages (os/sealed.h): whole events in each, then spaces.
//
// What is written for the time being, because it is still going on, comes last: between
// lg__json_mark() and the next event of the other kind, which takes its place.
#ifndef LG_RT_JSONPAGES_H
#define LG_RT_JSONPAGES_H

#include <string.h>

#include "base/base.h"
#include "os/sealed.h"

enum {
    JSON_BUFFER_PAGES = 64,
    JSON_EVENT_MAX = 256,  // bytes, without its name
    JSON_NAMING_MAX = 768, // of one that gives a name to something
};

struct json_pages {
    struct sealed file;
    int err;        // of the first write that failed: no more are tried
    uint64_t first; // number of the page at buffer
    size_t fill;    // bytes in the buffer
    uint64_t end;   // pages that have something to say
    char *event;    // the one that is being written: where it begins
    char *at;       // and goes on
    char mark_page[SEALED_PAGE];
    uint64_t mark_first; // number of that page
    size_t mark_fill;
    char buffer[JSON_BUFFER_PAGES * SEALED_PAGE];
};

// Makes the file, with what stands before the events in it, less than a page. LG_OK, or an error
// of the system's.
int lg__json_open(struct json_pages *j, const char *path, const char *head,
                  size_t length);

// What comes now is for the time being; and it is over, written out.
void lg__json_mark(struct json_pages *j);
void lg__json_back(struct json_pages *j);

// How large the file is by now.
uint64_t lg__json_bytes(const struct json_pages *j);

// Closes the file. The first error that there was, or LG_OK.
int lg__json_close(struct json_pages *j);

// Text as the inside of a JSON string, cut at size_bytes with the final zero: quoted, and what
// is no UTF-8 becomes U+FFFD. Returns its length.
size_t lg__json_escape(const char *text, size_t length, char *out, size_t size_bytes);

// Room for an event of at most that size, in one page.
char *lg__json_room(struct json_pages *j, size_t size_bytes);

// ---------------------------------------------------------------------------
// Events: inline, so that words are copied whose length is known
// ---------------------------------------------------------------------------

LG_INLINE void lg__json_put(struct json_pages *j, const char *text, size_t length)
{
    memcpy(j->at, text, length);
    j->at += length;
}

LG_INLINE void lg__json_digits(struct json_pages *j, uint64_t number)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[sizeof digits - ++n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    lg__json_put(j, digits + sizeof digits - n, n);
}

LG_INLINE void lg__json_key(struct json_pages *j, const char *key)
{
    if (j->at[-1] != '{') {
        *j->at++ = ',';
    }
    *j->at++ = '"';
    lg__json_put(j, key, strlen(key));
    lg__json_put(j, "\":", 2);
}

// Its other members; nanoseconds become microseconds.
LG_INLINE void lg__json_string(struct json_pages *j, const char *key, const char *safe)
{
    lg__json_key(j, key);
    *j->at++ = '"';
    lg__json_put(j, safe, strlen(safe));
    *j->at++ = '"';
}

LG_INLINE void lg__json_number(struct json_pages *j, const char *key, uint64_t number)
{
    lg__json_key(j, key);
    lg__json_digits(j, number);
}

LG_INLINE void lg__json_time(struct json_pages *j, const char *key, uint64_t ns)
{
    lg__json_key(j, key);
    lg__json_digits(j, ns / 1000);
    const char rest[] = {'.', (char)('0' + ns / 100 % 10), (char)('0' + ns / 10 % 10),
                         (char)('0' + ns % 10)};
    lg__json_put(j, rest, sizeof rest);
}

// What comes between these is in an object of that name.
LG_INLINE void lg__json_open_object(struct json_pages *j, const char *key)
{
    lg__json_key(j, key);
    *j->at++ = '{';
}

LG_INLINE void lg__json_close_object(struct json_pages *j)
{
    *j->at++ = '}';
}

// Begins an event: its letter and name, which is JSON already, and where it belongs.
LG_INLINE void lg__json_begin(struct json_pages *j, char phase, const char *name,
                              uint32_t pid, uint32_t tid)
{
    size_t most = phase == 'M' ? JSON_NAMING_MAX : JSON_EVENT_MAX + strlen(name);
    j->event = lg__json_room(j, most);
    j->at = j->event;
    lg__json_put(j, ",\n{\"ph\":\"", 9);
    *j->at++ = phase;
    *j->at++ = '"';
    lg__json_string(j, "name", name);
    lg__json_number(j, "pid", pid);
    lg__json_number(j, "tid", tid);
}

LG_INLINE void lg__json_end(struct json_pages *j)
{
    *j->at++ = '}';
    LG_ASSERT(j->at - j->event <= JSON_NAMING_MAX);
    j->fill += (size_t)(j->at - j->event);
}

#endif // LG_RT_JSONPAGES_H
