//! Flags, and what becomes of them.

use clap::Parser;

use super::NetArgs;
use crate::flags::Machine;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    net: NetArgs,
}

fn read(words: &[&str]) -> Result<NetArgs, clap::Error> {
    Line::try_parse_from(std::iter::once("run").chain(words.iter().copied())).map(|line| line.net)
}

fn args(words: &[&str], machine: Machine) -> String {
    read(words).unwrap().args(machine).unwrap().join(" ")
}

#[test]
fn a_card_on_qemus_network() {
    let expected = "-netdev user,id=net0 -device virtio-net-pci,netdev=net0,romfile=";
    assert_eq!(args(&[], Machine::Q35), expected);
    assert_eq!(args(&["--net", "user"], Machine::Pc), expected);
    assert!(args(&[], Machine::Microvm).contains("-device virtio-net-device,netdev=net0"));
    assert_eq!(args(&["--net=none"], Machine::Q35), "");
    assert_eq!(args(&["--net=none"], Machine::Microvm), "");
}

#[test]
fn published_ports() {
    let line = args(&["-p", "8080:80", "--publish=0.0.0.0:53:5353/udp"], Machine::Q35);
    assert!(
        line.contains("user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:0.0.0.0:53-:5353 "),
        "{line}"
    );
    for wrong in ["80", "80:", "0:80", "x:1:2", "1:2:3:4", "1:2/sctp", "70000:1", "80:80,restrict=on"] {
        assert!(read(&["-p", wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = read(&["-p", &format!("{port}:80")]).unwrap().check().unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && error.contains("--publish OTHER:80"), "{error}");
    drop(taken);
    read(&["-p", &format!("{port}:80")]).unwrap().check().unwrap();
}

#[test]
fn what_does_not_go_together() {
    for words in [&["--net=none", "--net=user"][..], &["--net=none", "-p1:2"], &["--net=tap=t0", "-p1:2"]] {
        assert!(read(words).unwrap().args(Machine::Q35).is_err(), "{words:?}");
    }
    for wrong in [
        "--net=tap",
        "--net=tap=",
        "--net=tap=a,script=x",
        "--net=tap=a,queues=0",
        "--net=tap=,queues=2",
        "--mac=1:2:3",
        "--mac=01:00:00:00:00:00",
        "--gateway=x",
    ] {
        assert!(read(&[wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn two_cards_and_a_record() {
    let line = args(&["--net=user", "--net=tap=t0", "--mac=02:00:00:00:00:01", "--pcap=/a,b"], Machine::Q35);
    assert!(line.contains("tap,id=net1,ifname=t0,script=no,downscript=no"), "{line}");
    assert!(line.contains("netdev=net0,romfile=,mac=02:00:00:00:00:01"), "{line}");
    assert!(line.contains("filter-dump,id=dump0,netdev=net0,file=/a,,b"), "{line}");
}

#[test]
fn several_queues() {
    let line = args(&["--net=tap=t0,queues=4"], Machine::Q35);
    assert!(line.contains("tap,id=net0,ifname=t0,script=no,downscript=no,queues=4 "), "{line}");
    assert!(line.contains("virtio-net-pci,netdev=net0,romfile=,mq=on,vectors=10"), "{line}");
    let line = args(&["--net=tap=t0,queues=2"], Machine::Microvm);
    assert!(line.contains("virtio-net-device,netdev=net0,mq=on"), "{line}");
    assert_eq!(args(&["--net=tap=t0,queues=1"], Machine::Q35), args(&["--net=tap=t0"], Machine::Q35));
}

#[test]
fn words_for_the_kernel() {
    let flags = ["--ip=192.0.2.2/24", "--gateway=192.0.2.1", "--dns=192.0.2.3", "--hostname=box"];
    let expected = ["ip=192.0.2.2/24", "gateway=192.0.2.1", "dns=192.0.2.3", "hostname=box"];
    assert_eq!(read(&flags).unwrap().words(), expected);
    let flags = ["--ip=192.0.2.2/24", "--ip=fd00::2/64", "--gateway=fe80::1", "--dns=fd00::53"];
    let expected = ["ip=192.0.2.2/24", "ip=fd00::2/64", "gateway=fe80::1", "dns=fd00::53"];
    assert_eq!(read(&flags).unwrap().words(), expected);
}
