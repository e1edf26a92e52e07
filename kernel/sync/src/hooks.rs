//! What the locks ask of whoever runs them: preemption and interrupts off and on, and a moment's sleep.
//!
//! In the kernel these are functions it defines under fixed names (so `sync` names nobody above it, and link-time optimisation
//! inlines them). On a host there is nothing to turn off: threads of the host stand in for CPUs.

#[cfg(target_os = "none")]
mod imp {
    #![expect(unsafe_code, reason = "linked by name")]
    unsafe extern "Rust" {
        safe fn __caracal_preempt_disable();
        safe fn __caracal_preempt_enable();
        safe fn __caracal_irq_save() -> bool;
        safe fn __caracal_irq_restore(enabled: bool);
        safe fn __caracal_nap();
    }

    /// Turns preemption off on this CPU; nests.
    #[inline]
    pub fn preempt_disable() {
        __caracal_preempt_disable();
    }

    /// Undoes one [`preempt_disable`]; may run another thread first when that is owed.
    #[inline]
    pub fn preempt_enable() {
        __caracal_preempt_enable();
    }

    /// Turns interrupts off on this CPU; says whether they were on.
    #[inline]
    pub fn irq_save() -> bool {
        __caracal_irq_save()
    }

    /// Turns interrupts on again if they were.
    #[inline]
    pub fn irq_restore(enabled: bool) {
        __caracal_irq_restore(enabled);
    }

    /// Has this CPU sleep for a moment, if interrupts are on: the host may run another one.
    pub fn nap() {
        __caracal_nap();
    }
}

#[cfg(not(target_os = "none"))]
mod imp {
    /// Nothing to turn off on a host.
    pub fn preempt_disable() {}
    /// Nothing to turn on on a host.
    pub fn preempt_enable() {}
    /// Nothing to turn off on a host; "they were on".
    pub fn irq_save() -> bool {
        true
    }
    /// Nothing to turn on on a host.
    pub fn irq_restore(_enabled: bool) {}
    /// Another thread of the host may run.
    pub fn nap() {
        std::thread::yield_now();
    }
}

pub use imp::{irq_restore, irq_save, nap, preempt_disable, preempt_enable};
