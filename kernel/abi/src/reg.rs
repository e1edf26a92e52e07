//! Register words to typed arguments ([`FromReg`]) and results back to a register word ([`ToRet`]).
//!
//! A system call brings six 64-bit words and takes one home. Here each word gets the meaning its C prototype gives it, so
//! that no handler ever casts. Linux declares most arguments `int` or `unsigned int` and then looks at the low 32 bits
//! only, whatever the caller left in the high half; `i32` and `u32` do the same here.
//!
//! Not here: flag words and structures (see the module of their family) and any access to program memory.

use core::fmt;
use core::marker::PhantomData;

use crate::errno::Errno;

/// A typed argument made of one register word.
pub trait FromReg: Sized {
    /// Reads the argument, or says what Linux answers to a word that makes no sense.
    ///
    /// # Errors
    /// Usually [`Errno::EINVAL`]; each implementation says so.
    fn from_reg(word: u64) -> Result<Self, Errno>;
}

/// An argument whose check comes late: Linux looks at earlier arguments first.
///
/// `lseek(-1, 0, 99)` is `EBADF`, not `EINVAL`: `whence: Late<Whence>` lets the handler look up the file and then say
/// `whence?`.
pub type Late<T> = Result<T, Errno>;

impl<T: FromReg> FromReg for Late<T> {
    /// Never fails; the error, if any, is the argument.
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(T::from_reg(word))
    }
}

/// The low half of a word, all that Linux reads of an `unsigned int` argument.
const fn low_half(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const _: () = assert!(size_of::<usize>() == size_of::<u64>(), "the contract is that of a 64-bit machine");

impl FromReg for u64 {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(word)
    }
}

impl FromReg for i64 {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(word.cast_signed())
    }
}

impl FromReg for usize {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(Self::from_le_bytes(word.to_le_bytes()))
    }
}

impl FromReg for isize {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(Self::from_le_bytes(word.to_le_bytes()))
    }
}

impl FromReg for u32 {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(low_half(word))
    }
}

impl FromReg for i32 {
    fn from_reg(word: u64) -> Result<Self, Errno> {
        Ok(low_half(word).cast_signed())
    }
}

/// The six argument words of one call, taken in order: `let fd: Fd = args.take()?;`.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    words: &'a [u64; 6],
    taken: usize,
}

impl<'a> Args<'a> {
    /// The words of rdi, rsi, rdx, r10, r8, r9, in this order.
    #[must_use]
    pub const fn new(words: &'a [u64; 6]) -> Self {
        Self { words, taken: 0 }
    }

    /// The next argument.
    ///
    /// # Errors
    /// What [`FromReg`] of the type says; [`Errno::EINVAL`] for a seventh argument, which no call has.
    #[inline]
    pub fn take<T: FromReg>(&mut self) -> Result<T, Errno> {
        let word = self.words.get(self.taken).copied().ok_or(Errno::EINVAL)?;
        self.taken += 1;
        T::from_reg(word)
    }
}

/// A result that goes home in rax.
pub trait ToRet {
    /// The word for rax: a value, or minus the error number.
    fn to_ret(self) -> isize;
}

impl<T: ToRet> ToRet for Result<T, Errno> {
    /// Dispatch is the only caller: everywhere else an error stays an [`Errno`].
    fn to_ret(self) -> isize {
        match self {
            Ok(value) => value.to_ret(),
            Err(errno) => -errno.raw().to_ret(),
        }
    }
}

impl ToRet for () {
    fn to_ret(self) -> isize {
        0
    }
}

impl ToRet for core::convert::Infallible {
    /// Calls that do not come back have no result.
    fn to_ret(self) -> isize {
        match self {}
    }
}

impl ToRet for usize {
    fn to_ret(self) -> isize {
        self.cast_signed()
    }
}

impl ToRet for isize {
    fn to_ret(self) -> isize {
        self
    }
}

impl ToRet for u64 {
    fn to_ret(self) -> isize {
        isize::from_le_bytes(self.to_le_bytes())
    }
}

impl ToRet for i64 {
    fn to_ret(self) -> isize {
        self.cast_unsigned().to_ret()
    }
}

impl ToRet for u32 {
    fn to_ret(self) -> isize {
        u64::from(self).to_ret()
    }
}

impl ToRet for i32 {
    fn to_ret(self) -> isize {
        i64::from(self).to_ret()
    }
}

