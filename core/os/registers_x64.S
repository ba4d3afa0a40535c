// SPDX-License-Identifier: MIT
//
// The way into lg_block_enter(): its caller's registers as it left them. In C a compiler
// may have used some by the first line.
#if defined(__x86_64__)
    .text
    .globl lg_block_enter
    .type lg_block_enter, @function
    .p2align 4
lg_block_enter:             // lg__block_enter(const struct registers *, const void *sp)
    .cfi_startproc
    leaq 8(%rsp), %rsi
    subq $56, %rsp
    .cfi_adjust_cfa_offset 56
    movq %rbx, (%rsp)
    movq %rbp, 8(%rsp)
    movq %r12, 16(%rsp)
    movq %r13, 24(%rsp)
    movq %r14, 32(%rsp)
    movq %r15, 40(%rsp)
    movq %rsp, %rdi
    callq lg__block_enter
    addq $56, %rsp
    .cfi_adjust_cfa_offset -56
    ret
    .cfi_endproc
    .size lg_block_enter, . - lg_block_enter
#endif
    .section .note.GNU-stack, "", @progbits
