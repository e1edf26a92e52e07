//! Times go to nanoseconds and back; what Linux refuses is refused.

use super::{Timespec, Timeval};
use crate::errno::Errno;

#[test]
fn nanoseconds_go_there_and_back() {
    for ns in [0, 1, 999_999_999, 1_000_000_000, 1_700_000_000_123_456_789, u64::MAX] {
        assert_eq!(Timespec::from_ns(ns).to_ns(), Ok(ns));
        assert_eq!(Timeval::from_ns(ns).to_ns(), Ok(ns / 1000 * 1000));
    }
}

#[test]
fn impossible_times_are_refused() {
    for (tv_sec, tv_nsec) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
        assert_eq!(Timespec { tv_sec, tv_nsec }.to_ns(), Err(Errno::EINVAL));
    }
    assert_eq!(Timeval { tv_sec: 0, tv_usec: 1_000_000 }.to_ns(), Err(Errno::EINVAL));
}

#[test]
fn the_far_future_saturates() {
    assert_eq!(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }.to_ns(), Ok(u64::MAX));
}
