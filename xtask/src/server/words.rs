//! Ports of the host that nothing else listens at, and the words in which the table speaks of them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// What stands for what in tables: `{data}` for a folder, `{host}` for a free port, `{N}` for the port that leads to the guest's N.
#[derive(Debug)]
pub(crate) struct Words(BTreeMap<String, String>);

/// A port of the guest.
#[derive(Debug, PartialEq, Eq)]
struct Port<'a> {
    number: &'a str,
    is_udp: bool,
}

fn parse(text: &str) -> Port<'_> {
    let (number, kind) = text.split_once('/').unwrap_or((text, "tcp"));
    Port { number, is_udp: kind == "udp" }
}

impl Words {
    /// Finds a port of the host for each of `ports`; one number serves TCP and UDP.
    pub(crate) fn new(data: &Path, ports: &[String]) -> Result<Self> {
        let mut words = BTreeMap::from([
            ("data".to_owned(), data.display().to_string()),
            ("host".to_owned(), free()?.to_string()),
        ]);
        for text in ports {
            let number = parse(text).number.to_owned();
            while !words.contains_key(&number) {
                let port = free()?.to_string();
                if words.values().all(|taken| *taken != port) {
                    words.insert(number.clone(), port);
                }
            }
        }
        Ok(Self(words))
    }

    /// What `word` stands for.
    pub(crate) fn of(&self, word: &str) -> Result<&str> {
        self.0.get(word).map(String::as_str).with_context(|| format!("{{{word}}} stands for nothing"))
    }

    /// The flag of `run` for a port of the guest.
    pub(crate) fn publish(&self, port: &str) -> Result<String> {
        Ok(format!("--publish={}:{port}", self.of(parse(port).number)?))
    }

    /// The host's port for the first of `ports` that is one of TCP.
    pub(crate) fn first_tcp(&self, ports: &[String]) -> Option<u16> {
        let port = ports.iter().map(|text| parse(text)).find(|port| !port.is_udp)?;
        self.of(port.number).ok()?.parse().ok()
    }

    /// `text` with every word replaced. Braces around what is no word stay.
    pub(crate) fn put_into(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
    }
}

/// A port that is free for TCP and UDP.
fn free() -> Result<u16> {
    for _ in 0..100 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of this host is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_serves_both_protocols() {
        let words = Words::new(Path::new("/data"), &["53".into(), "53/udp".into(), "80".into()]).unwrap();
        let (dns, web) = (words.of("53").unwrap(), words.of("80").unwrap());
        assert_ne!(dns, web);
        assert_eq!(words.publish("53/udp").unwrap(), format!("--publish={dns}:53/udp"));
        assert_eq!(words.put_into("{data}/x {53} %{http_code}"), format!("/data/x {dns} %{{http_code}}"));
        assert_eq!(words.first_tcp(&["53/udp".into(), "80".into()]), web.parse().ok());
        assert!(words.of("81").is_err());
    }
}
