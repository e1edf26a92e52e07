//! Compound words come apart as their manual pages say.

use super::{FutexCommand, FutexOp, RUsageWho, Resource};
use crate::errno::Errno;
use crate::reg::FromReg;

#[test]
fn a_futex_operation_is_a_command_and_two_flags() {
    let op = FutexOp(9 | 128 | 256);
    assert_eq!(op.command(), Ok(FutexCommand::WaitBitset));
    assert!(op.is_private() && op.is_clock_realtime());
    assert_eq!(FutexOp(2).command(), Err(Errno::ENOSYS));
    assert_eq!(FutexOp(64).command(), Err(Errno::ENOSYS));
}

#[test]
fn negative_choices_work() {
    assert_eq!(RUsageWho::from_reg(0xffff_ffff), Ok(RUsageWho::Children));
    assert_eq!(RUsageWho::Children.raw(), -1);
    assert_eq!(Resource::from_reg(16), Err(Errno::EINVAL));
}
