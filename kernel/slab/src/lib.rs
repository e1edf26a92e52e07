//! Small objects of a few sizes, for the kernel's heap and the program's `malloc`.
//!
//! ```text
//!  Cache (one a CPU)            Central (one a size class, behind a lock)
//!  list of free objects ──refill──▶ slabs with free objects: [header | object | object | …]
//!                       ◀──flush──  a slab whose objects are all free goes back to whoever made it
//! ```
//! A [`Cache`] is a stack of free objects for each class; whoever owns it sees to it that nothing else runs on its CPU meanwhile. A
//! [`Central`] hands out objects in batches. A slab is `SLAB` bytes, aligned to its size, so that an object's address leads to
//! its header. Objects that nobody had yet are given out as ranges, untouched: linking them may bring pages in, which must
//! not happen under a lock.
//!
//! Not here: where slabs come from, which lock is right, what large objects do.
#![no_std]
#![expect(unsafe_code, reason = "free objects hold the list of free objects")]
#![expect(clippy::cast_possible_truncation, reason = "offsets and counts within a slab")]

mod cache;
mod central;
pub mod class;
mod list;

pub use cache::Cache;
pub use central::{Batch, Central, Slab};
pub use list::List;

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
