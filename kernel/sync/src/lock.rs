//! The default lock: a spinlock that turns preemption off while it is held, so that its owner is never put aside.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use crate::hooks;
use crate::prim::{Spinlock, SpinlockGuard};

/// Mutual exclusion between threads of all CPUs. Never taken by an interrupt handler.
#[derive(Default)]
pub struct Lock<T> {
    inner: Spinlock<T>,
}

impl<T> Lock<T> {
    /// A free lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { inner: Spinlock::new(value) }
    }

    /// Takes the lock; spins while another CPU has it.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        hooks::preempt_disable();
        LockGuard { inner: ManuallyDrop::new(self.inner.lock()) }
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        hooks::preempt_disable();
        match self.inner.try_lock() {
            Some(inner) => Some(LockGuard { inner: ManuallyDrop::new(inner) }),
            None => {
                hooks::preempt_enable();
                None
            }
        }
    }

    /// The value, with the lock not taken.
    ///
    /// # Safety
    /// Until the last use of the answer nobody may change the value, and everything done to it before must have been seen.
    #[cfg(not(shuttle))]
    #[inline]
    pub unsafe fn get_unlocked(&self) -> &T {
        // SAFETY: the lock keeps the value in place, and nobody has it exclusively (the caller's promise).
        unsafe { &*self.inner.data_ptr() }
    }

    /// The value, which nobody else can have: the lock is borrowed exclusively.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(guard) => f.debug_tuple("Lock").field(&&*guard).finish(),
            None => f.write_str("Lock(<locked>)"),
        }
    }
}

/// Access to what a [`Lock`] guards, until it is dropped.
pub struct LockGuard<'a, T> {
    inner: ManuallyDrop<SpinlockGuard<'a, T>>,
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: dropped once, here; the lock must be free before preemption comes back.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
        hooks::preempt_enable();
    }
}

#[cfg(test)]
mod tests;
