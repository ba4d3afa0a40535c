// SPDX-License-Identifier: MIT
#include <stdalign.h>

#include "nodes.h"

it("new", "gives zeroed objects that do not overlap", .procs = 1)
{
    lg_type *type = node_type(rt);
    enum { COUNT = 2000 };
    lg_handle *keep;
    CHECK_OK(lg_handle_new(rt, node_list(type, COUNT), &keep));
    uint64_t want = 0;
    for (struct node_obj *at = lg_handle_get(keep); at; at = at->refs[0]) {
        node_check(at);
        CHECK_INT(at->number, want);
        want++;
    }
    CHECK_INT(want, COUNT);
    lg_handle_free(keep);
}

it("new", "gives zeroed memory again where objects have died", .procs = 1)
{
    lg_type *type = node_type(rt);
    for (int round = 0; round < 5; round++) {
        node_litter(type, 3000); // node_new() checks that the references are NULL
        CHECK_OK(lg_gc(rt));
    }
    CHECK(gc_stats(rt).freed > 10000);
}

it("new", "aligns to 16 bytes, small types to 8", .procs = 1)
{
    for (int i = 0; i < 100; i++) {
        CHECK_INT((uintptr_t)lg_new(leaf_type(rt)) % 8, 0);
        CHECK_INT((uintptr_t)lg_new_bytes(rt, 16) % 16, 0);
    }
}

it("new_array", "gives n zeroed elements of any size of array", .procs = 1)
{
    lg_type *type = leaf_type(rt);
    for (size_t n = 0; n < 200000; n = n * 5 / 3 + 1) {
        uint64_t *array = lg_new_array(type, n);
        CHECK(array);
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(array[i], 0);
            array[i] = i;
        }
        CHECK(lg_type_of(rt, array, NULL) == type);
    }
}

it("new_array", "answers NULL when the size overflows or no machine has it", .procs = 1)
{
    CHECK(!lg_new_array(node_type(rt), SIZE_MAX));
    CHECK(!lg_new_array(node_type(rt), SIZE_MAX / sizeof(struct node_obj)));
    CHECK(!lg_new_bytes(rt, SIZE_MAX));
    CHECK(!lg_new_bytes(rt, (size_t)1 << 46));
    CHECK(lg_new(node_type(rt)));
}

it("new_bytes", "gives tiny objects that keep their content", .procs = 1)
{
    enum { COUNT = 300 };
    lg_type *refs = ref_type(rt);
    char **all = lg_new_array(refs, COUNT);
    for (int i = 0; i < COUNT; i++) {
        size_t size = (size_t)(i % 15 + 1);
        char *bytes = lg_new_bytes(rt, size);
        for (size_t j = 0; j < size; j++) {
            CHECK_INT(bytes[j], 0);
            bytes[j] = (char)i;
        }
        lg_store(&all[i], bytes);
    }
    CHECK_OK(lg_gc(rt));
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < i % 15 + 1; j++) {
            CHECK_INT(all[i][j], (char)i);
        }
    }
    lg_keep_alive(all);
}

// References and bytes of all small sizes in turn: each place has what was put there.
it("new_bytes and new_array", "do not share memory", .procs = 1)
{
    enum { SIZES = 300 };
    static unsigned char *bytes[SIZES];
    void ***arrays = lg_new_array(ref_type(rt), SIZES);
    void ***blocks = lg_new_array(ref_type(rt), SIZES);
    for (size_t i = 1; i < SIZES; i++) {
        lg_store(&arrays[i], lg_new_array(ref_type(rt), i));
        bytes[i] = lg_new_bytes(rt, 8 * i);
        lg_store(&blocks[i], bytes[i]);
        CHECK(arrays[i] && bytes[i]);
        memset(bytes[i], (int)(i % 255) + 1, 8 * i);
        for (size_t j = 0; j < i; j++) {
            lg_store(&arrays[i][j], arrays[i]);
        }
    }
    CHECK_OK(lg_gc(rt));
    for (size_t i = 1; i < SIZES; i++) {
        for (size_t j = 0; j < i; j++) {
            CHECK(arrays[i][j] == arrays[i]);
            CHECK_INT(bytes[i][8 * j], i % 255 + 1);
        }
    }
    lg_keep_alive(blocks);
}

it("new_bytes", "of no bytes is an address", .procs = 1)
{
    CHECK(lg_new_bytes(rt, 0));
}

it("a reference that leads to no object", "is ignored", .procs = 1)
{
    void **array = lg_new_array(ref_type(rt), 3000);
    void *block = lg_malloc(rt, 100);
    for (uintptr_t i = 0; i < 3000; i++) {
        uintptr_t numbers[] = {i, i << 4, i << 18, i << 40, ~i, (uintptr_t)block + i};
        lg_store(&array[i], (void *)numbers[i % 6]);
    }
    CHECK_OK(lg_gc(rt));
    CHECK_OK(lg_gc(rt));
    CHECK(array[6 + 1] == (void *)((uintptr_t)7 << 4));
    lg_free(rt, block);
}

it("type_of", "finds an object from any pointer into it", .procs = 1)
{
    struct node_obj *node = node_new(node_type(rt), 1);
    void *start = NULL;
    CHECK(lg_type_of(rt, &node->seal, &start) == node_type(rt));
    CHECK(start == node);
    CHECK_STR(lg_type_describe(node_type(rt))->name, "struct node_obj");
    uint64_t *array = lg_new_array(leaf_type(rt), 100000);
    CHECK(lg_type_of(rt, &array[99999], &start) == leaf_type(rt));
    CHECK(start == array);
}

it("type_of", "knows no pointer that is not into an object", .procs = 1)
{
    int on_stack;
    void *explicit_block = lg_malloc(rt, 100);
    CHECK(!lg_type_of(rt, &on_stack, NULL));
    CHECK(!lg_type_of(rt, NULL, NULL));
    CHECK(!lg_type_of(rt, (void *)UINTPTR_MAX, NULL));
    CHECK(!lg_type_of(rt, explicit_block, NULL));
    CHECK(!lg_type_of(rt, lg_new_bytes(rt, 100), NULL));
    lg_free(rt, explicit_block);
}

static lg_type *foreign;

it("new", "ends the program outside of a goroutine",
   .dies = "an object is made outside a goroutine")
{
    lg_runtime *other = spec_open(1);
    lg_new(node_type(other));
}

it("new", "ends the program with a type of another runtime", .procs = 1,
   .dies = "an object of another runtime's type")
{
    foreign = node_type(spec_open(1));
    lg_new(foreign);
}

it("lg_store", "ends the program outside of a goroutine",
   .dies = "lg_store() outside a goroutine")
{
    void *slot;
    lg_store(&slot, NULL);
}
