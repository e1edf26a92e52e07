//! The program's buffers of one read or write, as `logic::file::io` wants them: one buffer or many, filled or emptied in order.
//!
//! Objects move bytes with their lock held, when no page can be brought in. A buffer whose page is missing answers `EFAULT` then;
//! [`transfer`] brings the page in with no lock held and tries again. A pointer that is wild stays `EFAULT`. A message that is sent or received
//! as a whole begins again at its first byte then.

use alloc::vec::Vec;
use core::ops::Range;

use abi::errno::Errno;
use abi::io::{IOV_MAX, IoVec, MAX_RW_COUNT};
use abi::reg::UserPtr;
use logic::file::Io;
use logic::file::io::{Sink, Source};
use logic::file::open::OpenFile;

use crate::mm::FaultAction;
use crate::mm::user;

use super::Ctx;

/// Most bytes an object moves under its lock at once.
const STEP: usize = 256 * 1024;
/// Most bytes brought in at once.
const BRING_IN: usize = 256 * 1024;
/// Most bytes brought in for what is moved at once: more than a message has.
const BRING_IN_AT_ONCE: usize = 1024 * 1024;
/// How often the same bytes are brought in before the program is given up on that takes them away each time.
const PATIENCE: u32 = 8;
const PAGE: usize = 4096;

/// Where the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Into the program's memory.
    In,
    /// Out of it.
    Out,
}

/// The buffers of one call, and how far they are done.
#[derive(Clone, Debug)]
pub(super) struct Buffers<'a> {
    /// The buffer that is under way.
    current: IoVec,
    /// The ones after it.
    rest: &'a [IoVec],
    /// Bytes left in all of them.
    left: usize,
    /// How many of those stay behind when the object has moved what it may move now.
    behind: usize,
    /// Memory was missing: that is why the object moved no more.
    is_missing: bool,
    direction: Direction,
}

/// The `count` buffers described at `iov` (readv(2)).
///
/// # Errors
/// `EINVAL` for too many of them or of their bytes, `EFAULT`.
pub(super) fn parts(cx: &Ctx<'_>, iov: UserPtr<IoVec>, count: usize) -> Result<Vec<IoVec>, Errno> {
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let mut parts = Vec::new();
    parts.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    let mut room = MAX_RW_COUNT;
    for index in 0..count {
        let mut part: IoVec = cx.read_struct(iov.offset(index)?)?;
        if isize::try_from(part.iov_len).is_err() {
            return Err(Errno::EINVAL);
        }
        part.iov_len = part.iov_len.min(room);
        room -= part.iov_len;
        parts.push(part);
    }
    Ok(parts)
}

impl<'a> Buffers<'a> {
    /// One buffer.
    pub(super) fn one(at: UserPtr<u8>, count: usize, direction: Direction) -> Self {
        let left = count.min(MAX_RW_COUNT);
        let current = IoVec { iov_base: at.addr(), iov_len: left };
        Self { current, rest: &[], left, behind: left, is_missing: false, direction }
    }

    /// All of `parts`.
    pub(super) fn many(parts: &'a [IoVec], direction: Direction) -> Self {
        let left = parts.iter().map(|part| part.iov_len).sum();
        Self { current: IoVec::default(), rest: parts, left, behind: left, is_missing: false, direction }
    }

    /// Bytes still to be moved.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Bytes the object may move now.
    fn window(&self) -> usize {
        self.left - self.behind
    }

    /// Lets the object move at most [`STEP`] bytes more.
    fn open_window(&mut self) {
        self.behind = self.left.saturating_sub(STEP);
    }

