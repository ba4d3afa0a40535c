// SPDX-License-Identifier: MIT
#include "utf8.h"

#include <string.h>

// The first byte of a character beyond ASCII says how long it is, and what the second one may be.
static bool begin(struct utf8 *text, uint8_t byte)
{
    text->low = 0x80;
    text->high = 0xbf;
    if (byte < 0xc2 || byte > 0xf4) {
        return false;
    }
    text->nleft = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    switch (byte) {
    case 0xe0: text->low = 0xa0; break;  // below: overlong
    case 0xed: text->high = 0x9f; break; // above: a surrogate
    case 0xf0: text->low = 0x90; break;  // below: overlong
    case 0xf4: text->high = 0x8f; break; // above: beyond U+10FFFF
    default: break;
    }
    return true;
}

static bool go_on(struct utf8 *text, uint8_t byte)
{
    if (byte < text->low || byte > text->high) {
        return false;
    }
    text->nleft--;
    text->low = 0x80;
    text->high = 0xbf;
    return true;
}

// How many bytes of ASCII come first, in whole words: most texts are mostly that.
static size_t skip_ascii(const uint8_t *at, size_t n)
{
    size_t i = 0;
    for (uint64_t word; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
    }
    return i;
}

bool lagoon__utf8_add(struct utf8 *text, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    size_t i = 0;
    while (i < n) {
        if (text->nleft > 0) {
            if (!go_on(text, at[i++])) {
                return false;
            }
        } else if (at[i] >= 0x80) {
            if (!begin(text, at[i++])) {
                return false;
            }
        } else {
            size_t nskipped = skip_ascii(at + i, n - i);
            i += nskipped > 0 ? nskipped : 1;
        }
    }
    return true;
}

bool lagoon__utf8_is_whole(const struct utf8 *text)
{
    return text->nleft == 0;
}

// How many bytes the character at the beginning of a string has; 0: it is none.
static size_t length_of(const char *string)
{
    struct utf8 text = {0};
    size_t n = 0;
    do {
        if (!lagoon__utf8_add(&text, string + n, 1)) {
            return 0; // the zero at the end goes on no character
        }
        n++;
    } while (!lagoon__utf8_is_whole(&text));
    return n;
}

void lagoon__utf8_clean(char *string, char instead)
{
    enum { DELETE = 0x7f };
    for (char *at = string; *at != '\0';) {
        bool is_control = (unsigned char)*at < ' ' || *at == DELETE;
        size_t n = is_control ? 0 : length_of(at);
        if (n == 0) {
            *at++ = instead;
        }
        at += n;
    }
}

void lagoon__utf8_trim(char *string)
{
    enum { LEAD = 0xc0, PART_MAX = 3 };
    size_t length = strlen(string);
    for (size_t n = 1; n <= PART_MAX && n <= length; n++) {
        struct utf8 text = {0};
        char *at = string + length - n;
        if ((unsigned char)*at >= LEAD) {
            bool is_part =
                lagoon__utf8_add(&text, at, n) && !lagoon__utf8_is_whole(&text);
            *at = is_part ? '\0' : *at;
            return;
        }
    }
}
