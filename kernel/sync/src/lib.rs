//! Locks, per-CPU data and wakers: all cleverness with atomics, nothing else.
#![no_std]
