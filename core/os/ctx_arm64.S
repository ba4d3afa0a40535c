// SPDX-License-Identifier: MIT
//
// The switch for arm64, AAPCS64: x19-x30, d8-d15 (their low halves are
// callee-saved) and fpcr.
#if defined(__aarch64__)
    .text
    .globl lg__ctx_jump
    .hidden lg__ctx_jump
    .type lg__ctx_jump, %function
    .p2align 5
lg__ctx_jump:               // x0: void **save_sp, x1: void *load_sp, x2: carried
    .cfi_startproc
    sub sp, sp, #176
    .cfi_adjust_cfa_offset 176
    mrs x9, fpcr
    str x9, [sp, #0]
    stp d8, d9, [sp, #16]
    stp d10, d11, [sp, #32]
    stp d12, d13, [sp, #48]
    stp d14, d15, [sp, #64]
    stp x19, x20, [sp, #80]
    stp x21, x22, [sp, #96]
    stp x23, x24, [sp, #112]
    stp x25, x26, [sp, #128]
    stp x27, x28, [sp, #144]
    stp x29, x30, [sp, #160]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    mov x0, x2
    ldr x9, [sp, #0]
    msr fpcr, x9
    ldp d8, d9, [sp, #16]
    ldp d10, d11, [sp, #32]
    ldp d12, d13, [sp, #48]
    ldp d14, d15, [sp, #64]
    ldp x19, x20, [sp, #80]
    ldp x21, x22, [sp, #96]
    ldp x23, x24, [sp, #112]
    ldp x25, x26, [sp, #128]
    ldp x27, x28, [sp, #144]
    ldp x29, x30, [sp, #160]
    add sp, sp, #176
    .cfi_adjust_cfa_offset -176
    br x30
    .cfi_endproc
    .size lg__ctx_jump, . - lg__ctx_jump

    .globl lg__ctx_trampoline
    .hidden lg__ctx_trampoline
    .type lg__ctx_trampoline, %function
    .p2align 4
lg__ctx_trampoline:         // x19: the entry, x0: carried; unwinding ends here
    .cfi_startproc
    .cfi_undefined x30
    mov x29, xzr
    mov x30, xzr
    blr x19
    brk #1
    .cfi_endproc
    .size lg__ctx_trampoline, . - lg__ctx_trampoline
#endif
    .section .note.GNU-stack, "", %progbits
