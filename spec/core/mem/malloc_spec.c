// SPDX-License-Identifier: MIT
//
// Blocks: sizes at the edges, alignment, contents, misuse.
#include "mem/malloc.h"

#include <pthread.h>

#include "mem/poison.h"
#include "mem/sizeclass.h"
#include "os/vm.h"
#include "sched/runtime.h"
#include "spec.h"

static void fill(void *ptr, size_t size, unsigned seed)
{
    unsigned char *bytes = ptr;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(seed + i * 7);
    }
}

static bool is_filled(const void *ptr, size_t size, unsigned seed)
{
    const unsigned char *bytes = ptr;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != (unsigned char)(seed + i * 7)) {
            return false;
        }
    }
    return true;
}

it("a block of any size", "is aligned, holds it, and is apart from the others",
   .procs = 1, .limit_s = 60)
{
    enum { SIZES = 5000 };
    static void *blocks[SIZES];
    for (size_t size = 0; size < SIZES; size++) {
        blocks[size] = lg_malloc(rt, size);
        CHECK(blocks[size]);
        CHECK_INT((uintptr_t)blocks[size] % (size <= 8 ? 8 : 16), 0);
        CHECK(lg_malloc_size(blocks[size]) >= size);
        fill(blocks[size], lg_malloc_size(blocks[size]), (unsigned)size);
    }
    for (size_t size = 0; size < SIZES; size++) {
        CHECK(is_filled(blocks[size], lg_malloc_size(blocks[size]), (unsigned)size));
        if (size % 2) {
            lg_free(rt, blocks[size]);
        } else {
            lg_free_sized(rt, blocks[size], size);
        }
    }
    lg__heap_verify(&rt->heap);
}

it("large blocks", "begin at 32 KB and end at the address space", .procs = 1)
{
    static const size_t sizes[] = {32767,   32768,    32769,    65536,
                                   1 << 20, 60 << 20, 100 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *ptr = lg_malloc(rt, sizes[i]);
        CHECK(ptr);
        CHECK(lg_malloc_size(ptr) >= sizes[i]);
        ptr[0] = 1;
        ptr[sizes[i] - 1] = 1;
        lg_free(rt, ptr);
    }
    CHECK(lg_malloc(rt, SIZE_MAX) == NULL);
    CHECK(lg_malloc(rt, SIZE_MAX - 100) == NULL);
    CHECK(lg_malloc(rt, SIZE_MAX / 2) == NULL);
    CHECK(lg_malloc(rt, (size_t)1 << 48) == NULL);
    lg_free(rt, NULL);
    lg_free_sized(rt, NULL, 5);
    lg__heap_verify(&rt->heap);
}

it("an array", "is zero, also where there was something; and must not overflow",
   .procs = 1)
{
    static const size_t sizes[] = {1, 16, 100, 1000, 5000, 40000, 3 << 20, 70 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int round = 0; round < 3; round++) {
            unsigned char *ptr = lg_calloc(rt, 1, sizes[i]);
            CHECK(ptr);
            size_t step = sizes[i] > (1 << 20) ? 511 : 1;
            for (size_t j = 0; j < sizes[i]; j += step) {
                CHECK_INT(ptr[j], 0);
                ptr[j] = 0xff;
            }
            lg_free(rt, ptr);
        }
    }
    CHECK(lg_calloc(rt, SIZE_MAX, 2) == NULL);
    CHECK(lg_calloc(rt, SIZE_MAX / 8 + 2, 8) == NULL);
    CHECK(lg_calloc(rt, (size_t)1 << 32, (size_t)1 << 32) == NULL);
    void *none = lg_calloc(rt, 0, 8);
    CHECK(none);
    lg_free(rt, none);
}

