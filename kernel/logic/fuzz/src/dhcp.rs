//! Answers of DHCP servers to a machine that asks: any messages and options, for its own question or another one.
//!
//! Whatever they say, the machine has an address that a host can have, a network that there can be, and names that can stand in a file.

use std::net::{IpAddr, Ipv4Addr};

use arbitrary::{Result, Unstructured};
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::Setting;
use logic::net::inet::resolver;
use smoltcp::wire::{DhcpPacket, Ipv4Packet, UdpPacket};

use crate::machine::{Machine, OUR_MAC, PEER, PEER_MAC, Sent};
use crate::packets::{self, UDP};

/// Steps of one input.
const MOST_STEPS: usize = 100;
const NS_PER_MS: u64 = 1_000_000;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Name servers of one lease.
const MOST_NAME_SERVERS: usize = 8;

/// One input.
pub fn run(data: &[u8]) {
    let _ = play(&mut Unstructured::new(data));
}

/// Plays it; answers whether it had an address.
fn play(input: &mut Unstructured<'_>) -> Result<bool> {
    let machine = Machine::new(input, (Setting::Dhcp, Setting6::None))?;
    let (mut number, mut had_one) = (0, false);
    listen(&machine.go_on(0), &mut number);
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        let kind: u8 = input.arbitrary()?;
        let sent = match kind & 3 {
            0 => machine.go_on(u64::from(input.arbitrary::<u16>()?) * 100 * NS_PER_MS),
            _ => machine.come(&answer(kind, number, input)?, kind & 128 != 0),
        };
        listen(&sent, &mut number);
        look(&machine);
        had_one |= machine.link.network().is_some();
    }
    machine.wait(100_000 * NS_PER_MS);
    look(&machine);
    Ok(had_one)
}

/// The number of the question that is asked.
fn listen(sent: &[Sent], number: &mut u32) {
    for (frame, _) in sent {
        let asked = Ipv4Packet::new_checked(&frame[14..]).ok().and_then(|packet| {
            let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
            Some(DhcpPacket::new_checked(datagram.payload()).ok()?.transaction_id())
        });
        *number = asked.unwrap_or(*number);
    }
}

/// What a server says.
fn answer(kind: u8, number: u32, input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (what, length): (u8, u8) = input.arbitrary()?;
    let number = if what & 128 == 0 { number } else { input.arbitrary()? };
    let address: [u8; 4] = if what & 64 == 0 { [192, 0, 2, 7] } else { input.arbitrary()? };
    let mut message = vec![2, 1, 6, 0];
    message.extend(number.to_be_bytes());
    message.extend([0; 8]);
    message.extend(address);
    message.extend([PEER.octets(), [0; 4]].concat());
    message.extend(OUR_MAC);
    message.extend([0; 10 + 64 + 128]);
    message.extend(COOKIE);
    // An offer, an acknowledgement, a refusal or anything.
    let says = match kind >> 2 & 3 {
        0 => 2,
        1 => 5,
        2 => 6,
        _ => what,
    };
    message.extend([53, 1, says]);
    if what & 32 == 0 {
        message.extend([54, 4, 192, 0, 2, 2]);
    }
    if what & 16 == 0 {
        message.extend([1, 4, 255, 255, 255, 0, 51, 4]);
        message.extend(if what & 8 == 0 { 3600 } else { input.arbitrary::<u32>()? }.to_be_bytes());
    }
    message.extend(input.bytes(usize::from(length).min(input.len()))?);
    if kind & 16 == 0 {
        message.push(255);
    }
    let mut datagram = [67_u16.to_be_bytes(), 68_u16.to_be_bytes()].concat();
    datagram.extend(((8 + message.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    let to = if kind & 32 == 0 { Ipv4Addr::BROADCAST } else { Ipv4Addr::from(address) };
    let packet = packets::ip((PEER.into(), to.into()), UDP, 64, datagram);
    let to = if kind & 64 == 0 { [0xff; 6] } else { OUR_MAC };
    Ok(packets::frame_between((PEER_MAC, to), &packet))
}

/// What the machine believes.
fn look(machine: &Machine) {
    if let Some(network) = machine.link.network() {
        let own = network.address;
        let is_hosts =
            !own.is_unspecified() && !own.is_broadcast() && !own.is_multicast() && !own.is_loopback();
        assert!(is_hosts, "its address is {own}");
        assert!(network.prefix <= 32, "{} bits", network.prefix);
    }
    let servers = machine.link.name_servers();
    assert!(servers.len() <= MOST_NAME_SERVERS, "{} name servers", servers.len());
    for name in [machine.link.domain(), machine.link.host_name()].into_iter().flatten() {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)), "{name:?}");
    }
    let _ = machine.stack.source_for((IpAddr::from([198, 51, 100, 1]), 9).into());
    let text = resolver::configuration(&machine.stack, &[], &Default::default()).unwrap_or_default();
    assert!(text.is_ascii(), "resolv.conf is {text:?}");
}

/// An offer, what it leads to, the end of it, and a refusal.
pub fn seeds() -> Vec<Vec<u8>> {
    let options = [3, 4, 192, 0, 2, 9, 6, 4, 192, 0, 2, 53, 15, 3, b'l', b'a', b'n', 12, 2, b'm', b'e'];
    let says = |kind: u8| [&[kind, 0, options.len() as u8][..], &options].concat();
    let granted = [&[0][..], &says(1), &says(5)].concat();
    vec![
        granted.clone(),
        [&granted[..], &[0, 0x50, 0x46, 0, 255, 255]].concat(),
        [&granted[..], &[0, 0x50, 0x46], &says(9), &[0, 255, 0]].concat(),
    ]
}

#[cfg(test)]
mod tests;
