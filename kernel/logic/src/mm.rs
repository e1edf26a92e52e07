//! What memory management decides: which frame, which address, whether a mapping may be.

pub mod frames;
pub mod repeated;
pub mod vma;
