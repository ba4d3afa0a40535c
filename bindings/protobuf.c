// SPDX-License-Identifier: MIT
#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, CAP_MIN = 64, VARINT_MAX = 10 };

static bool reserve(struct protobuf *out, size_t size)
{
    if (out->is_lost || size <= out->cap - out->size) {
        return !out->is_lost;
    }
    size_t cap = out->cap ? out->cap : CAP_MIN;
    while (cap - out->size < size) {
        cap *= 2;
    }
    unsigned char *bytes = realloc(out->bytes, cap);
    if (bytes == NULL) {
        out->is_lost = true;
        return false;
    }
    out->bytes = bytes;
    out->cap = cap;
    return true;
}

// Seven bits a byte, the low ones first; the top bit says that more follow.
void lagoon__protobuf_packed(struct protobuf *out, uint64_t number)
{
    if (!reserve(out, VARINT_MAX)) {
        return;
    }
    while (number >= 0x80) {
        out->bytes[out->size++] = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    out->bytes[out->size++] = (unsigned char)number;
}

void lagoon__protobuf_number(struct protobuf *out, uint32_t field, uint64_t number)
{
    if (number != 0) {
        lagoon__protobuf_packed(out, (uint64_t)field << 3 | WIRE_VARINT);
        lagoon__protobuf_packed(out, number);
    }
}

void lagoon__protobuf_bytes(struct protobuf *out, uint32_t field, const void *bytes,
                            size_t size)
{
    lagoon__protobuf_packed(out, (uint64_t)field << 3 | WIRE_BYTES);
    lagoon__protobuf_packed(out, size);
    if (size > 0 && reserve(out, size)) {
        memcpy(out->bytes + out->size, bytes, size);
        out->size += size;
    }
}

void lagoon__protobuf_message(struct protobuf *out, uint32_t field,
                              struct protobuf *message)
{
    lagoon__protobuf_bytes(out, field, message->bytes, message->size);
    out->is_lost |= message->is_lost;
    message->size = 0;
}

void lagoon__protobuf_fini(struct protobuf *out)
{
    free(out->bytes);
    memset(out, 0, sizeof *out);
}
