//! What the calls ask of flag words: which bits are allowed.
//!
//! Not here: the flags themselves; they stand in the module of their family.

use bitflags::Flags;

use crate::errno::Errno;

/// Refuses bits, as the calls do that check their flags by themselves.
pub trait Only: Sized {
    /// The flags, if there is none outside `allowed`.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] otherwise, unknown bits included.
    fn only(self, allowed: Self) -> Result<Self, Errno>;

    /// The flags, if all of them have names.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] otherwise.
    fn known(self) -> Result<Self, Errno>;
}

impl<F: Flags + Copy> Only for F {
    fn only(self, allowed: Self) -> Result<Self, Errno> {
        if allowed.contains(self) { Ok(self) } else { Err(Errno::EINVAL) }
    }

    fn known(self) -> Result<Self, Errno> {
        self.only(Self::all())
    }
}
