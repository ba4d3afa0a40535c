// SPDX-License-Identifier: MIT
#include "attachframe.h"

#include <stdlib.h>
#include <string.h>

int lagoon__bytes_add(struct bytes *bytes, const void *from, size_t size)
{
    if (size > bytes->cap - bytes->size) {
        size_t cap = (bytes->size + size) * 2;
        char *larger = realloc(bytes->at, cap);
        if (larger == NULL) {
            return -1;
        }
        bytes->at = larger;
        bytes->cap = cap;
    }
    if (size > 0) {
        memcpy(bytes->at + bytes->size, from, size);
    }
    bytes->size += size;
    return 0;
}

void lagoon__bytes_skip(struct bytes *bytes, size_t size)
{
    bytes->size -= size;
    if (bytes->size > 0) {
        memmove(bytes->at, bytes->at + size, bytes->size);
    }
}

void lagoon__bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    memset(bytes, 0, sizeof *bytes);
}

static int add_one(struct bytes *bytes, enum frame kind, const char *text, size_t size)
{
    unsigned char head[FRAME_HEAD] = {(unsigned char)kind, (unsigned char)(size >> 24),
                                      (unsigned char)(size >> 16),
                                      (unsigned char)(size >> 8), (unsigned char)size};
    size_t before = bytes->size;
    if (lagoon__bytes_add(bytes, head, sizeof head) != 0 ||
        lagoon__bytes_add(bytes, text, size) != 0) {
        bytes->size = before;
        return -1;
    }
    return 0;
}

int lagoon__frame_add(struct bytes *bytes, enum frame kind, const char *text, size_t size)
{
    while (size > FRAME_MAX) {
        if (add_one(bytes, kind, text, FRAME_MAX) != 0) {
            return -1;
        }
        text += FRAME_MAX;
        size -= FRAME_MAX;
    }
    return add_one(bytes, kind, text, size);
}

static int is_clients(unsigned char kind)
{
    switch (kind) {
    case FRAME_HELLO:
    case FRAME_INPUT:
    case FRAME_INTERRUPT:
    case FRAME_SIZE:
    case FRAME_TAB:
    case FRAME_KEY: return 1;
    default: return 0;
    }
}

int lagoon__frame_peek(const struct bytes *bytes, enum frame *kind, const char **text,
                       size_t *size)
{
    const unsigned char *at = (const unsigned char *)bytes->at;
    if (bytes->size > 0 && !is_clients(at[0])) {
        return -1;
    }
    if (bytes->size < FRAME_HEAD) {
        return 0;
    }
    size_t length =
        (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | (size_t)at[4];
    if (length > FRAME_MAX) {
        return -1;
    }
    if (bytes->size - FRAME_HEAD < length) {
        return 0;
    }
    *kind = (enum frame)at[0];
    *text = bytes->at + FRAME_HEAD;
    *size = length;
    return 1;
}
