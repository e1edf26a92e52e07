//! Who may have which port.

use alloc::vec::Vec;

use abi::errno::Errno;

use super::{Claim, EPHEMERAL, Ports};

fn claim(address: &str) -> Claim {
    let address = address.parse().unwrap();
    Claim { address, v6_only: false, reuse_address: false, reuse_port: false, listens: false }
}

#[test]
fn one_port_one_socket() {
    let mut ports = Ports::default();
    let first = ports.claim(claim("127.0.0.1:80"), 0).unwrap();
    assert_eq!(ports.claim(claim("127.0.0.1:80"), 0), Err(Errno::EADDRINUSE));
    assert_eq!(ports.claim(claim("0.0.0.0:80"), 0), Err(Errno::EADDRINUSE));
    assert_eq!(ports.claim(claim("[::]:80"), 0), Err(Errno::EADDRINUSE), "IPv6 sockets take IPv4 too");
    ports.claim(Claim { v6_only: true, ..claim("[::]:80") }, 0).unwrap();
    ports.claim(claim("127.0.0.2:80"), 0).unwrap();
    ports.claim(claim("[::1]:81"), 0).unwrap();
    ports.claim(claim("127.0.0.1:81"), 0).unwrap();
    ports.release(first);
    ports.claim(claim("127.0.0.1:80"), 0).unwrap();
}

#[test]
fn sharing_is_said_by_both() {
    let mut ports = Ports::default();
    let shared = Claim { reuse_address: true, ..claim("0.0.0.0:80") };
    let first = ports.claim(shared, 0).unwrap();
    assert_eq!(ports.claim(claim("0.0.0.0:80"), 0), Err(Errno::EADDRINUSE));
    let second = ports.claim(shared, 0).unwrap();
    ports.listen(first).unwrap();
    assert_eq!(ports.listen(second), Err(Errno::EADDRINUSE));
    assert_eq!(ports.claim(shared, 0), Err(Errno::EADDRINUSE), "one listens");
    let both = Claim { reuse_port: true, ..claim("0.0.0.0:81") };
    let (one, other) = (ports.claim(both, 0).unwrap(), ports.claim(both, 0).unwrap());
    ports.listen(one).unwrap();
    ports.listen(other).unwrap();
}

#[test]
fn any_port_until_there_is_none() {
    let mut ports = Ports::default();
    let ids: Vec<_> = EPHEMERAL.map(|index| ports.claim(claim("0.0.0.0:0"), index.into()).unwrap()).collect();
    assert!(ids.iter().all(|id| EPHEMERAL.contains(&id.port())));
    assert_eq!(ports.claim(claim("0.0.0.0:0"), 7), Err(Errno::EADDRINUSE));
    ports.release(ids[1000]);
    assert_eq!(ports.claim(claim("0.0.0.0:0"), 7).unwrap().port(), ids[1000].port());
}
