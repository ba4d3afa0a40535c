// SPDX-License-Identifier: MIT
//
// Dumps of bytecode, written by hand: what is found in them, and that no bytes do harm.
// That real dumps read so is the business of code_spec.lua.
#include "bytecode.h"

#include "opcodes.h"
#include "spec.h"

enum { OP_USETV = 46, OP_USETS, OP_USETN, OP_USETP, OP_GGET = 54, OP_RET0 = 75 };
enum { LOCAL = 0x8000, IMMUTABLE = 0x4000 };

static const struct opcodes opcodes = {{OP_USETV, OP_USETS, OP_USETN, OP_USETP}, OP_GGET};

// -- writing --

struct text {
    uint8_t at[4096];
    size_t size;
};

static void put(struct text *text, const void *bytes, size_t size)
{
    CHECK(text->size + size <= sizeof text->at);
    memcpy(text->at + text->size, bytes, size);
    text->size += size;
}

static void put_byte(struct text *text, uint8_t byte)
{
    put(text, &byte, 1);
}

static void put_uint(struct text *text, uint32_t value)
{
    for (; value >= 0x80; value >>= 7) {
        put_byte(text, (uint8_t)(value | 0x80));
    }
    put_byte(text, (uint8_t)value);
}

static void put_constant(struct text *text, const char *string)
{
    put_uint(text, 5 + (uint32_t)strlen(string));
    put(text, string, strlen(string));
}

// A prototype: ends of lists are 0, {0} and NULL.
struct proto {
    uint16_t upvalues[4];
    const char *names[4]; // of them
    struct bytecode_op code[4];
    uint8_t lines[4];
    const char *strings[4]; // constants, as instructions number them
    uint32_t nchildren;     // constants behind those
    uint32_t first_line;
    bool is_stripped;
};

static void put_debug(struct text *out, const struct proto *proto, uint32_t ncode)
{
    put(out, proto->lines, ncode);
    for (int i = 0; i < 4 && proto->upvalues[i]; i++) {
        put(out, proto->names[i], strlen(proto->names[i]) + 1);
    }
    put_byte(out, 0);
}

static void put_constants(struct text *out, const struct proto *proto, uint32_t nstrings)
{
    for (uint32_t i = 0; i < proto->nchildren; i++) {
        put_uint(out, 0);
    }
    for (uint32_t i = nstrings; i-- > 0;) {
        put_constant(out, proto->strings[i]);
    }
}

static void put_proto(struct text *out, const struct proto *proto)
{
    uint32_t nups = 0;
    uint32_t ncode = 0;
    uint32_t nstrings = 0;
    for (; nups < 4 && proto->upvalues[nups]; nups++) {
    }
    for (; ncode < 4 && proto->code[ncode].op; ncode++) {
    }
    for (; nstrings < 4 && proto->strings[nstrings]; nstrings++) {
    }
    struct text debug = {.size = 0};
    if (!proto->is_stripped) {
        put_debug(&debug, proto, ncode);
    }

    struct text body = {.size = 0};
    put(&body, (uint8_t[]){0, 0, 1, (uint8_t)nups}, 4);
    put_uint(&body, nstrings + proto->nchildren);
    put_uint(&body, 2); // numbers
    put_uint(&body, ncode);
    put_uint(&body, (uint32_t)debug.size);
    if (debug.size) {
        put_uint(&body, proto->first_line);
        put_uint(&body, 10);
    }
    put(&body, proto->code, ncode * 4);
    put(&body, proto->upvalues, nups * 2);
    put_constants(&body, proto, nstrings);
    put(&body, "\x0e\x81\x80\x04\x7f", 5); // 7, and one of two words
    put(&body, debug.at, debug.size);
    put_uint(out, (uint32_t)body.size);
    put(out, body.at, body.size);
}

static struct text dump_of(const struct proto *protos, size_t n)
{
    struct text text = {.size = 0};
    put(&text, "\033LJ\2\10\5@spec", 11);
    for (size_t i = 0; i < n; i++) {
        put_proto(&text, &protos[i]);
    }
    put_byte(&text, 0);
    return text;
}

// What is read of it, or NULL; on the heap, the text too, so that sanitizers see more.
static struct bytecode *read_copy(const struct text *text)
{
    uint8_t *copy = malloc(text->size ? text->size : 1);
    CHECK(copy);
    memcpy(copy, text->at, text->size);
    struct bytes dump = {copy, text->size};
    size_t size_bytes = lagoon__bytecode_size(dump);
    struct bytecode *bytecode = size_bytes ? malloc(size_bytes) : NULL;
    if (bytecode && lagoon__bytecode_read(dump, bytecode)) {
        return bytecode;
    }
    free(bytecode);
    free(copy);
    return NULL;
}

