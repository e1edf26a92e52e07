//! Operations decode as their manual pages say.

use super::{DupFlags, FcntlCommand, FlockKind, FlockOp, PipeFlags, RwFlags};
use crate::errno::Errno;
use crate::reg::FromReg;

#[test]
fn flock_is_a_lock_and_a_way_of_waiting() {
    assert_eq!(FlockOp::from_reg(2 | 4), Ok(FlockOp { kind: FlockKind::Exclusive, nonblocking: true }));
    assert_eq!(FlockOp::from_reg(8), Ok(FlockOp { kind: FlockKind::Unlock, nonblocking: false }));
    for word in [0, 3, 4, 9, 32] {
        assert_eq!(FlockOp::from_reg(word), Err(Errno::EINVAL));
    }
}

#[test]
fn fcntl_commands_there_and_back() {
    assert_eq!(FcntlCommand::from_reg(1030), Ok(FcntlCommand::DupFdCloexec));
    assert_eq!(FcntlCommand::DupFdCloexec.raw(), 1030);
    assert_eq!(FcntlCommand::from_reg(999), Err(Errno::EINVAL));
}

#[test]
fn unknown_flags() {
    assert_eq!(PipeFlags::from_reg(1), Err(Errno::EINVAL));
    assert_eq!(DupFlags::from_reg(0o2000000), Ok(DupFlags::CLOEXEC));
    assert_eq!(RwFlags::from_reg(0x8000).map(|flags| flags.bits()), Ok(0x8000));
}