    /// Moves `length` bytes with `copy(address, range of the object's bytes)`, over the end of the buffer that is under way; after an error none
    /// of them count as moved.
    fn each_part(
        &mut self,
        length: usize,
        copy: &mut dyn FnMut(UserPtr<u8>, Range<usize>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let before = (self.current, self.rest, self.left);
        let mut done = 0;
        while done < length {
            if self.current.iov_len == 0 {
                let (next, rest) = self.rest.split_first().ok_or(Errno::EFAULT)?;
                (self.current, self.rest) = (*next, rest);
                continue;
            }
            let count = self.current.iov_len.min(length - done);
            if let Err(errno) = copy(UserPtr::new(self.current.iov_base), done..done + count) {
                (self.current, self.rest, self.left) = before;
                self.is_missing = true;
                return Err(errno);
            }
            self.advance(count);
            done += count;
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn put_parts(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.each_part(bytes.len(), &mut |at, range| user::write_bytes(at, &bytes[range]))
    }

    #[cold]
    #[inline(never)]
    fn take_parts(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        self.each_part(bytes.len(), &mut |at, range| user::read_bytes(at, &mut bytes[range]))
    }

    /// `length` bytes count as moved, over the end of the buffer that is under way; answers how many did.
    #[cold]
    #[inline(never)]
    fn skip_parts(&mut self, length: usize) -> usize {
        let before = self.left;
        // Nothing is copied, so nothing can fail.
        let _ = self.each_part(length, &mut |_, _| Ok(()));
        before - self.left
    }

    /// `count` bytes of the buffer under way are moved, if `copied` says so.
    #[inline(always)]
    fn moved(&mut self, count: usize, copied: Result<(), Errno>) -> Result<(), Errno> {
        match copied {
            Ok(()) => self.advance(count),
            Err(_) => self.is_missing = true,
        }
        copied
    }

    /// `count` bytes of the buffer under way are moved.
    fn advance(&mut self, count: usize) {
        self.current.iov_base += count;
        self.current.iov_len -= count;
        self.left -= count;
    }

    /// Brings in the pages of the next `most` bytes, as far as they can be: objects move bytes over the end of a buffer too.
    fn bring_in(&self, cx: &Ctx<'_>, most: usize) -> Result<(), Errno> {
        let mut room = most;
        for (index, part) in self.parts_left().enumerate() {
            match self.bring_in_part(cx, part, room) {
                Err(errno) if index == 0 => return Err(errno),
                Err(_) => break,
                Ok(()) => room = room.saturating_sub(part.iov_len),
            }
            if room == 0 {
                break;
            }
        }
        if self.left == 0 { Err(Errno::EFAULT) } else { Ok(()) }
    }

    /// Buffers with something left to move.
    fn parts_left(&self) -> impl Iterator<Item = &IoVec> {
        core::iter::once(&self.current).chain(self.rest).filter(|part| part.iov_len > 0)
    }

    fn bring_in_part(&self, cx: &Ctx<'_>, part: &IoVec, most: usize) -> Result<(), Errno> {
        let end = part.iov_base.checked_add(part.iov_len.min(most)).ok_or(Errno::EFAULT)?;
        user::check(part.iov_base as u64, end - part.iov_base)?;
        let writes = self.direction == Direction::In;
        let mut page = part.iov_base & !(PAGE - 1);
        let mut first = true;
        while page < end {
            match cx.kernel().memory.fault(page as u64, writes, false) {
                FaultAction::Handled => {}
                FaultAction::OutOfMemory if first => return Err(Errno::ENOMEM),
                _ if first => return Err(Errno::EFAULT),
                _ => return Ok(()),
            }
            first = false;
            page += PAGE;
        }
        Ok(())
    }
}

impl Sink for Buffers<'_> {
    fn room(&self) -> usize {
        self.window()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.len() > self.current.iov_len {
            return self.put_parts(bytes);
        }
        let copied = user::write_bytes(UserPtr::new(self.current.iov_base), bytes);
        self.moved(bytes.len(), copied)
    }
}

impl Source for Buffers<'_> {
    fn left(&self) -> usize {
        self.window()
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        if bytes.len() > self.current.iov_len {
            return self.take_parts(bytes);
        }
        let copied = user::read_bytes(UserPtr::new(self.current.iov_base), bytes);
        self.moved(bytes.len(), copied)
    }

    fn peek(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        let before = (self.current, self.rest, self.left);
        let answer = self.take(bytes);
        (self.current, self.rest, self.left) = before;
        answer
    }

    fn take_unseen(&mut self) -> usize {
        let window = self.window();
        if window > self.current.iov_len {
            return self.skip_parts(window);
        }
        self.advance(window);
        window
    }
}

/// Does `attempt`, and again when it met a page that was missing: that is brought in in between.
///
/// # Errors
/// `attempt`'s; `EFAULT` for a wild buffer.
pub(super) fn with_pages<'b, R>(
    cx: &Ctx<'_>,
    buffers: &mut Buffers<'b>,
    mut attempt: impl FnMut(&mut Buffers<'b>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    for _ in 0..PATIENCE {
        buffers.open_window();
        match attempt(buffers) {
            Err(Errno::EFAULT) => buffers.bring_in(cx, BRING_IN)?,
            answer => return answer,
        }
    }
    Err(Errno::EFAULT)
}

