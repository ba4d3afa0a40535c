// SPDX-License-Identifier: MIT
//
// Chunked bodies, taken apart as they come (RFC 9112, 7.1): pure, a machine over bytes.
#ifndef LAGOON_HTTPCHUNK_H
#define LAGOON_HTTPCHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "httphead.h"

enum {
    HTTP_CHUNK_LINE_MAX = 4096, // a size with its extensions; all trailers together
};

enum http_chunk_state {
    CHUNK_SIZE,      // before the first digit of a size; where a decoder begins
    CHUNK_DIGITS,    // within
    CHUNK_BLANK,     // behind it, before an extension
    CHUNK_EXTENSION, // behind it, up to the end of the line
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, // the beginning of a line after the last chunk
    CHUNK_NAME,
    CHUNK_VALUE,
    CHUNK_VALUE_LF,
    CHUNK_END_LF,
    CHUNK_ENDED,
};

// All zero is where a body begins.
struct http_chunks {
    enum http_chunk_state state;
    uint64_t left;       // of the chunk
    uint32_t line_bytes; // of the line, or of all trailers
    const char *message; // why it was refused
};

// Goes on over n bytes: up to the end of some data, or of all there is. *out_taken: how many bytes
// are done with; the last *out_ndata of them are data. HTTP_MORE may come with data, HTTP_DONE
// does not. What was refused stays so.
enum http_progress lagoon__http_chunks(struct http_chunks *chunks, const char *bytes,
                                       size_t n, size_t *out_taken, size_t *out_ndata);

#endif // LAGOON_HTTPCHUNK_H
