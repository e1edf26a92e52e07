//! Whom programs ask for names: the text of `/etc/resolv.conf` (resolv.conf(5)), and of the files beside it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::IpAddr;

use abi::errno::Errno;

use super::stack::Stack;
use crate::file::Io;

/// Bytes of a domain's name at most (RFC 1035, section 2.3.4).
const MOST_DOMAIN: usize = 253;
/// Bytes of a host's name at most (uname(2)).
const MOST_HOST: usize = 64;

/// Whether `name` can stand in a file of names: letters, digits, dashes, dots and underscores.
fn is_name(name: &[u8], most: usize) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    (1..=most).contains(&name.len()) && name.iter().all(is_part)
}

/// The domain that somebody told, if it is one.
pub(super) fn domain(told: &[u8]) -> Option<String> {
    is_name(told, MOST_DOMAIN).then(|| String::from_utf8_lossy(told).into_owned())
}

/// The host's name that somebody told or asked for, if it is one.
pub fn host_name(told: &[u8]) -> Option<String> {
    (is_name(told, MOST_HOST) && !told.contains(&b'_')).then(|| String::from_utf8_lossy(told).into_owned())
}

/// What `/etc/resolv.conf` says: the `given` name servers, or else those that the links were told, and the domains of these.
///
/// # Errors
/// `EAGAIN` while a link may still be told; the caller's waker is woken when that is decided.
pub fn configuration(stack: &Stack, given: &[IpAddr], io: &Io<'_>) -> Result<Vec<u8>, Errno> {
    let links = stack.links();
    // Each of them is asked: the waker stays with all.
    if given.is_empty() && links.iter().filter(|link| link.is_settling(io)).count() > 0 {
        return Err(Errno::EAGAIN);
    }
    let told: Vec<_> = links.iter().flat_map(|link| link.name_servers()).collect();
    let domains: Vec<_> = links.iter().filter_map(|link| link.domain()).collect();
    Ok(text(if given.is_empty() { &told } else { given }, &domains).into_bytes())
}

fn text(servers: &[IpAddr], domains: &[String]) -> String {
    let mut text = String::new();
    if !domains.is_empty() {
        text = format!("search {}\n", domains.join(" "));
    }
    for server in servers {
        // A string takes everything.
        let _ = writeln!(text, "nameserver {server}");
    }
    if servers.is_empty() {
        // Programs ask this machine then, and mostly in vain.
        text.push_str("# No name server is known.\noptions timeout:1 attempts:1\n");
    }
    text
}

/// What `/etc/hosts` says on a machine called `host` (hosts(5)).
pub fn hosts(host: &str) -> String {
    let short = host.split('.').next().filter(|short| *short != host && !short.is_empty());
    let short = short.map_or_else(String::new, |short| format!(" {short}"));
    format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{host}{short}\n")
}

#[cfg(test)]
mod tests;