static void free_copy(struct bytecode *bytecode)
{
    free((void *)(uintptr_t)bytecode->dump.at);
    free(bytecode);
}

static void check_bytes(struct bytes got, const char *want)
{
    char text[64] = "";
    CHECK(got.size < sizeof text);
    memcpy(text, got.at, got.size);
    CHECK_STR(text, want);
}

// -- what is found --

// An inner function that assigns its second upvalue, which is the outer one's first.
static const struct proto nested[] = {
    {.upvalues = {LOCAL | 1, 0x100},
     .names = {"own", "n"},
     .code = {{OP_USETV, 0, 3}, {OP_GGET, 0, 1}, {OP_USETN, 1, 0}},
     .lines = {0, 1, 2},
     .strings = {"unused", "print"},
     .first_line = 20},
    {.upvalues = {LOCAL | IMMUTABLE | 7, LOCAL | 3},
     .names = {"n", "other"},
     .code = {{OP_GGET, 0, 0}, {OP_GGET, 0, 1}, {OP_RET0, 0, 1}},
     .lines = {1, 1, 1},
     .strings = {"string", "math"},
     .nchildren = 1,
     .first_line = 19},
};

it("bytecode.assigns", "finds what an inner function does to an outer one's variable")
{
    struct text text = dump_of(nested, 2);
    struct bytecode *bytecode = read_copy(&text);
    CHECK(bytecode);
    CHECK_INT(bytecode->nprotos, 2);
    CHECK_INT(lagoon__bytecode_last(bytecode)->nupvalues, 2);
    struct assignment found;
    CHECK(lagoon__opcodes_assigns(bytecode, &opcodes, &found));
    check_bytes(found.name, "n");
    CHECK_INT(found.line, 22);
    free_copy(bytecode);
}

it("bytecode.assigns", "has nothing against what belongs to the function itself")
{
    struct proto protos[] = {nested[0], nested[1]};
    protos[0].code[2].op = OP_RET0;
    struct text text = dump_of(protos, 2);
    struct bytecode *bytecode = read_copy(&text);
    CHECK(bytecode);
    struct assignment found;
    CHECK(!lagoon__opcodes_assigns(bytecode, &opcodes, &found));
    free_copy(bytecode);
}

it("bytecode.assigns", "takes the first line, whoever is read first")
{
    struct proto protos[] = {nested[0], nested[1]};
    protos[1].code[1] = (struct bytecode_op){OP_USETP, 1, 0};
    struct text text = dump_of(protos, 2);
    struct bytecode *bytecode = read_copy(&text);
    CHECK(bytecode);
    struct assignment found;
    CHECK(lagoon__opcodes_assigns(bytecode, &opcodes, &found));
    check_bytes(found.name, "other");
    CHECK_INT(found.line, 20);
    free_copy(bytecode);
}

it("bytecode.assigns", "finds it where names and lines are gone")
{
    struct proto proto = {.upvalues = {LOCAL},
                          .code = {{OP_USETS, 0, 0}},
                          .strings = {"text"},
                          .is_stripped = true};
    struct text text = dump_of(&proto, 1);
    struct bytecode *bytecode = read_copy(&text);
    CHECK(bytecode);
    struct assignment found;
    CHECK(lagoon__opcodes_assigns(bytecode, &opcodes, &found));
    CHECK_INT(found.name.size, 0);
    CHECK_INT(found.line, 0);
    free_copy(bytecode);
}

static void join(void *ud, struct bytes name)
{
    char *joined = ud;
    strncat(joined, (const char *)name.at, name.size);
    strcat(joined, " ");
}

it("bytecode.globals", "names what is read, and not other strings")
{
    struct text text = dump_of(nested, 2);
    struct bytecode *bytecode = read_copy(&text);
    CHECK(bytecode);
    char joined[64] = "";
    lagoon__opcodes_globals(bytecode, &opcodes, join, joined);
    CHECK_STR(joined, "print math string ");
    free_copy(bytecode);
}

// -- makers --

static const struct proto maker_protos[] = {
    {.upvalues = {LOCAL | IMMUTABLE | 4, LOCAL | IMMUTABLE | 5},
     .names = {"u1", "u2"},
     .code = {{OP_RET0, 0, 1}},
     .lines = {0}},
    {.code = {{OP_RET0, 0, 2}}, .lines = {0}, .nchildren = 1},
};

