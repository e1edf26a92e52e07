# strlen(string = rdi) and memchr(bytes = rdi, byte = esi, length = rdx). Where the search ends is not known before: a length that reaches
# beyond the object is allowed if the byte comes before. So aligned blocks of 16 bytes are read in order. A block lies in one page, and each holds
# a byte that must be looked at.

.pushsection .shimtext.memory, "ax", @progbits
.p2align 6
.globl program_strlen
.type program_strlen, @function
program_strlen:
    mov rax, rdi
    and rax, -16
    pxor xmm0, xmm0
    pcmpeqb xmm0, [rax]
    pmovmskb edx, xmm0
    mov ecx, edi
    and ecx, 15
    shr edx, cl
    test edx, edx
    jz .Lstrlen_longer
    bsf eax, edx
    ret
.Lstrlen_longer:
    pxor xmm0, xmm0
.p2align 4
.Lstrlen_loop:
    add rax, 16
    pcmpeqb xmm0, [rax]
    pmovmskb edx, xmm0
    test edx, edx
    jz .Lstrlen_loop
    bsf edx, edx
    add rax, rdx
    sub rax, rdi
    ret
.size program_strlen, . - program_strlen

.p2align 6
.globl program_memchr
.type program_memchr, @function
program_memchr:
    test rdx, rdx
    jz .Lmemchr_nothing
    movd xmm0, esi
    punpcklbw xmm0, xmm0
    pshuflw xmm0, xmm0, 0
    punpcklqdq xmm0, xmm0
    mov rax, rdi
    and rax, -16
    movaps xmm1, [rax]
    pcmpeqb xmm1, xmm0
    pmovmskb r8d, xmm1
    mov ecx, edi
    and ecx, 15
    shr r8d, cl
    test r8d, r8d
    jz .Lmemchr_longer
    bsf eax, r8d
    cmp rax, rdx
    jae .Lmemchr_nothing
    add rax, rdi
    ret
# rdx becomes what is left behind the first block.
.Lmemchr_longer:
    sub rcx, 16
    add rdx, rcx
    jnc .Lmemchr_nothing
    jz .Lmemchr_nothing
.p2align 4
.Lmemchr_loop:
    add rax, 16
    movaps xmm1, [rax]
    pcmpeqb xmm1, xmm0
    pmovmskb r8d, xmm1
    test r8d, r8d
    jnz .Lmemchr_found
    sub rdx, 16
    ja .Lmemchr_loop
.Lmemchr_nothing:
    xor eax, eax
    ret
.Lmemchr_found:
    bsf ecx, r8d
    cmp rcx, rdx
    jae .Lmemchr_nothing
    add rax, rcx
    ret
.size program_memchr, . - program_memchr
.popsection