it("a block that changes its size", "keeps what it holds", .procs = 1)
{
    char *ptr = lg_realloc(rt, NULL, 10);
    size_t size = 10;
    struct spec_random random = spec_random_new(1);
    for (int i = 0; i < spec_rounds(20000); i++) {
        fill(ptr, size, (unsigned)i);
        size_t next = spec_random_below(&random, i % 10 ? 2000 : 200000) + 1;
        ptr = lg_realloc(rt, ptr, next);
        CHECK(ptr);
        CHECK(is_filled(ptr, next < size ? next : size, (unsigned)i));
        size = next;
        if (i % 50 == 0) {
            lg_free_sized(rt, ptr, size); // as it was asked for last
            ptr = lg_malloc(rt, size);
        }
    }
    CHECK(lg_realloc(rt, ptr, SIZE_MAX) == NULL);
    fill(ptr, size, 3);
    CHECK(is_filled(ptr, size, 3)); // still ours
    CHECK(lg_realloc(rt, ptr, 0) == NULL);
    CHECK(lg_realloc(rt, NULL, 0) != NULL);
}

it("lg_alloc()", "counts what is for whom, as it was asked for", .procs = 1)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    lg_runtime *mine = NULL;
    CHECK_OK(lg_open(&opts, &mine));
    size_t gs = spec_stats(mine).mem_uses[LG_USE_GS];
    char *ptr = lg_alloc(mine, LG_USE_BUFFERS, NULL, 0, 1000);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_BUFFERS], 1000);
    memset(ptr, 7, 1000);
    ptr = lg_alloc(mine, LG_USE_BUFFERS, ptr, 1000, 1010);
    ptr = lg_alloc(mine, LG_USE_BUFFERS, ptr, 1010, 100001);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_BUFFERS], 100001);
    CHECK_INT(ptr[999], 7);
    CHECK(lg_alloc(mine, LG_USE_BUFFERS, ptr, 100001, SIZE_MAX) == NULL);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_BUFFERS], 100001);
    ptr = lg_alloc(mine, LG_USE_BUFFERS, ptr, 100001, 5);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_BUFFERS], 5);
    CHECK(lg_alloc(mine, LG_USE_BUFFERS, ptr, 5, 0) == NULL);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_BUFFERS], 0);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_GS], gs);
    lg_chan *ch;
    CHECK_OK(lg_chan_new(mine, NULL, 100, 1000, &ch));
    CHECK_BETWEEN(spec_stats(mine).mem_uses[LG_USE_CHANS], 100000, 110000);
    lg_chan_free(ch);
    CHECK_INT(spec_stats(mine).mem_uses[LG_USE_CHANS], 0);
    lg_close(mine);
}

static void *allocate_outside(void *arg)
{
    lg_runtime *rt = arg;
    for (int i = 0; i < 2000; i++) {
        size_t size = (size_t)i % 700;
        void *ptr = lg_malloc(rt, size);
        fill(ptr, size, (unsigned)i);
        CHECK(is_filled(ptr, size, (unsigned)i));
        lg_free(rt, ptr);
    }
    return NULL;
}

it("threads of the host", "allocate too, several at once", .procs = 2)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, allocate_outside, rt), 0);
    }
    allocate_outside(rt);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    lg__heap_verify(&rt->heap);
}

it("a block of another runtime than the goroutine's", "comes and goes", .procs = 1)
{
    lg_runtime *other = spec_open(1);
    char *ptr = lg_malloc(other, 100);
    CHECK(ptr);
    memset(ptr, 1, 100);
    lg_free(other, ptr);
}

it("a stopped runtime", "still has its memory, and takes it back")
{
    lg_runtime *mine = spec_open(2);
    char *ptr = lg_malloc(mine, 1000);
    memset(ptr, 1, 1000);
    lg_stop(mine);
    ptr = lg_realloc(mine, ptr, 100000);
    CHECK_INT(ptr[999], 1);
    lg_free(mine, ptr);
    lg_stop(mine); // again
    spec_close(mine);
}

it("classes", "tell their blocks", .procs = 1)
{
    uint32_t class = lg__class_of_aligned(700);
    lg_class_stats before;
    lg_class_stats after;
    CHECK_OK(lg_get_class_stats(rt, class, &before));
    void *ptrs[100];
    for (int i = 0; i < 100; i++) {
        ptrs[i] = lg_malloc(rt, 700);
    }
    CHECK_OK(lg_get_class_stats(rt, class, &after));
    CHECK_INT(after.blocks - before.blocks, 100);
    CHECK_INT(after.block_bytes, 704);
    CHECK(after.spans * after.span_bytes >= after.blocks * after.block_bytes);
    for (int i = 0; i < 100; i++) {
        lg_free(rt, ptrs[i]);
    }
    CHECK_OK(lg_get_class_stats(rt, class, &after));
    CHECK_INT(after.blocks, before.blocks);
    CHECK_OK(lg_get_class_stats(rt, 0, &after));
    CHECK_INT(after.block_bytes, 0);
    CHECK_CODE(lg_get_class_stats(rt, NCLASSES, &after), LG_EINVAL);
}

