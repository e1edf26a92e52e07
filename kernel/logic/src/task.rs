//! What the scheduler decides: who runs next, who may be stolen, which thread ID is free.

pub mod ids;
pub mod run_queue;
