//! What is asked, and what is answered.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use abi::errno::Errno;
use abi::net::netlink::{IfAddrMsg, IfInfoMsg, NlMsgHdr, RtMsg, flag, ifa, iff, ifla, kind, rta};
use abi::net::{MsgFlags, SocketType};
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::message::{Answers, requests};
use super::{dump, new_socket};
use crate::file::io::{SliceSink, SliceSource};
use crate::file::{File, Io};
use crate::net::inet::interface::Interface;
use crate::net::inet::stack::{Stack, Surroundings};
use crate::net::socket::{Incoming, Outgoing};

fn socket() -> Arc<dyn File> {
    let rings = || Err(Errno::ENOBUFS);
    let stack = Stack::new(Surroundings { now: || 0, random: || 7, rings, hurry: || () });
    new_socket(&stack, SocketType::Raw, 0, 42).unwrap()
}

fn request(nlmsg_type: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let nlmsg_len = (size_of::<NlMsgHdr>() + body.len()) as u32;
    let nlmsg_flags = flag::REQUEST | flags;
    let header = NlMsgHdr { nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq: 5, nlmsg_pid: 0 };
    [header.as_bytes(), body].concat()
}

/// All messages that are waiting.
fn received(socket: &dyn File) -> Vec<(NlMsgHdr, Vec<u8>)> {
    let mut all = Vec::new();
    let mut room = [0; 8192];
    loop {
        let mut sink = SliceSink::new(&mut room);
        let count =
            match socket.socket().unwrap().receive(&Io::default(), &mut sink, &mut Incoming::default()) {
                Ok(count) => count,
                Err(Errno::EAGAIN) => return all,
                Err(errno) => panic!("{errno:?}"),
            };
        all.extend(requests(&room[..count]).map(|message| (message.header, message.body.to_vec())));
    }
}

fn ask(socket: &dyn File, bytes: &[u8]) -> Vec<(NlMsgHdr, Vec<u8>)> {
    let sent =
        socket.socket().unwrap().send(&Io::default(), &mut SliceSource(bytes), &mut Outgoing::default());
    assert_eq!(sent, Ok(bytes.len()));
    received(socket)
}

/// An attribute of a message that begins with a `T`.
fn attribute<T>(body: &[u8], wanted: u16) -> Option<Vec<u8>> {
    let whole = request(0, 0, body);
    let message = requests(&whole).next().unwrap();
    let found = message.attributes(size_of::<T>()).find(|(kind, _)| *kind == wanted);
    found.map(|(_, value)| value.to_vec())
}

#[test]
fn a_machine_by_itself_has_a_loopback_interface() {
    let socket = socket();
    let links = ask(&*socket, &request(kind::GET_LINK, flag::DUMP, &[0; 16]));
    let kinds: Vec<u16> = links.iter().map(|(header, _)| header.nlmsg_type).collect();
    assert_eq!(kinds, [kind::NEW_LINK, kind::DONE]);
    assert!(links.iter().all(|(header, _)| (header.nlmsg_seq, header.nlmsg_pid) == (5, 42)));
    assert!(links.iter().all(|(header, _)| header.nlmsg_flags == flag::MULTI));
    let (start, _) = IfInfoMsg::read_from_prefix(&links[0].1).unwrap();
    assert_eq!((start.ifi_index, start.ifi_flags & iff::LOOPBACK), (1, iff::LOOPBACK));
    assert_eq!(attribute::<IfInfoMsg>(&links[0].1, ifla::IFNAME).unwrap(), b"lo\0");

    let addresses = ask(&*socket, &request(kind::GET_ADDRESS, flag::DUMP, &[0]));
    let told: Vec<_> =
        addresses.iter().filter_map(|(_, body)| attribute::<IfAddrMsg>(body, ifa::ADDRESS)).collect();
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [4, 16]);
    let only_v4 = ask(&*socket, &request(kind::GET_ADDRESS, flag::DUMP, &[2]));
    assert_eq!(only_v4.len(), 2);
    let routes = ask(&*socket, &request(kind::GET_ROUTE, flag::DUMP, &[0; 12]));
    assert_eq!(routes.len(), 1, "no way leads anywhere");
}

#[test]
fn a_link_by_name_or_number() {
    let socket = socket();
    let by_number = |number: i32| {
        let start = IfInfoMsg { ifi_index: number, ..IfInfoMsg::default() };
        ask(&*socket, &request(kind::GET_LINK, 0, start.as_bytes()))
    };
    assert_eq!(by_number(1)[0].0.nlmsg_type, kind::NEW_LINK);
    let error = |answers: &[(NlMsgHdr, Vec<u8>)]| {
        assert_eq!(answers[0].0.nlmsg_type, kind::ERROR);
        i32::read_from_prefix(&answers[0].1).unwrap().0
    };
    assert_eq!(error(&by_number(9)), -Errno::ENODEV.raw());
    assert_eq!(error(&by_number(0)), -Errno::EINVAL.raw());
    let name = [IfInfoMsg::default().as_bytes(), &[7, 0, 3, 0], b"lo\0\0"].concat();
    assert_eq!(ask(&*socket, &request(kind::GET_LINK, 0, &name))[0].0.nlmsg_type, kind::NEW_LINK);
    // With a confirmation, which is success.
    let start = IfInfoMsg { ifi_index: 1, ..IfInfoMsg::default() };
    let both = ask(&*socket, &request(kind::GET_LINK, flag::ACK, start.as_bytes()));
    assert_eq!((both.len(), error(&both[1..])), (2, 0));
}