// ---------------------------------------------------------------------------
// Misuse, in all builds but release
// ---------------------------------------------------------------------------

#ifndef NDEBUG
it("freeing a block twice", "is fatal", .procs = 1, .dies = "freed already")
{
    void *ptr = lg_malloc(rt, 100);
    lg_malloc(rt, 100);
    lg_free(rt, ptr);
    lg_free(rt, ptr);
}

it("freeing the middle of a block", "is fatal", .procs = 1, .dies = "inside of one")
{
    char *ptr = lg_malloc(rt, 100);
    lg_free(rt, ptr + 16);
}

it("freeing the middle of a large block", "is fatal", .procs = 1, .dies = "inside of one")
{
    char *ptr = lg_malloc(rt, 100 << 20);
    lg_free(rt, ptr + (70 << 20));
}

it("freeing what is not ours", "is fatal", .procs = 1, .dies = "not the start")
{
    static char foreign[64];
    lg_free(rt, foreign);
}

it("freeing a large block twice", "is fatal", .procs = 1, .dies = "not the start")
{
    void *ptr = lg_malloc(rt, 100000);
    lg_free(rt, ptr);
    lg_free(rt, ptr);
}

it("freeing another runtime's block", "is fatal", .procs = 1, .dies = "not the start")
{
    lg_runtime *other = spec_open(1);
    lg_free(rt, lg_malloc(other, 100));
}

it("freeing with a wrong size", "is fatal", .procs = 1, .dies = "but the block has")
{
    lg_free_sized(rt, lg_malloc(rt, 100), 1000);
}

it("resizing a freed block", "is fatal", .procs = 1, .dies = "freed already")
{
    void *ptr = lg_malloc(rt, 100);
    lg_free(rt, ptr);
    lg_realloc(rt, ptr, 200);
}

// The sanitizers name it in words of their own.
#ifndef LG_HAS_ASAN
it("writing to a freed block", "is found at its next use", .procs = 1,
   .dies = "written to at byte 50 after it was freed")
{
    char *ptr = lg_malloc(rt, 100);
    lg_free(rt, ptr);
    ptr[50] = 1;
    for (int i = 0; i < 10000; i++) {
        lg_malloc(rt, 100);
    }
}
#endif
#endif

// ---------------------------------------------------------------------------
// When memory is out
// ---------------------------------------------------------------------------

it("blocks when the n-th request for pages fails", "are refused, and none leaks",
   .procs = 1, .limit_s = 60)
{
#ifdef LG_CHECK
    for (int64_t n = 1; n < 40; n++) {
        enum { BLOCKS = 200 };
        void *blocks[BLOCKS];
        lg_stats before = spec_stats(rt);
        lg__vm_fail_after(n, n % 2 == 0);
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = lg_malloc(rt, i % 20 ? i * 37 : i * 1000);
            if (blocks[i]) {
                void *other = lg_realloc(rt, blocks[i], i * 50 + 1);
                blocks[i] = other ? other : blocks[i];
            }
        }
        lg__vm_fail_after(0, false);
        for (int i = 0; i < BLOCKS; i++) {
            lg_free(rt, blocks[i]);
        }
        lg__heap_verify(&rt->heap);
        lg_stats after = spec_stats(rt);
        CHECK_INT(after.mem_objects, before.mem_objects);
    }
#endif
}

it("opening when the n-th request for pages fails", "says so")
{
#ifdef LG_CHECK
    int nfailed = 0;
    for (int64_t n = 1; n < 30; n++) {
        lg_runtime *mine = NULL;
        lg__vm_fail_after(n, true);
        int err = lg_open(NULL, &mine);
        lg__vm_fail_after(0, false);
        CHECK(err == LG_OK || err == LG_ENOMEM);
        nfailed += err != LG_OK;
        lg_close(mine);
    }
    CHECK_BETWEEN(nfailed, 3, 29);
#endif
}
