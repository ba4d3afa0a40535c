// SPDX-License-Identifier: MIT
#include "encode.h"

#include <math.h>

#include "closure.h"
#include "fail.h"

void lagoon__encode_grow(struct encoder *e, size_t n)
{
    size_t offset = lagoon__encode_offset(e);
    if (!lagoon__scratch_grow_text(e->scratch, offset + n)) {
        lagoon__raise_memory(e->L);
    }
    e->at = e->scratch->text + offset;
    e->end = e->scratch->text + e->scratch->text_cap;
}

// -- nodes --

struct node *lagoon__encode_find(struct encoder *e, const void *key, uint32_t space)
{
    struct scratch *scratch = e->scratch;
    struct entry *entry = lagoon__scratch_find(scratch, key, space);
    return entry->generation == scratch->generation ? &scratch->nodes[entry->node] : NULL;
}

struct node *lagoon__encode_add(struct encoder *e, const void *key, uint32_t space,
                                enum node_kind kind)
{
    struct node *node = lagoon__scratch_insert(e->scratch, key, space);
    if (node == NULL) {
        lagoon__raise_memory(e->L);
    }
    node->kind = (uint16_t)kind;
    node->parent = e->body;
    lagoon__kept_add(&e->kept);
    return node;
}

struct node *lagoon__encode_add_object(struct encoder *e, const void *key,
                                       enum node_kind kind)
{
    struct node *node = lagoon__encode_add(e, key, e->space, kind);
    node->number = e->nobjects++;
    return node;
}

uint32_t lagoon__encode_refer(struct encoder *e, const void *key, void *shared,
                              enum node_kind kind)
{
    struct node *node = lagoon__encode_find(e, key, 0);
    if (node == NULL) {
        node = lagoon__encode_add(e, key, 0, kind);
        node->shared = shared;
        if (!lagoon__scratch_refer(e->scratch, node)) {
            lagoon__raise_memory(e->L);
        }
    }
    return node->number;
}

// -- strings --

void lagoon__encode_bytes(struct encoder *e, const char *bytes, size_t length)
{
    lagoon__encode_room(e, length + 1 + TEXT_VARINT_BYTES);
    if (length <= TEXT_SHORT_MAX) {
        *e->at++ = (unsigned char)(TEXT_SHORT | length);
    } else {
        *e->at++ = TEXT_STRING;
        e->at = lagoon__text_put_varint(e->at, length);
    }
    e->at = lagoon__text_put(e->at, bytes, length);
}

// One that stands in many places is written once.
static void put_long_string(struct encoder *e, int index, const char *bytes,
                            size_t length)
{
    const struct node *known = lagoon__encode_find(e, bytes, e->space);
    if (known != NULL) {
        lagoon__encode_tag(e, TEXT_AGAIN, known->number);
        return;
    }
    lua_pushvalue(e->L, index);
    lagoon__encode_add_object(e, bytes, NODE_STRING);
    lua_pop(e->L, 1);
    lagoon__encode_tag(e, TEXT_LONG, length);
    lagoon__encode_room(e, length);
    e->at = lagoon__text_put(e->at, bytes, length);
}

static inline void put_string(struct encoder *e, int index)
{
    size_t length;
    const char *bytes = lua_tolstring(e->L, index, &length);
    if (length > TEXT_SHORT_MAX) {
        put_long_string(e, index, bytes, length);
    } else {
        lagoon__encode_bytes(e, bytes, length);
    }
}

// -- numbers --

static unsigned char *put_tagged(unsigned char *at, enum text_tag tag, const void *src,
                                 size_t n)
{
    *at++ = (unsigned char)tag;
    return lagoon__text_put(at, src, n);
}

static inline void put_number(struct encoder *e, double number)
{
    lagoon__encode_room(e, 1 + sizeof number);
    if (!(number >= INT32_MIN && number <= INT32_MAX) ||
        number != (double)(int32_t)number || (number == 0 && signbit(number))) {
        number = number == number ? number : __builtin_nan("");
        e->at = put_tagged(e->at, TEXT_NUMBER, &number, sizeof number);
        return;
    }
    int32_t whole = (int32_t)number;
    int16_t half = (int16_t)whole;
    if (whole >= 0 && whole <= TEXT_SMALL_MAX) {
        *e->at++ = (unsigned char)(TEXT_SMALL | whole);
    } else if (whole == half) {
        e->at = put_tagged(e->at, TEXT_INT16, &half, sizeof half);
    } else {
        e->at = put_tagged(e->at, TEXT_INT32, &whole, sizeof whole);
    }
}

