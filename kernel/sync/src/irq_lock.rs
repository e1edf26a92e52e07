//! The lock that an interrupt handler may take too: interrupts are off while it is held.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

use crate::hooks;
use crate::prim::{IrqSpinlock, IrqSpinlockGuard};

/// Mutual exclusion between threads and interrupt handlers of all CPUs. Hold it for a few instructions only.
#[derive(Default)]
pub struct IrqLock<T> {
    inner: IrqSpinlock<T>,
}

impl<T> IrqLock<T> {
    /// A free lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { inner: IrqSpinlock::new(value) }
    }

    /// Takes the lock; spins while another CPU has it.
    #[inline]
    pub fn lock(&self) -> IrqLockGuard<'_, T> {
        let enabled = hooks::irq_save();
        IrqLockGuard { inner: ManuallyDrop::new(self.inner.lock()), enabled }
    }
}

impl<T> fmt::Debug for IrqLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IrqLock(..)")
    }
}

/// Access to what an [`IrqLock`] guards, until it is dropped.
pub struct IrqLockGuard<'a, T> {
    inner: ManuallyDrop<IrqSpinlockGuard<'a, T>>,
    enabled: bool,
}

impl<T> Deref for IrqLockGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for IrqLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for IrqLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for IrqLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: dropped once, here; the lock must be free before interrupts come back.
        unsafe { ManuallyDrop::drop(&mut self.inner) };
        hooks::irq_restore(self.enabled);
    }
}
