//! What every socket can do, whatever its family: the system calls know no more of it than this.
//!
//! Every operation returns at once (house rule 7): `EAGAIN`, with the waker of its [`Io`] registered before the socket looked at its state, and
//! the caller waits. A socket is a [`File`](crate::file::File) too, whose reads and writes are [`Socket::receive`] and [`Socket::send`]
//! without flags, and which answers itself to [`File::socket`](crate::file::File::socket).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use abi::errno::Errno;
use abi::net::{MsgFlags, Shutdown, SocketOption, Ucred};

use super::address::SocketAddress;
use super::options::Common;
use crate::file::io::{Sink, Source};
use crate::file::open::OpenFile;
use crate::file::{File, Io};
use crate::fs::inode::Inode;

/// The tree of files as the caller sees it: sockets on this machine have their names there.
pub trait Paths {
    /// The inode at `path`, which the caller may write to.
    ///
    /// # Errors
    /// The walk's (path_resolution(7)); `EACCES`.
    fn find(&self, path: &[u8]) -> Result<Arc<dyn Inode>, Errno>;

    /// Makes a socket's inode at `path`.
    ///
    /// # Errors
    /// The walk's; `EADDRINUSE` when the name is taken.
    fn create(&self, path: &[u8]) -> Result<Arc<dyn Inode>, Errno>;
}

/// An address, and where its path is looked for.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The address.
    pub address: &'a SocketAddress,
    /// The tree.
    pub paths: &'a dyn Paths,
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// A control message (cmsg(3)).
#[derive(Debug)]
pub enum Control {
    /// `SCM_RIGHTS`: open files.
    Rights(Vec<Arc<OpenFile>>),
    /// `SCM_CREDENTIALS`: who sends.
    Credentials(Ucred),
    /// Any other: level, type and bytes are the family's.
    Other {
        /// Whose it is.
        level: i32,
        /// What it is.
        kind: i32,
        /// Its data.
        data: Vec<u8>,
    },
}

/// What goes with the bytes that are sent.
#[derive(Debug, Default)]
pub struct Outgoing<'a> {
    /// To whom, if not to the peer.
    pub to: Option<Target<'a>>,
    /// Flags of send(2). Whether to wait and whether to signal is the caller's business.
    pub flags: MsgFlags,
    /// Control messages. The socket takes those that are on their way: they go with the first byte.
    pub control: Vec<Control>,
}

/// What comes with the bytes that are received.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Flags of recv(2). Whether to wait is the caller's business.
    pub flags: MsgFlags,
    /// Whether anybody will look at `from`.
    pub asks_who: bool,
    /// From whom, if the socket is told with every message.
    pub from: Option<SocketAddress>,
    /// What came to pass: `MSG_TRUNC`, `MSG_EOR`, `MSG_CTRUNC`.
    pub told: MsgFlags,
    /// Control messages. A stream gives no bytes in one call beyond the ones these came with.
    pub control: Vec<Control>,
}

impl Incoming {
    /// Nothing yet, to be received with `flags`; `asks_who`: the sender's address is wanted.
    pub fn new(flags: MsgFlags, asks_who: bool) -> Self {
        Self { flags, asks_who, ..Self::default() }
    }
}

/// A connection that was waiting in a listener's queue.
#[derive(Debug)]
pub struct Accepted {
    /// The socket at this end.
    pub file: Arc<dyn File>,
    /// Who is at the other one.
    pub peer: SocketAddress,
}

/// A socket. Defaults are Linux's answers for families and types that cannot (`sock_no_*`).
pub trait Socket: Send + Sync + fmt::Debug {
    /// What it is, and the options that every socket has.
    fn common(&self) -> &Common;

    /// Gives it an address (bind(2)).
    ///
    /// # Errors
    /// `EINVAL` when it has one or the address makes no sense; `EADDRINUSE`, `EADDRNOTAVAIL`, `EAFNOSUPPORT`; the walk's.
    fn bind(&self, io: &Io<'_>, to: Target<'_>) -> Result<(), Errno>;

