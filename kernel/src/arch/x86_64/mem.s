# memcpy(3) and its relatives, in Intel syntax. Vector registers are borrowed for long copies only, and given back as they were. Whoever includes this file says with the macro `memory_function`
# what symbol a name becomes: the kernel's own in mem.rs, others in kernel/tests/mem.rs.
#
# Short lengths are whole words that may overlap, with no loop and no alignment; longer ones go 32 bytes at a time, long ones are string
# instructions, or 256 bytes at a time where there are registers for it.

# memmove(to = rdi, from = rsi, length = rdx): everything up to 32 bytes is loaded before anything is stored.
memory_function memmove
    mov rax, rdi
    sub rax, rsi
    cmp rax, rdx
    jb 20f

memory_function memcpy
    mov rax, rdi
    cmp rdx, 16
    jb 13f
18:
    cmp rdx, 32
    ja 16f
    mov rcx, [rsi]
    mov r8, [rsi + 8]
    mov r9, [rsi + rdx - 16]
    mov r10, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + 8], r8
    mov [rdi + rdx - 16], r9
    mov [rdi + rdx - 8], r10
    ret
13:
    cmp edx, 8
    jb 14f
    mov rcx, [rsi]
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret
14:
    cmp edx, 4
    jb 15f
    mov ecx, [rsi]
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret
15:
    test edx, edx
    jz 12f
    mov r9d, edx
    shr r9d, 1
    mov cl, [rsi]
    mov r8b, [rsi + r9]
    mov r10b, [rsi + rdx - 1]
    mov [rdi], cl
    mov [rdi + r9], r8b
    mov [rdi + rdx - 1], r10b
12:
    ret

# More than 32 bytes, `to` not within `from`: forward. The last bytes may overlap what was copied before them; they were read first.
16:
    cmp rdx, 256
    jae 19f
    mov r8, [rsi + rdx - 32]
    mov r9, [rsi + rdx - 24]
    mov r10, [rsi + rdx - 16]
    mov r11, [rsi + rdx - 8]
    lea rdx, [rdi + rdx - 32]
    push rax
17:
    mov rax, [rsi]
    mov rcx, [rsi + 8]
    mov [rdi], rax
    mov [rdi + 8], rcx
    mov rax, [rsi + 16]
    mov rcx, [rsi + 24]
    mov [rdi + 16], rax
    mov [rdi + 24], rcx
    add rsi, 32
    add rdi, 32
    cmp rdi, rdx
    jb 17b
    mov [rdx], r8
    mov [rdx + 8], r9
    mov [rdx + 16], r10
    mov [rdx + 24], r11
    pop rax
    ret
19:
    cmp rdx, 512
    jb 22f
    cmp byte ptr [rip + {has_wide}], 0
    jne 24f
22:
    mov r8, [rsi + rdx - 8]
    lea r9, [rdi + rdx - 8]
    lea rcx, [rdx - 1]
    shr rcx, 3
    rep movsq
    mov [r9], r8
    ret

# rcx counts up to zero: minus the bytes of whole blocks that are left. Then rdx does: minus the bytes of the rest, without the last 32, which may overlap what
# was copied before them and were read first.
24:
    mov r8, [rsi + rdx - 32]
    mov r9, [rsi + rdx - 24]
    mov r10, [rsi + rdx - 16]
    mov r11, [rsi + rdx - 8]
    sub rsp, 128
    vmovdqu [rsp], ymm0
    vmovdqu [rsp + 32], ymm1
    vmovdqu [rsp + 64], ymm2
    vmovdqu [rsp + 96], ymm3
    mov rcx, rdx
    and rcx, -256
    add rsi, rcx
    add rdi, rcx
    sub rdx, rcx
    neg rcx
