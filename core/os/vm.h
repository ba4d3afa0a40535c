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

void lg__vm_free(void *mem, size_t size_bytes);

// Makes any access to [mem, mem + size) a fault, by the cheapest means that
// the kernel has. False if it has none left.
bool lg__vm_guard(void *mem, size_t size_bytes);

// Gives the memory back and keeps the address space; it reads as zero again.
// Guards stay.
void lg__vm_discard(void *mem, size_t size_bytes);

#endif // LG_OS_VM_H
