//! `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp`, `memchr` and `strlen` of the program: memcpy(3) and its relatives, with vector registers.
//!
//! Short lengths matter most: up to 64 bytes there is no loop, only loads and stores that may overlap each other. From 65 bytes on 32-byte
//! registers are used where they are turned on; very long copies are the CPU's own where it is quick at them (`kernel::arch::bulk`
//! knows both). Nothing outside the given ranges is read or written, but for what `memory/find.s` says.
//!
//! These are not for the kernel, whose code has no vector registers and keeps `memcpy` and its relatives of `arch/x86_64/mem.rs`. Here they
//! are called `program_memcpy` and so on; they get C's names when `kernel.o` is made, where the tool also makes sure that nothing in
//! `kernel.o` refers to them (`xtask/src/kernel_object.rs`).
#![expect(unsafe_code, reason = "the functions are assembly, called by the compiler by name")]

use core::arch::global_asm;

use kernel::arch::bulk::{HAS_WIDE, STRINGS_FROM};

global_asm!(include_str!("memory/copy.s"), has_wide = sym HAS_WIDE, strings_from = sym STRINGS_FROM);
global_asm!(include_str!("memory/set.s"), has_wide = sym HAS_WIDE, strings_from = sym STRINGS_FROM);
global_asm!(include_str!("memory/compare.s"), has_wide = sym HAS_WIDE);
global_asm!(include_str!("memory/find.s"));
