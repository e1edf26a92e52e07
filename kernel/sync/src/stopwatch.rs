//! How long something ran, in one word: whoever reads it sees one moment, whatever happens to the reader meanwhile.

use crate::prim::{AtomicU64, Ordering, const_in_machines};

/// The lowest bit of the word; what is above it counts nanoseconds.
const RUNS: u64 = 1;

/// Started and stopped by one CPU at a time, read by anybody.
///
/// While it stands still the word holds what it shows. While it runs the word holds that less the time at which it was started, so that what
/// it shows is the word and the time, added (in 63 bits, modulo their range).
#[derive(Debug)]
pub struct Stopwatch(AtomicU64);

impl Default for Stopwatch {
    fn default() -> Self {
        Self::new()
    }
}

impl Stopwatch {
    const_in_machines! {
        /// It shows 0 and stands still.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// It runs from `now`, in nanoseconds, on. It must stand still.
    #[inline]
    pub fn start(&self, now: u64) {
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(word.wrapping_sub(now << 1) | RUNS, Ordering::Relaxed);
    }

    /// It stands still from `now` on, which is not before it was started. It must run.
    #[inline]
    pub fn stop(&self, now: u64) {
        let word = self.0.load(Ordering::Relaxed);
        self.0.store((word & !RUNS).wrapping_add(now << 1), Ordering::Relaxed);
    }

    /// What it shows, in nanoseconds. `now` may take long: the watch can have been stopped and started when it answers.
    #[inline]
    pub fn read(&self, now: impl Fn() -> u64) -> u64 {
        loop {
            let word = self.0.load(Ordering::Relaxed);
            if word & RUNS == 0 {
                return word >> 1;
            }
            let shown = word.wrapping_add(now() << 1).cast_signed() >> 1;
            if self.0.load(Ordering::Relaxed) == word {
                // The reader's clock may be behind that of the CPU which started it.
                return shown.max(0).cast_unsigned();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn it_shows_what_it_ran() {
        let watch = Stopwatch::new();
        assert_eq!(watch.read(|| 5), 0);
        watch.start(10);
        assert_eq!(watch.read(|| 10), 0);
        assert_eq!(watch.read(|| 9), 0);
        assert_eq!(watch.read(|| 17), 7);
        watch.stop(20);
        assert_eq!(watch.read(|| 1000), 10);
        watch.start(u64::MAX >> 2);
        assert_eq!(watch.read(|| (u64::MAX >> 2) + 1), 11);
        watch.stop((u64::MAX >> 2) + 5);
        assert_eq!(watch.read(|| 0), 15);
    }

    /// A thread that reads its own watch is put aside in the middle of it, and others run for 1000 ns.
    #[test]
    fn a_reader_may_be_put_aside() {
        let watch = Stopwatch::new();
        watch.start(100);
        let time = Cell::new(150);
        let put_aside = Cell::new(false);
        let shown = watch.read(|| {
            if !put_aside.replace(true) {
                watch.stop(160);
                time.set(1160);
                watch.start(1160);
            }
            time.get()
        });
        assert_eq!(shown, 60);
    }
}
