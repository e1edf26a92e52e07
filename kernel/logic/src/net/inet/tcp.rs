//! TCP's tables: which connections there are, who listens, who has which port.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use abi::errno::Errno;
use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashMap;

use super::carried::Carried;
use super::late::{LastWords, Late, Lateness};
use super::listener::Listener;
use super::packet::{Ends, Segment};
use super::ports::{Ports, ephemeral_from};

/// A connection's addresses, as they are looked for: hashed in as few steps as they have words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(Ends);

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (here, there) = self.0;
        state.write_u32(u32::from(here.port()) << 16 | u32::from(there.port()));
        match (here.ip(), there.ip()) {
            (IpAddr::V4(here), IpAddr::V4(there)) => {
                state.write_u64(u64::from(here.to_bits()) << 32 | u64::from(there.to_bits()));
            }
            both => {
                for address in <[IpAddr; 2]>::from(both) {
                    state.write_u128(match address {
                        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                        IpAddr::V6(address) => address.to_bits(),
                    });
                }
            }
        }
    }
}

/// The tables.
#[derive(Debug)]
pub(super) struct Tcp {
    /// Those within this machine have their client's place only, and nothing there: no packet asks for them.
    connections: HashMap<Place, Option<Arc<Carried>>, SeedableRandomState>,
    listeners: HashMap<u16, Vec<Arc<Listener>>, SeedableRandomState>,
    /// Those that have ended, for late packets.
    late: Late<Place>,
    /// Who has which port.
    pub(super) ports: Ports,
}

impl Tcp {
    /// Empty ones; nobody can guess the numbers of `random`.
    pub(super) fn new(random: fn() -> u64) -> Self {
        let hasher = || SeedableRandomState::with_seed(random(), SharedSeed::global_fixed());
        Self {
            connections: HashMap::with_hasher(hasher()),
            listeners: HashMap::with_hasher(hasher()),
            late: Late::new(hasher()),
            ports: Ports::default(),
        }
    }

    /// The connection between these addresses; nothing in it if it is within this machine.
    pub(super) fn connection(&self, ends: &Ends) -> Option<Option<Arc<Carried>>> {
        self.connections.get(&Place(*ends)).cloned()
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// `ENOBUFS`.
    pub(super) fn insert(&mut self, ends: Ends, connection: Option<Arc<Carried>>) -> Result<(), Errno> {
        self.connections.try_reserve(1).map_err(|_| Errno::ENOBUFS)?;
        self.connections.insert(Place(ends), connection);
        Ok(())
    }

    /// Takes out a connection within this machine.
    pub(super) fn forget(&mut self, ends: &Ends) {
        self.connections.remove(&Place(*ends));
    }

    /// Takes out a connection to another machine, if it is still there. If there are last words, they are kept for a while.
    pub(super) fn remove(&mut self, connection: &Arc<Carried>, words: Option<LastWords>, now_ns: u64) {
        let place = Place(connection.ends());
        let is_it = |found: &Arc<Carried>| Arc::ptr_eq(found, connection);
        if self.connections.get(&place).and_then(Option::as_ref).is_some_and(is_it) {
            self.connections.remove(&place);
            if let Some(words) = words {
                self.late.keep(place, words, now_ns);
            }
        }
    }

    /// What a segment means that no connection gets.
    pub(super) fn meet_late(&mut self, segment: &Segment, now: impl FnOnce() -> u64) -> Lateness {
        self.late.meet(&Place(segment.ends()), segment, now)
    }

    /// How many connections there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.connections.len()
    }

    /// Adds a listener.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn add_listener(&mut self, listener: &Arc<Listener>) -> Result<(), Errno> {
        self.listeners.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let listeners = self.listeners.entry(listener.address().port()).or_default();
        listeners.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        listeners.push(Arc::clone(listener));
        Ok(())
    }

    /// Takes a listener out.
    pub(super) fn remove_listener(&mut self, listener: &Arc<Listener>) {
        let port = listener.address().port();
        if let Some(listeners) = self.listeners.get_mut(&port) {
            listeners.retain(|other| !Arc::ptr_eq(other, listener));
            if listeners.is_empty() {
                self.listeners.remove(&port);
            }
        }
    }

    /// The listener that fits a connection to `local` best.
    pub(super) fn listener_for(&self, local: SocketAddr) -> Option<Arc<Listener>> {
        let listeners = self.listeners.get(&local.port())?;
        let fitting = listeners.iter().filter_map(|listener| Some((listener.fits(local)?, listener)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, listener)| Arc::clone(listener))
    }

    /// The addresses of a new connection from `local` to `remote`, with a port that nobody has claimed if `local` has none.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when all are taken.
    pub(super) fn ends(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        (random, now_ns): (fn() -> u64, u64),
    ) -> Result<Ends, Errno> {
        let is_free = |ends: &Ends| {
            // One within this machine stands there as its client sees it.
            !self.connections.contains_key(&Place(*ends))
                && !self.connections.contains_key(&Place((ends.1, ends.0)))
                && !self.late.is_kept(&Place(*ends), now_ns)
        };
        let with_port = |port| {
            let mut local = local;
            local.set_port(port);
            (local, remote)
        };
        let ends = if local.port() == 0 {
            // Nobody connects to himself by chance.
            ephemeral_from(random())
                .filter(|&port| !self.ports.is_claimed(port))
                .map(with_port)
                .find(|ends| ends.0 != ends.1 && is_free(ends))
        } else {
            Some((local, remote)).filter(is_free)
        };
        ends.ok_or(Errno::EADDRNOTAVAIL)
    }
}
