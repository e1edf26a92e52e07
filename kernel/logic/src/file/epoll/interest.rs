//! An epoll instance's interest in an open file: what it was asked for, and what it does when the file changes.

use alloc::sync::{Arc, Weak};
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use abi::event::{EpollEvent, EpollFlags};
use abi::io::PollEvents;
use abi::reg::Fd;
use sync::{Link, linked};

use super::super::open::OpenFile;
use super::super::poll::ALWAYS;
use super::super::{File, Io};
use super::ready::Ready;
use super::{Key, Visited};

/// The bits of [`EpollFlags`] that are events.
const EVENTS: u32 = 0xffff;

/// The kind of queue that an epoll instance's list is.
pub(super) enum Listed {}

/// An interest.
pub struct Interest {
    /// The descriptor it was asked for by.
    fd: Fd,
    /// The open file. Not counted: it ends when its last descriptor does.
    file: Weak<OpenFile>,
    /// The epoll instance.
    epoll: Weak<OpenFile>,
    ready: Arc<Ready>,
    /// [`EpollFlags`]: changed in the epoll instance's turn only, read at any time.
    asked: AtomicU32,
    data: AtomicU64,
    has_ended: AtomicBool,
    pub(super) link: Link<Self, Listed>,
}

linked! { Interest, by link: Listed }

impl Interest {
    /// An interest of `epoll`, which has the list `ready`, in `file`, as `asked`.
    pub(super) fn new(
        epoll: &Arc<OpenFile>,
        ready: &Arc<Ready>,
        (fd, file): (Fd, &Arc<OpenFile>),
        asked: EpollEvent,
    ) -> Arc<Self> {
        let interest = Self {
            fd,
            file: Arc::downgrade(file),
            epoll: Arc::downgrade(epoll),
            ready: Arc::clone(ready),
            asked: AtomicU32::new(0),
            data: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            link: Link::new(),
        };
        interest.ask(asked);
        Arc::new(interest)
    }

    /// What it is found by.
    pub(super) fn key(&self) -> Key {
        (self.fd, self.file.as_ptr().addr())
    }

    /// What it is asked for from now on. Errors and hang-ups are told unasked.
    pub(super) fn ask(&self, asked: EpollEvent) {
        self.data.store(asked.data, Ordering::Relaxed);
        self.asked.store(asked.events | u32::from(ALWAYS.bits()), Ordering::Release);
    }

    /// What it is asked for.
    pub(super) fn asked(&self) -> EpollFlags {
        EpollFlags::from_bits_retain(self.asked.load(Ordering::Acquire))
    }

    /// Whether it is told only if nobody else was (`EPOLLEXCLUSIVE`).
    pub fn is_exclusive(&self) -> bool {
        self.asked().contains(EpollFlags::EXCLUSIVE)
    }

    /// It was told of: whether it is to be told of again, as `EPOLLET` and `EPOLLONESHOT` have it.
    pub(super) fn told(&self) -> Visited {
        let asked = self.asked();
        if asked.contains(EpollFlags::ONESHOT) {
            // No events are left that it could be told of, until it is asked for some.
            self.asked.fetch_and(!EVENTS, Ordering::Release);
            return Visited::Done;
        }
        if asked.contains(EpollFlags::ET) { Visited::Done } else { Visited::Again }
    }

    /// Its file has changed, and `events` may be there. Called with the file's lock held, and in interrupts. Answers whether a thread was
    /// woken for it.
    pub fn wake(self: &Arc<Self>, events: PollEvents) -> bool {
        self.asked().events().intersects(events) && self.ready.add(self)
    }

    /// Looks at its file: the events that are there, of those it was asked for.
    pub(super) fn look(&self) -> PollEvents {
        self.look_as(&Io::default())
    }

    /// The same, told of every change from now on.
    pub(super) fn join(self: &Arc<Self>) -> PollEvents {
        self.look_as(&Io::joins(self))
    }

    fn look_as(&self, io: &Io<'_>) -> PollEvents {
        let asked = self.asked().events();
        if asked.is_empty() || self.has_ended() {
            return PollEvents::empty();
        }
        let file = self.file.upgrade();
        file.map_or(PollEvents::empty(), |open| open.file.readiness(io) & asked)
    }

    /// What epoll_wait(2) tells of it.
    pub(super) fn event(&self, events: PollEvents) -> EpollEvent {
        EpollEvent { events: u32::from(events.bits()), data: self.data.load(Ordering::Relaxed) }
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// It has ended; answers whether it had before. With the list's lock held.
    pub(super) fn set_ended(&self) -> bool {
        self.has_ended.swap(true, Ordering::Relaxed)
    }

    /// Its file, while it is open.
    pub(super) fn file(&self) -> Option<Arc<OpenFile>> {
        self.file.upgrade()
    }

    /// The epoll instance, while it is open.
    pub fn epoll(&self) -> Option<Arc<OpenFile>> {
        self.epoll.upgrade()
    }

    /// Ends it: the epoll instance wants it no more, and has let go of it.
    pub(super) fn end(self: &Arc<Self>) {
        self.ready.end(self);
        if let Some(open) = self.file.upgrade() {
            let _ = open.file.readiness(&Io::leaves(self));
            open.end_interest(self);
        }
    }

    /// Ends it: its file, of which `file` is what is left, is closed.
    pub fn file_closed(self: &Arc<Self>, file: &dyn File) {
        self.ready.end(self);
        let _ = file.readiness(&Io::leaves(self));
        if let Some(open) = self.epoll()
            && let Some(epoll) = open.file.epoll()
        {
            epoll.forget(self);
        }
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interest").field("fd", &self.fd).field("asked", &self.asked()).finish_non_exhaustive()
    }
}
