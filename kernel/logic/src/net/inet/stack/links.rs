//! The stack and its links: which there are, how they are known, and whether that may still change.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::task::Waker;

use abi::errno::Errno;

use super::super::device::Device;
use super::super::discovery::{Network6, Setting6};
use super::super::interface::Interface;
use super::super::link::{Link, Setting};
use super::super::routes::Network;
use super::{LOOPBACK, Stack, Way};
use crate::file::Io;

impl Stack {
    /// Bytes of the longest packet to `remote`. None are made within the machine: it is what the header of IPv4 can say.
    pub(in super::super) fn mtu_to(&self, remote: SocketAddr) -> usize {
        if self.is_local(remote.ip()) {
            return usize::from(u16::MAX);
        }
        self.capabilities_to(remote).mtu()
    }

    /// Adds a link over `device`.
    pub fn add_link(&self, device: Arc<dyn Device>, setting: Setting, setting_v6: &Setting6) -> Arc<Link> {
        let mut routes = self.routes.lock();
        let link = Arc::new(Link::new(routes.next_number(), device, (setting, setting_v6), self.around));
        routes.add(Arc::clone(&link));
        routes.set(&link, link.network());
        routes.set_v6(&link, link.network_v6());
        link
    }

    /// `link` has another address, or none.
    pub(in super::super) fn set_network(&self, link: &Arc<Link>, network: Option<Network>) {
        self.routes.lock().set(link, network);
    }

    /// `link` is known otherwise to IPv6 networks.
    pub(in super::super) fn set_network_v6(&self, link: &Arc<Link>, network: Network6) {
        self.routes.lock().set_v6(link, network);
    }

    /// The links.
    pub fn links(&self) -> Arc<[Arc<Link>]> {
        self.routes.lock().links()
    }

    /// The loopback interface and the links, as programs see them.
    pub fn interfaces(&self) -> Vec<Interface> {
        let links = self.routes.lock().interfaces();
        [Interface::loopback(LOOPBACK)].into_iter().chain(links).collect()
    }

    /// Whether all links know their addresses of IPv4, or that they have none. Those of IPv6 that a router tells of may come at any time.
    ///
    /// # Errors
    /// `EAGAIN` while one asks for its address; the caller's waker is woken when that is decided.
    pub fn settle_all(&self, io: &Io<'_>) -> Result<(), Errno> {
        self.settled(|link| link.is_settling(io))
    }

    /// Whether it is known how `remote` is reached, or that it is not.
    ///
    /// # Errors
    /// `EAGAIN` while a link asks for its address; the caller's waker is woken when that is decided.
    pub fn settle(&self, remote: SocketAddr, io: &Io<'_>) -> Result<(), Errno> {
        if !matches!(self.way_to(remote), Way::None) {
            return Ok(());
        }
        let is_settling =
            |link: &Link| if remote.is_ipv4() { link.is_settling(io) } else { link.is_settling_v6(io) };
        self.settled(is_settling)
    }

    /// `EAGAIN` while a link is settling. Each of them is asked: the waker stays with all.
    fn settled(&self, is_settling: impl Fn(&Link) -> bool) -> Result<(), Errno> {
        let settling = self.links().iter().filter(|link| is_settling(link)).count();
        if settling > 0 { Err(Errno::EAGAIN) } else { Ok(()) }
    }

    /// Brings what came in by this pair of queues of all links to its sockets. False: there is no more, and `waker` is woken when there is.
    pub fn serve_links(&self, pair: usize, waker: &Waker) -> bool {
        let links = self.links();
        let with_pair = links.iter().filter(|link| pair < link.pairs());
        with_pair.filter(|link| link.serve(self, pair, waker)).count() > 0
    }
}
