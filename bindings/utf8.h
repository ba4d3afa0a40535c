// SPDX-License-Identifier: MIT
//
// Whether bytes are UTF-8 (RFC 3629: neither overlong, nor a surrogate, nor above U+10FFFF), also
// where they come in pieces.
#ifndef LAGOON_UTF8_H
#define LAGOON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// All zero is where a text begins.
struct utf8 {
    uint8_t nleft; // bytes that are missing of the character; 0: between two
    uint8_t low;   // what the next one of them may be
    uint8_t high;
};

// Goes on over n bytes. False: no text begins with what has come.
bool lagoon__utf8_add(struct utf8 *text, const void *bytes, size_t n);

// Whether the text may end here.
bool lagoon__utf8_is_whole(const struct utf8 *text);

// Puts a character of ASCII in the place of each byte of a string that is a control character,
// or belongs to no character at all.
void lagoon__utf8_clean(char *string, char instead);

// For a string that was cut: drops a character at its end of which only a part is there.
void lagoon__utf8_trim(char *string);

#endif // LAGOON_UTF8_H
