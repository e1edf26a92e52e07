//! The one seam between the machine's atomics and those of models: `tests/loom.rs` runs this crate's own code in every order of its steps,
//! `tests/shuttle.rs` of the crates above run theirs in many.

#[cfg(not(loom))]
pub(crate) use core::hint::spin_loop;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
    thread::yield_now as spin_loop,
};
#[cfg(shuttle)]
pub(crate) use {
    shuttle::sync::MutexGuard as SpinlockGuard,
    shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

/// A spinlock whose waiters have [patience](crate::Patience).
#[cfg(not(shuttle))]
pub(crate) type Spinlock<T> = spinning_top::lock_api::Mutex<spinning_top::RawSpinlock<crate::Patience>, T>;
/// Access to what a [`Spinlock`] guards.
#[cfg(not(shuttle))]
pub(crate) type SpinlockGuard<'a, T> =
    spinning_top::lock_api::MutexGuard<'a, spinning_top::RawSpinlock<crate::Patience>, T>;

/// A spinlock for sections in which no CPU may sleep.
#[cfg(not(shuttle))]
pub(crate) use spinning_top::Spinlock as IrqSpinlock;
/// Access to what an [`IrqSpinlock`] guards.
#[cfg(not(shuttle))]
pub(crate) use spinning_top::guard::SpinlockGuard as IrqSpinlockGuard;
#[cfg(shuttle)]
pub(crate) use {Spinlock as IrqSpinlock, SpinlockGuard as IrqSpinlockGuard};

/// In a model a lock is one that the model knows: every taking is a moment when somebody else may come first.
#[cfg(shuttle)]
#[derive(Default)]
pub(crate) struct Spinlock<T>(shuttle::sync::Mutex<T>);

#[cfg(shuttle)]
impl<T> Spinlock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> SpinlockGuard<'_, T> {
        self.0.lock().expect("nobody panics with a lock")
    }

    pub(crate) fn try_lock(&self) -> Option<SpinlockGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().expect("nobody panics with a lock")
    }
}

/// A constructor that is `const` with the machine's atomics; loom's are made at run time only.
macro_rules! const_in_machines {
    ($(#[$meta:meta])* pub fn $name:ident() -> $result:ty $body:block) => {
        $(#[$meta])*
        #[cfg(not(loom))]
        pub const fn $name() -> $result $body

        $(#[$meta])*
        #[cfg(loom)]
        pub fn $name() -> $result $body
    };
}
pub(crate) use const_in_machines;
