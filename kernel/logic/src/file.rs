//! Open files: what a descriptor leads to, and the objects behind it. Every operation returns at once (house rule 7).
//!
//! ```text
//!  fd 3 ─▶ FdTable ─▶ Arc<OpenFile> (offset, status flags) ─▶ Arc<dyn File> (bytes)
//!                                                          └▶ Arc<dyn Inode> (name, kind, times: see `fs`)
//! ```

pub mod bytes;
pub mod epoll;
pub mod eventfd;
pub mod input;
pub mod io;
pub mod lock;
pub mod mapping;
pub mod open;
pub mod pipe;
pub mod poll;
pub mod ring;
pub mod signalfd;
pub mod stream;
pub mod table;
pub mod terminal;
pub mod timerfd;
pub mod wakers;

use alloc::sync::Arc;
use core::fmt;
use core::task::Waker;

use abi::errno::Errno;
use abi::io::{FallocateMode, PollEvents};
use abi::net::Ucred;
use abi::time::Timespec;

use epoll::{Epoll, Interest};
use io::{Sink, Source};
use mapping::Mapping;
use terminal::Terminal;
use wakers::WakerSet;

use crate::net::socket::Socket;

/// What objects may ask of the kernel around them.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// Wall-clock time.
    pub clock: fn() -> Timespec,
    /// How large the caller may make a regular file (`RLIMIT_FSIZE`).
    pub most_size: fn() -> u64,
    /// Bytes of memory that objects may grow with: the kernel keeps some for itself, and some is promised.
    pub memory_left: fn() -> u64,
    /// Who calls.
    pub identity: fn() -> Identity,
}

/// Who calls, as peers are told (unix(7), `SO_PEERCRED`, `SCM_CREDENTIALS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// With the real user and group.
    pub real: Ucred,
    /// With the effective ones.
    pub effective: Ucred,
}

/// It is 1970, there are no limits, and root calls.
const NOTHING: Around = Around {
    clock: Timespec::default,
    most_size: || u64::MAX,
    memory_left: || u64::MAX,
    identity: Identity::default,
};

/// Who waits for an object to change.
#[derive(Clone, Copy, Debug)]
enum Waits<'a> {
    /// Nobody: the caller only tries.
    Nobody,
    /// A thread, once.
    Thread(&'a Waker),
    /// An interest of an epoll instance, from now on.
    Joins(&'a Arc<Interest>),
    /// That interest waits no longer.
    Leaves(&'a Arc<Interest>),
}

/// What every operation is told: who to wake when it has to wait, and where to learn the rest.
#[derive(Clone, Copy, Debug)]
pub struct Io<'a> {
    waits: Waits<'a>,
    /// What a thread waits for that polls.
    events: PollEvents,
    around: &'a Around,
}

impl<'a> Io<'a> {
    /// An operation that wakes `waker`, in a kernel that answers as `around` says; `None`: the caller only tries.
    pub const fn new(waker: Option<&'a Waker>, around: &'a Around) -> Self {
        let waits = match waker {
            Some(waker) => Waits::Thread(waker),
            None => Waits::Nobody,
        };
        Self { waits, events: PollEvents::all(), around }
    }

    /// The same for a look that waits for `events` only.
    #[must_use]
    pub const fn for_events(self, events: PollEvents) -> Self {
        Self { events, ..self }
    }

    /// A look by an interest that is to be told of every change from now on.
    const fn joins(interest: &'a Arc<Interest>) -> Self {
        Self { waits: Waits::Joins(interest), events: PollEvents::empty(), around: &NOTHING }
    }

    /// The end of [`Io::joins`].
    const fn leaves(interest: &'a Arc<Interest>) -> Self {
        Self { waits: Waits::Leaves(interest), events: PollEvents::empty(), around: &NOTHING }
    }

    /// Whether a thread waits: one that does not only tries.
    #[inline]
    pub fn waits(&self) -> bool {
        matches!(self.waits, Waits::Thread(_))
    }

    /// Has the caller woken when `events` may be there, if it waits: an object calls this before it answers `EAGAIN`, in the same moment
    /// (with the same lock held) in which it looked at its state.
    #[inline]
    pub fn wait_for(&self, wakers: &mut WakerSet, events: PollEvents) {
        if let Waits::Thread(waker) = self.waits {
            wakers.register(waker, events);
        }
    }

    /// Has who looks at an object's readiness told when it changes: an object calls this in [`File::readiness`], with every set of wakers that
    /// what it answers depends on, before it looks at its state.
    #[inline]
    pub fn watch(&self, wakers: &mut WakerSet) {
        match self.waits {
            Waits::Nobody => {}
            Waits::Thread(waker) => wakers.register(waker, self.events),
            Waits::Joins(interest) => wakers.join(interest),
            Waits::Leaves(interest) => wakers.leave(interest),
        }
    }

    /// Whether the caller only has itself taken out of sets of wakers: what [`File::readiness`] answers is not looked at.
    pub fn is_leaving(&self) -> bool {
        matches!(self.waits, Waits::Leaves(_))
    }

    /// Wall-clock time. Read only by objects that keep times.
    pub fn now(&self) -> Timespec {
        (self.around.clock)()
    }

    /// How large the caller may make a regular file.
    pub fn most_size(&self) -> u64 {
        (self.around.most_size)()
    }

    /// How much more memory an object may take for what the caller gives it, in bytes.
    pub fn memory_left(&self) -> u64 {
        (self.around.memory_left)()
    }

    /// Who calls.
    pub fn identity(&self) -> Identity {
        (self.around.identity)()
    }
}

/// For objects that keep no times, without limits.
impl Default for Io<'_> {
    fn default() -> Self {
        Self::new(None, &NOTHING)
    }
}