// -- any value --

static inline void put_byte(struct encoder *e, enum text_tag tag)
{
    lagoon__encode_room(e, 1);
    *e->at++ = (unsigned char)tag;
}

static inline void put_value(struct encoder *e, int index)
{
    lua_State *L = e->L;
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: put_number(e, lua_tonumber(L, index)); break;
    case LUA_TSTRING: put_string(e, index); break;
    case LUA_TBOOLEAN:
        put_byte(e, lua_toboolean(L, index) ? TEXT_TRUE : TEXT_FALSE);
        break;
    case LUA_TNIL: put_byte(e, TEXT_NIL); break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == NULL) {
            put_byte(e, TEXT_NULL);
            break;
        } // fall through
    default:
        lua_pushvalue(L, index);
        lagoon__encode_mention(e);
        break;
    }
}

void lagoon__encode_value(struct encoder *e, int index)
{
    put_value(e, index);
}

// -- tables --

// The array of a table: as lua_next() gives it, which begins with the array, in order.
struct array {
    double next;    // the index that goes on with it
    double from;    // its first index: 0 or 1
    double nvalues; // that are not nil
};

// Whether the key goes on with the array. A few holes are filled, so that `#` is the
// same on the other side.
static inline bool is_next(struct encoder *e, struct array *array)
{
    if (lua_type(e->L, -2) != LUA_TNUMBER) {
        return false;
    }
    double key = lua_tonumber(e->L, -2);
    if (key == array->next) {
        return true;
    }
    if (key == 0 && array->next == 1) {
        array->from = array->next = 0;
        return true;
    }
    if (!(key > array->next && key <= 2 * array->nvalues + 4) || key != floor(key)) {
        return false;
    }
    for (; array->next < key; array->next++) {
        put_byte(e, TEXT_NIL);
    }
    return true;
}

// Leaves the first key that is not of the array with its value on top; false: none.
static bool put_array(struct encoder *e, int index, uint32_t *out_size)
{
    lua_State *L = e->L;
    struct array array = {.next = 1, .from = 1};
    bool has_more;
    lua_pushnil(L);
    while ((has_more = lua_next(L, index) != 0) && is_next(e, &array)) {
        put_value(e, -1);
        lua_pop(L, 1);
        array.next++;
        array.nvalues++;
    }
    *out_size =
        (uint32_t)(array.next - array.from) | (array.from == 0 ? TEXT_FROM_ZERO : 0);
    return has_more;
}

// Writes the table at an index. A hook that changes it meanwhile may make lua_next()
// raise, or a value be missed.
static void put_table_body(struct encoder *e, uint32_t node, int index)
{
    lua_State *L = e->L;
    uint32_t sizes[2] = {0, 0};
    bool has_more = put_array(e, index, &sizes[0]);
    while (has_more) {
        put_value(e, -2);
        put_value(e, -1);
        lua_pop(L, 1);
        sizes[1]++;
        has_more = lua_next(L, index) != 0;
    }
    memcpy(e->scratch->text + e->scratch->nodes[node].offset, sizes, sizeof sizes);
}

// -- texts --

static void put_body(struct encoder *e, uint32_t node)
{
    lua_State *L = e->L;
    enum node_kind kind = e->scratch->nodes[node].kind;
    if (kind != NODE_TABLE && kind != NODE_FUNCTION) {
        return;
    }
    e->body = node;
    lagoon__kept_push(&e->kept, node);
    if (kind == NODE_TABLE) {
        put_table_body(e, node, lua_gettop(L));
    } else {
        lagoon__closure_encode_body(e, node, lua_gettop(L));
    }
    lua_pop(L, 1);
}

void lagoon__encode_values(struct encoder *e, int first, int n)
{
    uint32_t head[2] = {(uint32_t)n, 0};
    uint32_t node = e->scratch->nnodes;
    lagoon__encode_room(e, sizeof head);
    size_t offset = lagoon__encode_offset(e);
    e->at += sizeof head;
    for (int i = 0; i < n; i++) {
        if (e->depth == 0) {
            e->body = PARENT_ROOT | (uint32_t)i;
        }
        put_value(e, first + i);
    }
    for (; node < e->scratch->nnodes; node++) {
        if (e->scratch->nodes[node].space == e->space) {
            put_body(e, node);
        }
    }
    head[1] = e->nobjects;
    memcpy(e->scratch->text + offset, head, sizeof head);
}
