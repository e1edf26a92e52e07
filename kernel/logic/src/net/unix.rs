//! `AF_UNIX`: sockets that talk to others on this machine (unix(7)).
//!
//! ```text
//!  bind  ─▶ an inode's BoundName, or Domain (abstract names) ─┐ finds
//!  connect ───────────────────────────────────────────────────┴─▶ Stream listens: a second Stream, with two Channels between
//!  Stream   ══ Channel ═▶ Stream        one lock per direction; bytes, or packets (SOCK_SEQPACKET)
//!  Datagram ── sends to ─▶ Channel of another Datagram: its inbox
//! ```
//! Bytes go from the sender's memory to a channel's ring, and from there to the receiver's. Open files on their way ([`rights`]) are counted.

mod channel;
mod datagram;
mod names;
mod rights;
mod stream;

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{Family, Level, SocketType};
use sync::Lock;

use super::address::{SocketAddress, UnixAddress};
use super::options::{BUFFER, Common};
use super::socket::Target;
use crate::file::{File, Io};
use names::Bound;

pub use datagram::Datagram;
pub use names::{BoundName, Domain};
pub use stream::Stream;

/// A socket's own name, as its peers see it.
type Name = Arc<Lock<UnixAddress>>;

/// What datagrams and packets must leave free of their sender's buffer (Linux `unix_dgram_sendmsg`).
const HEADROOM: usize = 32;

/// What a socket of `kind` carries here.
///
/// # Errors
/// `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`.
fn checked(kind: SocketType, protocol: i32) -> Result<SocketType, Errno> {
    if protocol != 0 && protocol != Family::Unix.raw() {
        return Err(Errno::EPROTONOSUPPORT);
    }
    match kind {
        SocketType::Stream | SocketType::SeqPacket | SocketType::Datagram => Ok(kind),
        // As on BSD (Linux `unix_create`).
        SocketType::Raw => Ok(SocketType::Datagram),
        SocketType::Reliable | SocketType::Dccp => Err(Errno::ESOCKTNOSUPPORT),
    }
}

/// What a socket that can be written to answers to poll(2).
const WRITABLE: PollEvents = PollEvents::OUT.union(PollEvents::WRNORM).union(PollEvents::WRBAND);

/// Gives a socket its name, once.
///
/// # Errors
/// `EINVAL` when it has one; bind(2)'s.
fn bind(domain: &Domain, kind: SocketType, name: &Name, to: Target<'_>, socket: &Bound) -> Result<(), Errno> {
    if *name.lock() != UnixAddress::Unnamed {
        // Who has a name and asks for any one has it (Linux `unix_autobind`).
        let asks_for_any = *to.address == SocketAddress::Unix(UnixAddress::Unnamed);
        return if asks_for_any { Ok(()) } else { Err(Errno::EINVAL) };
    }
    let address = domain.bind(kind, to, socket)?;
    let mut name = name.lock();
    if *name != UnixAddress::Unnamed {
        // Another thread was faster.
        drop(name);
        domain.unbind(kind, &address, socket);
        return Err(Errno::EINVAL);
    }
    *name = address;
    Ok(())
}

/// Options of other levels are other families' (Linux `sock_no_setsockopt`).
fn set_option(_io: &Io<'_>, level: i32, _name: i32, _value: &[u8]) -> Result<(), Errno> {
    Err(no_option(level))
}

/// As for [`set_option`].
fn option(level: i32, _name: i32) -> Result<Vec<u8>, Errno> {
    Err(no_option(level))
}

fn no_option(level: i32) -> Errno {
    if level == Level::Socket.raw() { Errno::ENOPROTOOPT } else { Errno::EOPNOTSUPP }
}

fn common(kind: SocketType) -> Common {
    Common::new(Family::Unix, kind, 0, [BUFFER, BUFFER])
}

/// A new socket (socket(2)).
///
/// # Errors
/// `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`.
pub fn new_socket(domain: &Arc<Domain>, kind: SocketType, protocol: i32) -> Result<Arc<dyn File>, Errno> {
    Ok(match checked(kind, protocol)? {
        SocketType::Datagram => Datagram::new(domain),
        kind => Stream::new(domain, common(kind)),
    })
}

/// Two sockets that are connected (socketpair(2)).
///
/// # Errors
/// `EPROTONOSUPPORT`, `ESOCKTNOSUPPORT`.
pub fn new_pair(
    domain: &Arc<Domain>,
    io: &Io<'_>,
    kind: SocketType,
    protocol: i32,
) -> Result<[Arc<dyn File>; 2], Errno> {
    Ok(match checked(kind, protocol)? {
        SocketType::Datagram => Datagram::pair(domain, io).map(|socket| socket as Arc<dyn File>),
        kind => Stream::pair(domain, io, kind).map(|socket| socket as Arc<dyn File>),
    })
}

#[cfg(test)]
mod tests;
