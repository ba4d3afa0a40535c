// SPDX-License-Identifier: MIT
//
// Transfers: a request over HTTP and its response, done by libcurl on a strand's loop
// (io/multi.h). Its callbacks, on the loop's turn, leave here what comes:
//
//    head   what goes before the body: the last one, behind those that only announce it
//    in     the body. When it is full, libcurl is told to pause, and reads no more
//
// and take from here what goes out: the caller's bytes, from where they are. A streamed body
// is a waiting call's at a time; between two calls libcurl is told to pause, too.
#ifndef LG_IO_FETCH_H
#define LG_IO_FETCH_H

#include "base/base.h"
#include "base/list.h"
#include "io/curl.h"
#include "io/inbuf.h"
#include "lagoon.h"

struct io_loop;
struct multi;
struct waiter;

struct lg_fetch {
    struct node node;    // in the loop's list, until it is freed
    struct node touched; // in the multi's
    struct lg_runtime *rt;
    struct lg_strand *strand; // NULL: closed
    // -- inside the strand --
    struct io_loop *loop;
    struct multi *multi; // NULL: libcurl is done with it
    CURL *easy;
    struct curl_slist *fields; // of the request
    char *head;
    size_t head_size;
    size_t head_cap;
    size_t head_max;
    struct inbuf in;
    const char *body; // that goes out, the caller's
    size_t body_size;
    size_t body_at;
    struct waiter *reader; // for the head, or for more of the body
    struct waiter *writer;
    int status;     // LG_OK: under way; LG_EOF: it has ended well; or why not
    int own_status; // why a callback has ended it
    bool is_touched;
    bool has_head;                 // it is whole
    bool is_in_paused;             // libcurl was told to
    bool is_out_paused;            // the same for what is sent
    bool is_streamed;              // the body comes in pieces
    bool is_all_sent;              // of those none will follow
    bool is_cut;                   // of one only a half has gone
    char message[CURL_ERROR_SIZE]; // libcurl's words
};

// Callbacks of libcurl's, for lg_fetch_open().
size_t lg__fetch_on_head(char *data, size_t size, size_t n, void *ud);
size_t lg__fetch_on_body(char *data, size_t size, size_t n, void *ud);
size_t lg__fetch_on_room(char *room, size_t size, size_t n, void *ud);
int lg__fetch_on_seek(void *ud, curl_off_t offset, int origin);

// Has libcurl go on where there is something to go on with.
void lg__fetch_resume(struct lg_fetch *f);

// libcurl is through with it.
void lg__fetch_end(struct lg_fetch *f, CURLcode result);

// Looks at the calls that wait for it.
void lg__fetch_look(struct lg_fetch *f);

// By the loop that ends: it has taken it out of its list.
void lg__fetch_orphan(struct lg_fetch *f);

// A code of ours for one of libcurl's. May look at what libcurl says beside it.
int lg__fetch_code(const struct lg_fetch *f, CURLcode result);

#endif // LG_IO_FETCH_H
