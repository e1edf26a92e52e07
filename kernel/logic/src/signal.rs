//! Signals as bookkeeping: dispositions, masks, pending sets, alternate stacks, what is delivered next (signal(7)).
//!
//! Running a handler on the program's stack is the kernel's part.

use alloc::collections::VecDeque;

use abi::errno::Errno;
use abi::signal::{
    DefaultAction, SIG_DFL, SIG_IGN, SaFlags, SigAction, SigHow, SigInfo, SigSet, SigStack, Signal, SsFlags,
    code,
};

use crate::limits::Limits;

/// Number of signals, 1 to 64.
const COUNT: usize = 64;
/// Signals of faults: delivered before all others.
const SYNCHRONOUS: SigSet = SigSet::of(Signal::SIGSEGV)
    .union(SigSet::of(Signal::SIGBUS))
    .union(SigSet::of(Signal::SIGILL))
    .union(SigSet::of(Signal::SIGTRAP))
    .union(SigSet::of(Signal::SIGFPE))
    .union(SigSet::of(Signal::SIGSYS));

/// What a signal does when it arrives at a thread that does not block it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Ignore,
    /// The process ends with 128 + its number.
    Kill,
    /// The process stops or goes on: there is nobody to notice, so nothing happens.
    StopOrContinue,
    /// The program's handler is to run.
    Handle(SigAction),
}

/// Signals that have come and wait to be taken.
#[derive(Debug, Default)]
pub struct Pending {
    set: SigSet,
    /// In order of arrival.
    queue: VecDeque<SigInfo>,
}

impl Pending {
    /// Which signals wait.
    #[must_use]
    pub fn set(&self) -> SigSet {
        self.set
    }

    /// Adds a signal. A classic one that waits already is not added again; real-time signals queue, up to `most` of them. Without
    /// room, what can be said in a bit is: that a classic signal came, or a real-time one through kill(2); who sent it is lost.
    /// A timer has one signal at a time: going off again is counted in the one that waits (timer_getoverrun(2)).
    ///
    /// # Errors
    /// `EAGAIN` when too many wait (sigqueue(3)).
    pub fn add(&mut self, signal: Signal, info: SigInfo, most: usize) -> Result<(), Errno> {
        if let Some((number, overruns)) = info.expiry()
            && let Some(waiting) = self.of_timer(signal, number)
        {
            waiting.add_overruns(overruns.saturating_add(1));
            return Ok(());
        }
        let is_classic = signal < Signal::SIGRTMIN;
        if is_classic && self.set.contains(signal) {
            return Ok(());
        }
        let has_room = is_classic || self.queue.len() < most;
        if has_room && self.queue.try_reserve(1).is_ok() {
            self.queue.push_back(info);
        } else if !is_classic && info.si_code != code::SI_USER {
            return Err(Errno::EAGAIN);
        }
        self.set = self.set.union(SigSet::of(signal));
        Ok(())
    }

    fn of_timer(&mut self, signal: Signal, number: i32) -> Option<&mut SigInfo> {
        let of_it = |info: &&mut SigInfo| {
            info.si_signo == signal.raw() && info.expiry().is_some_and(|(other, _)| other == number)
        };
        self.queue.iter_mut().find(of_it)
    }

    /// Takes the first of those in `wanted`: faults before others, low numbers before high ones, then in order of arrival.
    pub fn take(&mut self, wanted: SigSet) -> Option<(Signal, SigInfo)> {
        let there = self.set.intersection(wanted);
        let signal = there.intersection(SYNCHRONOUS).first().or_else(|| there.first())?;
        let of_it = |info: &SigInfo| info.si_signo == signal.raw();
        let queued = self.queue.iter().position(of_it).and_then(|index| self.queue.remove(index));
        let info = queued.unwrap_or_else(|| SigInfo::sent(signal, code::SI_USER, 0, 0));
        if !self.queue.iter().any(of_it) {
            self.set = self.set.difference(SigSet::of(signal));
        }
        Some((signal, info))
    }

    /// Has a signal that [`Pending::take`] gave wait again, before all others.
    pub fn give_back(&mut self, signal: Signal, info: SigInfo) {
        if self.queue.try_reserve(1).is_ok() {
            self.queue.push_front(info);
        }
        self.set = self.set.union(SigSet::of(signal));
    }

    /// Forgets `signal`: it is ignored from now on.
    fn forget(&mut self, signal: Signal) {
        self.set = self.set.difference(SigSet::of(signal));
        self.queue.retain(|info| info.si_signo != signal.raw());
    }
}

