//! Who comes first and who leaves last, and no more than there is room for.

use core::net::{IpAddr, Ipv4Addr};

use abi::errno::Errno;

use super::{Groups, MOST};

fn group(number: usize) -> IpAddr {
    Ipv4Addr::from_bits(0xef00_0000 + number as u32).into()
}

#[test]
fn first_and_last() {
    let mut groups = Groups::default();
    assert_eq!((groups.join(group(1)), groups.join(group(1))), (Ok(true), Ok(false)));
    assert!(groups.has(group(1)) && !groups.has(group(2)));
    assert_eq!(
        (groups.leave(group(1)), groups.leave(group(1)), groups.leave(group(1))),
        (false, true, false)
    );
    assert_eq!(groups.iter().count(), 0);
}

#[test]
fn no_more_than_there_is_room_for() {
    let mut groups = Groups::default();
    for number in 0..MOST {
        assert_eq!(groups.join(group(number)), Ok(true));
    }
    assert_eq!(groups.join(group(MOST)), Err(Errno::ENOBUFS));
    assert_eq!(groups.join(group(0)), Ok(false));
}
