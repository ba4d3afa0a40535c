// SPDX-License-Identifier: MIT
//
// Types by themselves: what descriptions are refused, and what is made of those
// that are not.
#include "gc/type.h"

#include "spec.h"

struct pair {
    void *left;
    void *right;
    int64_t key;
};

static const lg_field pair_fields[] = {
    LG_FIELD(struct pair, left, LG_FIELD_REF),
    LG_FIELD(struct pair, right, LG_FIELD_REF),
    LG_FIELD(struct pair, key, LG_FIELD_INT),
};
static const lg_type_info pair_info = LG_TYPE_INFO(struct pair, pair_fields);

static struct spec_memory memory;
static const struct alloc alloc = {.fn = spec_realloc, .ud = &memory};
static struct gc_types types;

static void types_open(void)
{
    lg__types_init(&types, NULL, &alloc);
}

static void types_close(void)
{
    lg__types_fini(&types);
    CHECK_INT(memory.blocks, 0);
    CHECK_INT(memory.bytes, 0);
}

static struct lg_type *add(const lg_type_info *info)
{
    struct lg_type *type = NULL;
    CHECK_OK(lg__types_add(&types, info, &type));
    CHECK(type);
    return type;
}

it("a type", "is the same for the same description, and knows it")
{
    types_open();
    struct lg_type *type = add(&pair_info);
    CHECK(add(&pair_info) == type);
    CHECK(lg_type_describe(type) == &pair_info);
    static const lg_type_info twin = LG_TYPE_INFO(struct pair, pair_fields);
    CHECK(add(&twin) != type);
    types_close();
}

it("a type", "joins references that follow each other into one run")
{
    types_open();
    struct lg_type *type = add(&pair_info);
    CHECK(type->has_refs);
    CHECK_INT(type->size_bytes, sizeof(struct pair));
    CHECK_INT(type->nruns, 1);
    CHECK_INT(type->runs[0].offset, 0);
    CHECK_INT(type->runs[0].count, 2);
    CHECK_INT(type->nrefs, 2);
    CHECK_INT(type->ref_mask, 3);
    CHECK(type->is_mask_all);
    CHECK(type->typed_elem_bytes >= sizeof(struct pair));
    types_close();
}

it("a type", "has its runs in ascending order, however its fields are listed")
{
    static const lg_field fields[] = {
        {LG_FIELD_REF, 1024, 8, 3, "far"},  {LG_FIELD_INT, 8, 8, 1, "number"},
        {LG_FIELD_REF, 16, 8, 1, "middle"}, {LG_FIELD_REF, 0, 8, 1, "first"},
        {LG_FIELD_REF, 24, 8, 2, "next"},
    };
    static const lg_type_info info = {"mixed", 2048, fields, 5};
    types_open();
    struct lg_type *type = add(&info);
    CHECK_INT(type->nruns, 3);
    CHECK_INT(type->runs[0].offset, 0);
    CHECK_INT(type->runs[1].offset, 16);
    CHECK_INT(type->runs[1].count, 3);
    CHECK_INT(type->runs[2].offset, 1024);
    CHECK_INT(type->runs[2].count, 3);
    CHECK_INT(type->nrefs, 7);
    CHECK_INT(type->ref_mask, 0x1d);
    CHECK(!type->is_mask_all);
    types_close();
}

it("a type", "that has no references, or an empty array of them, has no run")
{
    static const lg_field fields[] = {
        {LG_FIELD_BYTES, 0, 1, 12, "text"},
        {LG_FIELD_REF, 12 / 8 * 8, 8, 0, "none"},
    };
    static const lg_type_info plain = {"plain", 12, fields, 1};
    static const lg_type_info bare = {"bare", 1, NULL, 0};
    static const lg_type_info empty = {"empty", 16, fields, 2};
    types_open();
    CHECK(!add(&plain)->has_refs);
    CHECK(!add(&bare)->has_refs);
    CHECK(!add(&empty)->has_refs);
    CHECK_INT(add(&empty)->ref_mask, 0);
    types_close();
}

it("a type of the largest size", "is taken")
{
    static const lg_field fields[] = {
        {LG_FIELD_REF, 8, 8, UINT32_MAX, "many"},
    };
    static const lg_type_info info = {"huge", (size_t)1 << 40, fields, 1};
    types_open();
    struct lg_type *type = add(&info);
    CHECK_INT(type->nrefs, UINT32_MAX);
    CHECK_INT(type->ref_mask, -2);
    CHECK_INT(type->size_class, 0);
    CHECK_INT(type->typed_elem_bytes, 0);
    types_close();
}

