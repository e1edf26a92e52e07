//! IPv6 on links: addresses made, routers heard, neighbours found, and what is not believed.

use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use core::sync::atomic::Ordering;
use core::task::Waker;

use abi::errno::Errno;
use proptest::prelude::*;
use smoltcp::wire::{Icmpv6Packet, Ipv6Packet};

use super::{ETHERNET, Machine, NOW, OUR_MAC, Setting, Setting6, carried, carry, go_on, machine_with, now};
use crate::file::Io;
use crate::file::io::SliceSource;
use crate::net::inet::name::scoped;
use crate::net::inet::ndisc::{ALL_NODES, solicited_node};
use crate::net::inet::ports::Claim;

const THEIR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn our_own() -> Ipv6Addr {
    v6("fe80::ff:fe00:1")
}

fn router() -> Ipv6Addr {
    v6("fe80::ff:fe00:9")
}

fn automatic(mac: [u8; 6]) -> Machine {
    machine_with(mac, Setting::None, Setting6::Automatic)
}

/// Time passes until nobody can have its address any more, and it is certain.
fn settled(mac: [u8; 6]) -> Machine {
    let machine = automatic(mac);
    for _ in 0..3 {
        machine.stack.tick();
        machine.device.take_sent();
        NOW.with(|now| now.fetch_add(1_000_000_000, Ordering::Relaxed));
    }
    machine.stack.tick();
    machine.device.take_sent();
    machine
}

