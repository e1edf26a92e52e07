//! `strace` on the command line: each call, its argument words and its answer, in the kernel log. Names come from the table.

use core::fmt;

use abi::errno::Errno;

use super::{Ctx, NUMBERS, dispatch};

/// Makes [`SHOWN`] from the table: only the names are kept in the image, not what the documentation says.
macro_rules! define_shown {
    ($(
        $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
        [$level:ident $($note:literal $(, $errno:ident)?)?];
    )*) => {
        /// Names and numbers of arguments of the system calls, by number.
        const SHOWN: [(&str, u8); NUMBERS] = {
            let mut shown = [UNKNOWN; NUMBERS];
            $(shown[$number] = (stringify!($name), 0 $($(+ { stringify!($arg); 1 })*)?);)*
            shown
        };
    };
}
abi::for_each_syscall!(define_shown);

/// A number without a row: who knows how many arguments it was meant to have.
const UNKNOWN: (&str, u8) = ("?", 6);

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
#[cold]
#[inline(never)]
pub(super) fn traced(cx: &Ctx<'_>, number: u64, words: &[u64; 6]) -> isize {
    let shown = usize::try_from(number).ok().and_then(|number| SHOWN.get(number));
    let &(name, count) = shown.unwrap_or(&UNKNOWN);
    let answer = dispatch(cx, number, words);
    let (tid, shown) = (cx.task().tid, Words(&words[..usize::from(count)]));
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
