//! Words become arguments as Linux reads them, and results become words as libc expects them.

use super::{Args, DirFd, Fd, FromReg, Late, ToRet, Uid, UserPtr};
use crate::errno::Errno;
use crate::fs::Whence;

#[test]
fn int_arguments_ignore_the_high_half() {
    assert_eq!(Fd::from_reg(0xdead_beef_0000_0003), Ok(Fd(3)));
    assert_eq!(i32::from_reg(0x0000_0000_ffff_ffff), Ok(-1));
    assert_eq!(i64::from_reg(u64::MAX), Ok(-1));
    assert_eq!(usize::from_reg(u64::MAX), Ok(usize::MAX));
}

#[test]
fn special_numbers() {
    assert_eq!(DirFd::from_reg(0xffff_ff9c), Ok(DirFd::CWD));
    assert_eq!(DirFd::CWD.fd(), None);
    assert_eq!(DirFd(7).fd(), Some(Fd(7)));
    assert_eq!(Fd(-1).index(), None);
    assert_eq!(Uid(u32::MAX).given(), None);
    assert_eq!(Uid::ROOT.given(), Some(Uid(0)));
}

#[test]
fn user_pointers_do_not_wrap() {
    let ptr = UserPtr::<u32>::new(0x1000);
    assert_eq!(ptr.offset(3).map(UserPtr::addr), Ok(0x100c));
    assert_eq!(ptr.offset(usize::MAX / 2), Err(Errno::EFAULT));
    assert_eq!(ptr.byte_offset(usize::MAX), Err(Errno::EFAULT));
    assert_eq!(UserPtr::<u8>::NULL.non_null(), None);
    assert_eq!(format!("{ptr:?} {:?}", UserPtr::<u8>::NULL), "0x1000 NULL");
}

#[test]
fn late_arguments_carry_their_error() {
    let mut args = Args::new(&[u64::MAX, 0, 99, 0, 0, 0]);
    assert_eq!(args.take(), Ok(Fd(-1)));
    assert_eq!(args.take(), Ok(0_i64));
    let whence: Late<Whence> = args.take().expect("a late argument is always there");
    assert_eq!(whence, Err(Errno::EINVAL));
}

#[test]
fn a_seventh_argument_does_not_exist() {
    let mut args = Args::new(&[1, 2, 3, 4, 5, 6]);
    for expected in 1..=6_u64 {
        assert_eq!(args.take(), Ok(expected));
    }
    assert_eq!(args.take::<u64>(), Err(Errno::EINVAL));
}

#[test]
fn results_become_rax() {
    assert_eq!(Ok::<_, Errno>(Fd(5)).to_ret(), 5);
    assert_eq!(Ok::<_, Errno>(()).to_ret(), 0);
    assert_eq!(Ok::<_, Errno>(u32::MAX).to_ret(), 0xffff_ffff);
    assert_eq!(Ok::<_, Errno>(-1_i64).to_ret(), -1);
    assert_eq!(Err::<usize, _>(Errno::ENOENT).to_ret(), -2);
    assert_eq!(Ok::<_, Errno>(UserPtr::<u8>::new(0x7f00_0000_0000)).to_ret(), 0x7f00_0000_0000);
}
