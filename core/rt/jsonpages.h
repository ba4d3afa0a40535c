// SPDX-License-Identifier: MIT
//
// Chrome trace events as JSON text, in pages (os/sealed.h): whole events in each, then spaces.
//
// What is written for the time being, because it is still going on, comes last: between
// lg__json_mark() and the next event of the other kind, which takes its place.
#ifndef LG_RT_JSONPAGES_H
#define LG_RT_JSONPAGES_H

#include "base/base.h"
#include "os/sealed.h"

enum {
    JSON_BUFFER_PAGES = 64,
    JSON_EVENT_MAX = 768, // bytes
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

// Begins an event: its letter and name, which is JSON already, and where it belongs.
void lg__json_begin(struct json_pages *j, char phase, const char *name, uint32_t pid,
                    uint32_t tid);

// Its other members; nanoseconds become microseconds.
void lg__json_member(struct json_pages *j, const char *key, const char *json);
void lg__json_string(struct json_pages *j, const char *key, const char *safe);
void lg__json_number(struct json_pages *j, const char *key, uint64_t number);
void lg__json_time(struct json_pages *j, const char *key, uint64_t ns);

// Those between these are in an object of that name. First of all its members.
void lg__json_open_object(struct json_pages *j, const char *key);
void lg__json_close_object(struct json_pages *j);

void lg__json_end(struct json_pages *j);

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

#endif // LG_RT_JSONPAGES_H
