// SPDX-License-Identifier: MIT
//
// The heap as text: docs/reference/c.md describes the lines. They are made while
// the world is stopped, from a graph of what is alive.
#include <string.h>

#include "base/wipe.h"
#include "gc/gc.h"
#include "gc/graph.h"
#include "gc/lines.h"
#include "gc/mark.h"
#include "os/vm.h"
#include "sched/world.h"

enum {
    VALUES_MAX = 256,    // of one object, before "..."
    ELEMS_MAX = 8,       // of an array field
    HEX_MAX = 16,        // bytes of a field that is no number
    PATH_MAX_NODES = 32, // before "..."
};

struct dump {
    struct gc *gc;
    struct graph graph;
    uint32_t nvalues; // of this object, so far
    struct lines lines;
};

#define say(d, ...) lg__lines_say(&(d)->lines, __VA_ARGS__)

// ---------------------------------------------------------------------------
// Values
// ---------------------------------------------------------------------------

// Of an array: as many as its block has room for.
static size_t count_values(const struct object *object)
{
    bool is_typed = object->span->type && object->span->nelems > 1;
    return object->type && !is_typed ? object->size_bytes / object->type->size_bytes : 1;
}

static void say_type(struct dump *d, const struct object *object)
{
    if (!object->type) {
        say(d, "bytes");
        return;
    }
    const char *name = object->type->info->name;
    size_t n = count_values(object);
    say(d, "%s", name ? name : "?");
    if (n > 1) {
        say(d, "[%zu]", n);
    }
}

static void say_ref(struct dump *d, const void *ptr)
{
    struct object object;
    if (!ptr) {
        say(d, "NULL");
    } else if (!lg__object_find(d->gc, ptr, &object)) {
        say(d, "%p", ptr);
    } else {
        say(d, "%p", (void *)object.start);
        if ((const char *)ptr != object.start) {
            say(d, "+%zu", (size_t)((const char *)ptr - object.start));
        }
        say(d, " ");
        say_type(d, &object);
    }
}

static void say_hex(struct dump *d, const unsigned char *at, size_t size_bytes)
{
    say(d, "0x");
    for (size_t i = 0; i < size_bytes && i < HEX_MAX; i++) {
        say(d, "%02x", at[i]);
    }
    if (size_bytes > HEX_MAX) {
        say(d, "... of %zu", size_bytes);
    }
}

// False: no number has this size.
static bool say_int(struct dump *d, const char *at, uint32_t size, bool is_signed)
{
    uint64_t value = 0;
    if (size != 1 && size != 2 && size != 4 && size != 8) {
        return false;
    }
    memcpy(&value, at, size); // little-endian, as all that we run on
    if (is_signed) {
        uint32_t unused = 64 - 8 * size;
        say(d, "%lld", (long long)((int64_t)(value << unused) >> unused));
    } else {
        say(d, "%llu", (unsigned long long)value);
    }
    return true;
}

static bool say_float(struct dump *d, const char *at, uint32_t size)
{
    float single;
    double value;
    if (size == sizeof single) {
        memcpy(&single, at, sizeof single);
        say(d, "%.9g", (double)single);
    } else if (size == sizeof value) {
        memcpy(&value, at, sizeof value);
        say(d, "%.17g", value);
    } else {
        return false;
    }
    return true;
}

static void say_one(struct dump *d, const lg_field *field, const char *at)
{
    bool is_said = false;
    switch (field->kind) {
    case LG_FIELD_REF: {
        void *ptr;
        memcpy(&ptr, at, sizeof ptr);
        say_ref(d, ptr);
        return;
    }
    case LG_FIELD_INT: is_said = say_int(d, at, field->size, true); break;
    case LG_FIELD_UINT: is_said = say_int(d, at, field->size, false); break;
    case LG_FIELD_FLOAT: is_said = say_float(d, at, field->size); break;
    case LG_FIELD_BYTES: break;
    }
    if (!is_said) {
        say_hex(d, (const unsigned char *)at, field->size);
    }
}

static void say_field(struct dump *d, const lg_field *field, const char *value)
{
    const char *at = value + field->offset;
    say(d, "%s=", field->name ? field->name : "?");
    if (field->kind == LG_FIELD_BYTES) {
        say_hex(d, (const unsigned char *)at, (size_t)field->size * field->count);
        return;
    }
    if (field->count == 1) {
        say_one(d, field, at);
        return;
    }
    say(d, "[");
    for (uint32_t i = 0; i < field->count && i < ELEMS_MAX; i++) {
        say(d, i ? ", " : "");
        say_one(d, field, at + (size_t)i * field->size);
    }
    say(d, field->count > ELEMS_MAX ? ", ... of %u]" : "]", field->count);
}

static void say_value(struct dump *d, const struct lg_type *type, const char *value)
{
    for (uint32_t i = 0; i < type->info->nfields && d->nvalues < VALUES_MAX; i++) {
        say(d, i ? ", " : "");
        say_field(d, &type->info->fields[i], value);
        d->nvalues++;
    }
}

static bool is_zero(const char *at, size_t size_bytes)
{
    size_t i = 0;
    while (i < size_bytes && at[i] == 0) {
        i++;
    }
    return i == size_bytes;
}

