//! UDP sockets (udp(7)).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{Family, IpOption, Ipv6Option, Level, MsgFlags, Shutdown, SocketOption};
use sync::Lock;

use crate::file::io::{Sink, Source};
use crate::file::poll::WRITABLE;
use crate::file::{File, Io};
use crate::net::address::SocketAddress;
use crate::net::options::{Common, Switches, bytes};
use crate::net::socket::{Control, Incoming, Outgoing, Socket, Target};

use super::ancillary::{self, Sending};
use super::multicast::Multicast;
use super::name::{Naming, check_scope, destination, scope_of};
use super::ports::Claim;
use super::settings::Settings;
use super::stack::{OpenEndpoint, Stack};
use super::udp::How;

/// A UDP socket.
#[derive(Debug)]
pub struct DatagramSocket {
    common: Common,
    stack: Arc<Stack>,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    multicast: Multicast,
    /// Its end, once it has a port.
    open: Option<Arc<OpenEndpoint>>,
    is_write_shut: bool,
}

impl DatagramSocket {
    /// A socket that is nowhere yet.
    pub fn new(common: Common, stack: Arc<Stack>) -> Self {
        let state = State {
            settings: Settings::default(),
            multicast: Multicast::default(),
            open: None,
            is_write_shut: false,
        };
        Self { common, stack, state: Lock::new(state) }
    }

    fn naming(&self) -> Naming {
        self.naming_in(&self.state.lock())
    }

    fn naming_in(&self, state: &State) -> Naming {
        Naming::new(self.common.family, state.settings.v6_only != 0)
    }

    /// Its end, with a port that is taken now if it has none, and how it names addresses.
    fn opened(&self) -> Result<(Arc<OpenEndpoint>, Naming), Errno> {
        let (naming, open) = {
            let state = self.state.lock();
            (self.naming_in(&state), state.open.clone())
        };
        Ok((open.map_or_else(|| self.open_at(naming.nothing(), false), Ok)?, naming))
    }

    fn open(&self) -> Option<Arc<OpenEndpoint>> {
        self.state.lock().open.clone()
    }

    /// Its end at `address`; one that it has already is kept, if it need not be there.
    fn open_at(&self, address: SocketAddr, must_be_new: bool) -> Result<Arc<OpenEndpoint>, Errno> {
        let mut state = self.state.lock();
        if let Some(open) = &state.open {
            return if must_be_new { Err(Errno::EINVAL) } else { Ok(Arc::clone(open)) };
        }
        let open = Arc::new(self.stack.open_endpoint(Claim {
            address,
            v6_only: state.settings.v6_only != 0,
            reuse_address: self.common.is_on(Switches::REUSE_ADDRESS),
            reuse_port: self.common.is_on(Switches::REUSE_PORT),
            listens: false,
        })?);
        open.endpoint().set_most_waiting(self.common.receive_buffer());
        state.open = Some(Arc::clone(&open));
        Ok(open)
    }
}

impl DatagramSocket {
    /// Who sends to everybody must have said so (socket(7), `SO_BROADCAST`).
    fn check_broadcast(&self, remote: SocketAddr) -> Result<(), Errno> {
        let is_wrong = self.stack.is_broadcast(remote.ip()) && !self.common.is_on(Switches::BROADCAST);
        if is_wrong { Err(Errno::EACCES) } else { Ok(()) }
    }

    /// The link that `remote` is reached by, if the socket says so: that for groups.
    fn link_to(&self, remote: SocketAddr) -> u32 {
        let is_open = remote.ip().is_multicast() && scope_of(remote) == 0;
        if is_open { self.state.lock().multicast.link(remote.is_ipv6()) } else { 0 }
    }

    /// How a datagram to `remote` is sent, with these control messages.
    fn how(&self, remote: SocketAddr, controls: &[Control]) -> Result<How, Errno> {
        let is_v6 = remote.is_ipv6();
        let given = Sending::read(controls, is_v6)?;
        let link = if given.link == 0 { self.link_to(remote) } else { given.link };
        let state = self.state.lock();
        let (group_limit, loops) = state.settings.of_groups(is_v6);
        let is_for_group = remote.ip().is_multicast();
        let usual = if is_for_group { Some(group_limit) } else { state.settings.hop_limit(is_v6) };
        let segment = given.segment.or_else(|| u16::try_from(state.settings.segment).ok());
        Ok(How {
            source: given.source,
            link,
            hop_limit: given.hop_limit.or(usual).unwrap_or(0),
            traffic_class: given.traffic_class.unwrap_or_else(|| state.settings.traffic_class(is_v6)),
            segment: segment.and_then(NonZeroU16::new),
            refuses_pieces: state.settings.refuses_fragments(is_v6),
            loops,
        })
    }

    /// Our address that a datagram from `remote` came to, which was sent to `to`.
    fn own_address(&self, to: Ipv4Addr, remote: SocketAddr) -> Ipv4Addr {
        let is_for_one = self.stack.is_local(to.into()) && !self.stack.is_broadcast(to.into());
        match self.stack.source_for(remote) {
            Ok(IpAddr::V4(own)) if !is_for_one => own,
            _ => to,
        }
    }

