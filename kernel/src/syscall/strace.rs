//! `strace` on the command line: each call, its argument words and its answer, in the kernel log. Names come from the table.

use core::fmt;

use abi::errno::Errno;

use super::{Ctx, dispatch};

/// Makes [`describe`] from the table: only the names are kept in the image, not what the documentation says.
macro_rules! define_describe {
    ($(
        $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
        [$level:ident $($note:literal $(, $errno:ident)?)?];
    )*) => {
        /// Name and number of arguments of a system call.
        fn describe(number: u64) -> (&'static str, usize) {
            match number {
                $($number => (stringify!($name), 0 $($(+ { stringify!($arg); 1 })*)?),)*
                _ => ("?", 6),
            }
        }
    };
}
abi::for_each_syscall!(define_describe);

/// Argument words, as hexadecimal numbers.
struct Words<'a>(&'a [u64]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{word:#x}")?;
        }
        Ok(())
    }
}

/// Runs the call and logs it.
pub(super) fn traced(cx: &Ctx<'_>, number: u64, words: [u64; 6]) -> isize {
    let (name, count) = describe(number);
    let answer = dispatch(cx, number, words);
    let (tid, shown) = (cx.task().tid, Words(&words[..count.min(6)]));
    let errno = i32::try_from(answer)
        .ok()
        .filter(|answer| (-4095..0).contains(answer))
        .and_then(|e| Errno::from_raw(-e));
    match errno {
        Some(errno) => log::info!(target: "strace", "[{tid}] {name}({shown}) = -1 {errno}"),
        None => log::info!(target: "strace", "[{tid}] {name}({shown}) = {answer:#x}"),
    }
    answer
}
