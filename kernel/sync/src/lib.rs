//! Locks, once-cells and queues: all cleverness with atomics, nothing else.
//!
//! | primitive | turns off | use it for |
//! |---|---|---|
//! | [`Lock`] | preemption on this CPU | the default: data that only threads touch |
//! | [`IrqLock`] | interrupts on this CPU | data that an interrupt handler touches too |
//! | [`Once`] | nothing | written once at start-up, read for ever |
//! | [`Patience`] | nothing | how a CPU waits for another one |
//! | [`Park`] | nothing | how a thread stops and is made to go on |
//! | [`IdleMask`] | nothing | which CPUs have nothing to do |
//! | [`Changes`] | nothing | what CPUs that idle need not be told at once |
//! | [`Request`] | nothing | what other CPUs are asked for and must have done |
//! | [`Queue`] | (inside a lock) | who comes next, without memory of its own |
//! | [`Stopwatch`] | nothing | how long something ran, while it runs too |
//!
//! No lock may be held across a switch of threads, and none while program memory is touched. The order of locks is drawn in `docs/locks.md`.
#![no_std]

extern crate alloc;
#[cfg(any(test, not(target_os = "none")))]
extern crate std;

mod changes;
pub mod hooks;
mod idle;
mod irq_lock;
mod lock;
mod once;
mod park;
mod patience;
mod prim;
mod queue;
mod request;
mod stopwatch;

pub use changes::{Changes, Seen};
pub use idle::IdleMask;
pub use irq_lock::{IrqLock, IrqLockGuard};
pub use lock::{Lock, LockGuard};
pub use once::Once;
pub use park::Park;
pub use patience::Patience;
pub use queue::{Link, Linked, Queue};
pub use request::Request;
pub use stopwatch::Stopwatch;
