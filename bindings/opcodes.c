// SPDX-License-Identifier: MIT
#include "opcodes.h"

#include <string.h>

// -- assignments --

static void set_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool has_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

// Notes which upvalues of a prototype are upvalues of the dumped function, too. Its
// parent knows that of its own.
static void trace_upvalues(struct bytecode *bytecode, uint32_t index)
{
    struct bytecode_proto *proto = &bytecode->protos[index];
    const uint64_t *parents = bytecode->protos[proto->parent].outer;
    memset(proto->outer, 0, sizeof proto->outer);
    for (uint32_t i = 0; i < proto->nupvalues; i++) {
        uint32_t above;
        bool is_outer = proto->parent == index ||
                        (lagoon__bytecode_upvalue_is_parents(proto, i, &above) &&
                         has_bit(parents, above));
        if (is_outer) {
            set_bit(proto->outer, i);
        }
    }
}

static bool find_assignment(const struct bytecode_proto *proto,
                            const struct opcodes *opcodes, struct assignment *out)
{
    bool has_found = false;
    for (uint32_t i = 0; i < proto->ncode; i++) {
        struct bytecode_op op = lagoon__bytecode_op(proto, i);
        if (memchr(opcodes->uset, op.op, OPCODES_OF_USET) == NULL ||
            !has_bit(proto->outer, op.a)) {
            continue;
        }
        uint32_t line = lagoon__bytecode_line(proto, i);
        if (!has_found || line < out->line) {
            *out = (struct assignment){lagoon__bytecode_upvalue_name(proto, op.a), line};
            has_found = true;
        }
    }
    return has_found;
}

bool lagoon__opcodes_assigns(struct bytecode *bytecode, const struct opcodes *opcodes,
                             struct assignment *out)
{
    bool has_found = false;
    for (uint32_t i = (uint32_t)bytecode->nprotos; i-- > 0;) {
        struct assignment found;
        trace_upvalues(bytecode, i);
        if (find_assignment(&bytecode->protos[i], opcodes, &found) &&
            (!has_found || found.line < out->line)) {
            *out = found;
            has_found = true;
        }
    }
    return has_found;
}

// -- globals --

static void note_used(struct bytecode *bytecode, const struct bytecode_proto *proto,
                      uint8_t gget)
{
    memset(bytecode->used, 0, sizeof bytecode->used);
    for (uint32_t i = 0; i < proto->ncode; i++) {
        struct bytecode_op op = lagoon__bytecode_op(proto, i);
        if (op.op == gget) {
            set_bit(bytecode->used, op.d);
        }
    }
}

struct reading {
    const uint64_t *used;
    opcodes_visit *visit;
    void *ud;
};

static void visit_used(void *ud, uint32_t d, struct bytes string)
{
    const struct reading *reading = ud;
    if (d < BYTECODE_CONSTANTS && has_bit(reading->used, d)) {
        reading->visit(reading->ud, string);
    }
}

void lagoon__opcodes_globals(struct bytecode *bytecode, const struct opcodes *opcodes,
                             opcodes_visit *visit, void *ud)
{
    struct reading reading = {bytecode->used, visit, ud};
    for (size_t i = 0; i < bytecode->nprotos; i++) {
        note_used(bytecode, &bytecode->protos[i], opcodes->gget);
        lagoon__bytecode_strings(&bytecode->protos[i], visit_used, &reading);
    }
}

// -- learning --

const char lagoon__opcodes_lesson[] =
    "local u\n"
    "return function(x) u = x end, function() u = '' end, function() u = 0 end,\n"
    "    function() u = nil end, function() return g end\n";

// Whether the first instruction of a function of the lesson may be an assignment.
static bool is_lesson_of_uset(const struct bytecode_proto *proto)
{
    struct bytes name = lagoon__bytecode_upvalue_name(proto, 0);
    return proto->ncode > 1 && proto->nupvalues == 1 && name.size == 1 &&
           name.at[0] == 'u' && lagoon__bytecode_line(proto, 0) >= 2 &&
           lagoon__bytecode_op(proto, 0).a == 0;
}

static void check_g(void *ud, struct bytes name)
{
    *(bool *)ud = name.size == 1 && name.at[0] == 'g';
}

bool lagoon__opcodes_learn(struct bytecode *lesson, struct opcodes *out)
{
    struct opcodes learnt;
    if (lesson->nprotos != OPCODES_OF_USET + 2) {
        return false;
    }
    for (uint32_t i = 0; i < OPCODES_OF_USET; i++) {
        learnt.uset[i] = lagoon__bytecode_op(&lesson->protos[i], 0).op;
        if (!is_lesson_of_uset(&lesson->protos[i]) ||
            memchr(learnt.uset, learnt.uset[i], i) != NULL) {
            return false;
        }
    }
    const struct bytecode_proto *reads = &lesson->protos[OPCODES_OF_USET];
    if (reads->ncode < 2) {
        return false;
    }
    learnt.gget = lagoon__bytecode_op(reads, 0).op;
    bool is_g = false;
    lagoon__opcodes_globals(lesson, &learnt, check_g, &is_g);
    *out = learnt;
    return is_g && memchr(learnt.uset, learnt.gget, OPCODES_OF_USET) == NULL;
}
