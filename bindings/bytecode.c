// SPDX-License-Identifier: MIT
#include "bytecode.h"

#include <string.h>

enum { VERSION = 2, FLAG_BIG_ENDIAN = 0x01, FLAG_STRIPPED = 0x02, FLAGS_KNOWN = 0x0f };

enum constant_kind {
    CONSTANT_CHILD,
    CONSTANT_TABLE,
    CONSTANT_INT64,
    CONSTANT_UINT64,
    CONSTANT_COMPLEX,
    CONSTANT_STRING, // and its length
};

enum {
    ITEM_TRUE = 2, // and below: nil, false
    ITEM_INT,
    ITEM_NUMBER,
    ITEM_STRING, // and its length
};

// An upvalue's descriptor: how a new closure finds the variable.
//
//   15      14          13 .. 8  7 .. 0
//   local   immutable            the slot of its parent, or its parent's upvalue
enum { UPVALUE_LOCAL = 0x8000, UPVALUE_IMMUTABLE = 0x4000, UPVALUE_INDEX = 0xff };

#define NO_PROTO UINT32_MAX

// -- bytes --

// Where the dump is being read. Once it was bad it stays so, and gives zeros.
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

static struct reader reader_of(struct bytes span)
{
    return (struct reader){.at = span.at, .end = span.at + span.size};
}

static struct bytes take(struct reader *r, size_t size)
{
    if (r->is_bad || size > (size_t)(r->end - r->at)) {
        r->is_bad = true;
        return (struct bytes){r->end, 0};
    }
    struct bytes taken = {r->at, size};
    r->at += size;
    return taken;
}

static uint8_t take_byte(struct reader *r)
{
    struct bytes byte = take(r, 1);
    return byte.size ? byte.at[0] : 0;
}

// ULEB128. Of 33 bits, which some numbers have, one is lost.
static uint32_t take_uint(struct reader *r)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = take_byte(r);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    r->is_bad = true;
    return 0;
}

static void skip_uints(struct reader *r, uint32_t n)
{
    for (; n > 0 && !r->is_bad; n--) {
        take_uint(r);
    }
}

