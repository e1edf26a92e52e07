//! The bytes that a connection has received and sends, as smoltcp wants them: two rings of a fixed size. Their addresses are there from the
//! beginning; their memory comes with what is in them, and goes when nothing is for a while.

use alloc::boxed::Box;
use core::fmt::Debug;

use abi::errno::Errno;
use smoltcp::socket::tcp::SocketBuffer;
use smoltcp::wire::TcpSeqNumber;

/// Bytes of a ring: the most that is under way in one direction.
pub const RING: usize = 1 << 20;
/// Bytes of a ring that a connection may use however many others there are.
pub const LEAST_SHARE: usize = 16 << 10;
/// How long what was needed once is kept, in nanoseconds.
const KEPT_NS: u64 = 1_000_000_000;

/// One of the two rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What was received.
    In,
    /// What is sent.
    Out,
}

/// A part of a ring that is in use, round the ring's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Its bytes.
    pub length: usize,
    /// So many of them, at the beginning, were in use before.
    pub known: usize,
}

/// Memory for two rings.
pub trait Rings: Send + Debug {
    /// The rings, [`RING`] bytes each: what was received, what is sent. Asked for once; a byte is touched only when it is [held](Rings::hold), and none
    /// after this is dropped.
    fn bytes(&mut self) -> [&'static mut [u8]; 2];

    /// Has memory for `span`, and no other part of `ring`. What was known of it stays.
    ///
    /// # Errors
    /// `ENOBUFS`.
    fn hold(&mut self, ring: Direction, span: Span) -> Result<(), Errno>;

    /// Nothing is in the rings: their memory goes.
    fn let_go(&mut self);

    /// Bytes of one ring that may be in use now, for all to have something: [`LEAST_SHARE`] at least.
    fn share(&self) -> usize;
}

/// Which part of its rings a connection uses.
#[derive(Debug)]
pub(super) struct Usage {
    rings: Box<dyn Rings>,
    /// Where the next byte to be read lies in its ring.
    read_at: usize,
    /// Bytes from there on that something was written to; there may be gaps in it.
    reach: usize,
    /// The sequence number of the next byte to be read.
    first: TcpSeqNumber,
    /// Address of the ring that is sent.
    out: usize,
    /// There is memory.
    holds: bool,
    /// It was used since [`Usage::rest`] looked.
    is_fresh: bool,
    /// When it was seen to be used: monotonic nanoseconds.
    used_at: u64,
}

impl Usage {
    /// Nothing is in use. Answers the buffers too, which must be dropped first.
    pub(super) fn new(mut rings: Box<dyn Rings>) -> (Self, [SocketBuffer<'static>; 2]) {
        let [received, sent] = rings.bytes();
        let out = sent.as_ptr().addr();
        let usage = Self {
            rings,
            read_at: 0,
            reach: 0,
            first: TcpSeqNumber(0),
            out,
            holds: false,
            is_fresh: false,
            used_at: 0,
        };
        (usage, [SocketBuffer::new(received), SocketBuffer::new(sent)])
    }

    /// The other side's first byte will have this sequence number.
    pub(super) fn begin_with(&mut self, first: TcpSeqNumber) {
        self.first = first;
    }

    /// `length` bytes may come that begin with `sequence`, of a stream that ends `most` bytes behind what was read, or as the ring does. Answers how many of
    /// them do not lie behind that.
    ///
    /// # Errors
    /// `ENOBUFS`.
    pub(super) fn expect(
        &mut self,
        sequence: TcpSeqNumber,
        length: usize,
        most: usize,
    ) -> Result<usize, Errno> {
        // What lies before the first one was read already.
        let ahead = i64::from(sequence.0.wrapping_sub(self.first.0));
        let fitting = length.min(usize::try_from(RING.min(most) as i64 - ahead).unwrap_or(0));
        let end = usize::try_from(ahead + fitting as i64).unwrap_or(0);
        if fitting == 0 || end <= self.reach {
            return Ok(fitting);
        }
        let span = Span { start: self.read_at, length: end, known: self.reach };
        self.hold(Direction::In, span)?;
        self.reach = end;
        Ok(fitting)
    }

    /// The number of the byte behind `readable` ones.
    pub(super) fn next(&self, readable: usize) -> TcpSeqNumber {
        self.first + readable
    }

    /// So many bytes were read.
    pub(super) fn consumed(&mut self, count: usize) {
        self.read_at = (self.read_at + count) % RING;
        self.reach = self.reach.saturating_sub(count);
        self.first += count;
    }

    /// Room for up to `wanted` bytes at the beginning of `free`, behind `queued` bytes that are sent; answers how many.
    ///
    /// # Errors
    /// `EAGAIN` when what is sent has to be acknowledged first; `ENOBUFS`.
    pub(super) fn room(&mut self, free: &[u8], queued: usize, wanted: usize) -> Result<usize, Errno> {
        let at = free.as_ptr().addr() - self.out;
        let mut length = wanted.min(free.len());
        if queued + length > LEAST_SHARE {
            length = length.min(self.rings.share().saturating_sub(queued));
        }
        if length == 0 {
            return Err(Errno::EAGAIN);
        }
        let span = Span { start: (at + RING - queued) % RING, length: queued + length, known: queued };
        match self.hold(Direction::Out, span) {
            Ok(()) => Ok(length),
            Err(errno) => Err(if queued > 0 { Errno::EAGAIN } else { errno }),
        }
    }

    fn hold(&mut self, ring: Direction, span: Span) -> Result<(), Errno> {
        (self.holds, self.is_fresh) = (true, true);
        self.rings.hold(ring, span)
    }

    /// Whether more may be sent behind `queued` bytes.
    pub(super) fn has_room(&self, queued: usize) -> bool {
        queued < LEAST_SHARE || queued < self.rings.share()
    }

    /// Lets memory go that was not needed for a while, if nothing is `queued` to be sent or read. Answers when that may be.
    pub(super) fn rest(&mut self, queued: usize, now_ns: u64) -> Option<u64> {
        if !self.holds {
            return None;
        }
        if core::mem::take(&mut self.is_fresh) || queued + self.reach > 0 {
            self.used_at = now_ns;
        }
        let until = self.used_at + KEPT_NS;
        if now_ns < until {
            return Some(until);
        }
        self.rings.let_go();
        self.holds = false;
        None
    }
}

#[cfg(test)]
pub(super) mod tests;
