//! The second argument of socket(2) comes apart as Linux takes it.

use super::{SocketFlags, SocketType, TypeAndFlags};
use crate::errno::Errno;
use crate::reg::FromReg as _;

#[test]
fn a_type_comes_with_flags() {
    let plain = TypeAndFlags::from_reg(1);
    assert_eq!(plain, Ok(TypeAndFlags { number: 1, flags: SocketFlags::empty() }));
    let all = TypeAndFlags::from_reg(2 | 0o2004000).expect("both flags are known");
    assert_eq!((all.socket_type(), all.flags), (Ok(SocketType::Datagram), SocketFlags::all()));
    assert_eq!(TypeAndFlags::from_reg(1 | 0x10), Err(Errno::EINVAL));
    assert_eq!(TypeAndFlags::from_reg(10).and_then(TypeAndFlags::socket_type), Err(Errno::ESOCKTNOSUPPORT));
    assert_eq!(TypeAndFlags::from_reg(11).and_then(TypeAndFlags::socket_type), Err(Errno::EINVAL));
    // The high half of the word is not looked at.
    assert_eq!(TypeAndFlags::from_reg(1 | 1 << 40), plain);
}
