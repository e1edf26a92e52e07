//! The Internet families: TCP and UDP over IP, without a device and without a clock.
//!
//! ```text
//!  sockets ─▶ Connection (a Flow: one smoltcp socket of its own) ─▶ Outlet (a device's queue, or back in)
//!                  ▲
//!  packet in ─▶ Stack: whose it is, by addresses and ports
//! ```

pub mod connection;
pub mod datagram;
mod deadlines;
pub mod device;
pub mod flow;
mod icmp;
pub mod listener;
mod loopback;
mod name;
pub mod outlet;
pub mod packet;
pub mod ports;
mod settings;
pub mod stack;
pub mod stream;
pub mod udp;
