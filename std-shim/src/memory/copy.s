# memcpy and memmove(to = rdi, from = rsi, length = rdx): one function. Up to 256 bytes (128 without 32-byte registers) everything is loaded
# before anything is stored, so overlaps need no thought; above, the direction is chosen, and what the loop could overwrite too early
# is loaded before it.

# Forward by blocks of four registers, stores aligned. Needs more than five registers' length.
.macro copy_forward name, load, aligned, store, r, v
    \load \r\()4, [rsi + rdx - 4*\v]
    \load \r\()5, [rsi + rdx - 3*\v]
    \load \r\()6, [rsi + rdx - 2*\v]
    \load \r\()7, [rsi + rdx - \v]
    \load \r\()8, [rsi]
    lea r9, [rdi + rdx - 4*\v]
    sub rsi, rdi
    or rdi, \v - 1
    inc rdi
.L\name\()_loop:
    \load \r\()0, [rdi + rsi]
    \load \r\()1, [rdi + rsi + \v]
    \load \r\()2, [rdi + rsi + 2*\v]
    \load \r\()3, [rdi + rsi + 3*\v]
    \aligned [rdi], \r\()0
    \aligned [rdi + \v], \r\()1
    \aligned [rdi + 2*\v], \r\()2
    \aligned [rdi + 3*\v], \r\()3
    add rdi, 4*\v
    cmp rdi, r9
    jb .L\name\()_loop
    \store [r9], \r\()4
    \store [r9 + \v], \r\()5
    \store [r9 + 2*\v], \r\()6
    \store [r9 + 3*\v], \r\()7
    \store [rax], \r\()8
.endm

# The same from the end.
.macro copy_backward name, load, aligned, store, r, v
    \load \r\()4, [rsi]
    \load \r\()5, [rsi + \v]
    \load \r\()6, [rsi + 2*\v]
    \load \r\()7, [rsi + 3*\v]
    \load \r\()8, [rsi + rdx - \v]
    lea r8, [rdi + rdx - \v]
    lea r9, [rdi + 4*\v]
    lea rdi, [rdi + rdx - 1]
    and rdi, -\v
    sub rsi, rax
.L\name\()_loop:
    \load \r\()0, [rdi + rsi - \v]
    \load \r\()1, [rdi + rsi - 2*\v]
    \load \r\()2, [rdi + rsi - 3*\v]
    \load \r\()3, [rdi + rsi - 4*\v]
    \aligned [rdi - \v], \r\()0
    \aligned [rdi - 2*\v], \r\()1
    \aligned [rdi - 3*\v], \r\()2
    \aligned [rdi - 4*\v], \r\()3
    sub rdi, 4*\v
    cmp rdi, r9
    ja .L\name\()_loop
    \store [r8], \r\()8
    \store [rax], \r\()4
    \store [rax + \v], \r\()5
    \store [rax + 2*\v], \r\()6
    \store [rax + 3*\v], \r\()7
.endm

# From four to eight registers' length.
.macro copy_eight load, store, r, v
    \load \r\()0, [rsi]
    \load \r\()1, [rsi + \v]
    \load \r\()2, [rsi + 2*\v]
    \load \r\()3, [rsi + 3*\v]
    \load \r\()4, [rsi + rdx - 4*\v]
    \load \r\()5, [rsi + rdx - 3*\v]
    \load \r\()6, [rsi + rdx - 2*\v]
    \load \r\()7, [rsi + rdx - \v]
    \store [rdi], \r\()0
    \store [rdi + \v], \r\()1
    \store [rdi + 2*\v], \r\()2
    \store [rdi + 3*\v], \r\()3
    \store [rdi + rdx - 4*\v], \r\()4
    \store [rdi + rdx - 3*\v], \r\()5
    \store [rdi + rdx - 2*\v], \r\()6
    \store [rdi + rdx - \v], \r\()7
.endm

