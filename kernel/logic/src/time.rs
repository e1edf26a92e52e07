//! Time as numbers: deadlines that wake threads.

pub mod timers;
pub mod clock;
