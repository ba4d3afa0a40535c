// SPDX-License-Identifier: MIT
//
// Protocol buffers, written: fields of two wire types, varints and bytes, which messages
// are too.
#ifndef LAGOON_PROTOBUF_H
#define LAGOON_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct protobuf {
    unsigned char *bytes; // malloc()'s
    size_t size;
    size_t cap;
    bool is_lost; // there was no memory; what is written since is dropped
};

// A field that is 0 is left out, as the format says.
void lagoon__protobuf_number(struct protobuf *out, uint32_t field, uint64_t number);
void lagoon__protobuf_bytes(struct protobuf *out, uint32_t field, const void *bytes,
                            size_t size);

// An element of a list that is packed into bytes.
void lagoon__protobuf_packed(struct protobuf *out, uint64_t number);

// Adds another one as a message, and empties that.
void lagoon__protobuf_message(struct protobuf *out, uint32_t field,
                              struct protobuf *message);

void lagoon__protobuf_fini(struct protobuf *out);

#endif // LAGOON_PROTOBUF_H
