//! What senders say and what receivers are told.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use abi::errno::Errno;
use abi::net::Family;

use super::{Sending, told};
use crate::net::inet::settings::Settings;
use crate::net::inet::udp::{Beside, Datagram};
use crate::net::socket::Control;

const IP: i32 = 0;
const IPV6: i32 = 41;
const UDP: i32 = 17;

fn control(level: i32, kind: i32, data: &[u8]) -> Control {
    Control::Other { level, kind, data: data.to_vec() }
}

fn number(level: i32, kind: i32, number: i32) -> Control {
    control(level, kind, &number.to_ne_bytes())
}

#[test]
fn what_a_sender_says() {
    let all = [number(IP, 2, 9), control(IP, 1, &[4]), control(UDP, 103, &[200, 0]), number(IPV6, 67, 5)];
    let expected =
        Sending { hop_limit: Some(9), traffic_class: Some(4), segment: Some(200), ..Sending::default() };
    assert_eq!(Sending::read(&all, false), Ok(expected));
    let info = [&[1, 0, 0, 0][..], &[127, 0, 0, 5], &[0; 4]].concat();
    let named = Sending::read(&[control(IP, 8, &info)], false).unwrap();
    assert_eq!((named.link, named.source), (1, Some(Ipv4Addr::new(127, 0, 0, 5).into())));
    let usual = Sending::read(&[number(IPV6, 52, -1), number(IPV6, 67, -1)], true);
    assert_eq!(usual, Ok(Sending::default()));
    let mapped = [&Ipv4Addr::new(127, 0, 0, 5).to_ipv6_mapped().octets()[..], &[2, 0, 0, 0]].concat();
    let named = Sending::read(&[control(IPV6, 50, &mapped)], false).unwrap();
    assert_eq!((named.link, named.source), (2, Some(Ipv4Addr::new(127, 0, 0, 5).into())));
}

#[test]
fn what_makes_no_sense() {
    for (wrong, over_v6) in [
        (number(IP, 2, 0), false),
        (number(IP, 7, 1), false),
        (control(IP, 8, &[0; 13]), false),
        (control(IP, 2, &[]), false),
        (control(IPV6, 50, &[1; 20]), false),
        (number(IPV6, 67, 256), true),
        (control(IPV6, 52, &[1]), true),
        (control(UDP, 103, &[1]), true),
        (number(UDP, 104, 1), false),
        (number(1, 1, 1), false),
        (Control::Rights(Vec::new()), false),
    ] {
        assert_eq!(Sending::read(core::slice::from_ref(&wrong), over_v6), Err(Errno::EINVAL), "{wrong:?}");
    }
    assert_eq!(Sending::read(&[number(77, 1, 1)], false), Ok(Sending::default()), "nobody's");
}

fn seen(settings: Settings, to: &str, is_v6: bool) -> Vec<(i32, i32, usize)> {
    let beside = Beside { link: 3, hop_limit: 9, traffic_class: 7 };
    let (from, to) = ("[::1]:1".parse().unwrap(), to.parse().unwrap());
    let datagram = Datagram { from, to, bytes: vec![], beside };
    let each =
        told(&datagram, &settings, is_v6, |address| address).into_iter().map(|control| match control {
            Control::Other { level, kind, data } => (level, kind, data.len()),
            other => panic!("{other:?}"),
        });
    each.collect()
}

#[test]
fn what_a_receiver_is_told() {
    let mut settings = Settings::default();
    assert!(seen(settings, "192.0.2.1:5", true).is_empty() && !settings.tells());
    for option in [(IP, 8), (IP, 12), (IP, 13), (IPV6, 49), (IPV6, 51), (IPV6, 66)] {
        settings.set((Family::Inet6, UDP), option, &1_i32.to_ne_bytes()).unwrap();
    }
    assert!(settings.tells());
    assert_eq!(seen(settings, "192.0.2.1:5", false), [(IP, 8, 12), (IP, 2, 4), (IP, 1, 1)]);
    assert_eq!(seen(settings, "192.0.2.1:5", true), [(IPV6, 50, 20), (IP, 8, 12), (IP, 2, 4), (IP, 1, 1)]);
    assert_eq!(seen(settings, "[2001:db8::1]:5", true), [(IPV6, 50, 20), (IPV6, 52, 4), (IPV6, 67, 4)]);
}
