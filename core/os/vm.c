// SPDX-License-Identifier: MIT
#include "os/vm.h"

#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lagoon.h"

// Linux 6.13: a guard inside a mapping, which does not split it. Debian 12's
// headers do not know it yet.
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

// An mprotect guard splits a mapping in two, and a process has 65,530 unless
// told otherwise: past this many guards we leave the rest to the host.
enum { MPROTECT_GUARDS_MAX = 30000 };

static _Atomic int mprotect_guards;

size_t lg__vm_page_bytes(void)
{
    static _Atomic size_t cached;
    // relaxed: every thread computes the same value
    size_t bytes = atomic_load_explicit(&cached, memory_order_relaxed);
    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&cached, bytes, memory_order_relaxed);
    }
    return bytes;
}

#ifdef LG_CHECK
static _Atomic int64_t granted; // 1 + requests that are granted before one fails; 0: all
static _Atomic bool is_failing_for_good;

void lg__vm_fail_after(int64_t n, bool is_for_good)
{
    // relaxed: specs ask for it before they start what may fail
    atomic_store_explicit(&is_failing_for_good, is_for_good, memory_order_relaxed);
    atomic_store_explicit(&granted, n, memory_order_relaxed);
}

bool lg__vm_is_granted(void)
{
    // relaxed: a count, it orders nothing
    int64_t left = atomic_load_explicit(&granted, memory_order_relaxed);
    while (left > 0) {
        bool is_last = left == 1;
        if (is_last && atomic_load_explicit(&is_failing_for_good, memory_order_relaxed)) {
            return false;
        }
        if (atomic_compare_exchange_weak_explicit(
                &granted, &left, left - 1, memory_order_relaxed, memory_order_relaxed)) {
            return !is_last;
        }
    }
    return true;
}
#endif

int lg__vm_reserve(size_t size_bytes, void **out)
{
    if (!lg__vm_is_granted()) {
        return LG_ENOMEM;
    }
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *mem = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mem == MAP_FAILED) {
        return LG_ENOMEM;
    }
    // A stack touches one page; a huge page would touch 512.
    madvise(mem, size_bytes, MADV_NOHUGEPAGE);
    *out = mem;
    return LG_OK;
}

int lg__vm_reserve_aligned(size_t size_bytes, size_t align_bytes, void **out)
{
    if (size_bytes > SIZE_MAX - align_bytes) {
        return LG_ENOMEM;
    }
    void *mem;
    int err = lg__vm_reserve(size_bytes + align_bytes, &mem);
    if (err) {
        return err;
    }
    // A mapping too long is cut at both ends.
    uintptr_t low = (uintptr_t)mem;
    uintptr_t start = (low + align_bytes - 1) & ~(uintptr_t)(align_bytes - 1);
    size_t before = start - low;
    if (before > 0) {
        munmap(mem, before);
    }
    munmap((char *)mem + before + size_bytes, align_bytes - before);
    *out = (char *)mem + before;
    return LG_OK;
}

void lg__vm_free(void *mem, size_t size_bytes)
{
    munmap(mem, size_bytes);
}

// Emulators of the kernel (qemu-user 7.2, for one) answer advice that they do
// not know with success, and no guard. Nobody knows advice of INT_MAX.
static bool is_advice_heard(void *mem, size_t size_bytes)
{
    enum { UNKNOWN, HEARD, IGNORED };
    static _Atomic int cached;
    // relaxed: every thread computes the same value
    int answer = atomic_load_explicit(&cached, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = madvise(mem, size_bytes, INT_MAX) == 0 ? IGNORED : HEARD;
        atomic_store_explicit(&cached, answer, memory_order_relaxed);
    }
    return answer == HEARD;
}

bool lg__vm_guard(void *mem, size_t size_bytes)
{
    if (is_advice_heard(mem, size_bytes) &&
        madvise(mem, size_bytes, MADV_GUARD_INSTALL) == 0) {
        return true;
    }
    // relaxed: a budget, it orders nothing
    int used = atomic_fetch_add_explicit(&mprotect_guards, 1, memory_order_relaxed);
    if (used < MPROTECT_GUARDS_MAX && mprotect(mem, size_bytes, PROT_NONE) == 0) {
        return true;
    }
    atomic_fetch_sub_explicit(&mprotect_guards, 1, memory_order_relaxed);
    return false;
}

void lg__vm_discard(void *mem, size_t size_bytes)
{
    madvise(mem, size_bytes, MADV_DONTNEED);
}

size_t lg__vm_resident(const void *mem, size_t size_bytes)
{
    enum { CHUNK_PAGES = 1024 };
    unsigned char pages[CHUNK_PAGES];
    size_t page_bytes = lg__vm_page_bytes();
    size_t npages = size_bytes / page_bytes;
    size_t nbacked = 0;
    for (size_t at = 0; at < npages; at += CHUNK_PAGES) {
        size_t n = npages - at < CHUNK_PAGES ? npages - at : CHUNK_PAGES;
        void *start = (void *)((uintptr_t)mem + at * page_bytes);
        if (mincore(start, n * page_bytes, pages) != 0) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            nbacked += pages[i] & 1;
        }
    }
    return nbacked * page_bytes;
}
