//! A link's own IPv6 addresses and what routers tell of it (RFC 4861, section 6.3; RFC 4862): a state machine without a clock and a wire.
//!
//! Addresses are used at once, while it is found out whether somebody else has them (optimistic: RFC 4429): nobody waits for that.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::ndisc::{Announcement, Prefix};
use super::neighbours::Mac;

/// Addresses of a link at most (Linux `max_addresses`).
pub const MOST_ADDRESSES: usize = 16;
/// Networks on the link, routers and name servers that are known at most.
const MOST_PREFIXES: usize = 16;
const MOST_ROUTERS: usize = 8;
const MOST_NAME_SERVERS: usize = 4;
/// How often it is asked whether somebody has an address, and how long an answer is waited for (RFC 4862, `DupAddrDetectTransmits`; RFC 4861, `RETRANS_TIMER`).
const PROBES: u8 = 1;
const PROBE_NS: u64 = NS_PER_S;
/// How often routers are asked, and how long they have to answer (RFC 4861, `MAX_RTR_SOLICITATIONS`, `RTR_SOLICITATION_INTERVAL`).
const ASKS: u8 = 3;
const ASK_NS: u64 = 4 * NS_PER_S;
/// How long senders wait for a router's first word, which answers within half of that (RFC 4861, `MAX_RA_DELAY_TIME`).
const PATIENCE_NS: u64 = NS_PER_S;
/// What nobody can shorten an address' life to (RFC 4862, section 5.5.3), in seconds.
const LEAST_VALID_S: u32 = 7200;
/// Bits of an interface's own part of an address.
const OWN_BITS: u8 = 64;

const NS_PER_S: u64 = 1_000_000_000;
/// It never comes.
const NEVER: u64 = u64::MAX;

/// How a link comes to its IPv6 addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting6 {
    /// It makes one for the link itself, and more of what routers announce.
    Automatic,
    /// It makes one for the link itself, and has these, with the bits of them that are their networks'.
    Static {
        /// The addresses.
        addresses: Vec<(Ipv6Addr, u8)>,
        /// Who passes on what is for other networks.
        gateway: Option<Ipv6Addr>,
    },
    /// It has none.
    None,
}

/// How a link is known to its IPv6 networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network6 {
    /// Its addresses, and which of them new connections should not come from any more.
    pub addresses: Vec<(Ipv6Addr, bool)>,
    /// What can be reached without a gateway: addresses, and how many of their bits count.
    pub prefixes: Vec<(Ipv6Addr, u8)>,
    /// Who passes on what is for other networks.
    pub gateway: Option<Ipv6Addr>,
}

/// Bits that two addresses have in common at their beginning.
fn common(one: Ipv6Addr, other: Ipv6Addr) -> u32 {
    (one.to_bits() ^ other.to_bits()).leading_zeros()
}

/// How far an address reaches (RFC 4291, section 2.7; RFC 6724, section 3.1).
fn scope(address: Ipv6Addr) -> u8 {
    const LINK: u8 = 2;
    const SITE: u8 = 5;
    const GLOBAL: u8 = 14;
    match address.segments()[0] {
        0xff00..=0xffff => address.octets()[1] & 15,
        0xfe80..=0xfebf => LINK,
        0xfec0..=0xfeff => SITE,
        _ if address.is_loopback() => LINK,
        _ => GLOBAL,
    }
}

impl Network6 {
    /// Whether `address` is one of its own.
    pub(super) fn has(&self, address: Ipv6Addr) -> bool {
        self.addresses.iter().any(|(own, _)| *own == address)
    }

    /// How many bits of `address` are those of a network on the link; `None`: it is somewhere else.
    pub(super) fn fit(&self, address: Ipv6Addr) -> Option<u8> {
        let lengths =
            self.prefixes.iter().filter(|(prefix, length)| common(*prefix, address) >= u32::from(*length));
        lengths.map(|(_, length)| *length).max()
    }

    /// The address that packets to `remote` come from (RFC 6724, section 5: rules 1, 2, 3 and 8).
    pub(super) fn source_for(&self, remote: Ipv6Addr) -> Option<Ipv6Addr> {
        let far = scope(remote);
        let rank = |own: Ipv6Addr, is_old: bool| {
            let reach = scope(own);
            let reaches = if reach >= far { (true, u8::MAX - reach) } else { (false, reach) };
            (own == remote, reaches, !is_old, common(own, remote))
        };
        // Nobody beyond the link could answer what comes from the link.
        let usable =
            self.addresses.iter().filter(|(own, _)| far <= scope(*own) || !own.is_unicast_link_local());
        usable.max_by_key(|(own, is_old)| rank(*own, *is_old)).map(|(own, _)| *own)
    }
}

