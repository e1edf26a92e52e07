//! What clients and servers of the host are, and the Debian packages that bring them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// A tool's name, the program or file that it is found by, and its package.
const TOOLS: [(&str, &str, &str); 11] = [
    ("bash", "bash", "bash"),
    ("curl", "curl", "curl"),
    ("dig", "dig", "bind9-dnsutils"),
    ("gtlsclient", "gtlsclient", "ngtcp2-client"),
    ("h2load", "h2load", "nghttp2-client"),
    ("mosquitto", "mosquitto_pub", "mosquitto-clients"),
    ("nghttpd", "nghttpd", "nghttp2-server"),
    ("openssl", "openssl", "openssl"),
    ("python3-grpc", "/usr/lib/python3/dist-packages/grpc", "python3-grpcio"),
    ("redis", "redis-cli", "redis-tools"),
    ("wrk", "wrk", "wrk"),
];

/// Each of `names` must be on this machine.
pub(crate) fn check<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let names: BTreeSet<&str> = names.collect();
    let mut missing = BTreeMap::new();
    for name in names {
        let tool = TOOLS.iter().find(|tool| tool.0 == name);
        let (_, file, package) = tool.with_context(|| format!("nobody knows what brings the tool {name}"))?;
        if !is_there(file) {
            missing.insert(name, *package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.keys().copied().collect();
    let packages: Vec<&str> = missing.into_values().collect();
    bail!(
        "not on this machine: {}\n`apt-get install {}` brings what is missing",
        names.join(", "),
        packages.join(" ")
    )
}

fn is_there(file: &str) -> bool {
    if file.starts_with('/') { Path::new(file).exists() } else { paths::find_program(file).is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_brings_is_said() {
        assert!(check(["bash"].into_iter()).is_ok());
        let error = check(["bash", "no-such-tool"].into_iter()).unwrap_err().to_string();
        assert!(error.contains("no-such-tool"));
    }
}
