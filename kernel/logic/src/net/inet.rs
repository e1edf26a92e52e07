//! The Internet families: TCP and UDP over IP, without a device and without a clock.
//!
//! ```text
//!  sockets ─▶ Connection ─▶ Joint: another socket of this machine
//!                  ├▶ Carried (a Flow: one smoltcp socket of its own) ─▶ Outlet (a device's queue)
//!                  ▲
//!  packet in ─▶ Stack: whose it is, by addresses and ports
//! ```

mod ancillary;
mod bare;
pub mod carried;
pub mod connection;
pub mod datagram;
mod deadlines;
pub mod device;
mod dhcp;
pub mod discovery;
mod extension;
mod finish;
pub mod flow;
mod fragment;
mod gather;
mod groups;
mod icmp;
mod igmp;
pub mod interface;
pub mod joint;
mod keep_alive;
mod late;
pub mod link;
pub mod listener;
mod multicast;
mod name;
mod mld;
mod ndisc;
mod neighbours;
pub mod outlet;
pub mod packet;
mod ping_pong;
pub mod ports;
mod reassembly;
mod reply;
pub mod resolver;
pub mod rings;
pub mod routes;
mod segments;
mod settings;
pub mod stack;
pub mod stream;
mod sum;
mod tcp;
pub mod udp;

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::net::{Family, Level, SocketType};

use crate::file::File;

use super::options::Common;
use datagram::DatagramSocket;
use stack::Stack;
use stream::StreamSocket;

/// Bytes that a TCP socket tells of its buffers.
const STREAM_BUFFER: u32 = 64 << 10;

/// A socket of the Internet families (socket(2)).
///
/// # Errors
/// `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`; `EPERM` for raw ones.
pub fn new_socket(
    stack: &Arc<Stack>,
    family: Family,
    kind: SocketType,
    protocol: i32,
) -> Result<Arc<dyn File>, Errno> {
    let protocol_of = |own: Level| match protocol {
        0 => Ok(own.raw()),
        number if number == own.raw() => Ok(number),
        _ => Err(Errno::EPROTONOSUPPORT),
    };
    let stack = Arc::clone(stack);
    match kind {
        SocketType::Stream => {
            let common = Common::new(family, kind, protocol_of(Level::Tcp)?, [STREAM_BUFFER; 2]);
            Ok(Arc::new(StreamSocket::new(common, stack)))
        }
        SocketType::Datagram => {
            let buffers = [super::options::BUFFER; 2];
            let common = Common::new(family, kind, protocol_of(Level::Udp)?, buffers);
            Ok(Arc::new(DatagramSocket::new(common, stack)))
        }
        SocketType::Raw => Err(Errno::EPERM),
        _ => Err(Errno::ESOCKTNOSUPPORT),
    }
}
