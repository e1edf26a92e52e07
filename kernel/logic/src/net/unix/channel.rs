//! One direction between sockets of this machine: bytes in a ring, and what each run of them came with.
//!
//! A run is a datagram, a packet, or the bytes of a stream that were sent with the same control messages. Bytes of a stream that came with
//! none are just bytes, as long as no others follow.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{MsgFlags, Ucred};
use sync::Lock;

use super::rights::Rights;
use crate::file::Io;
use crate::file::io::{Sink, Source, partial};
use crate::file::ring::Ring;
use crate::file::wakers::WakerSet;
use crate::net::address::{SocketAddress, UnixAddress};
use crate::net::socket::{Control, Incoming};

/// Datagrams, or packets, that wait at most (`/proc/sys/net/unix/max_dgram_qlen`, as systemd sets it).
const MOST_RUNS: usize = 512;
/// Places for so many of them are kept when they are gone.
const KEPT_RUNS: usize = 32;
/// So many bytes of memory are kept when nothing is in them.
const KEPT: usize = 64 << 10;
/// Who sent what nobody said who sent (`/proc/sys/kernel/overflowuid`).
const NOBODY: Ucred = Ucred { pid: 0, uid: 65534, gid: 65534 };

/// What goes with bytes that are sent.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    /// The sender's name.
    pub(super) from: UnixAddress,
    /// Open files; taken when they are on their way.
    pub(super) rights: Option<Rights>,
    /// Who sends, if he says so or must.
    pub(super) credentials: Option<Ucred>,
}

/// Bytes that belong together, and what came with them, if something did.
#[derive(Debug)]
struct Run {
    left: usize,
    parcel: Option<Box<Parcel>>,
}

impl Run {
    fn new(left: usize, parcel: Parcel) -> Self {
        let is_bare = parcel.is_plain() && parcel.from == UnixAddress::Unnamed;
        Self { left, parcel: (!is_bare).then(|| Box::new(parcel)) }
    }

    fn credentials(&self) -> Option<Ucred> {
        self.parcel.as_ref().and_then(|parcel| parcel.credentials)
    }

    fn rights(&self) -> Option<&Rights> {
        self.parcel.as_ref().and_then(|parcel| parcel.rights.as_ref())
    }

    fn take_rights(&mut self) -> Option<Rights> {
        self.parcel.as_mut().and_then(|parcel| parcel.rights.take())
    }

    /// The sender's name, if it has one.
    fn sender(&self) -> Option<SocketAddress> {
        let from = &self.parcel.as_ref()?.from;
        (*from != UnixAddress::Unnamed).then(|| from.clone().into())
    }
}

#[derive(Debug, Default)]
struct State {
    bytes: Ring,
    runs: VecDeque<Run>,
    /// Bytes of a stream behind all runs that came with nothing.
    plain: usize,
    /// Nothing is sent any more: an end is shut, or gone.
    is_closed: bool,
    /// Bytes that were sent will never be read, or a connection was never taken: told once.
    error: Option<Errno>,
    /// The receiver wants to know who sends.
    wants_credentials: bool,
    readers: WakerSet,
    writers: WakerSet,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Channel(Lock<State>);

/// What poll(2) and ioctl(2) look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Bytes in it.
    pub(super) bytes: usize,
    /// Bytes of the first run.
    pub(super) first: usize,
    /// There is something to receive: a datagram may have no bytes.
    pub(super) is_waiting: bool,
    /// As many datagrams as there can be.
    pub(super) is_full: bool,
    /// Nothing is sent any more.
    pub(super) is_closed: bool,
    /// There is an error to tell.
    pub(super) has_error: bool,
}

impl Parcel {
    fn is_plain(&self) -> bool {
        self.rights.is_none() && self.credentials.is_none()
    }
}

impl State {
    /// What to answer when there is nothing to receive.
    fn nothing(&mut self, io: &Io<'_>) -> Result<usize, Errno> {
        match self.error.take() {
            Some(errno) => Err(errno),
            None if self.is_closed => Ok(0),
            None => {
                io.wait_for(&mut self.readers, PollEvents::all());
                Err(Errno::EAGAIN)
            }
        }
    }

    /// Tells somebody who waits, if somebody does.
    #[inline]
    fn wake(wakers: &mut WakerSet) {
        if !wakers.is_empty() {
            wakers.wake_all();
        }
    }

    /// Credentials, if they must go along.
    fn complete(&self, io: &Io<'_>, parcel: &mut Parcel) {
        if self.wants_credentials && parcel.credentials.is_none() {
            parcel.credentials = Some(io.identity().real);
        }
    }

