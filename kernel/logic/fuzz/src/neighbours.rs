//! ARP, neighbour discovery and what routers announce: any claims, while the program sends to neighbours.
//!
//! Nothing goes to an Ethernet address that nobody has claimed to be at, and the machine does not learn more than there is room for.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::net::SocketType;
use arbitrary::{Result, Unstructured};
use logic::net::inet::discovery::{MOST_ADDRESSES, Setting6};
use logic::net::inet::link::Setting;
use logic::net::inet::routes::Network;

use crate::machine::{Machine, OUR, OUR_MAC, OUR6, Sent};
use crate::packets::{self, ICMPV6};
use crate::sockets::Open;

/// Steps of one input.
const MOST_STEPS: usize = 300;
const NS_PER_MS: u64 = 1_000_000;
/// Networks and name servers that are known at most, the link's own among them.
const MOST_PREFIXES: usize = 18;
const MOST_NAME_SERVERS: usize = 4;
/// Frames that one frame may lead to: what waited for a neighbour, and an answer.
const MOST_ANSWERS: usize = 40;

/// One input.
pub fn run(data: &[u8]) {
    let _ = play(&mut Unstructured::new(data));
}

struct Run {
    machine: Machine,
    sockets: [Open; 2],
    /// Ethernet addresses that somebody has claimed.
    claimed: HashSet<[u8; 6]>,
}

fn play(input: &mut Unstructured<'_>) -> Result<()> {
    let network = Network { address: OUR, prefix: 24, gateway: Some(Ipv4Addr::new(192, 0, 2, 9)) };
    let how: u8 = input.arbitrary()?;
    let setting_v6 = match how & 1 {
        0 => Setting6::Automatic,
        _ => Setting6::Static { addresses: vec![(OUR6, 64)], gateway: None },
    };
    let machine = Machine::new(input, (Setting::Static(network), setting_v6))?;
    let sockets = ["0.0.0.0:0", "[::]:0"]
        .map(|any| Open::new(&machine.stack, any.parse().expect("an address"), SocketType::Datagram));
    let mut run = Run { machine, sockets, claimed: HashSet::new() };
    if how & 2 != 0 {
        run.machine.wait(3000 * NS_PER_MS);
    }
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        run.step(input)?;
        run.look();
    }
    run.machine.wait(200_000 * NS_PER_MS);
    run.look();
    Ok(())
}

