// SPDX-License-Identifier: MIT
//
// Address space: reserved in large pieces, backed by memory when touched.
#ifndef LG_OS_VM_H
#define LG_OS_VM_H

#include "base/base.h"

size_t lg__vm_page_bytes(void);

// Reserves zeroed, readable and writable address space that costs no memory
// until it is touched; aligned to its page size. LG_OK or LG_ENOMEM.
int lg__vm_reserve(size_t size_bytes, void **out);

// The same, aligned to a power of two.
int lg__vm_reserve_aligned(size_t size_bytes, size_t align_bytes, void **out);

void lg__vm_free(void *mem, size_t size_bytes);

// Makes any access to [mem, mem + size) a fault, by the cheapest means that
// the kernel has. False if it has none left.
bool lg__vm_guard(void *mem, size_t size_bytes);

// Gives the memory back and keeps the address space; it reads as zero again.
// Guards stay.
void lg__vm_discard(void *mem, size_t size_bytes);

// How much of it is backed by memory, to the page.
size_t lg__vm_resident(const void *mem, size_t size_bytes);

// Whether a request for memory may go on. In the check build, specs let one fail:
// the n-th from now, and all that follow if `is_for_good`; n 0: none any more.
// Asked by reserve, and by those who hand out parts of what was reserved.
#ifdef LG_CHECK
bool lg__vm_is_granted(void);
void lg__vm_fail_after(int64_t n, bool is_for_good);
#else
LG_INLINE bool lg__vm_is_granted(void)
{
    return true;
}
#endif

#endif // LG_OS_VM_H