    /// Tells who sent run `first`, and what came with run `last`: its files are taken unless the receiver only looks.
    fn tell(&mut self, first: usize, last: usize, message: &mut Incoming) {
        let Some(run) = self.runs.get(first) else { return };
        if self.wants_credentials {
            message.control.push(Control::Credentials(run.credentials().unwrap_or(NOBODY)));
        }
        if message.asks_who {
            message.from = run.sender();
        }
        let Some(run) = self.runs.get_mut(last) else { return };
        let files = if message.flags.contains(MsgFlags::PEEK) {
            run.rights().map(Rights::copy)
        } else {
            run.take_rights().map(Rights::into_files)
        };
        message.control.extend(files.map(Control::Rights));
    }
}

impl Channel {
    /// Sends some bytes of a stream, of which `capacity` may wait.
    pub(super) fn send_bytes(
        &self,
        io: &Io<'_>,
        from: &mut dyn Source,
        capacity: usize,
        parcel: &mut Parcel,
    ) -> Result<usize, Errno> {
        let state = &mut *self.0.lock();
        if state.is_closed {
            return Err(Errno::EPIPE);
        }
        let wanted = from.left();
        if wanted == 0 {
            return Ok(0);
        }
        state.complete(io, parcel);
        let is_plain = parcel.is_plain();
        if !is_plain {
            state.runs.try_reserve(2).map_err(|_| Errno::ENOMEM)?;
        }
        let room = state.bytes.make_room(io, (1, wanted), capacity)?;
        if room == 0 {
            io.wait_for(&mut state.writers, PollEvents::all());
            return Err(Errno::EAGAIN);
        }
        let (done, end) = state.bytes.fill(from, wanted.min(room));
        if done > 0 {
            if is_plain {
                state.plain += done;
            } else {
                state.add_run(done, core::mem::take(parcel));
            }
            State::wake(&mut state.readers);
        }
        partial(done, end)
    }

    /// Sends all bytes of `from` as one datagram or packet, whose sender lets `capacity` bytes wait.
    pub(super) fn send_run(
        &self,
        io: &Io<'_>,
        from: &mut dyn Source,
        capacity: usize,
        parcel: &mut Parcel,
    ) -> Result<usize, Errno> {
        let state = &mut *self.0.lock();
        if state.is_closed {
            return Err(Errno::EPIPE);
        }
        let (wanted, before) = (from.left(), state.bytes.len());
        let is_alone = state.runs.is_empty();
        let fits = is_alone || state.runs.len() < MOST_RUNS && before + wanted <= capacity;
        if fits {
            let room = state.bytes.make_room(io, (wanted, wanted), before + wanted);
            room.map_err(|_| Errno::ENOBUFS)?;
        }
        if !fits {
            io.wait_for(&mut state.writers, PollEvents::all());
            return Err(Errno::EAGAIN);
        }
        state.runs.try_reserve(1).map_err(|_| Errno::ENOBUFS)?;
        let (done, end) = state.bytes.fill(from, wanted);
        if let Err(errno) = end {
            state.bytes.take_back(done);
            return Err(errno);
        }
        state.complete(io, parcel);
        state.runs.push_back(Run::new(done, core::mem::take(parcel)));
        State::wake(&mut state.readers);
        Ok(done)
    }

    /// Receives bytes of a stream: not beyond those that open files came with, nor what somebody else sent if that is told.
    pub(super) fn receive_bytes(
        &self,
        io: &Io<'_>,
        out: &mut dyn Sink,
        message: &mut Incoming,
    ) -> Result<usize, Errno> {
        let state = &mut *self.0.lock();
        if state.bytes.is_empty() {
            return state.nothing(io);
        }
        if state.runs.is_empty() && !state.wants_credentials {
            let count = state.plain.min(out.room());
            let (done, end) = state.bytes.hand_over(out, 0, count);
            let done = partial(done, end)?;
            if !message.flags.contains(MsgFlags::PEEK) {
                state.consume(done);
            }
            return Ok(done);
        }
        state.close_plain()?;
        let (mut done, mut last, mut end) = (0, 0, Ok(()));
        for index in 0..state.runs.len() {
            let run = &state.runs[index];
            let is_anothers = state.wants_credentials && run.credentials() != state.runs[0].credentials();
            if out.room() == 0 || is_anothers {
                break;
            }
            let (whole, has_rights) = (run.left, run.rights().is_some());
            let count = whole.min(out.room());
            let (handed, handing) = state.bytes.hand_over(out, done, count);
            done += handed;
            (last, end) = (if handed > 0 { index } else { last }, handing);
            if end.is_err() || has_rights {
                break;
            }
        }
        let done = partial(done, end)?;
        if done > 0 {
            state.tell(0, last, message);
        }
        if done > 0 && !message.flags.contains(MsgFlags::PEEK) {
            state.consume(done);
        }
        Ok(done)
    }

