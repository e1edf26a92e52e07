//! Readiness of many files: epoll_create(2), epoll_ctl(2), epoll_wait(2) and relatives.
//!
//! What an interest is and how it comes to be ready is in `logic::file::epoll`.

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::fs::OpenFlags;
use abi::prelude::*;
use logic::file::epoll::Epoll;
use logic::fs::anonymous;

use crate::mm::user;

use super::Ctx;
use super::buffers::{Buffers, Direction, with_pages};
use super::poll::{NS_PER_MS, deadline, with_mask};

/// Most events of one call (Linux, `EP_MAX_EVENTS`).
const MOST_EVENTS: usize = i32::MAX as usize / Epoll::EVENT;

/// epoll_create(2): the size is not looked at, but there must be one.
pub fn sys_epoll_create(cx: &Ctx<'_>, size: i32) -> Result<Fd, Errno> {
    if size <= 0 {
        return Err(Errno::EINVAL);
    }
    sys_epoll_create1(cx, EpollCreateFlags::empty())
}

/// epoll_create1(2)
pub fn sys_epoll_create1(cx: &Ctx<'_>, flags: EpollCreateFlags) -> Result<Fd, Errno> {
    cx.check_memory()?;
    let open = anonymous::open("eventpoll", Epoll::default(), OpenFlags::RDWR);
    cx.process().files.table.lock().insert(open, flags.contains(EpollCreateFlags::CLOEXEC), 0)
}

/// epoll_ctl(2)
pub fn sys_epoll_ctl(
    cx: &Ctx<'_>,
    epfd: Fd,
    op: Late<EpollOp>,
    fd: Fd,
    event: UserPtr<EpollEvent>,
) -> Result<(), Errno> {
    let asked = if op == Ok(EpollOp::Delete) { EpollEvent::default() } else { cx.read_struct(event)? };
    let (open, file) = (cx.file(epfd)?, cx.file(fd)?);
    file.check_not_path()?;
    let target: (Fd, &Arc<_>) = (fd, &file);
    let epoll = open.file.epoll();
    if !file.file.can_poll() {
        return Err(Errno::EPERM);
    }
    let epoll = epoll.ok_or(Errno::EINVAL)?;
    match op? {
        EpollOp::Add => {
            cx.check_memory()?;
            epoll.add(&cx.process().files.nesting, &open, target, asked)
        }
        EpollOp::Delete => epoll.delete(&open, target),
        EpollOp::Modify => epoll.modify(&open, target, asked),
    }
}

/// How long a call waits.
#[derive(Clone, Copy)]
enum Patience {
    /// Not at all.
    None,
    /// So many nanoseconds.
    For(u64),
    /// Until there is an event.
    Endless,
}

impl Patience {
    /// A negative timeout is none.
    #[inline]
    fn from_ms(timeout_ms: i32) -> Self {
        match timeout_ms {
            0 => Self::None,
            ..0 => Self::Endless,
            ms => Self::For(u64::from(ms.unsigned_abs()) * NS_PER_MS),
        }
    }
}

/// Waits for events of `fd`; answers how many were written to `events`.
#[inline(never)]
fn wait(
    cx: &Ctx<'_>,
    fd: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    patience: Patience,
) -> Result<usize, Errno> {
    let open = cx.file(fd)?;
    let most = usize::try_from(most).ok().filter(|most| (1..=MOST_EVENTS).contains(most));
    let bytes = most.ok_or(Errno::EINVAL)? * Epoll::EVENT;
    user::check(events.addr() as u64, bytes)?;
    let epoll = open.file.epoll().ok_or(Errno::EINVAL)?;
    collect(cx, epoll, Buffers::one(events.cast(), bytes, Direction::In), patience)
}

/// Whether there is nothing to tell, and nothing wrong with the question: all that most looks of an event loop need to find out.
#[inline(always)]
fn is_quiet(cx: &Ctx<'_>, fd: Fd, events: UserPtr<EpollEvent>, most: i32) -> bool {
    let Ok(open) = cx.file(fd) else { return false };
    let Some(epoll) = open.file.epoll() else { return false };
    // Nothing is written: what `wait` has to say about the address besides is not said here.
    let is_possible = (1..=MOST_EVENTS as i32).contains(&most)
        && events.addr() as u64 <= user::USER_END - u64::from(most.cast_unsigned()) * Epoll::EVENT as u64;
    is_possible && !epoll.may_have_events()
}

fn collect(
    cx: &Ctx<'_>,
    epoll: &Epoll,
    mut buffers: Buffers<'_>,
    patience: Patience,
) -> Result<usize, Errno> {
    let until = match patience {
        Patience::For(ns) => Some(deadline(cx, ns)),
        Patience::None | Patience::Endless => None,
    };
    let answer = with_pages(cx, &mut buffers, |buffers| match patience {
        Patience::None => epoll.collect(None, buffers),
        _ => cx.block_on(until, |waker| epoll.collect(waker, buffers)),
    });
    if let Err(Errno::ETIMEDOUT | Errno::EINTR) = answer {
        epoll.give_up(&cx.task().waker());
    }
    match answer {
        Ok(bytes) => Ok(bytes / Epoll::EVENT),
        Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(0),
        Err(errno) => Err(errno),
    }
}

/// epoll_wait(2)
#[inline(always)]
pub fn sys_epoll_wait(
    cx: &Ctx<'_>,
    fd: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout_ms: i32,
) -> Result<usize, Errno> {
    if timeout_ms == 0 && is_quiet(cx, fd, events, most) {
        return Ok(0);
    }
    wait(cx, fd, events, most, Patience::from_ms(timeout_ms))
}

/// epoll_pwait(2)
pub fn sys_epoll_pwait(
    cx: &Ctx<'_>,
    fd: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout_ms: i32,
    mask: UserPtr<SigSet>,
    set_size: usize,
) -> Result<usize, Errno> {
    with_mask(cx, mask, set_size, || sys_epoll_wait(cx, fd, events, most, timeout_ms))
}

/// epoll_pwait2(2): without a timeout it waits for as long as it takes.
pub fn sys_epoll_pwait2(
    cx: &Ctx<'_>,
    fd: Fd,
    events: UserPtr<EpollEvent>,
    most: i32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<SigSet>,
    set_size: usize,
) -> Result<usize, Errno> {
    let patience = match timeout.non_null() {
        None => Patience::Endless,
        Some(timeout) => match cx.read_struct(timeout)?.to_ns()? {
            0 => Patience::None,
            ns => Patience::For(ns),
        },
    };
    with_mask(cx, mask, set_size, || wait(cx, fd, events, most, patience))
}
