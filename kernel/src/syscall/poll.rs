//! Waiting for several files: poll(2), ppoll(2), select(2), pselect(2).

use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::prelude::*;
use abi::task::Resource;
use logic::file::poll::{self, Set};

use crate::signal;

use super::Ctx;

pub(super) const NS_PER_MS: u64 = 1_000_000;
/// Bits of a word of a set of select(2).
const WORD: usize = 64;

/// Looks at `entries` until one has events or `deadline_ns` passes; answers how many have.
fn wait(cx: &Ctx<'_>, entries: &mut [PollFd], deadline_ns: Option<u64>) -> Result<usize, Errno> {
    let files = &cx.process().files;
    let answer =
        cx.block_on(deadline_ns, |waker| poll::poll(&cx.io(waker), entries, |fd| files.get(Fd(fd)).ok()));
    match answer {
        Err(Errno::ETIMEDOUT) => Ok(0),
        answer => answer,
    }
}

pub(super) fn deadline(cx: &Ctx<'_>, timeout_ns: u64) -> u64 {
    cx.now().saturating_add(timeout_ns)
}

fn poll(cx: &Ctx<'_>, fds: UserPtr<PollFd>, count: u32, deadline_ns: Option<u64>) -> Result<usize, Errno> {
    if u64::from(count) > cx.process().limits.lock().get(Resource::Nofile).rlim_cur {
        return Err(Errno::EINVAL);
    }
    let mut entries = Vec::new();
    entries.try_reserve_exact(count as usize).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count as usize {
        entries.push(cx.read_struct(fds.offset(index)?)?);
    }
    let ready = wait(cx, &mut entries, deadline_ns)?;
    for (index, entry) in entries.iter().enumerate() {
        cx.write_struct(fds.offset(index)?, entry)?;
    }
    Ok(ready)
}

/// poll(2): a negative timeout is none.
pub fn sys_poll(cx: &Ctx<'_>, fds: UserPtr<PollFd>, count: u32, timeout_ms: i32) -> Result<usize, Errno> {
    let timeout = u64::try_from(timeout_ms).ok().map(|ms| deadline(cx, ms * NS_PER_MS));
    poll(cx, fds, count, timeout)
}

/// The deadline of a timeout that may be missing.
pub(super) fn given_deadline(cx: &Ctx<'_>, timeout: UserPtr<Timespec>) -> Result<Option<u64>, Errno> {
    let Some(timeout) = timeout.non_null() else { return Ok(None) };
    let timeout: Timespec = cx.read_struct(timeout)?;
    Ok(Some(deadline(cx, timeout.to_ns()?)))
}

/// Does `body` with the signal mask at `mask`, if one is given; the caller's own comes back afterwards.
pub(super) fn with_mask<R>(
    cx: &Ctx<'_>,
    mask: UserPtr<SigSet>,
    set_size: usize,
    body: impl FnOnce() -> Result<R, Errno>,
) -> Result<R, Errno> {
    let Some(mask) = mask.non_null() else { return body() };
    if set_size != size_of::<SigSet>() {
        return Err(Errno::EINVAL);
    }
    signal::begin_wait(cx.process(), cx.task(), cx.read_struct(mask)?);
    let answer = body();
    signal::end_wait(cx.task());
    answer
}

/// ppoll(2)
pub fn sys_ppoll(
    cx: &Ctx<'_>,
    fds: UserPtr<PollFd>,
    count: u32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<SigSet>,
    set_size: usize,
) -> Result<usize, Errno> {
    let deadline = given_deadline(cx, timeout)?;
    with_mask(cx, mask, set_size, || poll(cx, fds, count, deadline))
}

/// The sets of select(2) as the program passes them; null sets are empty.
struct Sets([(Set, UserPtr<u64>, Vec<u64>); 3]);

