//! Waiting: the only function of the kernel that parks a thread (house rule 7).
//!
//! Objects never wait. They answer `EAGAIN` and keep the waker they were given, registered *before* they looked at their
//! state, so that a change between the look and the park wakes the thread at once.

use core::sync::atomic::Ordering;
use core::task::Waker;

use abi::errno::Errno;

use crate::time;

use super::{current, sched};

/// Calls `attempt` until it answers something else than `EAGAIN`, parking in between.
///
/// `deadline_ns` is monotonic; when it passes the answer is `ETIMEDOUT`. A signal answers `EINTR`. `vectors_live` says whether
/// the thread came through the `syscall` instruction, with live vector registers.
pub fn block_on<R>(
    vectors_live: bool,
    deadline_ns: Option<u64>,
    mut attempt: impl FnMut(Option<&Waker>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    match attempt(None) {
        Err(Errno::EAGAIN) => {}
        answer => return answer,
    }
    block_again_on(vectors_live, deadline_ns, |waker| attempt(Some(waker)))
}

/// [`block_on`] after an attempt that answered `EAGAIN`.
pub fn block_again_on<R>(
    vectors_live: bool,
    deadline_ns: Option<u64>,
    mut attempt: impl FnMut(&Waker) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let task = current();
    let waker = task.waker();
    loop {
        match attempt(&waker) {
            Err(Errno::EAGAIN) => {}
            answer => return answer,
        }
        if task.interrupted.load(Ordering::Acquire) {
            return Err(Errno::EINTR);
        }
        let alarm = match deadline_ns {
            Some(deadline) if time::now() >= deadline => return Err(Errno::ETIMEDOUT),
            Some(deadline) => Some(sched::set_alarm(deadline, Waker::clone(&waker))),
            None => None,
        };
        sched::park(vectors_live);
        if let Some(alarm) = alarm {
            sched::cancel_alarm(alarm);
        }
    }
}
