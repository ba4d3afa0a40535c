// SPDX-License-Identifier: MIT
//
// Size classes: what a size is rounded up to, and where an offset in a span leads.
#include "mem/sizeclass.h"

#include "mem/span.h"
#include "spec.h"

it("the classes", "grow, and waste an eighth at most")
{
    for (uint32_t c = 1; c < NCLASSES; c++) {
        size_t bytes = lg__class_bytes(c);
        CHECK(bytes > lg__class_bytes(c - 1));
        size_t span_bytes = lg__class_npages(c) * PAGE_BYTES;
        CHECK_INT(lg__class_nelems(c), span_bytes / bytes);
        CHECK(lg__class_nelems(c) > 0);
        CHECK(span_bytes % bytes * 8 <= span_bytes);
    }
    CHECK_INT(lg__class_bytes(NCLASSES - 1), SMALL_BYTES_MAX);
}

it("a size", "gets the smallest class that holds it")
{
    for (size_t size = 0; size <= SMALL_BYTES_MAX; size++) {
        uint32_t c = lg__class_of(size);
        CHECK(c > 0 && c < NCLASSES);
        CHECK(lg__class_bytes(c) >= size);
        CHECK(c == 1 || lg__class_bytes(c - 1) < size);
        // Below, the steps are of 8 and 16 bytes.
        CHECK(size <= 128 || (lg__class_bytes(c) - size) * 8 <= lg__class_bytes(c));
    }
    CHECK_INT(lg__class_of(SMALL_BYTES_MAX + 1), 0);
    CHECK_INT(lg__class_of(SIZE_MAX), 0);
}

it("a size for any use", "gets a block aligned to 16, or to 8 if that is its size")
{
    for (size_t size = 0; size <= SMALL_BYTES_MAX; size++) {
        uint32_t c = lg__class_of_aligned(size);
        CHECK(lg__class_bytes(c) >= size);
        CHECK_INT(lg__class_bytes(c) % 16, size <= 8 ? 8 : 0);
        CHECK(c == lg__class_of(size) || (size > 16 && size <= 24));
    }
}

static void check_indexes(size_t elem_bytes, uint32_t npages)
{
    struct span s = {.npages = npages, .start = (char *)(uintptr_t)PAGE_BYTES};
    lg__span_cut(&s, elem_bytes);
    for (size_t offset = 0; offset < lg__span_bytes(&s); offset++) {
        CHECK_INT(lg__span_index(&s, s.start + offset), offset / elem_bytes);
    }
}

it("an offset in a span", "leads to the right object, at each byte")
{
    for (uint32_t c = 1; c < NCLASSES; c++) {
        check_indexes(lg__class_bytes(c), (uint32_t)lg__class_npages(c));
    }
    for (size_t bytes = 8; bytes <= 512; bytes += 8) {
        check_indexes(bytes, 1); // spans of one type
        check_indexes(bytes, 2);
    }
}
