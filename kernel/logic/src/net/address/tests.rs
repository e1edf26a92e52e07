//! Addresses are taken and given as Linux does.

extern crate std;

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::properties::cases;

fn unix(tail: &[u8]) -> Vec<u8> {
    [&1u16.to_le_bytes()[..], tail].concat()
}

#[test]
fn ipv4_needs_all_its_bytes() {
    let mut bytes = vec![0; 16];
    bytes[..8].copy_from_slice(&[2, 0, 0x1f, 0x90, 127, 0, 0, 1]);
    let address = SocketAddress::parse(&bytes).unwrap();
    assert_eq!(address, SocketAddress::V4("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(address.to_raw().bytes(), bytes);
    assert_eq!(SocketAddress::parse(&bytes[..15]), Err(Errno::EINVAL));
    // What follows is not looked at.
    bytes.resize(128, 0xff);
    assert_eq!(SocketAddress::parse(&bytes), Ok(address));
}

#[test]
fn ipv6_may_lack_a_scope() {
    let address = SocketAddress::V6(SocketAddrV6::new("fe80::1".parse().unwrap(), 443, 7, 3));
    let raw = address.to_raw();
    assert_eq!(raw.bytes().len(), 28);
    assert_eq!(SocketAddress::parse(raw.bytes()), Ok(address));
    let short = SocketAddress::V6(SocketAddrV6::new("fe80::1".parse().unwrap(), 443, 7, 0));
    assert_eq!(SocketAddress::parse(&raw.bytes()[..24]), Ok(short));
    assert_eq!(SocketAddress::parse(&raw.bytes()[..23]), Err(Errno::EINVAL));
}

#[test]
fn a_path_ends_at_its_zero() {
    let path = |name: &[u8]| Ok(SocketAddress::Unix(UnixAddress::Path(Arc::from(name))));
    assert_eq!(SocketAddress::parse(&unix(b"/tmp/s")), path(b"/tmp/s"));
    assert_eq!(SocketAddress::parse(&unix(b"/tmp/s\0rest")), path(b"/tmp/s"));
    assert_eq!(path(b"/tmp/s").unwrap().to_raw().bytes(), unix(b"/tmp/s\0"));
    let full = [b'x'; UnixAddress::MOST];
    assert_eq!(SocketAddress::parse(&unix(&full)), path(&full));
    // The zero behind a full path has no place in the structure; it is told all the same.
    assert_eq!(path(&full).unwrap().to_raw().bytes().len(), 111);
    assert_eq!(SocketAddress::parse(&unix(&[b'x'; UnixAddress::MOST + 1])), Err(Errno::EINVAL));
}

#[test]
fn abstract_names_have_any_bytes() {
    let name = SocketAddress::Unix(UnixAddress::Abstract(Arc::from(&b"a\0b"[..])));
    assert_eq!(SocketAddress::parse(&unix(b"\0a\0b")), Ok(name.clone()));
    assert_eq!(name.to_raw().bytes(), unix(b"\0a\0b"));
    let empty = SocketAddress::Unix(UnixAddress::Abstract(Arc::default()));
    assert_eq!(SocketAddress::parse(&unix(b"\0")), Ok(empty));
    assert_eq!(SocketAddress::parse(&unix(b"")), Ok(UnixAddress::Unnamed.into()));
}

#[test]
fn netlinks_have_ports_and_groups() {
    let raw = [16, 0, 0, 0, 1, 2, 0, 0, 4, 0, 0, 0];
    let address = SocketAddress::Netlink { port: 0x201, groups: 4 };
    assert_eq!(SocketAddress::parse(&raw), Ok(address.clone()));
    assert_eq!(address.to_raw().bytes(), raw);
    assert_eq!(SocketAddress::parse(&raw[..11]), Err(Errno::EINVAL));
}

#[test]
fn other_families_are_nobodys() {
    assert_eq!(SocketAddress::parse(&[]), Err(Errno::EINVAL));
    assert_eq!(SocketAddress::parse(&[2]), Err(Errno::EINVAL));
    assert_eq!(SocketAddress::parse(&[0, 0]), Ok(SocketAddress::Unspecified));
    assert_eq!(SocketAddress::parse(&[17, 0, 0, 0]), Ok(SocketAddress::Unknown(17)));
    assert_eq!(SocketAddress::parse(&[0xff, 0xff]), Ok(SocketAddress::Unknown(0xffff)));
}

proptest! {
    #![proptest_config(cases(2000))]

    /// Whatever bytes come: no panic, and what was understood is given back so that it is understood the same.
    #[test]
    fn what_is_given_back_means_the_same(family in prop_oneof![Just(0u16), Just(1), Just(2), Just(10), Just(16), any::<u16>()],
        tail in proptest::collection::vec(any::<u8>(), 0..127)) {
        let bytes = [&family.to_le_bytes()[..], &tail].concat();
        if let Ok(address) = SocketAddress::parse(&bytes) {
            let raw = address.to_raw();
            prop_assert!(raw.bytes().len() <= 128);
            if let SocketAddress::Unix(UnixAddress::Path(path)) = &address {
                prop_assert!(!path.contains(&0) && !path.is_empty());
            }
            if raw.bytes().len() <= 110 {
                prop_assert_eq!(SocketAddress::parse(raw.bytes()), Ok(address));
            }
        }
    }
}