/// What the process does with each signal, and what is pending for any of its threads.
#[derive(Debug)]
pub struct ProcessSignals {
    actions: [SigAction; COUNT],
    /// Sent to the process, not yet taken by a thread.
    pub pending: Pending,
    /// Real-time signals that may wait for the process, and as many for each thread (`RLIMIT_SIGPENDING`).
    pub most_queued: usize,
}

impl Default for ProcessSignals {
    fn default() -> Self {
        let most_queued = Limits::default().queued_signals();
        Self { actions: [SigAction::default(); COUNT], pending: Pending::default(), most_queued }
    }
}

impl ProcessSignals {
    /// The action set for `signal`.
    #[must_use]
    pub fn action(&self, signal: Signal) -> SigAction {
        self.actions[signal.index()]
    }

    /// Sets the action for `signal` (sigaction(2)).
    ///
    /// # Errors
    /// `EINVAL` for SIGKILL and SIGSTOP, which always do what they do.
    pub fn set_action(&mut self, signal: Signal, action: SigAction) -> Result<(), Errno> {
        if signal == Signal::SIGKILL || signal == Signal::SIGSTOP {
            return Err(Errno::EINVAL);
        }
        self.actions[signal.index()] =
            SigAction { sa_mask: action.sa_mask.difference(SigSet::UNBLOCKABLE), ..action };
        if self.effect(signal) == Effect::Ignore {
            self.pending.forget(signal);
        }
        Ok(())
    }

    /// What `signal` does now.
    #[must_use]
    pub fn effect(&self, signal: Signal) -> Effect {
        let action = self.action(signal);
        match action.sa_handler {
            SIG_IGN => Effect::Ignore,
            SIG_DFL => match signal.default_action() {
                DefaultAction::Ignore => Effect::Ignore,
                DefaultAction::Stop | DefaultAction::Continue => Effect::StopOrContinue,
                DefaultAction::Terminate | DefaultAction::Core => Effect::Kill,
            },
            _ => Effect::Handle(action),
        }
    }
}

/// One thread's part.
#[derive(Debug, Default)]
pub struct ThreadSignals {
    /// Signals that wait until they are unblocked.
    pub mask: SigSet,
    /// Sent to this thread, not yet taken.
    pub pending: Pending,
    /// The alternate stack (sigaltstack(2)).
    pub stack: SigStack,
    /// The mask that comes back after the next handler: `mask` is that of a wait (sigsuspend(2), ppoll(2)).
    pub saved_mask: Option<SigSet>,
    /// Blocked signals that the thread waits for (sigtimedwait(2)).
    pub awaited: SigSet,
}

impl ThreadSignals {
    /// A new thread's: it inherits the mask; nothing is pending for it and it has no alternate stack (clone(2)).
    #[must_use]
    pub fn inherited(&self) -> Self {
        Self { mask: self.mask, ..Self::default() }
    }

    /// Changes the mask (sigprocmask(2)). SIGKILL and SIGSTOP cannot be blocked; asking for it is no error.
    pub fn change_mask(&mut self, how: SigHow, set: SigSet) {
        let mask = match how {
            SigHow::Block => self.mask.union(set),
            SigHow::Unblock => self.mask.difference(set),
            SigHow::SetMask => set,
        };
        self.mask = mask.difference(SigSet::UNBLOCKABLE);
    }

    /// Waits with another mask from now on; the old one comes back after a handler or by [`ThreadSignals::end_wait`]. A call that a signal
    /// ended and that is made again before the handler runs has begun already.
    pub fn begin_wait(&mut self, mask: SigSet) {
        self.saved_mask.get_or_insert(self.mask);
        self.mask = mask.difference(SigSet::UNBLOCKABLE);
    }

    /// The mask from before the wait comes back.
    pub fn end_wait(&mut self) {
        if let Some(mask) = self.saved_mask.take() {
            self.mask = mask;
        }
    }

    /// Whether `stack_pointer` lies on the alternate stack.
    #[must_use]
    pub fn is_on_stack(&self, stack_pointer: u64) -> bool {
        let start = self.stack.ss_sp as u64;
        stack_pointer > start && stack_pointer - start <= self.stack.ss_size as u64
    }

