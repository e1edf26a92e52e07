//! The names of sockets on this machine: files', and those in no directory.

use alloc::format;
use alloc::sync::{Arc, Weak};

use abi::errno::Errno;
use abi::net::SocketType;
use litemap::LiteMap;
use sync::Lock;

use super::rights::Travellers;
use super::{Datagram, Stream};
use crate::net::address::{SocketAddress, UnixAddress};
use crate::net::socket::Target;

/// Who has a name.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Stream(Weak<Stream>),
    Datagram(Weak<Datagram>),
}

impl Bound {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stream(one), Self::Stream(other)) => one.ptr_eq(other),
            (Self::Datagram(one), Self::Datagram(other)) => one.ptr_eq(other),
            _ => false,
        }
    }
}

/// Who is bound to a socket's inode: nobody, until bind(2) has made it one's own.
#[derive(Debug, Default)]
pub struct BoundName(Lock<Option<Bound>>);

/// What all sockets on this machine share.
#[derive(Debug)]
pub struct Domain {
    /// Names in no directory, by the type of their sockets (Linux `unix_abstract_hash`).
    names: Lock<Names>,
    /// Open files on their way.
    pub(super) travellers: Travellers,
}

#[derive(Debug)]
struct Names {
    by_name: LiteMap<(i32, Arc<[u8]>), Bound>,
    /// Where the search for a free name goes on.
    next: u32,
}

impl Domain {
    /// Nobody is there yet; at most as many open files as `most_rights` says will be on their way at once.
    pub fn new(most_rights: fn() -> usize) -> Arc<Self> {
        Arc::new(Self {
            names: Lock::new(Names { by_name: LiteMap::new(), next: 0 }),
            travellers: Travellers::new(most_rights),
        })
    }

    /// Binds `socket`, of type `kind`, to `name`, which is in no directory.
    ///
    /// # Errors
    /// `EADDRINUSE`.
    fn insert(&self, kind: SocketType, name: &Arc<[u8]>, socket: &Bound) -> Result<(), Errno> {
        let key = (kind.raw(), Arc::clone(name));
        let mut names = self.names.lock();
        if names.by_name.contains_key(&key) {
            return Err(Errno::EADDRINUSE);
        }
        names.by_name.insert(key, socket.clone());
        Ok(())
    }

    /// Binds `socket` to a name that nobody has: five hexadecimal digits (unix(7), "Autobind feature").
    ///
    /// # Errors
    /// `ENOSPC` when all are taken.
    fn insert_any(&self, kind: SocketType, socket: &Bound) -> Result<Arc<[u8]>, Errno> {
        const NUMBERS: u32 = 1 << 20;
        let mut names = self.names.lock();
        for _ in 0..NUMBERS {
            let number = names.next;
            names.next = (number + 1) % NUMBERS;
            let name: Arc<[u8]> = Arc::from(format!("{number:05x}").as_bytes());
            let key = (kind.raw(), Arc::clone(&name));
            if !names.by_name.contains_key(&key) {
                names.by_name.insert(key, socket.clone());
                return Ok(name);
            }
        }
        Err(Errno::ENOSPC)
    }

    /// Gives `socket` the name that `to` says; answers it.
    ///
    /// # Errors
    /// bind(2)'s.
    pub(super) fn bind(
        &self,
        kind: SocketType,
        to: Target<'_>,
        socket: &Bound,
    ) -> Result<UnixAddress, Errno> {
        match to.address {
            SocketAddress::Unix(UnixAddress::Unnamed) => {
                self.insert_any(kind, socket).map(UnixAddress::Abstract)
            }
            SocketAddress::Unix(address @ UnixAddress::Abstract(name)) => {
                self.insert(kind, name, socket).map(|()| address.clone())
            }
            SocketAddress::Unix(address @ UnixAddress::Path(path)) => {
                let inode = to.paths.create(path)?;
                // A file system whose sockets nobody can be bound to cannot be bound on.
                *inode.bound().ok_or(Errno::EPERM)?.0.lock() = Some(socket.clone());
                Ok(address.clone())
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// `socket`, of type `kind`, does without the name `address`; it may have been another's, as an accepted connection's is. A file stays, and
    /// is nobody's then.
    pub(super) fn unbind(&self, kind: SocketType, address: &UnixAddress, socket: &Bound) {
        let UnixAddress::Abstract(name) = address else { return };
        let key = (kind.raw(), Arc::clone(name));
        let mut names = self.names.lock();
        if names.by_name.get(&key).is_some_and(|bound| bound.is(socket)) {
            names.by_name.remove(&key);
        }
    }

    /// Who is at `to`.
    ///
    /// # Errors
    /// `ECONNREFUSED` when nobody is; `EINVAL` for what is no name; the walk's.
    fn find(&self, kind: SocketType, to: Target<'_>) -> Result<Bound, Errno> {
        match to.address {
            SocketAddress::Unix(UnixAddress::Abstract(name)) => {
                let key = (kind.raw(), Arc::clone(name));
                self.names.lock().by_name.get(&key).cloned().ok_or(Errno::ECONNREFUSED)
            }
            SocketAddress::Unix(UnixAddress::Path(path)) => {
                let inode = to.paths.find(path)?;
                let bound = inode.bound().and_then(|bound| bound.0.lock().clone());
                bound.ok_or(Errno::ECONNREFUSED)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// The stream, or the socket for packets, at `to`.
    ///
    /// # Errors
    /// As for [`Domain::find`]; `EPROTOTYPE` when it is of another type.
    pub(super) fn find_stream(&self, kind: SocketType, to: Target<'_>) -> Result<Arc<Stream>, Errno> {
        let Bound::Stream(stream) = self.find(kind, to)? else { return Err(Errno::EPROTOTYPE) };
        let stream = stream.upgrade().ok_or(Errno::ECONNREFUSED)?;
        if stream.kind() == kind { Ok(stream) } else { Err(Errno::EPROTOTYPE) }
    }

    /// The socket for datagrams at `to`.
    ///
    /// # Errors
    /// As for [`Domain::find_stream`].
    pub(super) fn find_datagram(&self, to: Target<'_>) -> Result<Arc<Datagram>, Errno> {
        match self.find(SocketType::Datagram, to)? {
            Bound::Datagram(socket) => socket.upgrade().ok_or(Errno::ECONNREFUSED),
            // Nobody has a dead socket's name.
            Bound::Stream(socket) if socket.strong_count() == 0 => Err(Errno::ECONNREFUSED),
            Bound::Stream(_) => Err(Errno::EPROTOTYPE),
        }
    }
}
