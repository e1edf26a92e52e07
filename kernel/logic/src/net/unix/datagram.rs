//! Sockets for datagrams: each has an inbox, and sends to others' inboxes.

use alloc::sync::{Arc, Weak};

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{MsgFlags, Shutdown, SocketOption, SocketType, Ucred};
use sync::Lock;

use super::channel::Channel;
use super::names::Bound;
use super::stream::{give_back, parcel};
use super::{Domain, HEADROOM, Name, common};
use crate::file::io::{Sink, Source};
use crate::file::{File, Io};
use crate::net::address::SocketAddress;
use crate::net::options::{Common, Switches};
use crate::net::socket::{Incoming, Outgoing, Socket, Target};

/// A socket for datagrams.
#[derive(Debug)]
pub struct Datagram {
    common: Common,
    domain: Arc<Domain>,
    me: Weak<Self>,
    name: Name,
    inbox: Channel,
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    peer: Option<Peer>,
    /// It sends nothing any more.
    is_shut: bool,
}

/// Whom it sends to if nobody else is named, and hears alone.
#[derive(Clone, Debug)]
struct Peer {
    socket: Weak<Datagram>,
    name: Name,
    credentials: Option<Ucred>,
}

impl Datagram {
    /// A socket that nobody knows yet.
    pub(super) fn new(domain: &Arc<Domain>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            common: common(SocketType::Datagram),
            domain: Arc::clone(domain),
            me: Weak::clone(me),
            name: Name::default(),
            inbox: Channel::default(),
            state: Lock::new(State::default()),
        })
    }

    /// Two that send to each other.
    pub(super) fn pair(domain: &Arc<Domain>, io: &Io<'_>) -> [Arc<Self>; 2] {
        let sockets = [Self::new(domain), Self::new(domain)];
        let me = io.identity().effective;
        for (socket, other) in [(0, 1), (1, 0)] {
            sockets[socket].state.lock().peer = Some(sockets[other].as_peer(Some(me)));
        }
        sockets
    }

    fn as_peer(&self, credentials: Option<Ucred>) -> Peer {
        Peer { socket: Weak::clone(&self.me), name: Arc::clone(&self.name), credentials }
    }

    fn peer(&self) -> Option<Peer> {
        self.state.lock().peer.clone()
    }

    fn is_peer_of(&self, other: &Self) -> bool {
        other.state.lock().peer.as_ref().is_some_and(|peer| peer.socket.ptr_eq(&self.me))
    }

    /// Checks that `other` hears this socket.
    fn check_may_send(&self, other: &Self) -> Result<(), Errno> {
        let hears_all = other.state.lock().peer.is_none();
        if hears_all || self.is_peer_of(other) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Takes `peer` as the peer; one that it had is told that it lost something (Linux `unix_dgram_disconnected`).
    fn set_peer(&self, peer: Option<Peer>) {
        let old = {
            let mut state = self.state.lock();
            let is_same = match (&state.peer, &peer) {
                (Some(old), Some(new)) => old.socket.ptr_eq(&new.socket),
                (old, _) => old.is_none(),
            };
            let old = core::mem::replace(&mut state.peer, peer);
            if is_same { None } else { old }
        };
        if let Some(old) = old.and_then(|old| old.socket.upgrade())
            && self.inbox.purge()
            && self.is_peer_of(&old)
        {
            old.inbox.fail(Errno::ECONNRESET);
        }
    }

    /// Whom a message without an address goes to.
    fn connected(&self) -> Result<Arc<Self>, Errno> {
        let peer = self.peer().ok_or(Errno::ENOTCONN)?;
        peer.socket.upgrade().ok_or_else(|| {
            // Gone: it is nobody's peer any more.
            self.state.lock().peer = None;
            Errno::ECONNREFUSED
        })
    }
}

