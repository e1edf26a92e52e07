//! Door 1: from a C call on the program's stack to a typed handler on the thread's kernel stack.

use core::arch::naked_asm;

use abi::errno::Errno;
use abi::reg::{FromReg, ToRet};
use kernel::arch::{self, CURRENT_TASK, KERNEL_STACK_TOP};
use kernel::syscall::{Ctx, Door, call, is_traced};
use kernel::task::{self, INTERRUPTED};

use crate::errno;

/// The way in of every direct call: eax has the call's number, r10 the function on the other side, the argument registers what C put there.
///
/// The function runs on the kernel stack, above the number and the six argument words, and answers a value or minus an errno. Then
/// the thread's signals are seen to, and errors become C's. A function that needs no more than registers costs nothing else.
///
/// A direct call leaves no registers behind that a handler's frame could hold, so what signals want goes through the `syscall` instruction: an
/// interrupted call is made again there and answers, restarts or fails as on Linux; after any other one a harmless call lets the handlers
/// run. Interrupts are off from the kernel stack to the first of these: the end of an interrupt would let the handler run before the call is
/// made again, which would find no signal then and wait for ever. The instruction turns them on.
#[unsafe(naked)]
pub(crate) extern "C" fn through() {
    const GETPID: u32 = 39;
    naked_asm!(
        "mov r11, rsp",
        "mov rsp, gs:[{top}]",
        "push r11",
        "push r9", "push r8", "push rcx", "push rdx", "push rsi", "push rdi", "push rax",
        "call r10",
        "mov rcx, gs:[{current}]",
        "cmp byte ptr [rcx + {interrupted}], 0",
        "jne 2f",
        "mov rsp, [rsp + 56]",
        "4: cmp rax, -4095",
        "jae 3f",
        "ret",
        "2: cmp rax, -{eintr}",
        "jne 5f",
        "pop rax", "pop rdi", "pop rsi", "pop rdx", "pop r10", "pop r8", "pop r9",
        "cli",
        "pop rsp",
        "syscall",
        "jmp 4b",
        "5: mov rsp, [rsp + 56]",
        "push rax",
        "mov eax, {getpid}",
        "syscall",
        "pop rax",
        "jmp 4b",
        "3: mov rdi, rax",
        "jmp {failed}",
        top = const KERNEL_STACK_TOP,
        current = const CURRENT_TASK,
        interrupted = const INTERRUPTED,
        eintr = const Errno::EINTR.raw(),
        getpid = const GETPID,
        failed = sym errno::failed,
    )
}

/// Runs `handler`, which serves system call `number`, with the caller's context and encodes its answer. When every call is logged it goes
/// the way that logs, with the argument words that `words` tells.
#[inline]
pub(crate) fn with_context<R: ToRet>(
    number: u64,
    words: impl FnOnce() -> [u64; 6],
    handler: impl FnOnce(&Ctx<'_>) -> Result<R, Errno>,
) -> i64 {
    let task = task::current();
    let cx = Ctx::new(&task, Door::Direct);
    if is_traced() {
        return traced(&cx, number, words());
    }
    handler(&cx).to_ret() as i64
}

#[cold]
#[inline(never)]
fn traced(cx: &Ctx<'_>, number: u64, words: [u64; 6]) -> i64 {
    call(cx, number, &words) as i64
}

/// Calls `function`, which is no system call, on the kernel stack with up to five argument words.
pub(crate) fn enter(function: extern "C" fn(u64, u64, u64, u64, u64) -> i64, words: [u64; 5]) -> i64 {
    let [a, b, c, d, e] = words;
    arch::on_kernel_stack(a, b, c, d, e, function)
}

/// Defines a libc function that enters the kernel directly.
///
/// ```ignore
/// direct! { fn close(fd: c_int) -> c_int = 3 => io::sys_close; }
/// ```
/// Number and handler are those of the call's row in `abi::table`; the arguments become the handler's as they do there. The signature is compared with the `libc` crate's at compile time (see `check`).
macro_rules! direct {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $number:literal => $family:ident :: $handler:ident;
    )*) => { $(
        mod $name {
            use super::*;
            pub(super) extern "C" fn inside($($arg: $ty),*) -> i64 {
                $crate::door::with_context(
                    $number,
                    || $crate::door::pack!([$($arg),*]),
                    |cx| $family::$handler(cx $(, $crate::door::argument($arg)?)*),
                )
            }
        }
        $(#[$meta])*
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name($(_: $ty),*) -> $ret {
            core::arch::naked_asm!(
                "mov eax, {number}",
                "lea r10, [rip + {inside}]",
                "jmp {through}",
                number = const $number,
                inside = sym $name::inside,
                through = sym $crate::door::through,
            )
        }
    )* };
}
pub(crate) use direct;

/// A C argument as the handler's.
///
/// # Errors
/// What [`FromReg`] says.
#[inline]
pub(crate) fn argument<T: FromReg>(word: impl Word) -> Result<T, Errno> {
    T::from_reg(word.to_word())
}

/// Arguments as six words, in order.
macro_rules! pack {
    ([$($arg:ident),*]) => {{
        let given: &[u64] = &[$($crate::door::Word::to_word($arg)),*];
        let mut words = [0u64; 6];
        words[..given.len()].copy_from_slice(given);
        words
    }};
}
pub(crate) use pack;

/// A C argument as the register word that carries it.
pub(crate) trait Word {
    fn to_word(self) -> u64;
}

macro_rules! word {
    ($($ty:ty),*) => { $(
        impl Word for $ty {
            fn to_word(self) -> u64 {
                // A register holds the value with its sign.
                (self as i64).cast_unsigned()
            }
        }
    )* };
}
word!(i32, u32, i64, usize);

impl<T> Word for *const T {
    fn to_word(self) -> u64 {
        self.expose_provenance() as u64
    }
}

impl<T> Word for *mut T {
    fn to_word(self) -> u64 {
        self.expose_provenance() as u64
    }
}
