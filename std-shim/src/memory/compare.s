# memcmp(one = rdi, other = rsi, length = rdx): the difference of the first bytes that differ. bcmp asks only whether any do.

# Sixteen bytes at `at`: eax is zero and ZF set if they are equal; else the lowest bit set in eax is the first difference.
.macro compare_16 at
    movups xmm0, [rdi + \at]
    movups xmm1, [rsi + \at]
    pcmpeqb xmm0, xmm1
    pmovmskb eax, xmm0
    sub eax, 0xffff
.endm

# Four times sixteen bytes: eax and ZF as above, but eax does not say where.
.macro compare_64 a, b, c, d
    movups xmm0, [rdi + \a]
    movups xmm1, [rsi + \a]
    movups xmm2, [rdi + \b]
    movups xmm3, [rsi + \b]
    movups xmm4, [rdi + \c]
    movups xmm5, [rsi + \c]
    movups xmm6, [rdi + \d]
    movups xmm7, [rsi + \d]
    pcmpeqb xmm0, xmm1
    pcmpeqb xmm2, xmm3
    pcmpeqb xmm4, xmm5
    pcmpeqb xmm6, xmm7
    pand xmm0, xmm2
    pand xmm4, xmm6
    pand xmm0, xmm4
    pmovmskb eax, xmm0
    sub eax, 0xffff
.endm

# Four times 32 bytes: ZF is set if they are equal.
.macro compare_128 a, b, c, d
    vmovups ymm0, [rdi + \a]
    vmovups ymm1, [rdi + \b]
    vmovups ymm2, [rdi + \c]
    vmovups ymm3, [rdi + \d]
    vxorps ymm0, ymm0, [rsi + \a]
    vxorps ymm1, ymm1, [rsi + \b]
    vxorps ymm2, ymm2, [rsi + \c]
    vxorps ymm3, ymm3, [rsi + \d]
    vorps ymm0, ymm0, ymm1
    vorps ymm2, ymm2, ymm3
    vorps ymm0, ymm0, ymm2
    vptest ymm0, ymm0
.endm

.pushsection .shimtext.memory, "ax", @progbits
.p2align 6
.globl program_bcmp
.type program_bcmp, @function
program_bcmp:
    cmp rdx, 16
    jb .Lequal_below_16
    cmp rdx, 32
    ja .Lequal_above_32
    movups xmm0, [rdi]
    movups xmm1, [rsi]
    movups xmm2, [rdi + rdx - 16]
    movups xmm3, [rsi + rdx - 16]
    pcmpeqb xmm0, xmm1
    pcmpeqb xmm2, xmm3
    pand xmm0, xmm2
    pmovmskb eax, xmm0
    sub eax, 0xffff
    ret

.Lequal_below_16:
    cmp edx, 8
    jb .Lequal_below_8
    mov rax, [rdi]
    mov rcx, [rdi + rdx - 8]
    xor rax, [rsi]
    xor rcx, [rsi + rdx - 8]
    or rax, rcx
    neg rax
    sbb eax, eax
    ret

.Lequal_below_8:
    cmp edx, 4
    jb .Lequal_below_4
    mov eax, [rdi]
    mov ecx, [rdi + rdx - 4]
    xor eax, [rsi]
    xor ecx, [rsi + rdx - 4]
    or eax, ecx
    ret

.Lequal_below_4:
    sub edx, 1
    jb .Lequal_nothing
    movzx eax, byte ptr [rdi]
    je .Lequal_one
    movzx ecx, word ptr [rdi + rdx - 1]
    xor cx, [rsi + rdx - 1]
    xor al, [rsi]
    or eax, ecx
    ret
.Lequal_one:
    xor al, [rsi]
    ret
.Lequal_nothing:
    xor eax, eax
    ret

.p2align 4
.Lequal_above_32:
    cmp rdx, 64
    ja .Lcompare_above_64
    compare_64 0, 16, rdx-32, rdx-16
    ret
.size program_bcmp, . - program_bcmp

.p2align 6
.globl program_memcmp
.type program_memcmp, @function
program_memcmp:
    cmp rdx, 16
    jb .Lcompare_below_16
    compare_16 0
    jne .Lcompare_first
    cmp rdx, 32
    ja .Lcompare_above_32
    compare_16 rdx-16
    jne .Lcompare_last
    ret