impl Socket for Datagram {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let me = Bound::Datagram(Weak::clone(&self.me));
        super::bind(&self.domain, SocketType::Datagram, &self.name, to, &me)
    }

    fn connect(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        if *to.address == SocketAddress::Unspecified {
            self.set_peer(None);
            return Ok(());
        }
        let other = self.domain.find_datagram(to)?;
        self.check_may_send(&other)?;
        self.set_peer(Some(other.as_peer(None)));
        Ok(())
    }

    fn send(&self, io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if let Some(errno) = self.inbox.take_error() {
            return Err(errno);
        }
        let peer = if message.to.is_none() { Some(self.connected()?) } else { None };
        let capacity = self.common.send_buffer();
        if from.left() > capacity.saturating_sub(HEADROOM) {
            return Err(Errno::EMSGSIZE);
        }
        let other = match (peer, message.to) {
            (Some(peer), _) => peer,
            (None, Some(to)) => self.domain.find_datagram(to)?,
            (None, None) => return Err(Errno::ENOTCONN),
        };
        self.check_may_send(&other)?;
        if self.state.lock().is_shut {
            return Err(Errno::EPIPE);
        }
        let name = self.name.lock().clone();
        let mut parcel = parcel(&self.domain, &self.common, io, name, message)?;
        let sent = other.inbox.send_run(io, from, capacity, &mut parcel);
        if sent.is_err() {
            give_back(message, parcel);
        }
        sent
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.inbox.receive_run(io, out, message)
    }

    fn shutdown(&self, _io: &Io<'_>, how: Shutdown) -> Result<(), Errno> {
        if how.writes() {
            self.state.lock().is_shut = true;
        }
        if how.reads() {
            self.inbox.close();
        }
        Ok(())
    }

    fn local_address(&self) -> SocketAddress {
        self.name.lock().clone().into()
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let peer = self.peer().ok_or(Errno::ENOTCONN)?;
        let name = peer.name.lock();
        Ok(name.clone().into())
    }

    fn take_error(&self) -> Option<Errno> {
        self.inbox.take_error()
    }

    fn peer_credentials(&self) -> Ucred {
        let nobody = Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        self.peer().and_then(|peer| peer.credentials).unwrap_or(nobody)
    }

    fn option_changed(&self, option: SocketOption) {
        if option == SocketOption::PassCred {
            self.inbox.tell_credentials(self.common.is_on(Switches::PASS_CREDENTIALS));
        }
    }

    fn set_option(&self, io: &Io<'_>, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        super::set_option(io, level, name, value)
    }

    fn option(&self, level: i32, name: i32) -> Result<alloc::vec::Vec<u8>, Errno> {
        super::option(level, name)
    }
}

impl File for Datagram {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        if out.room() == 0 {
            return Ok(0);
        }
        self.receive(io, out, &mut Incoming::default())
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.send(io, from, &mut Outgoing::default())
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let inbox = self.inbox.look_in(io);
        let mut events = PollEvents::empty();
        events.set(PollEvents::IN | PollEvents::RDNORM, inbox.is_waiting || inbox.is_closed);
        events.set(PollEvents::RDHUP, inbox.is_closed);
        events.set(PollEvents::HUP, inbox.is_closed && self.state.lock().is_shut);
        events.set(PollEvents::ERR, inbox.has_error);
        let peer = self.peer().and_then(|peer| peer.socket.upgrade());
        let has_room = peer.is_none_or(|peer| {
            let inbox = peer.inbox.look_out(io);
            !inbox.is_full && inbox.bytes.saturating_mul(4) <= self.common.send_buffer()
        });
        events.set(super::WRITABLE, has_room);
        events
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Ok(self.inbox.look_in(&Io::default()).first as u64)
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        let me = Bound::Datagram(Weak::clone(&self.me));
        self.domain.unbind(SocketType::Datagram, &self.name.lock(), &me);
        // Who waits for room in the inbox looks again, and finds nobody.
        self.inbox.abandon();
    }
}