    /// The top of the alternate stack if a handler with these flags is to begin there.
    #[must_use]
    pub fn stack_for(&self, flags: SaFlags, stack_pointer: u64) -> Option<u64> {
        let is_there = self.stack.ss_size != 0 && !self.is_on_stack(stack_pointer);
        (flags.contains(SaFlags::ONSTACK) && is_there)
            .then(|| self.stack.ss_sp as u64 + self.stack.ss_size as u64)
    }

    /// What sigaltstack(2) reports at `stack_pointer`.
    #[must_use]
    pub fn reported_stack(&self, stack_pointer: u64) -> SigStack {
        let flags = if self.stack.ss_size == 0 {
            SsFlags::DISABLE
        } else if self.is_on_stack(stack_pointer) {
            SsFlags::ONSTACK
        } else {
            SsFlags::empty()
        };
        SigStack { ss_flags: flags.bits() | self.stack.ss_flags, ..self.stack }
    }
}

/// A handler that is to run.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The signal.
    pub signal: Signal,
    /// Why it came.
    pub info: SigInfo,
    /// What the program asked for.
    pub action: SigAction,
    /// The mask that comes back when the handler returns.
    pub mask_before: SigSet,
}

/// What is to be done next about a thread's signals.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// The process ends by this signal.
    Kill(Signal),
    /// A handler runs; the masks are those it runs with already.
    Handle(Delivery),
}

/// Takes the next signal that this thread does not block and that does something.
pub fn next(thread: &mut ThreadSignals, process: &mut ProcessSignals) -> Option<Step> {
    loop {
        let open = SigSet(!thread.mask.0);
        let (signal, info) = thread.pending.take(open).or_else(|| process.pending.take(open))?;
        match process.effect(signal) {
            Effect::Ignore | Effect::StopOrContinue => {}
            Effect::Kill => return Some(Step::Kill(signal)),
            Effect::Handle(action) => {
                return Some(Step::Handle(begin(thread, process, signal, info, action)));
            }
        }
    }
}

/// Prepares the masks for a handler of `signal` that is about to run.
pub fn begin(
    thread: &mut ThreadSignals,
    process: &mut ProcessSignals,
    signal: Signal,
    info: SigInfo,
    action: SigAction,
) -> Delivery {
    let flags = SaFlags::from_bits_retain(action.sa_flags);
    let mask_before = thread.saved_mask.take().unwrap_or(thread.mask);
    let own = if flags.contains(SaFlags::NODEFER) { SigSet::EMPTY } else { SigSet::of(signal) };
    thread.mask = thread.mask.union(action.sa_mask).union(own).difference(SigSet::UNBLOCKABLE);
    if flags.contains(SaFlags::RESETHAND) {
        process.actions[signal.index()] = SigAction::default();
    }
    Delivery { signal, info, action, mask_before }
}

/// Whether anything waits for this thread that it does not block and that is not ignored.
#[must_use]
pub fn wants_attention(thread: &ThreadSignals, process: &ProcessSignals) -> bool {
    let mut open = thread.pending.set().union(process.pending.set()).difference(thread.mask);
    while let Some(signal) = open.first() {
        if matches!(process.effect(signal), Effect::Kill | Effect::Handle(_)) {
            return true;
        }
        open = open.difference(SigSet::of(signal));
    }
    false
}

/// Whether a system call that a handler with `SA_RESTART` interrupted goes on afterwards (signal(7), "Interruption of system
/// calls").
#[must_use]
pub fn restarts(call: usize, fourth_argument: u64) -> bool {
    use abi::table::number as n;
    // By number: names would keep the table's text in every image.
    const CALLS: [usize; 36] = [
        n::read,
        n::readv,
        n::pread64,
        n::preadv,
        n::preadv2,
        n::write,
        n::writev,
        n::pwrite64,
        n::pwritev,
        n::pwritev2,
        n::ioctl,
        n::wait4,
        n::waitid,
        n::open,
        n::openat,
        n::openat2,
        n::creat,
        n::fcntl,
        n::flock,
        n::sendfile,
        n::splice,
        n::tee,
        n::copy_file_range,
        n::getrandom,
        n::accept,
        n::accept4,
        n::connect,
        n::recvfrom,
        n::recvmsg,
        n::recvmmsg,
        n::sendto,
        n::sendmsg,
        n::sendmmsg,
        n::mq_timedreceive,
        n::mq_timedsend,
        n::futex_waitv,
    ];
    // futex(2) does only without a time-out.
    if call == n::futex { fourth_argument == 0 } else { CALLS.contains(&call) }
}

#[cfg(test)]
mod tests;