/// What positions mean in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// Bytes have places: each read goes on where the last one ended.
    Kept,
    /// Every place is like every other: lseek(2) answers 0 (null(4)).
    Ignored,
    /// There are none: lseek(2) and pread(2) are `ESPIPE`.
    None,
    /// There are none either, but lseek(2) answers 0: objects without a name, such as those of eventfd(2).
    AlwaysZero,
}

impl Positions {
    /// Whether pread(2) and pwrite(2) can name one.
    pub fn can_be_given(self) -> bool {
        matches!(self, Self::Kept | Self::Ignored)
    }
}

/// An object that bytes are read from and written to. Defaults are Linux's answers for objects that cannot.
pub trait File: Send + Sync + fmt::Debug {
    /// Reads from byte `offset` (streams ignore it); 0 is end of file.
    ///
    /// # Errors
    /// `EAGAIN` when there is nothing yet; `EFAULT` when the first byte could not be handed over; `EINVAL` by default.
    fn read_at(&self, _io: &Io<'_>, _offset: u64, _out: &mut dyn Sink) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes from byte `offset` on (streams ignore it); answers how much was taken.
    ///
    /// # Errors
    /// `EAGAIN` when there is no room yet; `EFAULT` when the first byte could not be had; `ENOSPC`, `EFBIG`, `EPIPE`.
    fn write_at(&self, _io: &Io<'_>, _offset: u64, _from: &mut dyn Source) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes at the end, wherever that is now, in one step; answers the position behind and how much was taken.
    ///
    /// # Errors
    /// As for [`File::write_at`].
    fn append(&self, io: &Io<'_>, from: &mut dyn Source) -> Result<(u64, usize), Errno> {
        self.write_at(io, 0, from).map(|count| (0, count))
    }

    /// What positions mean in it; the same for as long as it is there.
    fn positions(&self) -> Positions {
        Positions::None
    }

    /// Bytes in it.
    fn size(&self) -> u64 {
        0
    }

    /// Cuts or extends it to `size` bytes (ftruncate(2)).
    ///
    /// # Errors
    /// `EINVAL` for what has no size; `EFBIG`.
    fn truncate(&self, _io: &Io<'_>, _size: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Makes room, or a hole, at `offset..offset + length` (fallocate(2)).
    ///
    /// # Errors
    /// `ENODEV` for what is no regular file; `EOPNOTSUPP`, `ENOSPC`, `EFBIG`.
    fn allocate(&self, _io: &Io<'_>, _mode: FallocateMode, _offset: u64, _length: u64) -> Result<(), Errno> {
        Err(Errno::ENODEV)
    }

    /// First byte from `offset` on that is not in a hole (lseek(2), `SEEK_DATA`).
    ///
    /// # Errors
    /// `ENXIO` behind the end.
    fn next_data(&self, offset: u64) -> Result<u64, Errno> {
        if offset < self.size() { Ok(offset) } else { Err(Errno::ENXIO) }
    }

    /// First byte from `offset` on that is in a hole; the end counts as one (`SEEK_HOLE`).
    ///
    /// # Errors
    /// `ENXIO` behind the end.
    fn next_hole(&self, offset: u64) -> Result<u64, Errno> {
        if offset < self.size() { Ok(self.size()) } else { Err(Errno::ENXIO) }
    }

    /// What can be done now without waiting (poll(2)); who looks is told of changes ([`Io::watch`]).
    fn readiness(&self, _io: &Io<'_>) -> PollEvents {
        PollEvents::IN | PollEvents::OUT | PollEvents::RDNORM | PollEvents::WRNORM
    }

    /// Whether it can be waited for at all: regular files and directories cannot (epoll(7): `EPERM`).
    fn can_poll(&self) -> bool {
        false
    }

    /// What opening waits for: a FIFO's other end. Called again until it answers something else than `EAGAIN`.
    ///
    /// # Errors
    /// `EAGAIN` while it waits.
    fn opened(&self, _io: &Io<'_>) -> Result<(), Errno> {
        Ok(())
    }

    /// The terminal, if it is one.
    fn terminal(&self) -> Option<&dyn Terminal> {
        None
    }

    /// The socket, if it is one.
    fn socket(&self) -> Option<&dyn Socket> {
        None
    }

    /// The epoll instance, if it is one.
    fn epoll(&self) -> Option<&Epoll> {
        None
    }

    /// The timer, if it is one (timerfd_create(2)).
    fn timer(&self) -> Option<&timerfd::TimerFd> {
        None
    }

    /// The set of signals, if it is one that reads them (signalfd(2)).
    fn signals(&self) -> Option<&signalfd::SignalFd> {
        None
    }

    /// What mmap(2) shows of it.
    fn mapping(&self) -> Mapping<'_> {
        Mapping::Nothing
    }

    /// Bytes that can be read at once (ioctl(2), `FIONREAD`).
    ///
    /// # Errors
    /// `ENOTTY` by default.
    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Err(Errno::ENOTTY)
    }

    /// Capacity of a pipe in bytes (fcntl(2), `F_GETPIPE_SZ`).
    ///
    /// # Errors
    /// `EBADF` for what is no pipe.
    fn capacity(&self) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    /// Sets the capacity of a pipe; answers what it came to be (`F_SETPIPE_SZ`).
    ///
    /// # Errors
    /// `EBADF` for what is no pipe; `EBUSY` below what is in it; `EPERM` above the limit.
    fn set_capacity(&self, _bytes: usize) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    /// The seals of a memory file (fcntl(2), `F_GET_SEALS`).
    ///
    /// # Errors
    /// `EINVAL` for what cannot be sealed.
    fn seals(&self) -> Result<abi::io::Seals, Errno> {
        Err(Errno::EINVAL)
    }

    /// Adds seals (`F_ADD_SEALS`).
    ///
    /// # Errors
    /// `EINVAL` for what cannot be sealed; `EPERM` when it is sealed against it; `EBUSY` when it is to be sealed against writing and
    /// is mapped to be written.
    fn add_seals(&self, _seals: abi::io::Seals) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }
}
