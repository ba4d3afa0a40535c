// SPDX-License-Identifier: MIT
//
// The way into lg_block_enter(): its caller's registers as it left them. In C a compiler
// may have used some by the first line.
#if defined(__aarch64__)
    .text
    .globl lg_block_enter
    .type lg_block_enter, %function
    .p2align 4
lg_block_enter:             // lg__block_enter(const struct registers *, const void *sp)
    .cfi_startproc
    mov x1, sp
    sub sp, sp, #112
    .cfi_adjust_cfa_offset 112
    str x30, [sp, #96]
    .cfi_offset 30, -16
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    str x29, [sp, #80]
    mov x0, sp
    bl lg__block_enter
    ldr x30, [sp, #96]
    add sp, sp, #112
    .cfi_adjust_cfa_offset -112
    ret
    .cfi_endproc
    .size lg_block_enter, . - lg_block_enter
#endif
    .section .note.GNU-stack, "", %progbits