/// An address of the link's own.
#[derive(Clone, Copy, Debug)]
struct Own {
    address: Ipv6Addr,
    preferred_until: u64,
    valid_until: u64,
    /// How often it was asked whether somebody else has it, and when the next step is due; `None` when nobody has.
    probe: Option<(u8, u64)>,
}

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Whether somebody else is this.
    Who(Ipv6Addr),
    /// What routers there are.
    Routers,
}

/// The state machine.
#[derive(Debug)]
pub(super) struct Discovery {
    mac: Mac,
    listens: bool,
    own: Vec<Own>,
    prefixes: Vec<(Ipv6Addr, u8, u64)>,
    routers: Vec<(Ipv6Addr, u64)>,
    name_servers: Vec<(Ipv6Addr, u64)>,
    /// How often routers were asked, and when they are asked again.
    asked: (u8, u64),
    settles_by: Option<u64>,
}

/// The address that an interface with `mac` makes itself in a network (RFC 4291, appendix A).
fn own_address(network: Ipv6Addr, [a, b, c, d, e, f]: Mac) -> Ipv6Addr {
    let own = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ipv6Addr::from_bits(network.to_bits() & !u128::from(u64::MAX) | u128::from(own))
}

/// What is announced for `seconds`, lasts until then.
fn until(now_ns: u64, seconds: u32) -> u64 {
    if seconds == u32::MAX { NEVER } else { now_ns.saturating_add(u64::from(seconds) * NS_PER_S) }
}

/// The link-local network.
const LINK_LOCAL: (Ipv6Addr, u8) = (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 64);

impl Discovery {
    /// A link's with address `mac`.
    pub(super) fn new(mac: Mac, setting: &Setting6, now_ns: u64) -> Self {
        let asks = *setting == Setting6::Automatic;
        let mut discovery = Self {
            mac,
            listens: asks,
            own: Vec::new(),
            prefixes: Vec::new(),
            routers: Vec::new(),
            name_servers: Vec::new(),
            asked: if asks { (0, now_ns) } else { (ASKS, NEVER) },
            settles_by: asks.then(|| now_ns.saturating_add(PATIENCE_NS)),
        };
        if *setting != Setting6::None {
            discovery.prefixes.push((LINK_LOCAL.0, LINK_LOCAL.1, NEVER));
            discovery.add(own_address(LINK_LOCAL.0, mac), NEVER, NEVER, now_ns);
        }
        if let Setting6::Static { addresses, gateway } = setting {
            for &(address, length) in addresses {
                discovery.add(address, NEVER, NEVER, now_ns);
                discovery.prefixes.push((address, length, NEVER));
            }
            discovery.routers.extend(gateway.map(|gateway| (gateway, NEVER)));
        }
        discovery
    }

    fn add(&mut self, address: Ipv6Addr, preferred_until: u64, valid_until: u64, now_ns: u64) {
        let is_known = self.own.iter().any(|own| own.address == address);
        if !is_known && self.own.len() <= MOST_ADDRESSES && self.own.try_reserve(1).is_ok() {
            self.own.push(Own { address, preferred_until, valid_until, probe: Some((0, now_ns)) });
        }
    }

    /// How the link is known now.
    pub(super) fn network(&self, now_ns: u64) -> Network6 {
        Network6 {
            addresses: self.own.iter().map(|own| (own.address, own.preferred_until <= now_ns)).collect(),
            prefixes: self.prefixes.iter().map(|&(prefix, length, _)| (prefix, length)).collect(),
            gateway: self.routers.first().map(|(router, _)| *router),
        }
    }

    /// The name servers that routers told.
    pub(super) fn name_servers(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.name_servers.iter().map(|(server, _)| *server)
    }

    /// Whether a router may still tell how other networks are reached.
    pub(super) fn is_settling(&self) -> bool {
        self.settles_by.is_some()
    }

