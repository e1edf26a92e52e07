//! The program's buffers of one read or write, as `logic::file::io` wants them: one buffer or many, filled or emptied in order.
//!
//! Objects move bytes with their lock held, when no page can be brought in. A buffer whose page is missing answers `EFAULT` then;
//! [`transfer`] brings the page in with no lock held and tries again. A pointer that is wild stays `EFAULT`.

use alloc::vec::Vec;
use core::ops::Range;

use abi::errno::Errno;
use abi::io::{IOV_MAX, IoVec, MAX_RW_COUNT};
use abi::reg::UserPtr;
use logic::file::Io;
use logic::file::io::{Sink, Source};

use crate::mm::FaultAction;
use crate::mm::user;

use super::Ctx;

/// Most bytes an object moves under its lock at once.
const STEP: usize = 256 * 1024;
/// Most bytes brought in at once.
const BRING_IN: usize = 256 * 1024;
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
#[derive(Debug)]
pub(super) struct Buffers<'a> {
    /// The buffer that is under way.
    current: IoVec,
    /// The ones after it.
    rest: &'a [IoVec],
    /// Bytes left in all of them.
    left: usize,
    /// How many of those stay behind when the object has moved what it may move now.
    behind: usize,
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
        Self { current, rest: &[], left, behind: left, direction }
    }

    /// All of `parts`.
    pub(super) fn many(parts: &'a [IoVec], direction: Direction) -> Self {
        let left = parts.iter().map(|part| part.iov_len).sum();
        Self { current: IoVec::default(), rest: parts, left, behind: left, direction }
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

    /// `count` bytes of the buffer under way are moved.
    fn advance(&mut self, count: usize) {
        self.current.iov_base += count;
        self.current.iov_len -= count;
        self.left -= count;
    }

    /// Brings in the pages of the next buffer, as far as they can be.
    fn bring_in(&self, cx: &Ctx<'_>) -> Result<(), Errno> {
        let next = core::iter::once(&self.current)
            .chain(self.rest)
            .find(|part| part.iov_len > 0)
            .ok_or(Errno::EFAULT)?;
        let end = next.iov_base.checked_add(next.iov_len.min(BRING_IN)).ok_or(Errno::EFAULT)?;
        user::check(next.iov_base as u64, end - next.iov_base)?;
        let writes = self.direction == Direction::In;
        let mut page = next.iov_base & !(PAGE - 1);
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
        user::write_bytes(UserPtr::new(self.current.iov_base), bytes)?;
        self.advance(bytes.len());
        Ok(())
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
        user::read_bytes(UserPtr::new(self.current.iov_base), bytes)?;
        self.advance(bytes.len());
        Ok(())
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
            Err(Errno::EFAULT) => buffers.bring_in(cx)?,
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

/// Moves bytes between `buffers` and an object with `attempt`, waiting as long as nothing was moved unless `nonblocking`.
///
/// # Errors
/// `attempt`'s, when nothing was moved before; `EFAULT` for a wild buffer.
#[inline]
pub(super) fn transfer<'b>(
    cx: &Ctx<'_>,
    buffers: &mut Buffers<'b>,
    nonblocking: bool,
    until: Until,
    mut attempt: impl FnMut(&Io<'_>, &mut Buffers<'b>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let whole = buffers.left();
    buffers.open_window();
    let first = attempt(&cx.io(None), buffers);
    if first == Ok(whole) {
        return first;
    }
    go_on(cx, buffers, whole, first, (nonblocking, until), &mut attempt)
}

/// The rest of a [`transfer`] of `whole` bytes whose first attempt did not move them all and answered `answer`.
fn go_on<'b>(
    cx: &Ctx<'_>,
    buffers: &mut Buffers<'b>,
    whole: usize,
    mut answer: Result<usize, Errno>,
    (nonblocking, until): (bool, Until),
    attempt: &mut dyn FnMut(&Io<'_>, &mut Buffers<'b>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let mut patience = PATIENCE;
    loop {
        let moved = whole - buffers.left();
        if answer == Err(Errno::EAGAIN) && !nonblocking && (moved == 0 || until == Until::Done) {
            answer = cx.block_on(None, |waker| attempt(&cx.io(waker), buffers));
        }
        match answer {
            Ok(count) => {
                if count == 0 || buffers.left() == 0 || until == Until::Some {
                    return Ok(whole - buffers.left());
                }
                patience = PATIENCE;
            }
            Err(Errno::EFAULT) if patience > 0 && buffers.bring_in(cx).is_ok() => patience -= 1,
            Err(_) if moved > 0 => return Ok(moved),
            Err(errno) => return Err(errno),
        }
        buffers.open_window();
        answer = attempt(&cx.io(None), buffers);
    }
}