it("bytecode.splice", "puts a prototype into a maker, with the maker's variables")
{
    struct text text = dump_of(nested, 2);
    struct text maker_text = dump_of(maker_protos, 2);
    struct bytecode *user = read_copy(&text);
    struct bytecode *maker = read_copy(&maker_text);
    CHECK(user && maker);
    struct text out;
    out.size = lagoon__bytecode_splice(user, maker, out.at);
    struct bytecode *spliced = read_copy(&out);
    CHECK(spliced);
    CHECK_INT(spliced->nprotos, 3);
    CHECK_INT(spliced->protos[1].parent, 2);
    CHECK_INT(spliced->protos[0].parent, 1);
    const uint8_t *upvalues = spliced->protos[1].upvalues;
    CHECK_INT(upvalues[0] | upvalues[1] << 8, LOCAL | IMMUTABLE | 4); // as it was said
    CHECK_INT(upvalues[2] | upvalues[3] << 8, LOCAL | 5);
    check_bytes(lagoon__bytecode_upvalue_name(&spliced->protos[1], 1), "other");
    CHECK_INT(lagoon__bytecode_line(&spliced->protos[1], 0), 20);
    free_copy(spliced);
    free_copy(maker);
    free_copy(user);
}

it("bytecode.splice", "refuses a maker of something else")
{
    struct proto protos[] = {maker_protos[0], maker_protos[1]};
    protos[0].upvalues[1] = 0;
    struct text text = dump_of(nested, 2);
    struct text maker_text = dump_of(protos, 2);
    struct bytecode *user = read_copy(&text);
    struct bytecode *maker = read_copy(&maker_text);
    CHECK(user && maker);
    struct text out;
    CHECK_INT(lagoon__bytecode_splice(user, maker, out.at), 0);
    CHECK_INT(lagoon__bytecode_splice(user, user, out.at), 0);
    free_copy(maker);
    free_copy(user);
}

// -- bad bytes --

it("bytecode.read", "refuses what is cut short, at each byte")
{
    struct text text = dump_of(nested, 2);
    for (size_t size = 0; size < text.size; size++) {
        struct text cut = text;
        cut.size = size;
        CHECK(!read_copy(&cut));
    }
}

it("bytecode.read", "refuses another version, another byte order, and a stripped one")
{
    struct text text = dump_of(nested, 2);
    static const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {{3, 1}, {3, 0x82}, {4, 0x09}, {4, 0x0a}, {4, 0x18}, {0, 'L'}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct text changed = text;
        changed.at[changes[i].at] = changes[i].byte;
        CHECK(!read_copy(&changed));
    }
}

static void damage(struct spec_random *random, struct text *text)
{
    if (spec_random_below(random, 4) == 0) {
        text->size = spec_random_below(random, (uint32_t)text->size);
    }
    for (uint32_t n = spec_random_below(random, 6); n > 0 && text->size > 0; n--) {
        uint8_t byte = (uint8_t)spec_random_next(random);
        uint32_t at = spec_random_below(random, (uint32_t)text->size);
        text->at[at] = spec_random_below(random, 3) ? byte : (uint8_t)(byte & 3);
    }
}

static void use_all(struct bytecode *bytecode)
{
    static char joined[1 << 20];
    struct assignment found;
    struct opcodes learnt;
    struct text out;
    joined[0] = 0;
    if (lagoon__opcodes_assigns(bytecode, &opcodes, &found) && found.name.size > 0) {
        CHECK(memchr(found.name.at, 0, found.name.size) == NULL);
    }
    lagoon__opcodes_globals(bytecode, &opcodes, join, joined);
    lagoon__opcodes_learn(bytecode, &learnt);
    if (bytecode->dump.size * 2 <= sizeof out.at) {
        lagoon__bytecode_splice(bytecode, bytecode, out.at);
    }
}

it("bytecode.read", "survives whatever the bytes are")
{
    struct spec_random random = spec_random_new(1);
    struct text texts[] = {dump_of(nested, 2), dump_of(maker_protos, 2)};
    int nread = 0;
    for (int i = spec_rounds(200000); i > 0; i--) {
        struct text text = texts[i % 2];
        damage(&random, &text);
        struct bytecode *bytecode = read_copy(&text);
        if (bytecode) {
            nread++;
            use_all(bytecode);
            free_copy(bytecode);
        }
    }
    CHECK(nread > 0);
}
