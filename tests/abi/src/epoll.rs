//! Epoll instances and what they wait for, as the cases of `abi_epoll` and `abi_epoll_threads` use them.

use std::ffi::c_int;
use std::thread;
use std::time::Duration;

use libc::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD};

use crate::{Fd, check};

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(pub Fd);

impl Default for Epoll {
    fn default() -> Self {
        Self::new()
    }
}

impl Epoll {
    /// A fresh one.
    pub fn new() -> Self {
        // SAFETY: takes a number.
        Self(Fd(check(unsafe { libc::epoll_create1(0) }).unwrap()))
    }

    /// epoll_ctl(2)
    pub fn ctl(&self, op: c_int, fd: c_int, events: c_int, data: u64) -> Result<(), i32> {
        let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: data };
        // SAFETY: one event.
        check(unsafe { libc::epoll_ctl(self.0.0, op, fd, &mut event) }).map(|_| ())
    }

    /// Becomes interested in a descriptor, which is the data too.
    pub fn add(&self, fd: &Fd, events: c_int) {
        self.ctl(EPOLL_CTL_ADD, fd.0, events, u64::from(fd.0.cast_unsigned())).unwrap();
    }

    /// Asks for something else about a descriptor.
    pub fn modify(&self, fd: &Fd, events: c_int) {
        self.ctl(EPOLL_CTL_MOD, fd.0, events, u64::from(fd.0.cast_unsigned())).unwrap();
    }

    /// Is interested in a descriptor no longer.
    pub fn delete(&self, fd: &Fd) -> Result<(), i32> {
        self.ctl(EPOLL_CTL_DEL, fd.0, 0, 0)
    }

    /// Events and data of up to `most`.
    pub fn wait_for(&self, most: usize, timeout: c_int) -> Result<Vec<(c_int, u64)>, i32> {
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
        let count = c_int::try_from(most).unwrap();
        // SAFETY: room for so many.
        let count = check(unsafe { libc::epoll_wait(self.0.0, events.as_mut_ptr(), count, timeout) })?;
        events.truncate(usize::try_from(count).unwrap());
        Ok(events.iter().map(|event| (event.events.cast_signed(), event.u64)).collect())
    }

    /// The events of a descriptor that is the only ready one; 0 for none.
    pub fn events(&self, fd: &Fd, timeout: c_int) -> c_int {
        match self.wait_for(8, timeout).unwrap()[..] {
            [] => 0,
            [(events, data)] if data == u64::from(fd.0.cast_unsigned()) => events,
            ref other => panic!("{other:?}"),
        }
    }
}

/// The ends of a pipe, which never wait.
pub fn pipe() -> (Fd, Fd) {
    let mut fds = [0; 2];
    // SAFETY: room for two numbers.
    assert_eq!(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_NONBLOCK) }, 0);
    (Fd(fds[0]), Fd(fds[1]))
}

/// A counter (eventfd(2)), which never waits.
pub fn counter(initial: u32) -> Fd {
    // SAFETY: takes two numbers.
    Fd(check(unsafe { libc::eventfd(initial, libc::EFD_NONBLOCK) }).unwrap())
}

/// write(2)
pub fn write(fd: &Fd, bytes: &[u8]) -> Result<isize, i32> {
    // SAFETY: a slice.
    check(unsafe { libc::write(fd.0, bytes.as_ptr().cast(), bytes.len()) })
}

/// read(2) of so many bytes.
pub fn read(fd: &Fd, count: usize) -> Result<isize, i32> {
    let mut bytes = vec![0u8; count];
    // SAFETY: room for so many.
    check(unsafe { libc::read(fd.0, bytes.as_mut_ptr().cast(), count) })
}

/// Makes a counter readable.
pub fn count_up(fd: &Fd) {
    assert_eq!(write(fd, &1u64.to_ne_bytes()), Ok(8));
}

/// Time enough for another thread to begin to wait.
pub fn short_pause() {
    thread::sleep(Duration::from_millis(20));
}
