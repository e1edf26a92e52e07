//! What the files say, and what is no name.

use alloc::string::ToString as _;

use super::{domain, host_name, hosts, text};

#[test]
fn servers_and_domains() {
    let servers = ["10.0.2.3".parse().unwrap(), "fec0::3".parse().unwrap()];
    let expected = "search example.org lab\nnameserver 10.0.2.3\nnameserver fec0::3\n";
    assert_eq!(text(&servers, &["example.org".to_string(), "lab".to_string()]), expected);
    assert_eq!(text(&servers[..1], &[]), "nameserver 10.0.2.3\n");
    assert!(!text(&[], &[]).contains("nameserver"));
}

#[test]
fn who_is_here() {
    let last = |host| hosts(host).lines().last().unwrap().to_string();
    assert_eq!(last("caracal"), "127.0.1.1\tcaracal");
    assert_eq!(last("web.example.org"), "127.0.1.1\tweb.example.org web");
    assert!(hosts("x").starts_with("127.0.0.1\tlocalhost\n::1\tlocalhost"));
}

#[test]
fn what_others_tell_does_not_write_lines() {
    assert_eq!(domain(b"example.org").unwrap(), "example.org");
    for bad in [&b""[..], b"a b", b"a\nnameserver 6.6.6.6", b"\0", b"\xff", &[b'a'; 254]] {
        assert_eq!((domain(bad), host_name(bad)), (None, None));
    }
    assert_eq!((host_name(b"a_b"), host_name(&[b'a'; 65])), (None, None));
    assert_eq!(host_name(&[b'a'; 64]).unwrap().len(), 64);
}