#[test]
fn what_cannot_be_asked() {
    let socket = socket();
    // RTM_NEWLINK, and one that nobody knows.
    for kind_of_request in [kind::NEW_LINK, 0xfff0] {
        let answers = ask(&*socket, &request(kind_of_request, 0, &[0; 16]));
        assert_eq!(answers[0].0.nlmsg_type, kind::ERROR);
        assert_eq!(i32::read_from_prefix(&answers[0].1).unwrap().0, -Errno::EOPNOTSUPP.raw());
    }
    // Not a request; about messages; cut; too short for a header; a length that is none.
    let no_request = NlMsgHdr { nlmsg_len: 16, nlmsg_type: kind::GET_LINK, ..NlMsgHdr::default() };
    assert!(ask(&*socket, no_request.as_bytes()).is_empty());
    assert!(ask(&*socket, &request(kind::DONE, 0, &[])).is_empty());
    let whole = request(kind::GET_LINK, flag::DUMP, &[0; 16]);
    (0..whole.len()).for_each(|length| assert!(ask(&*socket, &whole[..length]).is_empty()));
    for length in [0_u32, 15, u32::MAX] {
        let wrong = NlMsgHdr { nlmsg_len: length, nlmsg_flags: flag::REQUEST, ..no_request };
        assert!(ask(&*socket, wrong.as_bytes()).is_empty());
    }
}

#[test]
fn answers_that_nobody_receives_are_bounded() {
    let socket = socket();
    let bytes = request(kind::GET_LINK, flag::DUMP, &[0; 16]);
    let send = || {
        let message = &mut Outgoing::default();
        socket.socket().unwrap().send(&Io::default(), &mut SliceSource(&bytes), message)
    };
    let accepted = (0..100_000).take_while(|_| send().is_ok()).count();
    assert!((100..100_000).contains(&accepted), "{accepted}");
    assert_eq!(send(), Err(Errno::ENOBUFS));
    assert_eq!(received(&*socket).len(), 2 * accepted);
    assert!(send().is_ok());
}

#[test]
fn a_datagram_is_received_as_one() {
    let socket = socket();
    let socket = socket.socket().unwrap();
    let bytes = request(kind::GET_LINK, flag::DUMP, &[0; 16]);
    socket.send(&Io::default(), &mut SliceSource(&bytes), &mut Outgoing::default()).unwrap();
    let mut small = [0; 20];
    let mut receive = |flags| {
        let mut message = Incoming::new(flags, true);
        let count = socket.receive(&Io::default(), &mut SliceSink::new(&mut small), &mut message);
        (count, message.told)
    };
    let (whole, told) = receive(MsgFlags::PEEK | MsgFlags::TRUNC);
    assert!(whole.unwrap() > 20 && told.contains(MsgFlags::TRUNC));
    assert_eq!(receive(MsgFlags::empty()), (Ok(20), MsgFlags::TRUNC));
    assert_eq!(receive(MsgFlags::empty()).0, Err(Errno::EAGAIN), "the rest of it is gone");
}

#[test]
fn links_have_networks_and_gateways() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let link = Interface {
        number: 2,
        name: "eth0".into(),
        mac: Some([2, 0, 0, 0, 0, 1]),
        mtu: 1500,
        is_up: false,
        networks: [(ip("10.1.2.3"), 20), (ip("2001:db8::5"), 64), (ip("192.0.2.1"), 32)].into(),
        gateways: [ip("10.1.0.1"), ip("fe80::1")].into(),
    };
    let mut answers = Answers::to(1);
    dump::addresses(core::slice::from_ref(&link), 2, &mut answers);
    dump::routes(&[link], 0, &mut answers);
    let bytes = answers.into_datagrams().concat();
    let all: Vec<_> = requests(&bytes).collect();
    let broadcasts: Vec<_> =
        all[..2].iter().map(|message| attribute::<IfAddrMsg>(message.body, ifa::BROADCAST)).collect();
    assert_eq!(broadcasts, [Some([10, 1, 15, 255].into()), None]);
    let route = |number: usize, kind| attribute::<RtMsg>(all[2 + number].body, kind);
    assert_eq!(route(0, rta::GATEWAY).unwrap(), [10, 1, 0, 1]);
    assert_eq!(route(1, rta::GATEWAY).unwrap()[..2], [0xfe, 0x80]);
    assert_eq!(route(2, rta::DST).unwrap(), [10, 1, 0, 0]);
    assert_eq!(route(2, rta::PREFSRC).unwrap(), [10, 1, 2, 3]);
    assert_eq!(route(3, rta::DST).unwrap()[..5], [0x20, 1, 0x0d, 0xb8, 0]);
    assert_eq!(route(4, rta::DST).unwrap(), [192, 0, 2, 1]);
    assert_eq!(all.len(), 7);
}

#[test]
fn many_answers_are_several_datagrams() {
    let lo = Interface {
        number: 1,
        name: "lo".into(),
        mac: None,
        mtu: 1,
        is_up: true,
        networks: [].into(),
        gateways: [].into(),
    };
    let many = alloc::vec![lo; 200];
    let mut answers = Answers::to(1);
    dump::links(&many, &mut answers);
    answers.done();
    let datagrams = answers.into_datagrams();
    assert!(datagrams.len() > 2 && datagrams.iter().all(|datagram| datagram.len() <= 4096));
    assert_eq!(datagrams.iter().map(|datagram| requests(datagram).count()).sum::<usize>(), 201);
}
