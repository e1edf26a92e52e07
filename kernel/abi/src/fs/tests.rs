//! Modes, access modes and device numbers mean what the manual pages say.

use super::{AccessMode, DirentHeader, FileType, Mode, OpenFlags, RenameFlags, make_device};
use crate::errno::Errno;
use crate::flags::Only;
use crate::fs::AtFlags;
use crate::reg::FromReg;

#[test]
fn access_mode_three_allows_nothing() {
    let access = |bits| {
        let flags = OpenFlags::from_bits_retain(bits);
        (flags.can_read(), flags.can_write())
    };
    assert_eq!(
        [access(0), access(1), access(2), access(3)],
        [(true, false), (false, true), (true, true), (false, false)]
    );
    assert_eq!(access(OpenFlags::PATH.bits() | 2), (false, false));
}

#[test]
fn open_keeps_unknown_flags_and_others_refuse_them() {
    assert_eq!(OpenFlags::from_reg(1 << 31).map(|flags| flags.bits()), Ok(1 << 31));
    assert_eq!(AccessMode::from_reg(8), Err(Errno::EINVAL));
    assert_eq!(RenameFlags::from_reg(8), Err(Errno::EINVAL));
    assert_eq!(AtFlags::REMOVEDIR.only(AtFlags::REMOVEDIR), Ok(AtFlags::REMOVEDIR));
    assert_eq!(AtFlags::from_bits_retain(1).only(AtFlags::all()), Err(Errno::EINVAL));
}

#[test]
fn modes_hold_kind_and_permissions() {
    let mode = Mode::new(FileType::Directory, 0o1777);
    assert_eq!(mode.0, 0o41777);
    assert_eq!((mode.file_type(), mode.permissions()), (Some(FileType::Directory), 0o1777));
    assert_eq!(Mode(0o644).file_type(), None);
    assert_eq!(Mode::from_reg(0xffff_0000 | 0o100_644), Ok(Mode(0o100_644)));
}

#[test]
fn directory_entries_are_multiples_of_eight() {
    assert_eq!(size_of::<DirentHeader>(), 19);
    assert_eq!([0, 4, 5, 12, 13].map(DirentHeader::record_len), [24, 24, 32, 32, 40]);
}

#[test]
fn device_numbers() {
    assert_eq!(make_device(1, 3), 0x103);
    assert_eq!(u64::from(make_device(0x123, 0x45678)), libc::makedev(0x123, 0x45678));
}
