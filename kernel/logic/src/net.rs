//! Sockets: their addresses, what every one of them can do, and the families.

pub mod address;
pub mod control;
pub mod inet;
pub mod netlink;
pub mod options;
pub mod socket;
pub mod unix;
