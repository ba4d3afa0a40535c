// SPDX-License-Identifier: MIT
//
// Keys of shared maps: a byte that tells what it is, and its bytes.
//
//   's' text    'n' eight bytes of a double    't' true    'f' false
#ifndef LAGOON_SHAREDKEY_H
#define LAGOON_SHAREDKEY_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { KEY_ROOM = 256 };

// A key on its way to the core.
struct shared_key {
    const unsigned char *bytes;
    size_t size_bytes;
    unsigned char room[KEY_ROOM]; // for what is not larger
};

// False: NaN is no key.
static inline bool lagoon__shared_key_number(struct shared_key *key, double number)
{
    number = number == 0 ? 0 : number; // -0 is equal to 0
    key->room[0] = 'n';
    memcpy(key->room + 1, &number, sizeof number);
    key->bytes = key->room;
    key->size_bytes = 1 + sizeof number;
    return number == number;
}

// False: it needs more room.
static inline bool lagoon__shared_key_text(struct shared_key *key, const char *text,
                                           size_t size_bytes)
{
    if (size_bytes >= KEY_ROOM) {
        return false;
    }
    key->room[0] = 's';
    memcpy(key->room + 1, text, size_bytes);
    key->bytes = key->room;
    key->size_bytes = 1 + size_bytes;
    return true;
}

// Makes a key of argument 1 of a method, at index 2. May push a value that it needs.
// Raises.
void lagoon__shared_key_check(lua_State *L, const char *method, struct shared_key *key);

// Pushes what a key was made of.
void lagoon__shared_key_push(lua_State *L, const unsigned char *bytes, size_t size_bytes);

#endif // LAGOON_SHAREDKEY_H