impl Sets {
    fn read(cx: &Ctx<'_>, count: usize, at: [UserPtr<u64>; 3]) -> Result<Self, Errno> {
        let [read, write, except] = at;
        let load = |at: UserPtr<u64>| -> Result<Vec<u64>, Errno> {
            let words = count.div_ceil(WORD);
            match at.non_null() {
                Some(at) => (0..words).map(|index| cx.read_struct(at.offset(index)?)).collect(),
                None => Ok(vec![0; words]),
            }
        };
        Ok(Self([
            (Set::Read, read, load(read)?),
            (Set::Write, write, load(write)?),
            (Set::Except, except, load(except)?),
        ]))
    }

    fn events_of(&self, fd: usize) -> PollEvents {
        let in_set = |words: &[u64]| words[fd / WORD] & (1 << (fd % WORD)) != 0;
        self.0
            .iter()
            .filter(|(_, _, words)| in_set(words))
            .fold(PollEvents::empty(), |all, (set, ..)| all | set.events())
    }

    /// Leaves only what is ready; answers how many bits are set.
    fn keep(&mut self, entries: &[PollFd]) -> usize {
        let mut bits = 0;
        for (set, _, words) in &mut self.0 {
            let asked = core::mem::replace(words, vec![0; words.len()]);
            for entry in entries {
                let Ok(fd) = usize::try_from(entry.fd) else { continue };
                let bit = 1 << (fd % WORD);
                let ready = PollEvents::from_bits_retain(entry.revents).intersects(set.events());
                if asked[fd / WORD] & bit != 0 && ready {
                    words[fd / WORD] |= bit;
                    bits += 1;
                }
            }
        }
        bits
    }

    fn write(&self, cx: &Ctx<'_>) -> Result<(), Errno> {
        for (_, at, words) in &self.0 {
            let Some(at) = at.non_null() else { continue };
            for (index, word) in words.iter().enumerate() {
                cx.write_struct(at.offset(index)?, word)?;
            }
        }
        Ok(())
    }
}

fn select(cx: &Ctx<'_>, count: i32, at: [UserPtr<u64>; 3], deadline_ns: Option<u64>) -> Result<usize, Errno> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    let limit = cx.process().limits.lock().get(Resource::Nofile).rlim_cur;
    // Bits above the highest descriptor there can be are not looked at.
    let count = count.min(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut sets = Sets::read(cx, count, at)?;
    let mut entries: Vec<PollFd> = (0..count)
        .map(|fd| (fd, sets.events_of(fd)))
        .filter(|(_, events)| !events.is_empty())
        .filter_map(|(fd, events)| {
            Some(PollFd { fd: i32::try_from(fd).ok()?, events: events.bits(), revents: 0 })
        })
        .collect();
    wait(cx, &mut entries, deadline_ns)?;
    if entries.iter().any(|entry| entry.revents & PollEvents::NVAL.bits() != 0) {
        return Err(Errno::EBADF);
    }
    let bits = sets.keep(&entries);
    sets.write(cx)?;
    Ok(bits)
}

/// select(2): the time that is left goes back into `timeout`, as on Linux.
pub fn sys_select(
    cx: &Ctx<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timeval>,
) -> Result<usize, Errno> {
    let given = timeout.non_null().map(|timeout| cx.read_struct(timeout)).transpose()?;
    let until = given.map(|timeout: Timeval| timeout.to_ns().map(|ns| deadline(cx, ns))).transpose()?;
    let answer = select(cx, count, [read, write, except], until)?;
    if let Some(until) = until {
        cx.write_struct(timeout, &Timeval::from_ns(until.saturating_sub(cx.now())))?;
    }
    Ok(answer)
}

/// pselect(2)
pub fn sys_pselect6(
    cx: &Ctx<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<SigSetArg>,
) -> Result<usize, Errno> {
    let until = given_deadline(cx, timeout)?;
    let mask = mask.non_null().map(|mask| cx.read_struct(mask)).transpose()?.unwrap_or_default();
    with_mask(cx, UserPtr::new(mask.set), mask.size, || select(cx, count, [read, write, except], until))
}