impl Run {
    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let [kind, which, who]: [u8; 3] = input.arbitrary()?;
        let mac = [2, 0, 0, 0, kind & 128, who & 15];
        match kind & 7 {
            0 => {
                let sent = self.machine.go_on(u64::from(which) * 100 * NS_PER_MS);
                self.check(&sent);
            }
            1 => {
                let (operation, target) = if which & 1 == 0 { (1, OUR) } else { (2, neighbour(which)) };
                let target = if which & 2 == 0 { target } else { neighbour(who) };
                self.come(mac, packets::arp(operation, (mac, neighbour(who)), (OUR_MAC, target)));
            }
            2 => self.solicit(mac, which, who, input)?,
            3 => self.advertise(mac, which, who, input)?,
            4 => self.announce(mac, which, who, input)?,
            5 => self.send((neighbour(which), 9).into(), which),
            6 => self.send((neighbour_v6(which), 9).into(), which),
            _ => self.redirect(mac, which, who, input)?,
        }
        Ok(())
    }

    /// A frame comes in that says something of `mac`.
    fn come(&mut self, mac: [u8; 6], frame: Vec<u8>) {
        self.claimed.insert(mac);
        let sent = self.machine.come(&frame, false);
        assert!(sent.len() <= MOST_ANSWERS, "{} frames answer one", sent.len());
        self.check(&sent);
    }

    fn message(&mut self, mac: [u8; 6], (from, to): (Ipv6Addr, Ipv6Addr), hops: u8, message: Vec<u8>) {
        let packet = packets::ip((from.into(), to.into()), ICMPV6, hops, message);
        let to = if to.is_multicast() { packets::group_mac(to.into()) } else { OUR_MAC };
        self.come(mac, packets::frame_between((mac, to), &packet));
    }

    fn solicit(&mut self, mac: [u8; 6], which: u8, who: u8, input: &mut Unstructured<'_>) -> Result<()> {
        let target = self.target(which);
        let from = if which & 32 != 0 { Ipv6Addr::UNSPECIFIED } else { neighbour_v6(who) };
        let to = if which & 64 != 0 { target } else { packets::solicited_node(target) };
        let options = self.options(1, mac, which, input)?;
        self.message(mac, (from, to), hops(which), packets::discovery(135, 0, target, &options));
        Ok(())
    }

    fn advertise(&mut self, mac: [u8; 6], which: u8, who: u8, input: &mut Unstructured<'_>) -> Result<()> {
        let target = if which & 32 != 0 { self.target(which) } else { neighbour_v6(which) };
        let all = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let to = if which & 64 != 0 { all } else { self.own() };
        let options = self.options(2, mac, which, input)?;
        self.message(
            mac,
            (neighbour_v6(who), to),
            hops(which),
            packets::discovery(136, who & 0xe0, target, &options),
        );
        Ok(())
    }

    /// A router announces: lifetimes, networks, name servers, anything.
    fn announce(&mut self, mac: [u8; 6], which: u8, who: u8, input: &mut Unstructured<'_>) -> Result<()> {
        let (lifetime, count): (u16, u8) = input.arbitrary()?;
        let mut message = vec![134, 0, 0, 0, 64, 0];
        message.extend(lifetime.to_be_bytes());
        message.extend([0; 8]);
        message.extend(self.options(1, mac, which, input)?);
        for _ in 0..count & 31 {
            let [kind, length, number]: [u8; 3] = input.arbitrary()?;
            match kind & 3 {
                0 => {
                    let (valid, preferred): (u32, u32) = input.arbitrary()?;
                    message.extend([
                        3,
                        4,
                        if kind & 4 == 0 { 64 } else { length },
                        if kind & 8 == 0 { 0xc0 } else { number },
                    ]);
                    message.extend(valid.to_be_bytes());
                    message.extend(preferred.to_be_bytes());
                    message.extend([0; 4]);
                    message.extend(Ipv6Addr::new(0x2001, 0xdb8, number.into(), 0, 0, 0, 0, 0).octets());
                }
                1 => {
                    message.extend([25, 3, 0, 0]);
                    message.extend(input.arbitrary::<u32>()?.to_be_bytes());
                    message.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x53, number.into()).octets());
                }
                2 => {
                    message.extend([5, 1, 0, 0]);
                    message.extend(input.arbitrary::<u32>()?.to_be_bytes());
                }
                _ => {
                    message.extend([number, length & 7]);
                    let rest = (usize::from(length & 7) * 8).saturating_sub(2);
                    message.extend(input.bytes(rest.min(input.len()))?);
                }
            }
        }
        let all = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        self.message(mac, (link_local(who), all), hops(which), message);
        Ok(())
    }

    /// A message that nobody here knows, of any kind.
    fn redirect(&mut self, mac: [u8; 6], which: u8, who: u8, input: &mut Unstructured<'_>) -> Result<()> {
        let length = usize::from(input.arbitrary::<u8>()?);
        let mut message = vec![which | 128, 0, 0, 0];
        message.extend(input.bytes(length.min(input.len()))?);
        let own = self.own();
        self.message(mac, (neighbour_v6(who), own), 255, message);
        Ok(())
    }

    /// The option that says where somebody is, or others.
    fn options(
        &mut self,
        kind: u8,
        mac: [u8; 6],
        which: u8,
        input: &mut Unstructured<'_>,
    ) -> Result<Vec<u8>> {
        if which & 16 == 0 {
            return Ok([&[kind, 1][..], &mac].concat());
        }
        let length = usize::from(input.arbitrary::<u8>()?) & 63;
        let bytes = input.bytes(length.min(input.len()))?;
        // Wherever they claim somebody to be.
        self.claimed.extend(bytes.windows(6).filter_map(|window| <[u8; 6]>::try_from(window).ok()));
        Ok(bytes.to_vec())
    }

    /// An address of the machine's own.
    fn own(&self) -> Ipv6Addr {
        self.machine.link.network_v6().addresses.first().map_or(OUR6, |(own, _)| *own)
    }

    fn target(&self, which: u8) -> Ipv6Addr {
        let own = self.machine.link.network_v6().addresses;
        own.get(usize::from(which & 7)).map_or_else(|| neighbour_v6(which), |(own, _)| *own)
    }

    fn send(&mut self, to: SocketAddr, length: u8) {
        let socket = &self.sockets[usize::from(to.is_ipv6())];
        // There may be no way there.
        let _ = socket.send_to(to, &vec![7; usize::from(length)], Vec::new());
        let sent = self.machine.take_sent();
        self.check(&sent);
    }

    /// Where frames go.
    fn check(&self, sent: &[Sent]) {
        for (frame, _) in sent {
            let is_for_one = frame[0] & 1 == 0;
            let to = <[u8; 6]>::try_from(&frame[..6]).expect("a frame is longer");
            assert!(!is_for_one || self.claimed.contains(&to), "a frame goes to {to:x?}, where nobody is");
        }
    }

    /// What the machine has learned.
    fn look(&self) {
        let network = self.machine.link.network_v6();
        assert!(network.addresses.len() <= MOST_ADDRESSES + 2, "{} addresses", network.addresses.len());
        assert!(network.prefixes.len() <= MOST_PREFIXES, "{} networks", network.prefixes.len());
        assert!(network.prefixes.iter().all(|(_, length)| *length <= 128));
        let servers = self.machine.link.name_servers();
        assert!(servers.len() <= MOST_NAME_SERVERS, "{} name servers", servers.len());
    }
}

fn neighbour(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, number)
}

fn neighbour_v6(number: u8) -> Ipv6Addr {
    if number & 8 == 0 {
        link_local(number)
    } else {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into())
    }
}

fn link_local(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from(number))
}

/// What no router has passed on, mostly.
fn hops(which: u8) -> u8 {
    if which & 128 == 0 { 255 } else { 64 }
}

/// Questions, answers, and a router with a network, an MTU and a name server.
pub fn seeds() -> Vec<Vec<u8>> {
    let asked = [1, 0, 7, 5, 7, 0, 2, 0, 9, 6, 9, 0];
    let told = [5, 7, 0, 1, 1, 7, 6, 9, 0, 3, 9, 9, 0, 20, 0];
    let mut announced = vec![4, 0, 9, 8, 7, 4];
    announced.extend([0, 0, 1, 0, 0, 14, 16, 0, 0, 14, 16]);
    announced.extend([1, 0, 3, 0, 0, 14, 16, 2, 0, 0, 0, 0, 5, 220, 3, 1, 1, 1, 2, 0, 0, 0, 9]);
    announced.extend([0, 255, 0, 6, 9, 0]);
    vec![
        [&[2, 0][..], &asked, &told].concat(),
        [&[2, 0][..], &announced].concat(),
        [&[3, 0][..], &asked].concat(),
    ]
}
