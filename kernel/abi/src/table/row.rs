//! The rows of the table as data, and how to find one: for documentation, strace and tests.
//!
//! Not here: the rows themselves, and the dispatch that calls handlers.

use core::fmt::{self, Write};

use crate::errno::Errno;
use crate::for_each_syscall;

/// How far a call is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All that the manual page promises to a program of one process.
    Full,
    /// What the note says is missing; whatever is missing answers an error.
    Partial(&'static str),
    /// Always answers this error; the note says why.
    NotSupported(&'static str, Errno),
}

/// One argument as the table spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type, with white space as the compiler likes it.
    pub ty: &'static str,
}

impl fmt::Display for Arg {
    /// As a person would write it: `buf: UserPtr<u8>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        self.ty.chars().filter(|c| !c.is_whitespace()).try_for_each(|c| {
            f.write_char(c)?;
            if c == ';' { f.write_char(' ') } else { Ok(()) }
        })
    }
}

/// One system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number in rax.
    pub number: usize,
    /// The name in the manual.
    pub name: &'static str,
    /// The module of `kernel/src/syscall` that serves it; `"none"` if nothing does.
    pub family: &'static str,
    /// The function in there.
    pub handler: Option<&'static str>,
    /// The arguments; empty where nothing serves the call.
    pub args: &'static [Arg],
    /// How far it is supported.
    pub level: Level,
}

/// All rows, in ascending order of number.
#[must_use]
pub const fn rows() -> &'static [Row] {
    ROWS
}

/// The row of a number; `None` if Linux has no such call.
#[must_use]
pub fn row(number: usize) -> Option<&'static Row> {
    ROWS.binary_search_by_key(&number, |row| row.number).ok().and_then(|index| ROWS.get(index))
}

/// The name of a number; `None` if Linux has no such call.
#[must_use]
pub fn name(number: usize) -> Option<&'static str> {
    row(number).map(|row| row.name)
}

/// Spells a level as a [`Level`].
macro_rules! level {
    (Full) => {
        Level::Full
    };
    (Partial $note:literal) => {
        Level::Partial($note)
    };
    (NotSupported $note:literal, $errno:ident) => {
        Level::NotSupported($note, Errno::$errno)
    };
}

/// Spells the rows as data.
macro_rules! data {
    ($(
        $number:literal $name:ident => $family:ident $(:: $handler:ident ($($arg:ident: $ty:ty),*))?
        [$level:ident $($note:literal $(, $errno:ident)?)?];
    )*) => {
        const ROWS: &[Row] = &[$(
            Row {
                number: $number,
                name: stringify!($name),
                family: stringify!($family),
                handler: data!(@handler $($handler)?),
                args: &[$($(Arg { name: stringify!($arg), ty: stringify!($ty) },)*)?],
                level: level!($level $($note $(, $errno)?)?),
            },
        )*];

        /// The numbers by name: `number::rt_sigreturn` is 15.
        #[expect(non_upper_case_globals, reason = "system calls are spelt as in the manual")]
        pub mod number {
            $(
                #[doc = concat!("The number of ", stringify!($name), "(2).")]
                pub const $name: usize = $number;
            )*
        }
    };
    (@handler $handler:ident) => { Some(stringify!($handler)) };
    (@handler) => { None };
}

for_each_syscall!(data);
