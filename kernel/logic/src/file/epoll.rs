//! Readiness of many files at a time (epoll(7)): who asks learns which are ready, at a cost that depends on how many those are.
//!
//! ```text
//!  a file changes ─▶ WakerSet ─▶ Interest::wake ─▶ Ready: the list, a thread that waits ─▶ Epoll::collect: looks at the file again
//!  (its lock held, perhaps                         (its own lock, for interrupts too)      (no lock of the list held)
//!   in an interrupt)
//! ```
//! An interest tells its file once that it is interested and is told of every change from then on, until it ends. It is on the list from a
//! change on until a look finds nothing; with `EPOLLET` and `EPOLLONESHOT` until it was told. It ends by `EPOLL_CTL_DEL`, with the epoll
//! instance, or with the last descriptor of the open file it is in, whichever comes first.

mod interest;
pub mod nesting;
mod ready;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Waker;

use abi::errno::Errno;
use abi::event::{EpollEvent, EpollFlags};
use abi::io::PollEvents;
use abi::reg::Fd;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use sync::Lock;
use zerocopy::IntoBytes as _;

use super::io::{Sink, partial};
use super::open::OpenFile;
use super::poll::READABLE;
use super::{File, Io, Positions};

pub use interest::Interest;
use nesting::Nesting;
use ready::Ready;

/// What may be asked together with `EPOLLEXCLUSIVE`.
const WITH_EXCLUSIVE: EpollFlags = EpollFlags::EXCLUSIVE.union(EpollFlags::WAKEUP).union(EpollFlags::ET);
/// The events that may.
const EVENTS_WITH_EXCLUSIVE: PollEvents =
    PollEvents::IN.union(PollEvents::OUT).union(PollEvents::ERR).union(PollEvents::HUP);

/// Most looks at files that turn out not to be ready, one after the other with the CPU kept.
const MOST_LOOKS: usize = 256;

/// What an interest is in: a descriptor, and where the open file is that it stood for. The descriptor can come to stand for another one, and
/// there the interest keeps the place from being used again.
type Key = (Fd, usize);

/// What becomes of an interest that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visited {
    /// It was told of: that is all until its file changes.
    Done,
    /// It was told of, and will be for as long as it is ready.
    Again,
    /// It was not told of, and others need not be looked at.
    NotYet,
}

/// An epoll instance.
pub struct Epoll {
    /// One at a time looks through the list, or changes an interest.
    turn: Lock<()>,
    interests: Lock<HashMap<Key, Arc<Interest>, FixedState>>,
    ready: Arc<Ready>,
}

impl fmt::Debug for Epoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epoll").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl Default for Epoll {
    fn default() -> Self {
        Self {
            turn: Lock::new(()),
            interests: Lock::new(HashMap::with_hasher(FixedState::default())),
            ready: Arc::new(Ready::new()),
        }
    }
}

impl Epoll {
    /// Bytes of an event.
    pub const EVENT: usize = size_of::<EpollEvent>();

    /// Becomes interested in `fd`, which stands for `file`, as `asked` (`EPOLL_CTL_ADD`). `open` is the instance's own open file.
    ///
    /// # Errors
    /// `EEXIST` if it is already; `EPERM` for what cannot be waited for; `EINVAL` for itself, and with `EPOLLEXCLUSIVE` for what does not go
    /// together; `ELOOP`; `ENOMEM`.
    pub fn add(
        &self,
        nesting: &Nesting,
        open: &Arc<OpenFile>,
        (fd, file): (Fd, &Arc<OpenFile>),
        asked: EpollEvent,
    ) -> Result<(), Errno> {
        Self::check(open, file)?;
        let is_epoll = file.file.epoll().is_some();
        check_exclusive(asked, is_epoll)?;
        let _nested = is_epoll.then(|| nesting.check(open, file)).transpose()?;
        let interest = Interest::new(open, &self.ready, (fd, file), asked);
        let _turn = self.turn.lock();
        self.ready.tidy();
        {
            let mut interests = self.interests.lock();
            if interests.contains_key(&interest.key()) {
                return Err(Errno::EEXIST);
            }
            interests.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            file.begin_interest(&interest)?;
            interests.insert(interest.key(), Arc::clone(&interest));
        }
        if !interest.join().is_empty() {
            self.ready.add(&interest);
        }
        Ok(())
    }

    /// Asks for something else about `fd`, which stands for `file` (`EPOLL_CTL_MOD`).
    ///
    /// # Errors
    /// `ENOENT` if it is not interested; `EPERM`, `EINVAL`.
    pub fn modify(
        &self,
        open: &Arc<OpenFile>,
        (fd, file): (Fd, &Arc<OpenFile>),
        asked: EpollEvent,
    ) -> Result<(), Errno> {
        Self::check(open, file)?;
        if EpollFlags::from_bits_retain(asked.events).contains(EpollFlags::EXCLUSIVE) {
            return Err(Errno::EINVAL);
        }
        let _turn = self.turn.lock();
        let interest = self.interests.lock().get(&key(fd, file)).cloned().ok_or(Errno::ENOENT)?;
        if interest.is_exclusive() {
            return Err(Errno::EINVAL);
        }
        interest.ask(asked);
        // Looked at only now: a change before that was perhaps not what it was asked for.
        if !interest.look().is_empty() {
            self.ready.add(&interest);
        }
        Ok(())
    }