    /// Its own addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.own.iter().map(|own| own.address)
    }

    /// Whether `address` is its own, and if so, whether it is certain that nobody else has it.
    pub(super) fn certainty(&self, address: Ipv6Addr) -> Option<bool> {
        self.own.iter().find(|own| own.address == address).map(|own| own.probe.is_none())
    }

    /// An address of its own to ask a neighbour from, and whether it is certain that nobody else has it.
    pub(super) fn asker(&self) -> Option<(Ipv6Addr, bool)> {
        let on_link = self.own.iter().find(|own| own.address.is_unicast_link_local());
        on_link.or(self.own.first()).map(|own| (own.address, own.probe.is_none()))
    }

    /// Somebody else has `address`, which was its own until now.
    pub(super) fn give_up(&mut self, address: Ipv6Addr) {
        self.own.retain(|own| own.address != address);
    }

    /// `address` passes on packets no more.
    pub(super) fn is_no_router(&mut self, address: Ipv6Addr) {
        if self.listens {
            self.routers.retain(|(router, _)| *router != address);
        }
    }

    /// A router has said something.
    pub(super) fn hear(&mut self, router: Ipv6Addr, said: &Announcement, now_ns: u64) {
        if !self.listens {
            return;
        }
        (self.asked, self.settles_by) = ((ASKS, NEVER), None);
        let routes_until = until(now_ns, said.router_s.into());
        keep(&mut self.routers, router, routes_until, said.router_s > 0, MOST_ROUTERS);
        for &(server, seconds) in &said.name_servers {
            let most = MOST_NAME_SERVERS;
            keep(&mut self.name_servers, server, until(now_ns, seconds), seconds > 0, most);
        }
        for prefix in &said.prefixes {
            if prefix.is_on_link {
                self.hear_network(prefix, now_ns);
            }
            if prefix.is_for_addresses
                && prefix.length == 128 - OWN_BITS
                && prefix.preferred_s <= prefix.valid_s
            {
                self.hear_prefix(prefix, now_ns);
            }
        }
    }

    /// A network is on the link (RFC 4861, section 6.3.4).
    fn hear_network(&mut self, prefix: &Prefix, now_ns: u64) {
        let is_it = |(address, length, _): &(Ipv6Addr, u8, u64)| {
            *length == prefix.length && common(*address, prefix.address) >= u32::from(prefix.length)
        };
        self.prefixes.retain(|known| !is_it(known));
        if prefix.valid_s > 0 && self.prefixes.len() < MOST_PREFIXES && self.prefixes.try_reserve(1).is_ok() {
            self.prefixes.push((prefix.address, prefix.length, until(now_ns, prefix.valid_s)));
        }
    }

    /// Addresses are made of a network (RFC 4862, section 5.5.3).
    fn hear_prefix(&mut self, prefix: &Prefix, now_ns: u64) {
        let address = own_address(prefix.address, self.mac);
        let (preferred_until, valid_until) =
            (until(now_ns, prefix.preferred_s), until(now_ns, prefix.valid_s));
        let Some(own) = self.own.iter_mut().find(|own| own.address == address) else {
            if prefix.valid_s > 0 {
                self.add(address, preferred_until, valid_until, now_ns);
            }
            return;
        };
        own.preferred_until = preferred_until;
        // Nobody's word alone ends it soon.
        let least = until(now_ns, LEAST_VALID_S);
        own.valid_until =
            if valid_until > least.min(own.valid_until) { valid_until } else { own.valid_until.min(least) };
    }

    /// When [`Discovery::tick`] must be called.
    pub(super) fn next_deadline(&self, now_ns: u64) -> Option<u64> {
        let own = self.own.iter().map(|own| {
            let probe = own.probe.map_or(NEVER, |(_, due)| due);
            let old = if own.preferred_until > now_ns { own.preferred_until } else { NEVER };
            probe.min(old).min(own.valid_until)
        });
        let told = self.routers.iter().chain(&self.name_servers).map(|(_, until)| *until);
        let prefixes = self.prefixes.iter().map(|(.., until)| *until);
        let next = own.chain(told).chain(prefixes).min().unwrap_or(NEVER);
        Some(next.min(self.asked.1).min(self.settles_by.unwrap_or(NEVER))).filter(|&next| next != NEVER)
    }

    /// Does what is due by now; answers what is to be asked.
    pub(super) fn tick(&mut self, now_ns: u64) -> Vec<Question> {
        let mut questions = Vec::new();
        self.own.retain(|own| own.valid_until > now_ns);
        self.prefixes.retain(|(.., until)| *until > now_ns);
        self.routers.retain(|(_, until)| *until > now_ns);
        self.name_servers.retain(|(_, until)| *until > now_ns);
        for own in &mut self.own {
            match own.probe {
                Some((asked, due)) if due <= now_ns && asked < PROBES => {
                    own.probe = Some((asked + 1, now_ns.saturating_add(PROBE_NS)));
                    questions.push(Question::Who(own.address));
                }
                Some((_, due)) if due <= now_ns => own.probe = None,
                _ => {}
            }
        }
        let (asked, due) = self.asked;
        if asked < ASKS && due <= now_ns {
            let next = if asked + 1 < ASKS { now_ns.saturating_add(ASK_NS) } else { NEVER };
            self.asked = (asked + 1, next);
            questions.push(Question::Routers);
        }
        self.settles_by = self.settles_by.filter(|&by| by > now_ns);
        questions
    }
}

/// Keeps `address` in a bounded list until then, or takes it out.
fn keep(list: &mut Vec<(Ipv6Addr, u64)>, address: Ipv6Addr, until: u64, stays: bool, most: usize) {
    let place = list.iter().position(|(known, _)| *known == address);
    match place {
        Some(place) if stays => list[place].1 = until,
        Some(place) => drop(list.remove(place)),
        None if stays && list.len() < most && list.try_reserve(1).is_ok() => list.push((address, until)),
        None => {}
    }
}

#[cfg(test)]
mod tests;