/// A frame with a message of ICMPv6, right in everything.
fn message(macs: ([u8; 6], [u8; 6]), ends: (Ipv6Addr, Ipv6Addr), hops: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = [&macs.1[..], &macs.0, &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend([58, hops]);
    frame.extend(ends.0.octets());
    frame.extend(ends.1.octets());
    frame.extend(body);
    Icmpv6Packet::new_unchecked(&mut frame[ETHERNET + 40..]).fill_checksum(&ends.0, &ends.1);
    frame
}

fn group_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// What a router says that gives out `prefix`.
fn announcement(prefix: &str, [router_s, valid_s]: [u32; 2]) -> Vec<u8> {
    let mut body = vec![134, 0, 0, 0, 64, 0];
    body.extend((router_s as u16).to_be_bytes());
    body.extend([0; 8]);
    body.extend([1, 1]);
    body.extend(ROUTER_MAC);
    body.extend([3, 4, 64, 0xc0]);
    body.extend(valid_s.to_be_bytes());
    body.extend(valid_s.to_be_bytes());
    body.extend([0; 4]);
    body.extend(v6(prefix).octets());
    body.extend([25, 3, 0, 0, 0, 0, 14, 16]);
    body.extend(v6("2001:db8::53").octets());
    body
}

fn announce(machine: &Machine, body: &[u8]) -> Vec<Vec<u8>> {
    machine.come(&message((ROUTER_MAC, group_mac(ALL_NODES)), (router(), ALL_NODES), 255, body))
}

/// Where is `target`? Somebody at `mac` asks.
fn question((from, mac): (Ipv6Addr, [u8; 6]), target: Ipv6Addr) -> Vec<u8> {
    let mut body = vec![135, 0, 0, 0, 0, 0, 0, 0];
    body.extend(target.octets());
    if !from.is_unspecified() {
        body.extend([1, 1]);
        body.extend(mac);
    }
    let group = solicited_node(target);
    message((mac, group_mac(group)), (from, group), 255, &body)
}

fn kinds(frames: &[Vec<u8>]) -> Vec<u8> {
    let kind =
        |frame: &Vec<u8>| if frame[ETHERNET + 6] == 0 { frame[ETHERNET + 48] } else { frame[ETHERNET + 40] };
    frames.iter().map(kind).collect()
}

#[test]
fn what_it_says_in_the_beginning() {
    let us = automatic(OUR_MAC);
    assert_eq!(us.link.network_v6().addresses, [(our_own(), false)], "at once");
    us.stack.tick();
    let frames = us.device.take_sent();
    assert_eq!(kinds(&frames), [143, 135, 133], "groups, is somebody me, routers");
    let probe = Ipv6Packet::new_checked(&frames[1][ETHERNET..]).unwrap();
    assert!(probe.src_addr().is_unspecified());
    assert_eq!((probe.dst_addr(), probe.hop_limit()), (solicited_node(our_own()), 255));
    assert_eq!(&frames[1][..6], group_mac(solicited_node(our_own())));
    for frame in &frames[1..] {
        let packet = Ipv6Packet::new_checked(&frame[ETHERNET..]).unwrap();
        let message = Icmpv6Packet::new_checked(packet.payload()).unwrap();
        assert!(message.verify_checksum(&packet.src_addr(), &packet.dst_addr()));
    }
    assert!(us.device.take_sent().is_empty());
    // Three questions for routers, then no more.
    let mut asked = 1;
    while let Some(next) = us.stack.next_deadline() {
        NOW.with(|now| now.fetch_max(next, Ordering::Relaxed));
        us.stack.tick();
        asked += kinds(&us.device.take_sent()).iter().filter(|kind| **kind == 133).count();
    }
    assert_eq!(asked, 3);
}

#[test]
fn a_router_gives_an_address_and_the_way() {
    let us = settled(OUR_MAC);
    let far = SocketAddr::new(v6("2001:db8:ffff::1").into(), 80);
    assert_eq!(us.stack.source_for(far), Err(Errno::ENETUNREACH));
    let frames = announce(&us, &announcement("2001:db8::", [1800, 86400]));
    assert!(frames.is_empty());
    assert_eq!(us.stack.source_for(far), Ok(IpAddr::V6(v6("2001:db8::ff:fe00:1"))));
    assert_eq!(us.link.network_v6().gateway, Some(router()));
    assert_eq!(us.link.name_servers(), [IpAddr::V6(v6("2001:db8::53"))]);
    us.stack.tick();
    assert_eq!(kinds(&us.device.take_sent()), [143, 135], "is somebody that?");
    // The way is known with the router's own word.
    let _connection = us.stack.connect(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), far).unwrap();
    let frames = us.device.take_sent();
    assert_eq!((frames.len(), &frames[0][..6], frames[0][ETHERNET + 6]), (1, &ROUTER_MAC[..], 6));
    // It stops being one, and its network goes.
    announce(&us, &announcement("2001:db8::", [0, 86400]));
    assert_eq!(us.stack.source_for(far), Err(Errno::ENETUNREACH));
    assert!(us.stack.source_for(SocketAddr::new(v6("2001:db8::5").into(), 1)).is_ok(), "on the link");
    NOW.with(|now| now.fetch_add(90_000_000_000_000, Ordering::Relaxed));
    us.stack.tick();
    assert_eq!(us.link.network_v6().addresses.len(), 1);
}

#[test]
fn senders_wait_for_a_routers_first_word() {
    let far = SocketAddr::new(v6("2001:db8:ffff::1").into(), 80);
    let us = automatic(OUR_MAC);
    assert_eq!(us.stack.settle(far, &Io::default()), Err(Errno::EAGAIN));
    assert_eq!(us.stack.settle(scoped(v6("fe80::5").into(), 1, 2), &Io::default()), Ok(()));
    announce(&us, &announcement("2001:db8::", [1800, 86400]));
    assert_eq!(us.stack.settle(far, &Io::default()), Ok(()));
    let us = automatic(OUR_MAC);
    let start = now();
    while us.stack.settle(far, &Io::default()).is_err() {
        go_on([&us, &us]);
    }
    assert_eq!(now() - start, 1_000_000_000, "a network without one does not keep them long");
}