    /// Receives one datagram or packet; what does not fit is lost.
    pub(super) fn receive_run(
        &self,
        io: &Io<'_>,
        out: &mut dyn Sink,
        message: &mut Incoming,
    ) -> Result<usize, Errno> {
        let state = &mut *self.0.lock();
        if let Some(errno) = state.error.take() {
            return Err(errno);
        }
        let Some(run) = state.runs.front() else { return state.nothing(io) };
        let (whole, count) = (run.left, run.left.min(out.room()));
        state.bytes.hand_over(out, 0, count).1?;
        message.told.set(MsgFlags::TRUNC, count < whole);
        state.tell(0, 0, message);
        if !message.flags.contains(MsgFlags::PEEK) {
            state.runs.pop_front();
            state.bytes.consume(whole);
            state.after_reading();
        }
        Ok(if message.flags.contains(MsgFlags::TRUNC) { whole } else { count })
    }

    /// Nothing is sent any more.
    pub(super) fn close(&self) {
        let state = &mut *self.0.lock();
        state.is_closed = true;
        state.readers.wake_all();
        state.writers.wake_all();
    }

    /// The receiver is gone. Answers whether it left something unread.
    pub(super) fn abandon(&self) -> bool {
        let (plain, runs) = {
            let state = &mut *self.0.lock();
            state.is_closed = true;
            state.bytes.clear();
            state.readers.wake_all();
            state.writers.wake_all();
            (core::mem::take(&mut state.plain), core::mem::take(&mut state.runs))
        };
        // Files among them may do much work: outside the lock.
        plain > 0 || !runs.is_empty()
    }

    /// What was sent, and not received yet, is lost. Answers whether there was something.
    pub(super) fn purge(&self) -> bool {
        let runs = {
            let state = &mut *self.0.lock();
            state.bytes.clear();
            state.writers.wake_all();
            core::mem::take(&mut state.runs)
        };
        !runs.is_empty()
    }

    /// The receiver is to be told `errno`, once.
    pub(super) fn fail(&self, errno: Errno) {
        let state = &mut *self.0.lock();
        state.error = Some(errno);
        state.readers.wake_all();
    }

    /// The error that waits, which is taken.
    pub(super) fn take_error(&self) -> Option<Errno> {
        self.0.lock().error.take()
    }

    /// Whether the receiver is to be told who sends.
    pub(super) fn tell_credentials(&self, wanted: bool) {
        self.0.lock().wants_credentials = wanted;
    }

    /// The interests of `early` wait for something to receive.
    pub(super) fn join_readers(&self, early: &WakerSet) {
        self.0.lock().readers.join_all(early);
    }

    /// Who waits in `early` waits for room to send.
    pub(super) fn join_writers(&self, mut early: WakerSet) {
        self.0.lock().writers.take_over(&mut early);
    }

    /// Looks as the receiver does.
    pub(super) fn look_in(&self, io: &Io<'_>) -> Look {
        let state = &mut *self.0.lock();
        io.watch(&mut state.readers);
        state.look()
    }

    /// Looks as a sender does.
    pub(super) fn look_out(&self, io: &Io<'_>) -> Look {
        let state = &mut *self.0.lock();
        io.watch(&mut state.writers);
        state.look()
    }
}

impl State {
    /// `count` bytes of a stream are done with.
    fn consume(&mut self, count: usize) {
        self.bytes.consume(count);
        let mut left = count;
        if self.runs.is_empty() {
            self.plain -= count;
            left = 0;
        }
        while let Some(run) = self.runs.front_mut() {
            if run.left > left {
                run.left -= left;
                break;
            }
            left -= run.left;
            self.runs.pop_front();
        }
        self.after_reading();
    }

    fn after_reading(&mut self) {
        self.bytes.relax(KEPT);
        if self.runs.is_empty() && self.runs.capacity() > KEPT_RUNS {
            self.runs = VecDeque::new();
        }
        Self::wake(&mut self.writers);
    }

    /// `count` bytes of a stream came with `parcel`; there is room for two runs.
    fn add_run(&mut self, count: usize, parcel: Parcel) {
        if self.plain > 0 {
            let left = core::mem::take(&mut self.plain);
            self.runs.push_back(Run { left, parcel: None });
        }
        match self.runs.back_mut() {
            Some(last)
                if parcel.rights.is_none()
                    && last.rights().is_none()
                    && last.credentials() == parcel.credentials =>
            {
                last.left += count;
            }
            _ => self.runs.push_back(Run::new(count, parcel)),
        }
    }

    /// Bytes behind all runs become one of them, to be received as such.
    fn close_plain(&mut self) -> Result<(), Errno> {
        if self.plain > 0 {
            self.runs.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            self.add_run(0, Parcel::default());
        }
        Ok(())
    }

    fn look(&self) -> Look {
        Look {
            bytes: self.bytes.len(),
            first: self.runs.front().map_or(0, |run| run.left),
            is_waiting: !self.runs.is_empty() || self.plain > 0,
            is_full: self.runs.len() >= MOST_RUNS,
            is_closed: self.is_closed,
            has_error: self.error.is_some(),
        }
    }
}
