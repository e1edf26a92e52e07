//! `long syscall(long number, ...)`: std's futex calls and rustix's raw calls come this way (syscall(2)).
#![expect(unsafe_code, reason = "the symbol is the interface; the arguments come as C varargs")]

use core::arch::naked_asm;

use kernel::syscall::call;

use crate::{door, errno};

/// Seven words in C's argument registers and on the stack → the number and six argument words.
///
/// A variadic C function receives its arguments like any other; a call with fewer leaves garbage in the rest, which dispatch never looks at.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn syscall() -> i64 {
    naked_asm!(
        // The seventh word lies above the return address.
        "mov rax, [rsp + 8]",
        "push rax",
        "push r9",
        "push r8",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "mov rdi, rsp",
        "call {inside}",
        "add rsp, 56",
        "ret",
        inside = sym inside,
    )
}

extern "C" fn inside(words: &[u64; 7]) -> i64 {
    extern "C" fn on_kernel_stack(words: u64, _: u64, _: u64, _: u64, _: u64) -> i64 {
        // SAFETY: the address of `words` below, which outlives this call.
        let [number, arguments @ ..] = unsafe { *(words as *const [u64; 7]) };
        let task = kernel::task::current();
        let cx = kernel::syscall::Ctx::new(&task, kernel::syscall::Door::Direct);
        call(&cx, number, arguments) as i64
    }
    let address = core::ptr::from_ref(words).expose_provenance() as u64;
    let answer = door::enter(on_kernel_stack, [address, 0, 0, 0, 0]);
    let [number, arguments @ ..] = *words;
    errno::ret(door::finish(number, arguments, answer))
}
