//! Each is told of what it waits for, threads once.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Waker;

use abi::io::PollEvents;

use super::WakerSet;
use crate::file::poll::{READABLE, WRITABLE};

/// A thread that counts its wake-ups.
#[derive(Debug, Default)]
pub(in crate::file) struct Sleeper(AtomicUsize);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sleeper {
    /// A thread, and what wakes it.
    pub(in crate::file) fn new() -> (Arc<Self>, Waker) {
        let sleeper: Arc<Self> = Arc::default();
        (Arc::clone(&sleeper), sleeper.into())
    }

    /// How often it was woken since it was asked for the last time.
    pub(in crate::file) fn wake_ups(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[test]
fn a_thread_is_told_once_and_only_of_its_events() {
    let ((reads, reader), (writes, writer)) = (Sleeper::new(), Sleeper::new());
    let mut set = WakerSet::new();
    set.register(&reader, READABLE);
    set.register(&writer, WRITABLE);
    set.wake(PollEvents::OUT);
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (0, 1));
    set.wake(PollEvents::OUT);
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (0, 0));
    set.wake_all();
    assert_eq!((reads.wake_ups(), writes.wake_ups()), (1, 0));
    assert!(set.is_empty());
}

#[test]
fn a_thread_that_registers_twice_waits_for_both() {
    let (both, waker) = Sleeper::new();
    let mut set = WakerSet::new();
    set.register(&waker, PollEvents::IN);
    set.register(&waker, PollEvents::OUT);
    set.wake(PollEvents::OUT);
    set.wake(PollEvents::IN);
    assert_eq!(both.wake_ups(), 1);
    set.register(&waker, PollEvents::IN);
    set.wake(PollEvents::IN);
    assert_eq!(both.wake_ups(), 1);
}