#[test]
fn who_asks_for_us_is_answered() {
    let us = settled(OUR_MAC);
    let peer = v6("fe80::7");
    let answer = us.come(&question((peer, THEIR_MAC), our_own()));
    assert_eq!((kinds(&answer), &answer[0][..6]), (vec![136], &THEIR_MAC[..]));
    assert_eq!(answer[0][ETHERNET + 44], 0x60, "asked for, and certain");
    assert!(us.come(&question((peer, THEIR_MAC), v6("fe80::77"))).is_empty(), "not our address");
    assert!(us.come(&question((our_own(), THEIR_MAC), our_own())).is_empty(), "ours, from somebody else");
    let told = us.come(&question((Ipv6Addr::UNSPECIFIED, THEIR_MAC), our_own()));
    assert_eq!((kinds(&told), &told[0][..6]), (vec![136], &group_mac(ALL_NODES)[..]), "it is taken");
    let mut far = question((peer, THEIR_MAC), our_own());
    far[ETHERNET + 7] = 254;
    assert!(us.come(&far).is_empty(), "a router passed it on");
    let mut wrong = question((peer, THEIR_MAC), our_own());
    wrong[ETHERNET + 40 + 2] ^= 1;
    assert!(us.come(&wrong).is_empty(), "not what was sent");
}

#[test]
fn an_address_that_is_taken_is_not_used() {
    let us = automatic(OUR_MAC);
    us.stack.tick();
    us.come(&question((Ipv6Addr::UNSPECIFIED, THEIR_MAC), our_own()));
    assert!(us.link.network_v6().addresses.is_empty(), "somebody else asks too");
    let us = automatic(OUR_MAC);
    us.stack.tick();
    let mut body = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    body.extend(our_own().octets());
    body.extend([2, 1]);
    body.extend(THEIR_MAC);
    let told = message((THEIR_MAC, group_mac(ALL_NODES)), (our_own(), ALL_NODES), 255, &body);
    us.come(&told);
    assert!(us.link.network_v6().addresses.is_empty(), "somebody has it");
    assert!(!us.stack.is_local(our_own().into()));
    let us = settled(OUR_MAC);
    us.come(&told);
    assert!(us.stack.is_local(our_own().into()), "who comes later is not believed");
}

#[test]
fn ping_is_answered() {
    let us = settled(OUR_MAC);
    let peer = v6("fe80::7");
    us.come(&question((peer, THEIR_MAC), our_own()));
    let body = [128, 0, 0, 0, 0x12, 0x34, 0, 1, b'p', b'i', b'n', b'g'];
    let ping = message((THEIR_MAC, OUR_MAC), (peer, our_own()), 64, &body);
    let answer = us.come(&ping);
    assert_eq!((kinds(&answer), &answer[0][ETHERNET + 48..]), (vec![129], &b"ping"[..]));
    let mut wrong = ping.clone();
    wrong[ETHERNET + 50] ^= 1;
    assert!(us.come(&wrong).is_empty());
    assert!(us.come(&ping[..ping.len() - 1]).is_empty());
}

#[test]
fn routers_that_ask_are_told_of_groups() {
    let us = settled(OUR_MAC);
    let ask = |group: Ipv6Addr| {
        let mut body = vec![130, 0, 0, 0, 0, 100, 0, 0];
        body.extend(group.octets());
        body.extend([0; 4]);
        let mut frame = message((ROUTER_MAC, group_mac(ALL_NODES)), (router(), ALL_NODES), 1, &body);
        // A router alert between.
        frame[ETHERNET + 5] += 8;
        frame[ETHERNET + 6] = 0;
        frame.splice(ETHERNET + 40..ETHERNET + 40, [58, 0, 5, 2, 0, 0, 1, 0]);
        us.come(&frame)
    };
    let told = ask(Ipv6Addr::UNSPECIFIED);
    assert_eq!(kinds(&told), [143]);
    assert_eq!(&told[0][told[0].len() - 16..], solicited_node(our_own()).octets());
    assert_eq!(ask(solicited_node(our_own())).len(), 1);
    assert!(ask(v6("ff02::1:ff00:99")).is_empty());
}