25:
    vmovdqu ymm0, [rsi + rcx]
    vmovdqu ymm1, [rsi + rcx + 32]
    vmovdqu ymm2, [rsi + rcx + 64]
    vmovdqu ymm3, [rsi + rcx + 96]
    vmovdqu [rdi + rcx], ymm0
    vmovdqu [rdi + rcx + 32], ymm1
    vmovdqu [rdi + rcx + 64], ymm2
    vmovdqu [rdi + rcx + 96], ymm3
    vmovdqu ymm0, [rsi + rcx + 128]
    vmovdqu ymm1, [rsi + rcx + 160]
    vmovdqu ymm2, [rsi + rcx + 192]
    vmovdqu ymm3, [rsi + rcx + 224]
    vmovdqu [rdi + rcx + 128], ymm0
    vmovdqu [rdi + rcx + 160], ymm1
    vmovdqu [rdi + rcx + 192], ymm2
    vmovdqu [rdi + rcx + 224], ymm3
    add rcx, 256
    jnz 25b
    sub rdx, 32
    lea rdi, [rdi + rdx]
    jle 27f
    add rsi, rdx
    neg rdx
26:
    vmovdqu ymm0, [rsi + rdx]
    vmovdqu [rdi + rdx], ymm0
    add rdx, 32
    jl 26b
27:
    mov [rdi], r8
    mov [rdi + 8], r9
    mov [rdi + 16], r10
    mov [rdi + 24], r11
    vmovdqu ymm0, [rsp]
    vmovdqu ymm1, [rsp + 32]
    vmovdqu ymm2, [rsp + 64]
    vmovdqu ymm3, [rsp + 96]
    add rsp, 128
    ret

# `to` lies within `from`: backward, and the first bytes last.
20:
    mov rax, rdi
    cmp rdx, 16
    jb 13b
    cmp rdx, 32
    jbe 18b
    mov r8, [rsi]
    mov r9, [rsi + 8]
    mov r10, [rsi + 16]
    mov r11, [rsi + 24]
21:
    mov rax, [rsi + rdx - 8]
    mov rcx, [rsi + rdx - 16]
    mov [rdi + rdx - 8], rax
    mov [rdi + rdx - 16], rcx
    mov rax, [rsi + rdx - 24]
    mov rcx, [rsi + rdx - 32]
    mov [rdi + rdx - 24], rax
    mov [rdi + rdx - 32], rcx
    sub rdx, 32
    cmp rdx, 32
    ja 21b
    mov [rdi], r8
    mov [rdi + 8], r9
    mov [rdi + 16], r10
    mov [rdi + 24], r11
    mov rax, rdi
    ret

# memset(to = rdi, byte = esi, length = rdx)
memory_function memset
    mov r8, rdi
    movzx eax, sil
    mov rcx, 0x0101010101010101
    imul rax, rcx
    cmp rdx, 8
    jb 31f
    mov [rdi + rdx - 8], rax
    lea rcx, [rdx - 1]
    shr rcx, 3
    cmp rdx, 128
    jae 30f
    test ecx, ecx
    jz 35f
32:
    mov [rdi + rcx * 8 - 8], rax
    dec ecx
    jnz 32b
35:
    mov rax, r8
    ret
30:
    rep stosq
    mov rax, r8
    ret
31:
    test edx, edx
    jz 34f
33:
    mov [rdi + rdx - 1], al
    dec edx
    jnz 33b
34:
    mov rax, r8
    ret

# memcmp(one = rdi, other = rsi, length = rdx): the first word that differs, compared as a number in memory order.
memory_function memcmp
memory_function bcmp
    cmp rdx, 8
    jb 43f
41:
    mov rax, [rdi]
    mov rcx, [rsi]
    cmp rax, rcx
    jne 42f
    add rdi, 8
    add rsi, 8
    sub rdx, 8
    cmp rdx, 8
    jae 41b
43:
    test edx, edx
    jz 44f
45:
    movzx eax, byte ptr [rdi]
    movzx ecx, byte ptr [rsi]
    sub eax, ecx
    jne 46f
    inc rdi
    inc rsi
    dec edx
    jnz 45b
44:
    xor eax, eax
46:
    ret
42:
    bswap rax
    bswap rcx
    cmp rax, rcx
    sbb eax, eax
    or eax, 1
    ret
