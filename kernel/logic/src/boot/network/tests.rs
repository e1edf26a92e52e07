//! The words, and what makes no sense.

use core::net::Ipv4Addr;

use super::{NetworkOptions, Setting, Setting6};
use crate::net::inet::routes::Network;

fn read(words: &[&str]) -> Result<NetworkOptions, &'static str> {
    let mut options = NetworkOptions::default();
    for word in words {
        let (key, value) = word.split_once('=').unwrap();
        options.apply(key.as_bytes(), value.as_bytes()).unwrap()?;
    }
    Ok(options)
}

fn network(address: [u8; 4], prefix: u8, gateway: Option<[u8; 4]>) -> Setting {
    Setting::Static(Network { address: address.into(), prefix, gateway: gateway.map(Into::into) })
}

#[test]
fn an_address_of_its_own() {
    let options = read(&["ip=192.0.2.7/24", "gateway=192.0.2.1", "dns=192.0.2.2", "hostname=box-1"]).unwrap();
    assert_eq!(options.setting(0), network([192, 0, 2, 7], 24, Some([192, 0, 2, 1])));
    assert_eq!(options.setting(1), Setting::Dhcp);
    assert_eq!(options.name_servers, [Ipv4Addr::new(192, 0, 2, 2)]);
    assert_eq!(options.hostname.as_deref(), Some("box-1"));
    assert_eq!(options.setting_v6(0), Setting6::Automatic);
}

#[test]
fn asking_or_none() {
    assert_eq!(read(&[]).unwrap().setting(0), Setting::Dhcp);
    assert_eq!(read(&["ip=none", "ip=dhcp"]).unwrap().setting(0), Setting::Dhcp);
    assert_eq!(read(&["ip=none"]).unwrap().setting(0), Setting::None);
    assert_eq!(read(&["ip=none"]).unwrap().setting_v6(0), Setting6::None);
    assert_eq!(read(&[]).unwrap().setting_v6(0), Setting6::Automatic);
}

#[test]
fn addresses_of_the_sixth_kind() {
    let words = ["ip=fd00::2/64", "ip=192.0.2.7/24", "ip=2001:db8::7/48", "gateway=fe80::1", "dns=fd00::53"];
    let options = read(&words).unwrap();
    let addresses =
        [("fd00::2", 64), ("2001:db8::7", 48)].map(|(address, length)| (address.parse().unwrap(), length));
    let gateway = Some("fe80::1".parse().unwrap());
    assert_eq!(options.setting_v6(0), Setting6::Static { addresses: addresses.to_vec(), gateway });
    assert_eq!(options.setting_v6(1), Setting6::Automatic);
    assert_eq!(options.setting(0), network([192, 0, 2, 7], 24, None));
    assert_eq!(read(&["ip=fd00::2/64"]).unwrap().setting(0), Setting::Dhcp);
    assert!(read(&["ip=fd00::2/64"; 17]).is_err(), "too many");
}

#[test]
fn as_linux_writes_it() {
    let options = read(&["ip=172.16.0.2::172.16.0.1:255.255.255.252:vm:eth0:off:1.1.1.1"]).unwrap();
    assert_eq!(options.setting(0), network([172, 16, 0, 2], 30, Some([172, 16, 0, 1])));
    assert_eq!((options.hostname.as_deref(), options.name_servers.len()), (Some("vm"), 1));
    assert_eq!(read(&["ip=::::::dhcp"]).unwrap().setting(0), Setting::Dhcp);
    assert_eq!(read(&["ip=:::::eth0:none"]).unwrap().setting(0), Setting::None);
}

#[test]
fn what_makes_no_sense() {
    for word in [
        "ip=192.0.2.7",
        "ip=192.0.2.7/33",
        "ip=fd00::1",
        "ip=fd00::1/129",
        "ip=::1/128",
        "ip=ff02::1/64",
        "ip=::ffff:192.0.2.7/120",
        "ip=127.0.0.1/8",
        "ip=0.0.0.0/0",
        "ip=192.0.2.7::x:255.255.255.0",
        "ip=192.0.2.7:::255.0.255.0",
        "gateway=here",
        "dns=",
        "hostname=",
        "hostname=a b",
    ] {
        assert!(read(&[word]).is_err(), "{word}");
    }
}