    /// The value of the options that tell of the way to the peer (`IP_MTU`, `IPV6_MTU`).
    fn path_mtu(&self, level: i32, name: i32) -> Option<Result<Vec<u8>, Errno>> {
        let is_asked = level == Level::Ip.raw() && name == IpOption::Mtu.raw()
            || self.common.family == Family::Inet6
                && level == Level::Ipv6.raw()
                && name == Ipv6Option::Mtu.raw();
        is_asked.then(|| {
            let peer = self.open().and_then(|open| open.endpoint().ends().1).ok_or(Errno::ENOTCONN)?;
            Ok(bytes(&i32::try_from(self.stack.mtu_to(peer)).unwrap_or(i32::MAX)))
        })
    }
}

impl Socket for DatagramSocket {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let address = self.naming().on_the_wire(to.address)?;
        check_scope(address)?;
        let ip = address.ip();
        let is_for_many = ip.is_multicast() || self.stack.is_broadcast(ip);
        if !ip.is_unspecified() && !is_for_many && !self.stack.is_local(ip) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.open_at(address, true).map(|_| ())
    }

    fn connect(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let naming = self.naming();
        if *to.address == SocketAddress::Unspecified {
            return self.open().map_or(Ok(()), |open| open.connect(None, 0));
        }
        let remote = destination(naming.on_the_wire(to.address)?);
        check_scope(remote)?;
        self.check_broadcast(remote)?;
        let link = self.link_to(remote);
        self.stack.source_by(remote, link)?;
        self.open_at(naming.nothing(), false)?.connect(Some(remote), link)
    }

    fn send(&self, _io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let (naming, open) = {
            let state = self.state.lock();
            if state.is_write_shut {
                return Err(Errno::EPIPE);
            }
            (self.naming_in(&state), state.open.clone())
        };
        let remote = match &message.to {
            Some(to) => destination(naming.on_the_wire(to.address)?),
            None => {
                let peer = open.as_ref().and_then(|open| open.endpoint().ends().1);
                peer.ok_or(Errno::EDESTADDRREQ)?
            }
        };
        if remote.port() == 0 {
            return Err(Errno::EINVAL);
        }
        let how = self.how(remote, &message.control)?;
        self.check_broadcast(remote)?;
        let open = open.map_or_else(|| self.open_at(naming.nothing(), false), Ok)?;
        open.send(remote, &how, from)
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let (open, naming) = self.opened()?;
        let peek = message.flags.contains(MsgFlags::PEEK);
        let settings = self.state.lock().settings;
        let asks_beside = settings.tells();
        let taken = open.endpoint().receive(io, peek, |first| {
            let count = first.bytes.len().min(out.room());
            out.put(&first.bytes[..count])?;
            message.from = message.asks_who.then(|| naming.told(first.from));
            if asks_beside {
                let own = |to| self.own_address(to, first.from);
                message.control = ancillary::told(first, &settings, naming.is_v6, own);
            }
            let is_cut = count < first.bytes.len();
            message.told.set(MsgFlags::TRUNC, is_cut);
            let tells_all = message.flags.contains(MsgFlags::TRUNC);
            Ok(if tells_all { first.bytes.len() } else { count })
        });
        taken.map(|count| count.unwrap_or(0))
    }

    fn shutdown(&self, _io: &Io<'_>, how: Shutdown) -> Result<(), Errno> {
        let open = self.open().ok_or(Errno::ENOTCONN)?;
        // As Linux does, it ends both halves whether it is connected or not, but says so.
        let is_connected = open.endpoint().ends().1.is_some();
        if how != Shutdown::Write {
            open.endpoint().shut();
        }
        if how != Shutdown::Read {
            self.state.lock().is_write_shut = true;
        }
        if is_connected { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    fn local_address(&self) -> SocketAddress {
        let naming = self.naming();
        naming.told(self.open().map_or(naming.nothing(), |open| open.endpoint().ends().0))
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let peer = self.open().and_then(|open| open.endpoint().ends().1).ok_or(Errno::ENOTCONN)?;
        Ok(self.naming().told(peer))
    }

    fn take_error(&self) -> Option<Errno> {
        self.open()?.endpoint().take_error()
    }

    fn option_changed(&self, option: SocketOption) {
        if option == SocketOption::ReceiveBuffer
            && let Some(open) = self.open()
        {
            open.endpoint().set_most_waiting(self.common.receive_buffer());
        }
    }

    fn set_option(&self, _io: &Io<'_>, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let Common { family, protocol, .. } = self.common;
        let mut state = self.state.lock();
        let is_bound = state.open.is_some();
        if family == Family::Inet6
            && level == Level::Ipv6.raw()
            && name == Ipv6Option::V6Only.raw()
            && is_bound
        {
            return Err(Errno::EINVAL);
        }
        if (family == Family::Inet6 || level != Level::Ipv6.raw())
            && let Some(answer) = state.multicast.set(&self.stack, (level, name), value)
        {
            return answer;
        }
        state.settings.set((family, protocol), (level, name), value)
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let Common { family, protocol, .. } = self.common;
        if let Some(mtu) = self.path_mtu(level, name) {
            return mtu;
        }
        let state = self.state.lock();
        let is_v6 = family == Family::Inet6 || level != Level::Ipv6.raw();
        match state.multicast.get((level, name)).filter(|_| is_v6) {
            Some(value) => Ok(value),
            None => state.settings.get((family, protocol), (level, name)),
        }
    }
}

impl File for DatagramSocket {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.receive(io, out, &mut Incoming::default())
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.send(io, from, &mut Outgoing::default())
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        // Who waits wants a port: what comes for it makes it readable.
        match self.opened() {
            Ok((open, _)) => open.endpoint().readiness(io),
            Err(_) => WRITABLE,
        }
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Ok(self.open().map_or(0, |open| open.endpoint().first_size()) as u64)
    }
}