// The elements of an array that are not all zero.
static void say_array(struct dump *d, const struct object *object)
{
    const struct lg_type *type = object->type;
    bool is_first = true;
    size_t n = count_values(object);
    for (size_t i = 0; i < n; i++) {
        const char *value = object->start + i * type->size_bytes;
        if (is_zero(value, type->size_bytes)) {
            continue;
        }
        if (d->nvalues >= VALUES_MAX || type->info->nfields == 0) {
            say(d, is_first ? "..." : ", ...");
            return;
        }
        say(d, "%s[%zu]={", is_first ? "" : ", ", i);
        say_value(d, type, value);
        say(d, "}");
        is_first = false;
    }
}

static void say_contents(struct dump *d, const struct object *object)
{
    d->nvalues = 0;
    say(d, " {");
    if (!object->type) {
        say_hex(d, (const unsigned char *)object->start, object->size_bytes);
    } else if (count_values(object) > 1) {
        say_array(d, object);
    } else {
        say_value(d, object->type, object->start);
    }
    say(d, "}");
}

// ---------------------------------------------------------------------------
// Paths
// ---------------------------------------------------------------------------

// The field of an object in which a reference stands.
static void say_place(struct dump *d, const struct object *object, uint64_t offset)
{
    const struct lg_type *type = object->type;
    if (count_values(object) > 1) {
        say(d, "[%llu]", (unsigned long long)(offset / type->size_bytes));
    }
    uint64_t at = offset % type->size_bytes;
    for (uint32_t i = 0; i < type->info->nfields; i++) {
        const lg_field *field = &type->info->fields[i];
        if (field->kind != LG_FIELD_REF || at < field->offset ||
            at - field->offset >= (uint64_t)field->size * field->count) {
            continue;
        }
        say(d, ".%s", field->name ? field->name : "?");
        if (field->count > 1) {
            say(d, "[%llu]", (unsigned long long)((at - field->offset) / field->size));
        }
        return;
    }
}

static void say_root(struct dump *d, const struct graph_node *node)
{
    say(d, " <- %s", node->root);
    if (!strcmp(node->root, "root")) {
        say(d, " %s[%llu]", node->label ? node->label : "?",
            (unsigned long long)node->at);
    } else if (node->at) {
        say(d, " %llu", (unsigned long long)node->at);
        if (node->label) {
            say(d, " %s", node->label);
        }
    }
}

static void say_parent(struct dump *d, const struct graph_node *node)
{
    const struct graph_node *parent = &d->graph.nodes[node->parent];
    struct object object;
    if (lg__object_find(d->gc, parent->start, &object)) {
        say(d, " <- %p ", (void *)parent->start);
        say_type(d, &object);
        say_place(d, &object, node->at);
    }
}

static void say_path(struct dump *d, const struct graph_node *node)
{
    const struct graph_node *top = &d->graph.nodes[node->top];
    if (node->depth > PATH_MAX_NODES) {
        say_parent(d, node); // whose line goes on
        say(d, " <- ... %u more", node->depth - 1);
    } else {
        for (; node->depth > 0; node = &d->graph.nodes[node->parent]) {
            say_parent(d, node);
        }
    }
    say_root(d, top);
}

// ---------------------------------------------------------------------------
// All of it
// ---------------------------------------------------------------------------

// A frame of its own, so that its caller can wipe what it leaves.
static LG_NOINLINE int make_lines(struct dump *d)
{
    int err = lg__graph_build(d->gc, &d->graph);
    if (err) {
        return err;
    }
    say(d, "heap: %u objects, %zu bytes", d->graph.nnodes, d->graph.bytes);
    lg__lines_end(&d->lines);
    for (uint32_t i = 0; i < d->graph.nnodes && !d->lines.has_failed; i++) {
        const struct graph_node *node = &d->graph.nodes[i];
        struct object object;
        if (lg__object_find(d->gc, node->start, &object)) {
            say(d, "%p %zu ", (void *)object.start, object.size_bytes);
            say_type(d, &object);
            say_contents(d, &object);
            say_path(d, node);
            lg__lines_end(&d->lines);
        }
    }
    lg__graph_free(&d->graph);
    return d->lines.has_failed ? LG_ENOMEM : LG_OK;
}

// Collects, and stops the world between two cycles. LG_OK or LG_ENOMEM: then it
// runs.
static int stop_after_cycle(struct gc *gc)
{
    for (;;) {
        int err = lg_gc(gc->rt);
        if (err) {
            return err;
        }
        lg__world_stop(gc->rt);
        if (!lg__gc_is_marking(gc)) {
            return LG_OK;
        }
        lg__world_start(gc->rt);
    }
}

int lg_heap_dump(lg_runtime *rt, void (*write)(void *ud, const char *line), void *ud)
{
    struct gc *gc = lg__gc(rt);
    void *mem;
    int err = lg__vm_reserve(sizeof(struct dump), &mem);
    if (err) {
        return err;
    }
    struct dump *d = mem;
    d->gc = gc;
    err = stop_after_cycle(gc);
    if (!err) {
        err = make_lines(d);
        lg__world_start(rt);
    }
    if (!err) {
        lg__lines_each(&d->lines, write, ud);
    }
    lg__lines_fini(&d->lines);
    lg__vm_free(d, sizeof *d);
    lg__wipe_below(); // every object has been here
    return err;
}
