//! What a program hands to the socket calls as bytes: addresses, control messages, options' values.

use abi::net::{CmsgHdr, SocketType};
use logic::net::address::SocketAddress;
use logic::net::control::Messages;
use logic::net::socket::Control;

use arbitrary::{Result, Unstructured};
use logic::file::Io;
use logic::net::inet::discovery::Setting6;
use logic::net::inet::link::Setting;
use logic::net::inet::routes::Network;
use logic::net::options;

use crate::machine::{Machine, OUR, OUR6, PEER};
use crate::sockets::{self, Open};

/// Calls of one input.
const MOST_STEPS: usize = 100;

/// One input.
pub fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    match kind & 3 {
        0 => round(rest),
        1 => messages(rest),
        _ => {
            let _ = calls(&mut Unstructured::new(rest));
        }
    }
}

/// An address means the same when it has gone to the program and come back.
fn round(bytes: &[u8]) {
    let Ok(address) = SocketAddress::parse(bytes) else { return };
    let raw = address.to_raw();
    // Only a path of full length is followed by more than there is room for.
    let back = SocketAddress::parse(raw.bytes());
    assert!(back.as_ref() == Ok(&address) || raw.bytes().len() > 110, "{address:?} came back as {back:?}");
}

/// Each lies in the room, behind the one before it.
fn messages(room: &[u8]) {
    let mut end = 0;
    for message in Messages::new(room) {
        let Ok((header, data)) = message else { break };
        let at = data.as_ptr().addr() - room.as_ptr().addr();
        assert!(at >= end + size_of::<CmsgHdr>() && at + data.len() <= room.len(), "{header:?}");
        end = at + data.len();
    }
}

fn calls(input: &mut Unstructured<'_>) -> Result<()> {
    let network = Network { address: OUR, prefix: 24, gateway: Some(PEER) };
    let setting_v6 = Setting6::Static { addresses: vec![(OUR6, 64)], gateway: None };
    let machine = Machine::new(input, (Setting::Static(network), setting_v6))?;
    let open = |any: &str, kind| Open::new(&machine.stack, any.parse().expect("an address"), kind);
    let sockets = [
        open("0.0.0.0:0", SocketType::Datagram),
        open("[::]:0", SocketType::Datagram),
        open("0.0.0.0:0", SocketType::Stream),
        open("[::]:0", SocketType::Stream),
    ];
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        let [kind, which]: [u8; 2] = input.arbitrary()?;
        let socket = sockets[usize::from(which & 3)].socket();
        let length = usize::from(input.arbitrary::<u8>()?).min(input.len());
        let bytes = input.bytes(length)?;
        let target = SocketAddress::parse(bytes);
        let target = target.as_ref().map(|address| sockets::target(address));
        match (kind & 7, target) {
            (0, Ok(target)) => drop(socket.bind(&Io::default(), target)),
            (1, Ok(target)) => drop(socket.connect(&Io::default(), target)),
            (2, _) => {
                let [level, name]: [u8; 2] = input.arbitrary()?;
                let level = [1, 6, 17, 0, 41][usize::from(level) % 5];
                let _ = options::set(socket, &Io::default(), level, name.into(), bytes);
                drop(options::get(socket, level, name.into()));
            }
            (3, _) => drop(socket.listen(&Io::default(), which.into())),
            (4, _) => {
                socket.local_address().to_raw();
                let _ = socket.peer_address().map(|address| address.to_raw());
            }
            _ => {
                let control = Messages::new(bytes).map_while(std::result::Result::ok);
                let control = control.map(|(header, data)| Control::Other {
                    level: header.cmsg_level,
                    kind: header.cmsg_type,
                    data: data.to_vec(),
                });
                let to = if kind & 8 == 0 { (PEER, 9).into() } else { (OUR6, 9).into() };
                let _ = sockets[usize::from(which & 3)].send_to(to, &[1; 600], control.collect());
            }
        }
        machine.take_sent();
    }
    Ok(())
}

/// Addresses of each family, control messages, calls.
pub fn seeds() -> Vec<Vec<u8>> {
    let v4 = [2, 0, 0, 80, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut v6 = vec![10, 0, 0, 80, 0, 0, 0, 0];
    v6.extend(OUR6.octets());
    v6.extend([0; 4]);
    let unix = [&[1, 0][..], b"/run/socket\0"].concat();
    let hidden = [&[1, 0, 0][..], b"name"].concat();
    let message = |level: u32, kind: u32, data: &[u8]| {
        let mut message = (16 + data.len() as u64).to_le_bytes().to_vec();
        message.extend(level.to_le_bytes());
        message.extend(kind.to_le_bytes());
        message.extend(data);
        message.resize(message.len().next_multiple_of(8), 0);
        message
    };
    let info = message(0, 8, &[1, 0, 0, 0, 192, 0, 2, 1, 0, 0, 0, 0]);
    let cut = message(17, 103, &[100, 0]);
    let both = [&info[..], &cut].concat();
    let call = |kind: u8, which: u8, bytes: &[u8]| [&[kind, which, bytes.len() as u8][..], bytes].concat();
    let called =
        [&[2, 0][..], &call(0, 0, &v4), &call(1, 3, &v6), &call(5, 0, &both), &call(2, 1, &[1, 0, 0, 0])]
            .concat();
    let plain = [&v4[..], &v6, &unix, &hidden].map(|address| [&[0][..], address].concat());
    [&plain[..], &[[&[1][..], &both].concat(), called]].concat()
}