/// Defines number newtypes that keep whatever the caller passed, e.g.
/// `number! { /// A thread. Tid: i32; }`.
macro_rules! number {
    ($($(#[$doc:meta])* $name:ident: $inner:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $crate::reg::FromReg for $name {
            /// Never fails; what the number names is looked up by the handler.
            fn from_reg(word: u64) -> Result<Self, $crate::errno::Errno> {
                <$inner as $crate::reg::FromReg>::from_reg(word).map(Self)
            }
        }

        impl $crate::reg::ToRet for $name {
            fn to_ret(self) -> isize {
                $crate::reg::ToRet::to_ret(self.0)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

number! {
    /// A file descriptor. Negative ones are never open: using one is `EBADF`.
    Fd: i32;
    /// The directory a relative path starts at: a file descriptor or [`DirFd::CWD`].
    DirFd: i32;
    /// A process id, or what kill(2) and its relatives mean by 0, -1 and below.
    Pid: i32;
    /// A thread id; that of the first thread is the process id.
    Tid: i32;
    /// A user id.
    Uid: u32;
    /// A group id.
    Gid: u32;
}

impl Fd {
    /// Where it stands in the descriptor table; `None` if it is negative.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

impl DirFd {
    /// `AT_FDCWD`: the current working directory.
    pub const CWD: Self = Self(-100);

    /// The file descriptor; `None` for the current working directory.
    #[must_use]
    pub fn fd(self) -> Option<Fd> {
        (self != Self::CWD).then_some(Fd(self.0))
    }
}

impl Uid {
    /// The superuser.
    pub const ROOT: Self = Self(0);

    /// The id, unless it is -1: chown(2) and the setuid family mean "leave it as it is" by that.
    #[must_use]
    pub fn given(self) -> Option<Self> {
        (self.0 != u32::MAX).then_some(self)
    }
}

impl Gid {
    /// The superuser's group.
    pub const ROOT: Self = Self(0);

    /// The id, unless it is -1: chown(2) and the setgid family mean "leave it as it is" by that.
    #[must_use]
    pub fn given(self) -> Option<Self> {
        (self.0 != u32::MAX).then_some(self)
    }
}

/// An address in the program's memory where the caller claims a `T` (or several) to be.
///
/// A number, not a pointer: it may be null, misaligned or unmapped. Only the kernel's user-memory module turns it into an
/// access, and answers `EFAULT` if the claim was wrong.
pub struct UserPtr<T> {
    addr: usize,
    claim: PhantomData<fn() -> T>,
}

impl<T> UserPtr<T> {
    /// The null pointer.
    pub const NULL: Self = Self::new(0);

    /// A claim about this address.
    #[must_use]
    pub const fn new(addr: usize) -> Self {
        Self { addr, claim: PhantomData }
    }

    /// The address.
    #[must_use]
    pub const fn addr(self) -> usize {
        self.addr
    }

    /// Is it null?
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.addr == 0
    }

    /// Itself, unless it is null: for arguments that may be left out.
    #[must_use]
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// The same address with another claim.
    #[must_use]
    pub const fn cast<U>(self) -> UserPtr<U> {
        UserPtr::new(self.addr)
    }

    /// The address `count` elements further on.
    ///
    /// # Errors
    /// [`Errno::EFAULT`] if that lies beyond the end of the address space.
    pub fn offset(self, count: usize) -> Result<Self, Errno> {
        let bytes = count.checked_mul(size_of::<T>()).ok_or(Errno::EFAULT)?;
        self.byte_offset(bytes)
    }

    /// The address `bytes` bytes further on.
    ///
    /// # Errors
    /// [`Errno::EFAULT`] if that lies beyond the end of the address space.
    pub fn byte_offset(self, bytes: usize) -> Result<Self, Errno> {
        self.addr.checked_add(bytes).map(Self::new).ok_or(Errno::EFAULT)
    }
}

// By hand, because deriving would ask the same of `T`.
impl<T> Clone for UserPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for UserPtr<T> {}

impl<T> Default for UserPtr<T> {
    fn default() -> Self {
        Self::NULL
    }
}

impl<T> PartialEq for UserPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.addr == other.addr
    }
}

impl<T> Eq for UserPtr<T> {}

impl<T> fmt::Debug for UserPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() { f.write_str("NULL") } else { write!(f, "{:#x}", self.addr) }
    }
}

impl<T> FromReg for UserPtr<T> {
    /// Never fails; whether the address is good shows when it is used.
    fn from_reg(word: u64) -> Result<Self, Errno> {
        usize::from_reg(word).map(Self::new)
    }
}

impl<T> ToRet for UserPtr<T> {
    fn to_ret(self) -> isize {
        self.addr.to_ret()
    }
}

/// Makes flag types arguments: `reject` answers `EINVAL` to a bit without a name, `retain` keeps it for the handler to
/// judge (or, where Linux does so, to ignore), e.g. `from_reg_flags! { reject PipeFlags; retain OpenFlags; }`.
macro_rules! from_reg_flags {
    ($($policy:ident $name:ident;)*) => {$(
        impl $crate::reg::FromReg for $name {
            #[doc = concat!("Unknown bits: ", stringify!($policy), ".")]
            fn from_reg(word: u64) -> Result<Self, $crate::errno::Errno> {
                let bits = $crate::reg::FromReg::from_reg(word)?;
                $crate::reg::from_reg_flags!(@$policy bits)
            }
        }
    )*};
    (@reject $bits:ident) => { Self::from_bits($bits).ok_or($crate::errno::Errno::EINVAL) };
    (@retain $bits:ident) => { Ok(Self::from_bits_retain($bits)) };
}

/// Defines a choice among numbers; any other number is an error, e.g.
/// `choice! { /// Where lseek counts from. pub enum Whence: u32, else EINVAL { /// The start. Set = 0, } }`.
macro_rules! choice {
    ($(#[$doc:meta])* pub enum $name:ident: $word:ty, else $errno:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The number Linux gave it.
            #[must_use]
            pub const fn raw(self) -> $word {
                match self {
                    $(Self::$variant => $number,)*
                }
            }
        }

        impl TryFrom<$word> for $name {
            type Error = $crate::errno::Errno;

            fn try_from(number: $word) -> Result<Self, $crate::errno::Errno> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    _ => Err($crate::errno::Errno::$errno),
                }
            }
        }

        impl $crate::reg::FromReg for $name {
            #[doc = concat!("Any other number is `", stringify!($errno), "`.")]
            fn from_reg(word: u64) -> Result<Self, $crate::errno::Errno> {
                <$word as $crate::reg::FromReg>::from_reg(word)?.try_into()
            }
        }
    };
}

pub(crate) use {choice, from_reg_flags, number};

#[cfg(test)]
mod tests;
