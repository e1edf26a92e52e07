# memset(to = rdi, byte = esi, length = rdx)

# Everything above eight registers' length: the first one, the last four, and aligned blocks of four between them.
.macro set_long name, aligned, store, r, v
    lea r9, [rdi + rdx - 4*\v]
    \store [rdi], \r\()0
    or rdi, \v - 1
    inc rdi
.L\name\()_loop:
    \aligned [rdi], \r\()0
    \aligned [rdi + \v], \r\()0
    \aligned [rdi + 2*\v], \r\()0
    \aligned [rdi + 3*\v], \r\()0
    add rdi, 4*\v
    cmp rdi, r9
    jb .L\name\()_loop
    \store [r9], \r\()0
    \store [r9 + \v], \r\()0
    \store [r9 + 2*\v], \r\()0
    \store [r9 + 3*\v], \r\()0
.endm

# From two to four registers' length.
.macro set_four store, r, v
    \store [rdi], \r\()0
    \store [rdi + \v], \r\()0
    \store [rdi + rdx - 2*\v], \r\()0
    \store [rdi + rdx - \v], \r\()0
.endm

# From four to eight.
.macro set_eight store, r, v
    \store [rdi], \r\()0
    \store [rdi + \v], \r\()0
    \store [rdi + 2*\v], \r\()0
    \store [rdi + 3*\v], \r\()0
    \store [rdi + rdx - 4*\v], \r\()0
    \store [rdi + rdx - 3*\v], \r\()0
    \store [rdi + rdx - 2*\v], \r\()0
    \store [rdi + rdx - \v], \r\()0
.endm

.pushsection .shimtext.memory, "ax", @progbits
.p2align 6
.globl program_memset
.type program_memset, @function
program_memset:
    mov rax, rdi
    cmp rdx, 16
    jb .Lset_below_16
    movd xmm0, esi
    punpcklbw xmm0, xmm0
    pshuflw xmm0, xmm0, 0
    punpcklqdq xmm0, xmm0
    cmp rdx, 32
    ja .Lset_above_32
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm0
    ret

.p2align 4
.Lset_above_32:
    cmp rdx, 64
    ja .Lset_above_64
    set_four movups, xmm, 16
    ret

.Lset_below_16:
    movzx ecx, sil
    cmp edx, 8
    jb .Lset_below_8
    mov r8, 0x0101010101010101
    imul rcx, r8
    mov [rdi], rcx
    mov [rdi + rdx - 8], rcx
    ret

.Lset_below_8:
    cmp edx, 4
    jb .Lset_below_4
    imul ecx, ecx, 0x01010101
    mov [rdi], ecx
    mov [rdi + rdx - 4], ecx
    ret

.Lset_below_4:
    sub edx, 1
    jb .Lset_nothing
    mov [rdi], cl
    je .Lset_nothing
    mov [rdi + 1], cl
    mov [rdi + rdx], cl
.Lset_nothing:
    ret

.p2align 4
.Lset_above_64:
    cmp byte ptr [rip + {has_wide}], 0
    je .Lset_narrow
    vinsertf128 ymm0, ymm0, xmm0, 1
    cmp rdx, 128
    ja .Lset_above_128
    set_four vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lset_above_128:
    cmp rdx, 256
    ja .Lset_wide
    set_eight vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lset_wide:
    cmp rdx, [rip + {strings_from}]
    jae .Lset_wide_string
    set_long set_wide, vmovaps, vmovups, ymm, 32
    vzeroupper
    ret

.p2align 4
.Lset_narrow:
    cmp rdx, 128
    ja .Lset_narrow_long
    set_eight movups, xmm, 16
    ret

.p2align 4
.Lset_narrow_long:
    cmp rdx, [rip + {strings_from}]
    jae .Lset_string
    set_long set_narrow, movaps, movups, xmm, 16
    ret

.Lset_wide_string:
    vzeroupper
.Lset_string:
    movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    lea rcx, [rdi + rdx]
    or rdi, 63
    inc rdi
    sub rcx, rdi
    mov r8, rax
    mov eax, esi
    rep stosb
    mov rax, r8
    ret
.size program_memset, . - program_memset
.popsection
