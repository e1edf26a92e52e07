//! `memcpy`, `memmove`, `memset`, `memcmp` and `bcmp` for the kernel's own code (memcpy(3) and its relatives). It has no vector registers of its own; long copies borrow the program's, as
//! [`bulk`](super::bulk) does.
//!
//! The assembly is in mem.s, so that kernel/tests/mem.rs can run it on the host under other names. The symbols are weak: the program has its
//! own.
#![expect(unsafe_code, reason = "the functions are assembly, called by the compiler by name")]

use core::arch::global_asm;

global_asm!(
    ".pushsection .ktext.mem, \"ax\", @progbits",
    ".macro memory_function name",
    ".weak \\name",
    "\\name:",
    ".endm",
    include_str!("mem.s"),
    ".purgem memory_function",
    ".popsection",
    has_wide = sym super::bulk::HAS_WIDE,
);
