//! `strace` on the command line: each call, its argument words and its answer, in the kernel log. Names come from the table.

use core::fmt;

use abi::errno::Errno;

use super::{Ctx, NUMBERS, dispatch};

/// What a call is shown as: where its name lies in [`NAMES`], and how many arguments it has.
#[derive(Clone, Copy)]
struct Shown {
    start: u16,
    length: u8,
    arguments: u8,
}

impl Shown {
    /// A number without a row: who knows how many arguments it was meant to have.
    const UNKNOWN: Self = Self { start: 0, length: 0, arguments: 6 };

    fn of(number: u64) -> Self {
        let shown = usize::try_from(number).ok().and_then(|number| SHOWN.get(number));
        shown.copied().unwrap_or(Self::UNKNOWN)
    }

    fn name(self) -> &'static str {
        let start = usize::from(self.start);
        NAMES.get(start..start + usize::from(self.length)).filter(|name| !name.is_empty()).unwrap_or("?")
    }
}

/// Makes [`SHOWN`] from the table: of its text only the names are kept in the image, one behind the other.
macro_rules! define_shown {
    ($(
        $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
        [$level:ident $($note:literal $(, $errno:ident)?)?];
    )*) => {
        /// All names in a row.
        const NAMES: &str = concat!($(stringify!($name)),*);

        /// The system calls by number.
        const SHOWN: [Shown; NUMBERS] = {
            let mut shown = [Shown::UNKNOWN; NUMBERS];
            let mut start = 0;
            $(
                let length = stringify!($name).len() as u8;
                shown[$number] = Shown { start, length, arguments: 0 $($(+ { stringify!($arg); 1 })*)? };
                start += length as u16;
            )*
            assert!(start as usize == NAMES.len());
            shown
        };
    };
}
abi::for_each_syscall!(define_shown);

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
    let shown = Shown::of(number);
    let answer = dispatch(cx, number, words);
    let (tid, name) = (cx.task().tid, shown.name());
    let shown = Words(&words[..usize::from(shown.arguments)]);
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
