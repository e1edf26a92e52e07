//! What memory management decides: which frame, which address, whether a mapping may be.

pub mod frames;
pub mod vma;
