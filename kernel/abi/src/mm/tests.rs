//! Sharing and unknown flags are judged as mmap(2) says.

use super::{Advice, MapFlags, MremapFlags, Sharing};
use crate::errno::Errno;
use crate::reg::FromReg;

#[test]
fn sharing_is_one_of_two() {
    let sharing = |bits| MapFlags::from_bits_retain(bits).sharing();
    assert_eq!(sharing(0x21), Ok(Sharing::Shared));
    assert_eq!(sharing(0x22), Ok(Sharing::Private));
    assert_eq!(sharing(0x23), Ok(Sharing::Shared));
    assert_eq!(sharing(0x20), Err(Errno::EINVAL));
    assert_eq!(sharing(0x24), Err(Errno::EINVAL));
}

#[test]
fn unknown_flags_count_only_when_validated() {
    let sharing = |bits| MapFlags::from_bits_retain(bits).sharing();
    assert_eq!(sharing(1 << 40 | 1), Ok(Sharing::Shared));
    assert_eq!(sharing(1 << 40 | 3), Err(Errno::EOPNOTSUPP));
    assert_eq!(MremapFlags::from_reg(8), Err(Errno::EINVAL));
    assert_eq!(Advice::from_reg(5), Err(Errno::EINVAL));
}