    /// Is interested in `fd`, which stands for `file`, no longer (`EPOLL_CTL_DEL`).
    ///
    /// # Errors
    /// `ENOENT` if it was not; `EPERM`, `EINVAL`.
    pub fn delete(&self, open: &Arc<OpenFile>, (fd, file): (Fd, &Arc<OpenFile>)) -> Result<(), Errno> {
        Self::check(open, file)?;
        let _turn = self.turn.lock();
        let interest = self.interests.lock().remove(&key(fd, file)).ok_or(Errno::ENOENT)?;
        interest.end();
        self.ready.tidy();
        Ok(())
    }

    fn check(open: &Arc<OpenFile>, file: &Arc<OpenFile>) -> Result<(), Errno> {
        if !file.file.can_poll() {
            return Err(Errno::EPERM);
        }
        if Arc::ptr_eq(open, file) { Err(Errno::EINVAL) } else { Ok(()) }
    }

    /// Whether an event may be there. False costs a few instructions, however many interests there are.
    #[inline]
    pub fn may_have_events(&self) -> bool {
        self.ready.is_any()
    }

    /// Writes events into `out`, as many as there are and have room; answers how many bytes that were. `waker` is a thread that is to be
    /// woken otherwise; when it then does not call again, it must call [`Epoll::give_up`].
    ///
    /// # Errors
    /// `EAGAIN` when there is none; `EFAULT` when the first one could not be handed over.
    pub fn collect(&self, waker: Option<&Waker>, out: &mut dyn Sink) -> Result<usize, Errno> {
        loop {
            while self.ready.is_any() {
                let answer = self.tell(out);
                if answer != Ok(0) {
                    // It may be waiting still: the change was another thread's to look at.
                    waker.inspect(|waker| self.ready.leave(waker));
                    return answer;
                }
            }
            if waker.is_none_or(|waker| self.ready.wait(waker)) {
                return Err(Errno::EAGAIN);
            }
        }
    }

    /// A thread that was to be woken waits no longer.
    pub fn give_up(&self, waker: &Waker) {
        self.ready.give_up(waker);
    }

    /// Calls `visit` with up to `most` of the interests that are on the list now and whose files have events. Those to be told of again go to
    /// the end of the list, so that with little room each has its turn. It ends early when many looks have found nothing: other threads run
    /// on this CPU in between.
    fn look_through(&self, most: usize, mut visit: impl FnMut(&Arc<Interest>, PollEvents) -> Visited) {
        let _turn = self.turn.lock();
        let (mut last, mut left, mut looks, mut visited) = (None, None, 0, 0);
        while visited < most
            && left != Some(0)
            && (visited > 0 || looks < MOST_LOOKS)
            && let Some((interest, count)) = self.ready.next(last.take())
        {
            left = Some(left.unwrap_or(count) - 1);
            looks += 1;
            let events = interest.look();
            if events.is_empty() {
                continue;
            }
            visited += 1;
            match visit(&interest, events) {
                Visited::Done => {}
                Visited::Again => last = Some(interest),
                Visited::NotYet => {
                    self.ready.give_back(interest);
                    break;
                }
            }
        }
        self.ready.finish(last);
    }

    /// Writes what there is room for into `out`.
    fn tell(&self, out: &mut dyn Sink) -> Result<usize, Errno> {
        let (mut done, mut end) = (0, Ok(()));
        self.look_through(out.room() / Self::EVENT, |interest, events| {
            if let Err(errno) = out.put(interest.event(events).as_bytes()) {
                end = Err(errno);
                return Visited::NotYet;
            }
            done += Self::EVENT;
            interest.told()
        });
        partial(done, end)
    }

    /// Whether any interest has an event now.
    fn has_events(&self) -> bool {
        let mut is_found = false;
        while !is_found && self.ready.is_any() {
            self.look_through(1, |_, _| {
                is_found = true;
                Visited::NotYet
            });
        }
        is_found
    }

    /// An interest has ended with its file.
    pub(super) fn forget(&self, interest: &Interest) {
        let gone = self.interests.lock().remove(&interest.key());
        drop(gone);
    }

    /// The epoll instances that it is interested in.
    fn nested(&self) -> Vec<Arc<OpenFile>> {
        // One that is closed meanwhile goes with its last count, which must not be let go of with the lock held.
        let files: Vec<_> = self.interests.lock().values().filter_map(|interest| interest.file()).collect();
        files.into_iter().filter(|open| open.file.epoll().is_some()).collect()
    }
}

fn key(fd: Fd, file: &Arc<OpenFile>) -> Key {
    (fd, Arc::as_ptr(file).addr())
}

/// Checks that what is asked together with `EPOLLEXCLUSIVE` goes together.
fn check_exclusive(asked: EpollEvent, is_epoll: bool) -> Result<(), Errno> {
    let asked = EpollFlags::from_bits_retain(asked.events);
    let is_fine = WITH_EXCLUSIVE.union(EpollFlags::from(EVENTS_WITH_EXCLUSIVE)).contains(asked) && !is_epoll;
    if asked.contains(EpollFlags::EXCLUSIVE) && !is_fine { Err(Errno::EINVAL) } else { Ok(()) }
}

impl File for Epoll {
    fn positions(&self) -> Positions {
        Positions::AlwaysZero
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        self.ready.watch(io);
        if !io.is_leaving() && self.has_events() { READABLE } else { PollEvents::empty() }
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn epoll(&self) -> Option<&Epoll> {
        Some(self)
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        for interest in self.interests.get_mut().drain() {
            interest.1.end();
        }
        self.ready.clear();
    }
}

#[cfg(test)]
mod tests;
