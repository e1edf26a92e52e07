//! Our signatures must be the `libc` crate's: compared at compile time, so that a slip is a build error and not a crash.

/// Checks that each name has the given type, ours and libc's alike.
macro_rules! same_as_libc {
    ($($name:ident: $ty:ty;)*) => { $( const _: $ty = $name; )* };
}
pub(crate) use same_as_libc;
