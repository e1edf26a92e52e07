//! Time as numbers: deadlines that wake threads.

pub mod clock;
pub mod growth;
pub mod interval;
pub mod pvclock;
pub mod timers;