/// When a transfer that has moved something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Everything is moved: writes, and reads of regular files.
    Done,
    /// Something is moved: reads of streams.
    Some,
}

/// How long a transfer with `open` waits, in nanoseconds (socket(7), `SO_RCVTIMEO`); `None`: as long as it takes.
pub(super) fn patience(open: &OpenFile, direction: Direction) -> Option<u64> {
    let common = open.file.socket()?.common();
    match direction {
        Direction::In => common.receive_patience(),
        Direction::Out => common.send_patience(),
    }
}

/// Moves bytes between `buffers` and `open` with `attempt`, waiting as long as nothing was moved unless `nonblocking`.
///
/// # Errors
/// `attempt`'s, when nothing was moved before; `EFAULT` for a wild buffer.
#[inline]
pub(super) fn transfer<'b>(
    cx: &Ctx<'_>,
    open: &OpenFile,
    buffers: &mut Buffers<'b>,
    nonblocking: bool,
    until: Until,
    mut attempt: impl FnMut(&Io<'_>, &mut Buffers<'b>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    if open.keeps_records() {
        return move_at_once(cx, open, buffers, nonblocking, &mut attempt);
    }
    let whole = buffers.left();
    buffers.open_window();
    let first = attempt(&cx.io(None), buffers);
    if first == Ok(whole) {
        return first;
    }
    go_on(cx, open, buffers, whole, first, (nonblocking, until), &mut attempt)
}

/// The rest of a [`transfer`] of `whole` bytes whose first attempt did not move them all and answered `answer`.
fn go_on<'b>(
    cx: &Ctx<'_>,
    open: &OpenFile,
    buffers: &mut Buffers<'b>,
    whole: usize,
    mut answer: Result<usize, Errno>,
    (nonblocking, until): (bool, Until),
    attempt: &mut dyn FnMut(&Io<'_>, &mut Buffers<'b>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut tries = PATIENCE;
    let until_ns = patience(open, buffers.direction).map(|ns| cx.now().saturating_add(ns));
    loop {
        let moved = whole - buffers.left();
        if answer == Err(Errno::EAGAIN) && !nonblocking && (moved == 0 || until == Until::Done) {
            let left_ns = until_ns.map(|until_ns| until_ns.saturating_sub(cx.now()));
            answer = cx.block_again_for(left_ns, |io| attempt(io, buffers));
        }
        if answer.is_ok_and(|count| count > 0) {
            tries = PATIENCE;
        }
        let is_missing = core::mem::take(&mut buffers.is_missing);
        match answer {
            Ok(_) | Err(Errno::EFAULT)
                if is_missing && tries > 0 && buffers.bring_in(cx, BRING_IN).is_ok() =>
            {
                tries -= 1;
            }
            Ok(count) => {
                if count == 0 || buffers.left() == 0 || until == Until::Some {
                    return Ok(whole - buffers.left());
                }
            }
            Err(_) if moved > 0 => return Ok(moved),
            Err(errno) => return Err(errno),
        }
        buffers.open_window();
        answer = attempt(&cx.io(None), buffers);
    }
}

/// A [`transfer`] that is done in one attempt: a message, or a look at what stays. The answer is the attempt's: it may count bytes that had
/// no room.
///
/// # Errors
/// `attempt`'s; `EFAULT` for a wild buffer.
pub(super) fn move_at_once<'b>(
    cx: &Ctx<'_>,
    open: &OpenFile,
    buffers: &mut Buffers<'b>,
    nonblocking: bool,
    attempt: &mut dyn FnMut(&Io<'_>, &mut Buffers<'b>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    buffers.behind = 0;
    let (whole, patience) = (buffers.clone(), patience(open, buffers.direction));
    let mut tries = PATIENCE;
    loop {
        let answer = if nonblocking {
            attempt(&cx.io(None), buffers)
        } else {
            cx.block_for(patience, |io| attempt(io, buffers))
        };
        if !buffers.is_missing || tries == 0 {
            return answer;
        }
        let again = whole.clone();
        if again.bring_in(cx, BRING_IN_AT_ONCE).is_err() {
            return answer;
        }
        *buffers = again;
        tries -= 1;
    }
}