.p2align 4
.Lcompare_above_32:
    cmp rdx, 64
    ja .Lcompare_above_64
    compare_16 16
    jne .Lcompare_second
    compare_16 rdx-32
    jne .Lcompare_last_but_one
    compare_16 rdx-16
    jne .Lcompare_last
    ret

.Lcompare_first:
    bsf eax, eax
    movzx ecx, byte ptr [rsi + rax]
    movzx eax, byte ptr [rdi + rax]
    sub eax, ecx
    ret
.Lcompare_second:
    mov r8d, 16
    jmp .Lcompare_found
.Lcompare_last_but_one:
    lea r8, [rdx - 32]
    jmp .Lcompare_found
.Lcompare_last:
    lea r8, [rdx - 16]
.Lcompare_found:
    bsf eax, eax
    add r8, rax
    movzx eax, byte ptr [rdi + r8]
    movzx ecx, byte ptr [rsi + r8]
    sub eax, ecx
    ret

.Lcompare_below_16:
    cmp edx, 8
    jb .Lcompare_below_8
    mov rax, [rdi]
    mov rcx, [rsi]
    cmp rax, rcx
    jne .Lcompare_words
    mov rax, [rdi + rdx - 8]
    mov rcx, [rsi + rdx - 8]
    cmp rax, rcx
    jne .Lcompare_words
    xor eax, eax
    ret

.Lcompare_below_8:
    cmp edx, 4
    jb .Lcompare_below_4
    mov eax, [rdi]
    mov ecx, [rsi]
    cmp eax, ecx
    jne .Lcompare_words
    mov eax, [rdi + rdx - 4]
    mov ecx, [rsi + rdx - 4]
    cmp eax, ecx
    jne .Lcompare_words
    xor eax, eax
    ret

# Words that differ, as numbers whose first byte weighs most.
.Lcompare_words:
    bswap rax
    bswap rcx
    cmp rax, rcx
    sbb eax, eax
    or eax, 1
    ret

.Lcompare_below_4:
    xor eax, eax
    test edx, edx
    jz .Lcompare_done
    movzx eax, byte ptr [rdi]
    movzx ecx, byte ptr [rsi]
    sub eax, ecx
    jne .Lcompare_done
    sub edx, 1
    jz .Lcompare_done
    movzx eax, byte ptr [rdi + 1]
    movzx ecx, byte ptr [rsi + 1]
    sub eax, ecx
    jne .Lcompare_done
    sub edx, 1
    jz .Lcompare_done
    movzx eax, byte ptr [rdi + 2]
    movzx ecx, byte ptr [rsi + 2]
    sub eax, ecx
.Lcompare_done:
    ret

# Blocks from r8 = 0 on, then the last block, which may overlap the one before.
.p2align 4
.Lcompare_above_64:
    xor r8d, r8d
    cmp byte ptr [rip + {has_wide}], 0
    je .Lcompare_narrow
    cmp rdx, 128
    ja .Lcompare_wide
    compare_128 0, 32, rdx-64, rdx-32
    jne .Lcompare_wide_differs
.Lcompare_wide_equal:
    xor eax, eax
    vzeroupper
    ret

.Lcompare_wide:
    lea r9, [rdx - 128]
.p2align 4
.Lcompare_wide_loop:
    compare_128 r8, r8+32, r8+64, r8+96
    jne .Lcompare_wide_differs
    add r8, 128
    cmp r8, r9
    jb .Lcompare_wide_loop
    cmp r8, rdx
    jae .Lcompare_wide_equal
    mov r8, r9
    jmp .Lcompare_wide_loop

.Lcompare_narrow:
    lea r9, [rdx - 64]
.p2align 4
.Lcompare_narrow_loop:
    compare_64 r8, r8+16, r8+32, r8+48
    jne .Lcompare_scan
    add r8, 64
    cmp r8, r9
    jb .Lcompare_narrow_loop
    cmp r8, rdx
    jae .Lcompare_done
    mov r8, r9
    jmp .Lcompare_narrow_loop

# Something differs between r8 and the end (unless another thread has just changed it).
.Lcompare_wide_differs:
    vzeroupper
.Lcompare_scan:
    lea r9, [rdx - 16]
.Lcompare_scan_loop:
    compare_16 r8
    jne .Lcompare_found
    add r8, 16
    cmp r8, r9
    jbe .Lcompare_scan_loop
    mov r8, r9
    compare_16 r8
    jne .Lcompare_found
    ret
.size program_memcmp, . - program_memcmp
.popsection
