//! Messages that go out can be read; those that must not be looked at are not.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::{Message, answer, ask_routers, probe, question, solicited_node};
use crate::net::inet::packet::Packet;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn read(bytes: &[u8]) -> Option<Message> {
    Message::read(&Packet::parse(bytes)?)
}

#[test]
fn what_goes_out_can_be_read() {
    let (own, other) = (v6("fe80::1"), v6("fe80::12:3456"));
    assert_eq!(solicited_node(other), v6("ff02::1:ff12:3456"));
    let asked = |mac| Some(Message::Solicitation { target: other, mac });
    assert_eq!(read(&question((own, Some(MAC)), other)), asked(Some(MAC)));
    assert_eq!(read(&question((own, None), other)), asked(None));
    assert_eq!(read(&probe(other)), asked(None));
    let told = |overrides| {
        let target = other;
        Some(Message::Advertisement { target, mac: Some(OTHER), is_router: false, overrides })
    };
    assert_eq!(read(&answer((other, OTHER), own, true)), told(true));
    assert_eq!(read(&answer((other, OTHER), Ipv6Addr::UNSPECIFIED, false)), told(false));
    assert_eq!(read(&ask_routers(Some((own, MAC)))), None, "we are none");
}

fn changed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Option<Message> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    read(&bytes)
}

#[test]
fn what_must_not_be_looked_at() {
    let (own, other) = (v6("fe80::1"), v6("fe80::2"));
    let asked = question((own, Some(MAC)), other);
    assert_eq!(changed(&asked, |bytes| bytes[7] = 254), None, "from afar");
    assert_eq!(changed(&asked, |bytes| bytes[41] = 1), None, "a code");
    assert_eq!(changed(&asked, |bytes| bytes[48] = 0xff), None, "a group");
    assert_eq!(changed(&asked, |bytes| bytes[65] = 0), None, "an empty option");
    assert_eq!(changed(&asked, |bytes| bytes[65] = 2), None, "an option that does not end");
    let nowhere = |bytes: &mut Vec<u8>| bytes[8..24].fill(0);
    assert_eq!(changed(&asked, nowhere), None, "from nowhere, and there");
    assert_eq!(changed(&probe(other), |bytes| bytes[39] ^= 1), None, "to another group");
    let no_mac = changed(&asked, |bytes| bytes[66] = 1);
    assert_eq!(no_mac, Some(Message::Solicitation { target: other, mac: None }), "no address of one");
    let told = answer((other, OTHER), Ipv6Addr::UNSPECIFIED, true);
    assert_eq!(changed(&told, |bytes| bytes[44] |= 0x40), None, "an answer to nobody");
    for length in 0..asked.len() {
        let cut = changed(&asked, |bytes| {
            bytes.truncate(length);
            if length > 40 {
                bytes[5] = (length - 40) as u8;
            }
        });
        assert!(cut.is_none() || length == 64, "{length}");
    }
}
