//! Protocols in many orders of the steps of a few threads (`cargo xtask test model`).
//!
//! What runs is this crate's own code; the locks are shuttle's. A model that has a step in the wrong place stands beside, and is found.
#![cfg(shuttle)]

mod epoll;
mod futex;
mod sleeper;

/// How many orders are tried.
const ORDERS: usize = 20_000;
