//! Door 1: from a C call on the program's stack to a typed handler on the thread's kernel stack.

use core::arch::asm;
use core::sync::atomic::Ordering;

use abi::errno::Errno;
use abi::reg::ToRet;
use kernel::arch;
use kernel::syscall::{Ctx, Door, call, is_traced};
use kernel::task;

/// Runs `handler`, which serves system call `number`, with the caller's context and encodes its answer. When every call is logged it goes
/// the way that logs.
pub(crate) fn with_context<R: ToRet>(
    number: u64,
    [a, b, c, d, e]: [u64; 5],
    handler: impl FnOnce(&Ctx<'_>) -> Result<R, Errno>,
) -> i64 {
    let task = task::current();
    let cx = Ctx::new(&task, Door::Direct);
    if is_traced() {
        return call(&cx, number, [a, b, c, d, e, 0]) as i64;
    }
    handler(&cx).to_ret() as i64
}

/// What a direct call answered, once the thread's signals are seen to.
///
/// A direct call leaves no registers behind that a handler's frame could hold, so what signals want goes through the `syscall` door: an
/// interrupted call is made again there and answers, restarts or fails as on Linux; after any other one a harmless call lets
/// the handlers run.
pub(crate) fn finish(number: u64, words: [u64; 6], answer: i64) -> i64 {
    const GETPID: u64 = 39;
    if !task::current().interrupted.load(Ordering::Relaxed) {
        return answer;
    }
    if answer == -i64::from(Errno::EINTR.raw()) {
        return through_syscall(number, words);
    }
    through_syscall(GETPID, [0; 6]);
    answer
}

fn through_syscall(number: u64, [a, b, c, d, e, f]: [u64; 6]) -> i64 {
    let answer;
    #[expect(unsafe_code, reason = "the other door is an instruction")]
    // SAFETY: the call that the program asked for, with its arguments; the instruction changes rax, rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inout("rax") number => answer, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            out("rcx") _, out("r11") _,
        )
    };
    answer
}

/// Calls `function` on the kernel stack with up to five argument words.
pub(crate) fn enter(function: extern "C" fn(u64, u64, u64, u64, u64) -> i64, words: [u64; 5]) -> i64 {
    let [a, b, c, d, e] = words;
    arch::on_kernel_stack(a, b, c, d, e, function)
}

/// Defines a libc function that enters the kernel directly.
///
/// ```ignore
/// direct! { fn getpid() -> c_int = 39, |cx| task::sys_getpid(cx); }
/// ```
/// The number is the call's in `abi::table`.
/// The signature is compared with the `libc` crate's at compile time (see `check`).
macro_rules! direct {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $number:literal, |$cx:ident| $body:expr;
    )*) => { $(
        $(#[$meta])*
        #[expect(unsafe_code, reason = "the symbol is the interface")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: $ty),*) -> $ret {
            extern "C" fn inside(a: u64, b: u64, c: u64, d: u64, e: u64) -> i64 {
                let words = [a, b, c, d, e];
                $crate::door::unpack!(words, 0, $($arg: $ty),*);
                $crate::door::with_context($number, words, |$cx| $body)
            }
            let words = $crate::door::pack!([$($arg),*]);
            let [a, b, c, d, e] = words;
            let answer = $crate::door::enter(inside, words);
            $crate::errno::ret($crate::door::finish($number, [a, b, c, d, e, 0], answer)) as $ret
        }
    )* };
}
pub(crate) use direct;

/// Arguments as five words, in order.
macro_rules! pack {
    ([$($arg:ident),*]) => {{
        let given: &[u64] = &[$($crate::door::Word::to_word($arg)),*];
        let mut words = [0u64; 5];
        words[..given.len()].copy_from_slice(given);
        words
    }};
}
pub(crate) use pack;

/// Binds arguments from words, in order.
macro_rules! unpack {
    ($words:ident, $index:expr,) => {};
    ($words:ident, $index:expr, $arg:ident: $ty:ty $(, $rest:ident: $rest_ty:ty)*) => {
        let $arg: $ty = $crate::door::Word::from_word($words[$index]);
        $crate::door::unpack!($words, $index + 1, $($rest: $rest_ty),*);
    };
}
pub(crate) use unpack;

/// A C argument as the register word that carries it.
pub(crate) trait Word {
    fn to_word(self) -> u64;
    fn from_word(word: u64) -> Self;
}

macro_rules! word {
    ($($ty:ty),*) => { $(
        impl Word for $ty {
            fn to_word(self) -> u64 {
                // A register holds the value with its sign.
                (self as i64).cast_unsigned()
            }
            fn from_word(word: u64) -> Self {
                word as Self
            }
        }
    )* };
}
word!(i32, i64, usize);

impl<T> Word for *const T {
    fn to_word(self) -> u64 {
        self.expose_provenance() as u64
    }
    fn from_word(word: u64) -> Self {
        core::ptr::with_exposed_provenance(word as usize)
    }
}

impl<T> Word for *mut T {
    fn to_word(self) -> u64 {
        self.expose_provenance() as u64
    }
    fn from_word(word: u64) -> Self {
        core::ptr::with_exposed_provenance_mut(word as usize)
    }
}
