//! The network: TCP and UDP over IP, without a device and without a clock.
//!
//! ```text
//!  sockets ─▶ Flow (one TCP connection: a smoltcp socket of its own) ─▶ Outlet (a device's queue, or back in)
//!                    ▲
//!  packet in ─▶ demux by addresses and ports
//! ```

pub mod connection;
mod deadlines;
pub mod flow;
mod icmp;
pub mod listener;
mod loopback;
pub mod outlet;
pub mod packet;
pub mod ports;
pub mod stack;
pub mod udp;
