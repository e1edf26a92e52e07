//! Which address packets come from, and how long addresses last.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::super::ndisc::{Announcement, Prefix};
use super::{Discovery, MOST_ADDRESSES, NS_PER_S, Network6, Question, Setting6};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn from_of(own: &[(&str, bool)], to: &str) -> Option<Ipv6Addr> {
    let addresses = own.iter().map(|&(address, is_old)| (v6(address), is_old)).collect();
    Network6 { addresses, ..Network6::default() }.source_for(v6(to))
}

#[test]
fn addresses_that_reach_as_far() {
    let own = [("fe80::1", false), ("fec0::1", false), ("2001:db8::1", false), ("2001:db8:1::1", false)];
    assert_eq!(from_of(&own, "fe80::9"), Some(v6("fe80::1")));
    assert_eq!(from_of(&own, "ff02::fb"), Some(v6("fe80::1")));
    assert_eq!(from_of(&own, "fec0::9"), Some(v6("fec0::1")));
    assert_eq!(from_of(&own, "2001:db8:1::9"), Some(v6("2001:db8:1::1")), "the longest in common");
    assert_eq!(from_of(&own, "2001:db8::9"), Some(v6("2001:db8::1")));
    assert_eq!(from_of(&own[..2], "2001:db8::9"), Some(v6("fec0::1")), "the farthest there is");
    assert_eq!(from_of(&own[..1], "2001:db8::9"), None, "nobody there could answer");
    assert_eq!(
        from_of(&[("2001:db8::1", true), ("2001:db9::1", false)], "2001:db8::9"),
        Some(v6("2001:db9::1"))
    );
}

fn announced(valid_s: u32, preferred_s: u32) -> Announcement {
    let prefix = Prefix {
        address: v6("2001:db8::"),
        length: 64,
        is_on_link: true,
        is_for_addresses: true,
        valid_s,
        preferred_s,
    };
    Announcement { router_s: 1800, prefixes: vec![prefix], ..Announcement::default() }
}

fn addresses(discovery: &Discovery, now_s: u64) -> Vec<(Ipv6Addr, bool)> {
    discovery.network(now_s * NS_PER_S).addresses
}

#[test]
fn an_address_grows_old_and_goes() {
    let mut discovery = Discovery::new(MAC, &Setting6::Automatic, 0);
    let (link, own) = (v6("fe80::5054:ff:fe12:3456"), v6("2001:db8::5054:ff:fe12:3456"));
    discovery.hear(v6("fe80::2"), &announced(20_000, 10_000), 0);
    assert_eq!(addresses(&discovery, 9_999), [(link, false), (own, false)]);
    assert_eq!(addresses(&discovery, 10_000), [(link, false), (own, true)]);
    // Nobody ends it at once; later it lasts no longer for that.
    discovery.hear(v6("fe80::2"), &announced(0, 0), 0);
    discovery.tick(7_199 * NS_PER_S);
    assert_eq!(addresses(&discovery, 7_199), [(link, false), (own, true)]);
    discovery.hear(v6("fe80::2"), &announced(1, 1), 7_199 * NS_PER_S);
    discovery.tick(7_200 * NS_PER_S);
    assert_eq!(addresses(&discovery, 7_200), [(link, false)]);
    // For ever is for ever.
    discovery.hear(v6("fe80::2"), &announced(u32::MAX, u32::MAX), 8_000 * NS_PER_S);
    discovery.tick(u64::MAX - 1);
    assert_eq!(addresses(&discovery, 1 << 33), [(link, false), (own, false)]);
}

#[test]
fn what_makes_no_sense_gives_no_address() {
    let mut discovery = Discovery::new(MAC, &Setting6::Automatic, 0);
    discovery.hear(v6("fe80::2"), &announced(100, 101), 0);
    let mut short = announced(100, 100);
    short.prefixes[0].length = 56;
    discovery.hear(v6("fe80::2"), &short, 0);
    assert_eq!(addresses(&discovery, 0).len(), 1);
}

#[test]
fn a_static_link_hears_no_router() {
    let setting = Setting6::Static { addresses: vec![(v6("fd00::5"), 64)], gateway: Some(v6("fd00::1")) };
    let mut discovery = Discovery::new(MAC, &setting, 0);
    let before = discovery.network(0);
    discovery.hear(v6("fe80::2"), &announced(100, 100), 0);
    assert_eq!(discovery.network(0), before);
    assert_eq!(before.gateway, Some(v6("fd00::1")));
    assert_eq!(before.fit(v6("fd00::77")), Some(64));
    assert!(!discovery.is_settling());
    let asked = discovery.tick(0);
    assert_eq!(asked, [Question::Who(v6("fe80::5054:ff:fe12:3456")), Question::Who(v6("fd00::5"))]);
    assert_eq!(discovery.asker(), Some((v6("fe80::5054:ff:fe12:3456"), false)));
    assert!(discovery.tick(NS_PER_S).is_empty());
    assert_eq!(discovery.asker(), Some((v6("fe80::5054:ff:fe12:3456"), true)));
    assert_eq!(discovery.next_deadline(NS_PER_S), None);
}

#[test]
fn a_link_without_ipv6_does_nothing() {
    let mut discovery = Discovery::new(MAC, &Setting6::None, 0);
    assert!(discovery.tick(0).is_empty());
    assert_eq!((discovery.network(0), discovery.next_deadline(0)), (Network6::default(), None));
}

#[test]
fn as_many_addresses_as_can_be_asked_for() {
    let addresses: Vec<_> =
        (0..MOST_ADDRESSES as u128).map(|number| (Ipv6Addr::from_bits(0xfd << 120 | number), 64)).collect();
    let discovery = Discovery::new(MAC, &Setting6::Static { addresses, gateway: None }, 0);
    assert_eq!(discovery.network(0).addresses.len(), MOST_ADDRESSES + 1);
}
