//! A program's sockets, as it uses them without waiting.

use std::net::SocketAddr;
use std::sync::Arc;

use abi::errno::Errno;
use abi::net::{Family, MsgFlags, SocketType};
use logic::file::io::{SliceSink, SliceSource};
use logic::file::{File, Io};
use logic::fs::inode::Inode;
use logic::net::address::SocketAddress;
use logic::net::inet::new_socket;
use logic::net::inet::stack::Stack;
use logic::net::options;
use logic::net::socket::{Control, Incoming, Outgoing, Paths, Socket, Target};

/// A tree without files.
pub(crate) struct NoPaths;

impl Paths for NoPaths {
    fn find(&self, _path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::ENOENT)
    }

    fn create(&self, _path: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::ENOENT)
    }
}

/// `address`, with no files about.
pub(crate) fn target(address: &SocketAddress) -> Target<'_> {
    Target { address, paths: &NoPaths }
}

/// The address as the calls take it.
pub(crate) fn named(address: SocketAddr) -> SocketAddress {
    match address {
        SocketAddr::V4(address) => SocketAddress::V4(address),
        SocketAddr::V6(address) => SocketAddress::V6(address),
    }
}

/// The address that the calls gave.
pub(crate) fn unnamed(address: &SocketAddress) -> Option<SocketAddr> {
    match address {
        SocketAddress::V4(address) => Some((*address).into()),
        SocketAddress::V6(address) => Some((*address).into()),
        _ => None,
    }
}

/// An open socket.
#[derive(Clone, Debug)]
pub(crate) struct Open(Arc<dyn File>);

impl Open {
    /// A socket for addresses like `address`.
    pub(crate) fn new(stack: &Arc<Stack>, address: SocketAddr, kind: SocketType) -> Self {
        let family = if address.is_ipv4() { Family::Inet } else { Family::Inet6 };
        Self(new_socket(stack, family, kind, 0).expect("there are such sockets"))
    }

    pub(crate) fn socket(&self) -> &dyn Socket {
        self.0.socket().expect("it is one")
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> Result<(), Errno> {
        self.socket().bind(&Io::default(), Target { address: &named(address), paths: &NoPaths })
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> Result<(), Errno> {
        self.socket().connect(&Io::default(), Target { address: &named(address), paths: &NoPaths })
    }

    pub(crate) fn accept(&self) -> Option<Self> {
        self.socket().accept(&Io::default()).ok().map(|accepted| Self(accepted.file))
    }

    pub(crate) fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        options::set(self.socket(), &Io::default(), level, name, value)
    }

    pub(crate) fn read(&self, most: usize) -> Result<Vec<u8>, Errno> {
        self.receive(most, MsgFlags::empty()).map(|(bytes, _)| bytes)
    }

    /// Bytes, and who sent them.
    pub(crate) fn receive(&self, most: usize, flags: MsgFlags) -> Result<(Vec<u8>, Incoming), Errno> {
        let mut room = vec![0; most];
        let mut message = Incoming::new(flags, true);
        let mut sink = SliceSink::new(&mut room);
        self.socket().receive(&Io::default(), &mut sink, &mut message)?;
        let count = sink.filled();
        room.truncate(count);
        Ok((room, message))
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.socket().send(&Io::default(), &mut SliceSource(bytes), &mut Outgoing::default())
    }

    pub(crate) fn send_to(
        &self,
        to: SocketAddr,
        bytes: &[u8],
        control: Vec<Control>,
    ) -> Result<usize, Errno> {
        let address = named(to);
        let to = Some(Target { address: &address, paths: &NoPaths });
        let mut message = Outgoing { to, control, ..Outgoing::default() };
        self.socket().send(&Io::default(), &mut SliceSource(bytes), &mut message)
    }

    pub(crate) fn look(&self) {
        self.0.readiness(&Io::default());
    }
}