static uint32_t uint16_at(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

// -- constants --

static void skip_item(struct reader *r)
{
    uint32_t kind = take_uint(r);
    if (kind >= ITEM_STRING) {
        take(r, kind - ITEM_STRING);
    } else if (kind > ITEM_TRUE) {
        skip_uints(r, kind == ITEM_NUMBER ? 2 : 1);
    }
}

static void skip_table(struct reader *r)
{
    uint64_t narray = take_uint(r);
    uint64_t nhash = take_uint(r);
    for (uint64_t n = narray + 2 * nhash; n > 0 && !r->is_bad; n--) {
        skip_item(r);
    }
}

// Returns the kind; a string's bytes are in *out, which else is empty.
static enum constant_kind take_constant(struct reader *r, struct bytes *out)
{
    uint32_t kind = take_uint(r);
    *out = (struct bytes){r->at, 0};
    if (kind >= CONSTANT_STRING) {
        *out = take(r, kind - CONSTANT_STRING);
        return CONSTANT_STRING;
    }
    if (kind == CONSTANT_TABLE) {
        skip_table(r);
    } else if (kind != CONSTANT_CHILD) {
        skip_uints(r, kind == CONSTANT_COMPLEX ? 4 : 2);
    }
    return (enum constant_kind)kind;
}

// A number is an integer, or, with the lowest bit set, two words.
static void skip_number(struct reader *r)
{
    bool has_two = !r->is_bad && r->at < r->end && (*r->at & 1);
    skip_uints(r, has_two ? 2 : 1);
}

// -- prototypes --

static struct bytes take_head(struct reader *r)
{
    const uint8_t *start = r->at;
    struct bytes magic = take(r, 4);
    uint32_t flags = take_uint(r);
    if (r->is_bad || memcmp(magic.at, "\033LJ", 3) != 0 || magic.at[3] != VERSION ||
        (flags & ~(uint32_t)FLAGS_KNOWN) || (flags & (FLAG_BIG_ENDIAN | FLAG_STRIPPED))) {
        r->is_bad = true;
    }
    take(r, take_uint(r));
    return (struct bytes){start, (size_t)(r->at - start)};
}

// The next prototype, without its length; empty: there are no more.
static struct bytes take_proto(struct reader *r, struct bytes *out_whole)
{
    const uint8_t *start = r->at;
    struct bytes body = take(r, take_uint(r));
    *out_whole = (struct bytes){start, (size_t)(r->at - start)};
    return body;
}

size_t lagoon__bytecode_size(struct bytes dump)
{
    struct reader r = reader_of(dump);
    struct bytes whole;
    size_t n = 0;
    take_head(&r);
    while (take_proto(&r, &whole).size > 0) {
        n++;
    }
    if (r.is_bad || r.at != r.end || n == 0 || n >= NO_PROTO) {
        return 0;
    }
    return sizeof(struct bytecode) + n * sizeof(struct bytecode_proto);
}

// The constants of the i-th prototype. Children stand on a pile, last one on top.
static void read_constants(struct reader *r, struct bytecode_proto *protos, uint32_t i,
                           uint32_t *top)
{
    const uint8_t *start = r->at;
    for (uint32_t n = protos[i].nconstants; n > 0 && !r->is_bad; n--) {
        struct bytes string;
        if (take_constant(r, &string) != CONSTANT_CHILD || r->is_bad) {
            continue;
        }
        if (*top == NO_PROTO) {
            r->is_bad = true;
            return;
        }
        protos[*top].parent = i;
        *top = protos[*top].below;
    }
    protos[i].constants = (struct bytes){start, (size_t)(r->at - start)};
}

static size_t line_size(const struct bytecode_proto *proto)
{
    return proto->nlines < 256 ? 1 : proto->nlines < 65536 ? 2 : 4;
}

static bool read_proto(struct bytes body, struct bytecode_proto *protos, uint32_t i,
                       uint32_t *top)
{
    struct bytecode_proto *proto = &protos[i];
    struct reader r = reader_of(body);
    take(&r, 3); // flags, parameters, size of the frame
    proto->nupvalues = take_byte(&r);
    proto->nconstants = take_uint(&r);
    uint32_t nnumbers = take_uint(&r);
    proto->ncode = take_uint(&r);
    size_t debug_size = take_uint(&r);
    proto->first_line = debug_size ? take_uint(&r) : 0;
    proto->nlines = debug_size ? take_uint(&r) : 0;
    proto->code = take(&r, (size_t)proto->ncode * 4).at;
    proto->upvalues = take(&r, (size_t)proto->nupvalues * 2).at;
    proto->parent = i;
    read_constants(&r, protos, i, top);
    for (; nnumbers > 0 && !r.is_bad; nnumbers--) {
        skip_number(&r);
    }
    proto->debug = take(&r, debug_size);
    proto->below = *top;
    *top = i;
    return !r.is_bad && r.at == r.end;
}

bool lagoon__bytecode_read(struct bytes dump, struct bytecode *out)
{
    struct reader r = reader_of(dump);
    uint32_t top = NO_PROTO;
    uint32_t n = 0;
    out->dump = dump;
    out->head = take_head(&r);
    for (;; n++) {
        struct bytes whole;
        struct bytes body = take_proto(&r, &whole);
        if (body.size == 0) {
            break;
        }
        if (!read_proto(body, out->protos, n, &top)) {
            return false;
        }
        out->protos[n].whole = whole;
    }
    out->nprotos = n;
    // All but the last have found a parent.
    return top != NO_PROTO && top == n - 1 && out->protos[top].below == NO_PROTO;
}

// -- what belongs to instructions --

uint32_t lagoon__bytecode_line(const struct bytecode_proto *proto, uint32_t i)
{
    size_t size = line_size(proto);
    if (proto->debug.size < size * proto->ncode) {
        return proto->first_line;
    }
    uint32_t line = 0;
    memcpy(&line, proto->debug.at + i * size, size); // little-endian
    return proto->first_line + line;
}

struct bytes lagoon__bytecode_upvalue_name(const struct bytecode_proto *proto, uint32_t i)
{
    struct reader r = reader_of(proto->debug);
    take(&r, line_size(proto) * proto->ncode);
    for (;; i--) {
        const uint8_t *end =
            r.at < r.end ? memchr(r.at, 0, (size_t)(r.end - r.at)) : NULL;
        if (end == NULL || r.is_bad) {
            return (struct bytes){r.end, 0};
        }
        if (i == 0) {
            return (struct bytes){r.at, (size_t)(end - r.at)};
        }
        r.at = end + 1;
    }
}

bool lagoon__bytecode_upvalue_is_parents(const struct bytecode_proto *proto, uint32_t i,
                                         uint32_t *out)
{
    uint32_t descriptor = uint16_at(proto->upvalues + (size_t)i * 2);
    *out = descriptor & UPVALUE_INDEX;
    return !(descriptor & UPVALUE_LOCAL);
}

// Constants are numbered from the last to the first.
void lagoon__bytecode_strings(const struct bytecode_proto *proto, bytecode_string *visit,
                              void *ud)
{
    struct reader r = reader_of(proto->constants);
    for (uint32_t d = proto->nconstants; d-- > 0;) {
        struct bytes string;
        if (take_constant(&r, &string) == CONSTANT_STRING) {
            visit(ud, d, string);
        }
    }
}

// -- splicing --

static uint8_t *append(uint8_t *out, struct bytes bytes)
{
    memcpy(out, bytes.at, bytes.size);
    return out + bytes.size;
}

static size_t offset_in(const struct bytecode *bytecode, const uint8_t *at)
{
    return (size_t)(at - bytecode->dump.at);
}

// The upvalues of the user's function become what those of the maker's function are:
// variables of the maker. What is said of them, that nobody assigns them, stays.
static void adopt_upvalues(const struct bytecode_proto *from, uint32_t n, uint8_t *at)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t kept = uint16_at(at + (size_t)i * 2) & UPVALUE_IMMUTABLE;
        uint32_t made =
            uint16_at(from->upvalues + (size_t)i * 2) & ~(uint32_t)UPVALUE_IMMUTABLE;
        at[i * 2] = (uint8_t)(made | kept);
        at[i * 2 + 1] = (uint8_t)((made | kept) >> 8);
    }
}

static bool is_maker(const struct bytecode *maker, uint32_t nupvalues)
{
    if (maker->nprotos != 2 || maker->protos[0].nupvalues != nupvalues) {
        return false;
    }
    for (uint32_t i = 0; i < nupvalues; i++) {
        uint32_t ignored;
        if (lagoon__bytecode_upvalue_is_parents(&maker->protos[0], i, &ignored)) {
            return false;
        }
    }
    return true;
}

size_t lagoon__bytecode_splice(const struct bytecode *user, const struct bytecode *maker,
                               uint8_t *out)
{
    const struct bytecode_proto *last = lagoon__bytecode_last(user);
    if (!is_maker(maker, last->nupvalues)) {
        return 0;
    }
    uint8_t *end = append(out, (struct bytes){user->dump.at, user->dump.size - 1});
    adopt_upvalues(&maker->protos[0], last->nupvalues,
                   out + offset_in(user, last->upvalues));
    end = append(end, lagoon__bytecode_last(maker)->whole);
    *end++ = 0;
    return (size_t)(end - out);
}
