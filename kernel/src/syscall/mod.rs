//! The system calls: one table (`abi::table`), one dispatch, one file of handlers per man-page family.
//!
//! ```text
//!  syscall instruction ─▶ on_syscall ─▶ dispatch ─▶ io::sys_read(cx, fd, buf, count) ─▶ logic …
//!  std-shim `read()`   ─▶ on kernel stack ────────▶ io::sys_read(cx, …)
//! ```
//! `-errno` is made here and nowhere else. Handlers never see a register.

mod buffers;
mod context;
pub mod epoll;
pub mod event;
pub mod fs;
pub mod futex;
pub mod io;
pub mod mm;
pub mod net;
pub mod poll;
pub mod signal;
mod strace;
pub mod sys;
pub mod task;
pub mod time;
pub mod timer;

use core::sync::atomic::{AtomicBool, Ordering};

use abi::errno::Errno;
use abi::prelude::*;
use abi::reg::{Args, ToRet};

use crate::arch::{TrapFrame, enter_frame};
use crate::kernel::Kernel;

pub use context::{Ctx, Door};

/// A row of the table as a function: argument words in, the word for rax out.
type Row = fn(&Ctx<'_>, &[u64; 6]) -> isize;

/// A handler's answer as the word for rax.
#[inline]
fn encoded<R: ToRet>(handler: impl FnOnce() -> Result<R, Errno>) -> isize {
    handler().to_ret()
}

/// One row's function: its handler with typed arguments, or the errno of a call that is not there.
macro_rules! row {
    (none [$errno:ident]) => {
        |_, _| Err::<usize, Errno>(Errno::$errno).to_ret()
    };
    ($family:ident :: $handler:ident ($($arg:ident: $ty:ty),*) [$($errno:ident)?]) => {
        |cx, words| {
            let mut _args = Args::new(words);
            encoded(|| {
                $(let $arg: $ty = _args.take()?;)*
                $family::$handler(cx $(, $arg)*)
            })
        }
    };
}

macro_rules! define_dispatch {
    ($(
        $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
        [$level:ident $($note:literal $(, $errno:ident)?)?];
    )*) => {
        /// One more than the last number, which is the highest: the table is in ascending order.
        const NUMBERS: usize = {
            let numbers: &[usize] = &[$($number),*];
            numbers[numbers.len() - 1] + 1
        };

        /// The table by number.
        const ROWS: [Row; NUMBERS] = {
            let mut rows: [Row; NUMBERS] = [row!(none [ENOSYS]); NUMBERS];
            $(rows[$number] = row!($family $(:: $handler ($($arg: $ty),*))? [$($($errno)?)?]);)*
            rows
        };
    };
}
abi::for_each_syscall!(define_dispatch);

/// Runs system call `number` with the argument words `words`; the answer is a value or minus an errno.
fn dispatch(cx: &Ctx<'_>, number: u64, words: &[u64; 6]) -> isize {
    let row = usize::try_from(number).ok().and_then(|number| ROWS.get(number));
    row.map_or(Err::<usize, Errno>(Errno::ENOSYS).to_ret(), |row| row(cx, words))
}

/// The `syscall` door: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9 (syscall(2)).
#[expect(unsafe_code, reason = "linked by name: a door from arch")]
#[unsafe(no_mangle)]
extern "Rust" fn caracal_up_syscall(frame: &mut TrapFrame) {
    let number = frame.rax;
    let task = crate::task::current();
    let cx = Ctx::new(&task, Door::Syscall(frame));
    frame.rax = call(&cx, number, frame.arguments.words()).cast_unsigned() as u64;
    if task.interrupted.load(Ordering::Acquire)
        && crate::signal::attend(&Kernel::get().process, &task, frame, Some(number))
    {
        // SAFETY: the registers of a handler on the program's stack, or of the call again: all are loaded, not only those that a
        // call changes.
        unsafe { enter_frame(frame) }
    }
}

/// Whether every call is logged: std-shim then answers none by itself.
static TRACED: AtomicBool = AtomicBool::new(false);

/// Logs every call from now on (`strace` on the command line).
pub fn trace() {
    TRACED.store(true, Ordering::Relaxed);
    crate::time::read_in_kernel();
}

/// Whether every call is logged.
#[inline]
pub fn is_traced() -> bool {
    TRACED.load(Ordering::Relaxed)
}

/// Runs a system call by its number, and logs it if the command line says `strace`.
pub fn call(cx: &Ctx<'_>, number: u64, words: &[u64; 6]) -> isize {
    if is_traced() { strace::traced(cx, number, words) } else { dispatch(cx, number, words) }
}