#[test]
fn two_machines_find_each_other_by_what_they_made_themselves() {
    let (us, them) = (settled(OUR_MAC), settled(THEIR_MAC));
    let server = SocketAddr::V6(SocketAddrV6::new(v6("fe80::ff:fe00:2"), 80, 0, 2));
    let claim =
        Claim { address: server, v6_only: true, reuse_address: false, reuse_port: false, listens: false };
    let bound = them.stack.bind(claim).unwrap();
    let listener = them.stack.listen(&bound, server, true, 4).unwrap();
    let client = carried(us.stack.connect(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), server).unwrap());
    carry(&us, &them, &mut || false);
    assert!(client.look(|flow| flow.is_open()));
    let accepted = carried(listener.accept(&Io::default()).unwrap());
    let (_, peer) = accepted.ends();
    assert_eq!(peer.to_string().split(']').next(), Some("[fe80::ff:fe00:1%2"), "with the link it is on");
    us.stack.step(&client, |flow| flow.write(&mut SliceSource(b"hello"))).unwrap();
    carry(&us, &them, &mut || false);
    assert_eq!(accepted.look(|flow| flow.readable()), 5);
    // Nobody listens there.
    let refused = us
        .stack
        .connect(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), scoped(server.ip(), 81, 2))
        .unwrap();
    carry(&us, &them, &mut || false);
    assert_eq!(refused.take_error(), Some(Errno::ECONNREFUSED));
}

#[test]
fn nobody_is_there() {
    let us = settled(OUR_MAC);
    let remote = scoped(v6("fe80::99").into(), 80, 2);
    let connection = us.stack.connect(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0), remote).unwrap();
    assert_eq!(kinds(&us.device.take_sent()), [135]);
    let start = now();
    while connection.is_opening() {
        go_on([&us, &us]);
    }
    assert_eq!(connection.take_error(), Some(Errno::EHOSTUNREACH));
    assert_eq!(now() - start, 3_000_000_000);
}

#[test]
fn a_flood_of_networks_and_routers_takes_bounded_memory() {
    let us = settled(OUR_MAC);
    for number in 0..2000_u32 {
        let from = Ipv6Addr::from_bits(v6("fe80::1:0:0:0").to_bits() + u128::from(number));
        let prefix = alloc::format!("2001:db8:{number:x}::");
        let body = announcement(&prefix, [1800, 86400]);
        us.come(&message((ROUTER_MAC, group_mac(ALL_NODES)), (from, ALL_NODES), 255, &body));
        us.stack.tick();
        us.device.take_sent();
    }
    let network = us.link.network_v6();
    assert!(network.addresses.len() <= 17 && network.prefixes.len() <= 17, "{network:?}");
    assert!(us.link.name_servers().len() <= 4);
}

proptest! {
    #[test]
    fn no_frame_does_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4_u8, place in 0..200_usize) {
        let us = settled(OUR_MAC);
        let peer = (v6("fe80::7"), THEIR_MAC);
        let mut frame = match kind {
            0 => [&OUR_MAC[..], &THEIR_MAC, &[0x86, 0xdd], &bytes].concat(),
            1 => {
                let group = group_mac(ALL_NODES);
                message((ROUTER_MAC, group), (router(), ALL_NODES), 255, &announcement("2001:db8::", [9, 9]))
            }
            2 => question(peer, our_own()),
            _ => [&OUR_MAC[..], &THEIR_MAC, &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 200], &bytes].concat(),
        };
        if kind > 0 {
            let place = ETHERNET + 40 + place % (frame.len() - ETHERNET).max(1);
            let end = (place + bytes.len()).min(frame.len());
            if place < end {
                frame[place..end].copy_from_slice(&bytes[..end - place]);
            }
            if frame.len() > ETHERNET + 60 {
                let (from, to) = (frame[ETHERNET + 8..ETHERNET + 24].to_vec(), frame[ETHERNET + 24..ETHERNET + 40].to_vec());
                let ends = [from, to].map(|end| Ipv6Addr::from(<[u8; 16]>::try_from(&end[..]).unwrap()));
                Icmpv6Packet::new_unchecked(&mut frame[ETHERNET + 40..]).fill_checksum(&ends[0], &ends[1]);
            }
        }
        us.come(&frame);
        us.stack.tick();
        us.device.take_sent();
        us.stack.serve_links(0, Waker::noop());
        // It still works.
        prop_assert_eq!(us.come(&question((v6("fe80::8"), [2, 0, 0, 0, 0, 8]), our_own())).len(), 1);
    }
}