    /// Lets connections come in; `backlog` of them wait at most (listen(2)). Called again, it sets the backlog.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for what knows no connections; `EINVAL` for what is connected; `EADDRINUSE`.
    fn listen(&self, _io: &Io<'_>, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Takes the first connection that waits (accept(2)).
    ///
    /// # Errors
    /// `EAGAIN` when none does; `EINVAL` when it does not listen; `EOPNOTSUPP`.
    fn accept(&self, _io: &Io<'_>) -> Result<Accepted, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Begins to connect, and often ends it too (connect(2)).
    ///
    /// # Errors
    /// `EINPROGRESS`: it is under way, [`Socket::connected`] tells the end; `EALREADY`: it was before; `EAGAIN`: it cannot even begin yet;
    /// `EISCONN`, `ECONNREFUSED` and the rest of connect(2).
    fn connect(&self, io: &Io<'_>, to: Target<'_>) -> Result<(), Errno>;

    /// What a connect under way has come to. An error is told once.
    ///
    /// # Errors
    /// `EAGAIN` while it is under way; connect(2)'s.
    fn connected(&self, _io: &Io<'_>) -> Result<(), Errno> {
        Ok(())
    }

    /// Sends bytes of `from`: some of them on a stream, else all as one message. Answers how many.
    ///
    /// # Errors
    /// `EAGAIN` without room; `EPIPE` when this end is shut (the caller signals); `EMSGSIZE`, `ENOTCONN`, `EDESTADDRREQ`, `EISCONN`;
    /// `EFAULT` when the first byte, or one of a message, could not be had: then nothing was sent.
    fn send(&self, io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno>;

    /// Receives: bytes of a stream as far as they are there, else one message. Answers how many, which for a message that was cut
    /// is its whole length if `MSG_TRUNC` asks for that. 0 is the end of a stream.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet; an error that waits (`ECONNRESET`), which is told once; `ENOTCONN`; `EFAULT` when
    /// the first byte, or one of a message, could not be handed over: then it is still there.
    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno>;

    /// Ends a half of the connection, or both (shutdown(2)).
    ///
    /// # Errors
    /// `ENOTCONN`.
    fn shutdown(&self, io: &Io<'_>, how: Shutdown) -> Result<(), Errno>;

    /// Its own address (getsockname(2)).
    fn local_address(&self) -> SocketAddress;

    /// The peer's (getpeername(2)).
    ///
    /// # Errors
    /// `ENOTCONN`.
    fn peer_address(&self) -> Result<SocketAddress, Errno>;

    /// Whether it listens (`SO_ACCEPTCONN`).
    fn is_listening(&self) -> bool {
        false
    }

    /// The error that waits, which is taken (`SO_ERROR`).
    fn take_error(&self) -> Option<Errno> {
        None
    }

    /// Who the peer was when it connected (`SO_PEERCRED`): nobody, for peers on other machines.
    fn peer_credentials(&self) -> Ucred {
        Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX }
    }

    /// Bytes sent that the peer has not taken (ioctl(2), `SIOCOUTQ`).
    ///
    /// # Errors
    /// `EINVAL` for what listens.
    fn unsent(&self) -> Result<u64, Errno> {
        Ok(0)
    }

    /// An option of every socket has been set in [`Socket::common`].
    fn option_changed(&self, _option: SocketOption) {}

    /// Sets an option that [`Common`] does not know (setsockopt(2)).
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EOPNOTSUPP`; `EINVAL`.
    fn set_option(&self, _io: &Io<'_>, _level: i32, _name: i32, _value: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOPROTOOPT)
    }

    /// The value of an option that [`Common`] does not know; the caller cuts it (getsockopt(2)).
    ///
    /// # Errors
    /// `ENOPROTOOPT`, `EOPNOTSUPP`.
    fn option(&self, _level: i32, _name: i32) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOPROTOOPT)
    }
}
