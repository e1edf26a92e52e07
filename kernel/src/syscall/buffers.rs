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
const PAGE: usize = 4096;

/// Where the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Into the program's memory.
    In,
    /// Out of it.
    Out,
}

/// How far the buffers are done.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// The buffer that is under way.
    current: IoVec,
    /// The one after it in `parts`.
    next: usize,
    /// Bytes left in all of them.
    left: usize,
    /// Bytes the object may move now.
    window: usize,
}

/// The buffers of one call.
#[derive(Debug)]
pub(super) struct Buffers {
    parts: Vec<IoVec>,
    cursor: Cursor,
    direction: Direction,
}

impl Buffers {
    /// One buffer.
    pub(super) fn one(at: UserPtr<u8>, count: usize, direction: Direction) -> Self {
        let left = count.min(MAX_RW_COUNT);
        let current = IoVec { iov_base: at.addr(), iov_len: left };
        Self { parts: Vec::new(), cursor: Cursor { current, next: 0, left, window: 0 }, direction }
    }

    /// The `count` buffers described at `iov` (readv(2)).
    ///
    /// # Errors
    /// `EINVAL` for too many of them or of their bytes, `EFAULT`.
    pub(super) fn many(
        cx: &Ctx<'_>,
        iov: UserPtr<IoVec>,
        count: usize,
        direction: Direction,
    ) -> Result<Self, Errno> {
        if count > IOV_MAX {
            return Err(Errno::EINVAL);
        }
        let mut parts = Vec::new();
        parts.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        let mut left = 0usize;
        for index in 0..count {
            let mut part: IoVec = cx.read_struct(iov.offset(index)?)?;
            if isize::try_from(part.iov_len).is_err() {
                return Err(Errno::EINVAL);
            }
            part.iov_len = part.iov_len.min(MAX_RW_COUNT - left);
            left += part.iov_len;
            parts.push(part);
        }
        Ok(Self { parts, cursor: Cursor { current: IoVec::default(), next: 0, left, window: 0 }, direction })
    }

    /// Bytes still to be moved.
    pub(super) fn left(&self) -> usize {
        self.cursor.left
    }

    /// Moves `length` bytes with `copy(address, range of the object's bytes)`; after an error none of them count as moved.
    fn each(
        &mut self,
        length: usize,
        mut copy: impl FnMut(UserPtr<u8>, Range<usize>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let before = self.cursor;
        let mut done = 0;
        while done < length {
            let cursor = &mut self.cursor;
            if cursor.current.iov_len == 0 {
                cursor.current = self.parts.get(cursor.next).copied().ok_or(Errno::EFAULT)?;
                cursor.next += 1;
                continue;
            }
            let count = cursor.current.iov_len.min(length - done);
            if let Err(errno) = copy(UserPtr::new(cursor.current.iov_base), done..done + count) {
                self.cursor = before;
                return Err(errno);
            }
            cursor.current.iov_base += count;
            cursor.current.iov_len -= count;
            cursor.left -= count;
            cursor.window -= count;
            done += count;
        }
        Ok(())
    }

    /// Brings in the pages of the next buffer, as far as they can be.
    fn bring_in(&self, cx: &Ctx<'_>) -> Result<(), Errno> {
        let rest = self.parts.get(self.cursor.next..).unwrap_or_default();
        let next = core::iter::once(&self.cursor.current)
            .chain(rest)
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

impl Sink for Buffers {
    fn room(&self) -> usize {
        self.cursor.window
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.each(bytes.len(), |at, range| user::write_bytes(at, &bytes[range]))
    }
}

impl Source for Buffers {
    #[expect(clippy::misnamed_getters, reason = "an object sees no more than what it may move now")]
    fn left(&self) -> usize {
        self.cursor.window
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        self.each(bytes.len(), |at, range| user::read_bytes(at, &mut bytes[range]))
    }

    fn take_unseen(&mut self) -> usize {
        let window = self.cursor.window;
        // Nothing is copied, so nothing can fail.
        let _ = self.each(window, |_, _| Ok(()));
        window
    }
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
pub(super) fn transfer(
    cx: &Ctx<'_>,
    buffers: &mut Buffers,
    nonblocking: bool,
    until: Until,
    mut attempt: impl FnMut(&Io<'_>, &mut Buffers) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let whole = buffers.left();
    // How often the same bytes may be brought in before the program is given up on that takes them away each time.
    let mut patience = 8;
    loop {
        let moved = whole - buffers.left();
        let window = buffers.left().min(STEP);
        buffers.cursor.window = window;
        let may_wait = !nonblocking && (moved == 0 || until == Until::Done);
        let answer = cx.block_on(None, |waker| match attempt(&Io { waker, now: cx.wall_time() }, buffers) {
            Err(Errno::EAGAIN) if may_wait => Err(Errno::EAGAIN),
            answer => Ok(answer),
        });
        match answer.and_then(|answer| answer) {
            Ok(count) => {
                let all = whole - buffers.left();
                if count == 0 || buffers.left() == 0 || until == Until::Some && count == window {
                    return Ok(all);
                }
                if count < window && buffers.bring_in(cx).is_err() {
                    return Ok(all);
                }
                if count < window && until == Until::Some {
                    return Ok(all);
                }
            }
            Err(Errno::EFAULT) if patience > 0 && buffers.bring_in(cx).is_ok() => patience -= 1,
            Err(_) if moved > 0 => return Ok(moved),
            Err(errno) => return Err(errno),
        }
    }
}