static void refuse(const char *what, size_t size, const lg_field *fields,
                   uint32_t nfields)
{
    lg_type_info info = {what, size, fields, nfields};
    struct lg_type *type = NULL;
    spec_check_code(SPEC_HERE, what, lg__types_add(&types, &info, &type), LG_EINVAL);
    CHECK(!type);
}

it("a type", "is refused if it cannot be what its description says")
{
    types_open();
    refuse("size 0", 0, NULL, 0);
    refuse("size over 2^40", ((size_t)1 << 40) + 1, NULL, 0);
    refuse("an unknown kind", 64, (lg_field[]){{(lg_field_kind)9, 0, 8, 1, "f"}}, 1);
    refuse("a negative kind", 64, (lg_field[]){{(lg_field_kind)-1, 0, 8, 1, "f"}}, 1);
    refuse("a field behind the end", 64, (lg_field[]){{LG_FIELD_INT, 64, 1, 1, "f"}}, 1);
    refuse("a field over the end", 60, (lg_field[]){{LG_FIELD_INT, 56, 8, 1, "f"}}, 1);
    refuse("an array over the end", 64, (lg_field[]){{LG_FIELD_INT, 8, 8, 8, "f"}}, 1);
    refuse("an array of all there is", 64,
           (lg_field[]){{LG_FIELD_BYTES, UINT32_MAX, UINT32_MAX, UINT32_MAX, "f"}}, 1);
    refuse("a small reference", 64, (lg_field[]){{LG_FIELD_REF, 0, 4, 1, "f"}}, 1);
    refuse("a large reference", 64, (lg_field[]){{LG_FIELD_REF, 0, 16, 1, "f"}}, 1);
    refuse("a crooked reference", 64, (lg_field[]){{LG_FIELD_REF, 4, 8, 1, "f"}}, 1);
    refuse("values that do not follow each other", 12,
           (lg_field[]){{LG_FIELD_REF, 0, 8, 1, "f"}}, 1);
    refuse("the same reference twice", 64,
           (lg_field[]){{LG_FIELD_REF, 8, 8, 1, "f"}, {LG_FIELD_REF, 8, 8, 1, "g"}}, 2);
    refuse("a reference in an array of them", 64,
           (lg_field[]){{LG_FIELD_REF, 32, 8, 1, "f"}, {LG_FIELD_REF, 0, 8, 5, "g"}}, 2);
    types_close();
}

it("a type", "may have a number where a reference is")
{
    static const lg_field fields[] = {
        {LG_FIELD_INT, 0, 8, 1, "number"},
        {LG_FIELD_REF, 0, 8, 1, "pointer"},
    };
    static const lg_type_info info = {"either", 8, fields, 2};
    types_open();
    CHECK_INT(add(&info)->nrefs, 1);
    CHECK_INT(add(&info)->typed_elem_bytes, 16);
    types_close();
}

it("many types", "are all found, and have dense numbers")
{
    enum { MANY = 5000 };
    lg_type_info *infos = calloc(MANY, sizeof *infos);
    struct lg_type **all = calloc(MANY, sizeof(struct lg_type *));
    types_open();
    for (int i = 0; i < MANY; i++) {
        infos[i] = pair_info;
        all[i] = add(&infos[i]);
        CHECK_INT(all[i]->id, i);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK(add(&infos[i]) == all[i]);
    }
    CHECK_INT(types.count, MANY);
    types_close();
    free(all);
    free(infos);
}

it("types without memory", "say so, and nothing has changed")
{
    static lg_type_info infos[200];
    types_open();
    for (int i = 0; i < 200; i++) {
        infos[i] = pair_info;
        struct lg_type *type = NULL;
        memory.fail_at = 1;
        CHECK_CODE(lg__types_add(&types, &infos[i], &type), LG_ENOMEM);
        CHECK(!type);
        CHECK_INT(types.count, i);
        memory.fail_at = 2; // the table, or already the next type
        if (lg__types_add(&types, &infos[i], &type) == LG_ENOMEM) {
            CHECK_INT(types.count, i);
        }
        memory.fail_at = 0;
        CHECK_INT(add(&infos[i])->id, i);
    }
    types_close();
}