# From two to four.
.macro copy_four load, store, r, v
    \load \r\()0, [rsi]
    \load \r\()1, [rsi + \v]
    \load \r\()2, [rsi + rdx - 2*\v]
    \load \r\()3, [rsi + rdx - \v]
    \store [rdi], \r\()0
    \store [rdi + \v], \r\()1
    \store [rdi + rdx - 2*\v], \r\()2
    \store [rdi + rdx - \v], \r\()3
.endm

.pushsection .shimtext.memory, "ax", @progbits
.p2align 6
.globl program_memcpy, program_memmove
.type program_memcpy, @function
.type program_memmove, @function
program_memcpy:
program_memmove:
    mov rax, rdi
    cmp rdx, 16
    jb .Lcopy_below_16
    cmp rdx, 32
    ja .Lcopy_above_32
    movups xmm0, [rsi]
    movups xmm1, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm1
    ret

.Lcopy_below_16:
    cmp edx, 8
    jb .Lcopy_below_8
    mov rcx, [rsi]
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret

.Lcopy_below_8:
    cmp edx, 4
    jb .Lcopy_below_4
    mov ecx, [rsi]
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret

.Lcopy_below_4:
    sub edx, 1
    jb .Lcopy_nothing
    movzx ecx, byte ptr [rsi]
    je .Lcopy_one
    movzx r8d, word ptr [rsi + rdx - 1]
    mov [rdi + rdx - 1], r8w
.Lcopy_one:
    mov [rdi], cl
.Lcopy_nothing:
    ret

.p2align 4
.Lcopy_above_32:
    cmp rdx, 64
    ja .Lcopy_above_64
    copy_four movups, movups, xmm, 16
    ret

.p2align 4
.Lcopy_above_64:
    cmp byte ptr [rip + {has_wide}], 0
    je .Lcopy_narrow
    cmp rdx, 128
    ja .Lcopy_above_128
    copy_four vmovups, vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lcopy_above_128:
    cmp rdx, 256
    ja .Lcopy_wide
    copy_eight vmovups, vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lcopy_wide:
    mov rcx, rdi
    sub rcx, rsi
    cmp rcx, rdx
    jb .Lcopy_wide_backward
    cmp rdx, [rip + {strings_from}]
    jae .Lcopy_string
.Lcopy_wide_forward:
    copy_forward copy_wide, vmovups, vmovaps, vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lcopy_wide_backward:
    copy_backward copy_wide_backward, vmovups, vmovaps, vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lcopy_narrow:
    cmp rdx, 128
    ja .Lcopy_narrow_long
    copy_eight movups, movups, xmm, 16
    ret

.p2align 4
.Lcopy_narrow_long:
    mov rcx, rdi
    sub rcx, rsi
    cmp rcx, rdx
    jb .Lcopy_narrow_backward
    cmp rdx, [rip + {strings_from}]
    jae .Lcopy_string
.Lcopy_narrow_forward:
    copy_forward copy_narrow, movups, movaps, movups, xmm, 16
    ret

.p2align 4
.Lcopy_narrow_backward:
    copy_backward copy_narrow_backward, movups, movaps, movups, xmm, 16
    ret

# The CPU's own copy is quick where nothing overlaps and the stores are aligned. rcx is `to` minus `from`.
.p2align 4
.Lcopy_string:
    neg rcx
    cmp rcx, rdx
    jb .Lcopy_overlapping
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    sub rsi, rdi
    lea rcx, [rdi + rdx]
    or rdi, 63
    inc rdi
    add rsi, rdi
    sub rcx, rdi
    movups [rax], xmm0
    movups [rax + 16], xmm1
    movups [rax + 32], xmm2
    movups [rax + 48], xmm3
    rep movsb
    ret
.Lcopy_overlapping:
    cmp byte ptr [rip + {has_wide}], 0
    jne .Lcopy_wide_forward
    jmp .Lcopy_narrow_forward
.size program_memcpy, . - program_memcpy
.size program_memmove, . - program_memmove
.popsection
