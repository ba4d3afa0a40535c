// SPDX-License-Identifier: MIT
//
// The switch for x86-64, System V ABI. It leaves by `ret`: native goroutines
// switch from one place (sched.c:lg__sched_switch), so the CPU's return stack,
// though it belongs to the other context, predicts the same addresses. Leaving
// by an indirect jump would shift it by one and mispredict every later return
// (64 against 37 ns a yield; docs/decisions/switch_by_ret.md).
#if defined(__x86_64__)
    .text
    .globl lg__ctx_jump
    .hidden lg__ctx_jump
    .type lg__ctx_jump, @function
    .p2align 5
lg__ctx_jump:               // rdi: void **save_sp, rsi: void *load_sp, rdx: carried
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    pushq %r12
    .cfi_adjust_cfa_offset 8
    pushq %r13
    .cfi_adjust_cfa_offset 8
    pushq %r14
    .cfi_adjust_cfa_offset 8
    pushq %r15
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    movq %rdx, %rax
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    movq 8(%rsp), %r15
    movq 16(%rsp), %r14
    movq 24(%rsp), %r13
    movq 32(%rsp), %r12
    movq 40(%rsp), %rbx
    movq 48(%rsp), %rbp
    addq $56, %rsp
    .cfi_adjust_cfa_offset -56
    ret
    .cfi_endproc
    .size lg__ctx_jump, . - lg__ctx_jump

    .globl lg__ctx_trampoline
    .hidden lg__ctx_trampoline
    .type lg__ctx_trampoline, @function
    .p2align 4
lg__ctx_trampoline:         // r12: the entry, rax: carried; unwinding ends here
    .cfi_startproc
    .cfi_undefined %rip
    xorl %ebp, %ebp
    andq $-16, %rsp
    movq %rax, %rdi
    callq *%r12
    ud2
    .cfi_endproc
    .size lg__ctx_trampoline, . - lg__ctx_trampoline
#endif
    .section .note.GNU-stack, "", @progbits
