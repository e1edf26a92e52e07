//! Signals as bookkeeping: dispositions, masks, pending sets, alternate stacks (signal(7)).
//!
//! Delivery, that is running a handler on the program's stack, is the kernel's part.

use abi::errno::Errno;
use abi::signal::{DefaultAction, SigAction, SigHow, SigSet, SigStack, Signal};

/// Number of signals, 1 to 64.
const COUNT: usize = 64;
const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;

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

/// What the process does with each signal, and what is pending for any of its threads.
#[derive(Clone, Debug)]
pub struct ProcessSignals {
    actions: [SigAction; COUNT],
    /// Sent to the process, not yet taken by a thread.
    pub pending: SigSet,
}

impl Default for ProcessSignals {
    fn default() -> Self {
        Self { actions: [SigAction::default(); COUNT], pending: SigSet::default() }
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
        self.actions[signal.index()] = action;
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
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadSignals {
    /// Signals that wait until they are unblocked.
    pub mask: SigSet,
    /// Sent to this thread while it blocked them.
    pub pending: SigSet,
    /// The alternate stack (sigaltstack(2)).
    pub stack: SigStack,
}

impl ThreadSignals {
    /// A new thread inherits the mask; nothing is pending for it and it has no alternate stack (clone(2)).
    pub fn inherit(&mut self, parent: &Self) {
        *self = Self { mask: parent.mask, ..Self::default() };
    }

    /// Changes the mask (sigprocmask(2)). SIGKILL and SIGSTOP cannot be blocked; asking for it is no error.
    pub fn change_mask(&mut self, how: SigHow, set: SigSet) {
        let unblockable = SigSet::of(Signal::SIGKILL).union(SigSet::of(Signal::SIGSTOP));
        let mask = match how {
            SigHow::Block => self.mask.union(set),
            SigHow::Unblock => self.mask.difference(set),
            SigHow::SetMask => set,
        };
        self.mask = mask.difference(unblockable);
    }
}

#[cfg(test)]
mod tests;
