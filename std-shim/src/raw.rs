//! `long syscall(long number, ...)`: std's futex calls and rustix's raw calls come this way (syscall(2)).
#![expect(unsafe_code, reason = "the symbol is the interface; the arguments come as C varargs")]

use core::arch::naked_asm;

use kernel::syscall::{Ctx, Door, call};
use kernel::task;

use crate::door;

/// Each word goes one register down, to where a call by its number has them; the seventh lies above the return address.
///
/// A variadic C function receives its arguments like any other; a call with fewer leaves garbage in the rest, which dispatch never looks at.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn syscall() -> i64 {
    naked_asm!(
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov rcx, r8",
        "mov r8, r9",
        "mov r9, [rsp + 8]",
        "lea r10, [rip + {inside}]",
        "jmp {through}",
        inside = sym inside,
        through = sym door::through,
    )
}

/// The number and the argument words lie where the door left them: above the return address.
#[unsafe(naked)]
extern "C" fn inside() {
    naked_asm!("lea rdi, [rsp + 8]", "jmp {by_number}", by_number = sym by_number)
}

extern "C" fn by_number(words: &[u64; 7]) -> i64 {
    let [number, arguments @ ..] = words;
    let task = task::current();
    call(&Ctx::new(&task, Door::Direct), *number, arguments) as i64
}
