//! Sockets that connect: `SOCK_STREAM`, and `SOCK_SEQPACKET`, which differs in that what is sent at once is received at once.
//!
//! ```text
//!  new ── bind ──▶ named ── listen ──▶ listens ── accept ──▶ a new one, connected
//!   └── connect ───▶ connected, and its other end waits in the listener's queue
//! ```

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, Ordering};

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{MsgFlags, Shutdown, SocketOption, SocketType, Ucred};
use sync::{Lock, Once};

use super::channel::{Channel, Parcel};
use super::names::Bound;
use super::rights::Rights;
use super::{Domain, HEADROOM, Name, common};
use crate::file::io::{Sink, Source};
use crate::file::wakers::WakerSet;
use crate::file::{File, Io};
use crate::net::address::{SocketAddress, UnixAddress};
use crate::net::options::{Common, Switches};
use crate::net::socket::{Accepted, Control, Incoming, Outgoing, Socket, Target};

/// A socket that connects.
#[derive(Debug)]
pub struct Stream {
    common: Common,
    domain: Arc<Domain>,
    me: Weak<Self>,
    name: Name,
    /// The socket is connected as soon as this is there, and stays so.
    connection: Once<Connection>,
    listener: Lock<Option<Listener>>,
    /// Who waits for it while it is neither.
    early: Lock<WakerSet>,
}

/// What a connected socket has.
#[derive(Debug)]
struct Connection {
    incoming: Arc<Channel>,
    outgoing: Arc<Channel>,
    peer: Name,
    /// Who the peer was.
    credentials: Ucred,
    /// Somebody has it: it does not wait in a listener's queue any more.
    is_taken: AtomicBool,
}

/// What a listening socket has.
#[derive(Debug)]
struct Listener {
    backlog: usize,
    waiting: VecDeque<Arc<Stream>>,
    /// Who listens.
    credentials: Ucred,
    is_shut: bool,
    wakers: WakerSet,
}

/// Both ends of a new connection: the one that asked first. `who` is who each of them will say its peer is.
fn connect_ends(names: [&Name; 2], who: [Ucred; 2], is_taken: bool) -> [Connection; 2] {
    let (there, back): (Arc<Channel>, Arc<Channel>) = Default::default();
    let end =
        |incoming: &Arc<Channel>, outgoing: &Arc<Channel>, peer: &Name, credentials, is_taken| Connection {
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            peer: Arc::clone(peer),
            credentials,
            is_taken: AtomicBool::new(is_taken),
        };
    [end(&back, &there, names[1], who[0], true), end(&there, &back, names[0], who[1], is_taken)]
}

impl Stream {
    /// A socket that nobody knows yet.
    pub(super) fn new(domain: &Arc<Domain>, common: Common) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            common,
            domain: Arc::clone(domain),
            me: Weak::clone(me),
            name: Name::default(),
            connection: Once::new(),
            listener: Lock::new(None),
            early: Lock::new(WakerSet::new()),
        })
    }

    /// Two that are connected.
    pub(super) fn pair(domain: &Arc<Domain>, io: &Io<'_>, kind: SocketType) -> [Arc<Self>; 2] {
        let sockets = [Self::new(domain, common(kind)), Self::new(domain, common(kind))];
        let me = io.identity().effective;
        let ends = connect_ends([&sockets[0].name, &sockets[1].name], [me, me], true);
        for (socket, end) in sockets.iter().zip(ends) {
            socket.connection.set(end);
        }
        sockets
    }

    /// Its type.
    pub(super) fn kind(&self) -> SocketType {
        self.common.kind
    }

    fn connection(&self) -> Result<&Connection, Errno> {
        self.connection.get().ok_or(Errno::ENOTCONN)
    }

    fn local_name(&self) -> UnixAddress {
        self.name.lock().clone()
    }

    /// Connects to `other`, which listens.
    fn connect_to(&self, io: &Io<'_>, other: &Self) -> Result<(), Errno> {
        // One more than the backlog may wait, as on Linux.
        let mut listener = other.listener.lock();
        let listener = listener.as_mut().filter(|listener| !listener.is_shut).ok_or(Errno::ECONNREFUSED)?;
        if listener.waiting.len() > listener.backlog {
            io.wait_for(&mut listener.wakers, PollEvents::all());
            return Err(Errno::EAGAIN);
        }
        listener.waiting.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        let accepted = Self::new(&self.domain, common(self.kind()));
        accepted.common.copy_switch(&other.common, Switches::PASS_CREDENTIALS);
        let who = [listener.credentials, io.identity().effective];
        let [mine, theirs] = connect_ends([&self.name, &other.name], who, false);
        mine.incoming.tell_credentials(self.common.is_on(Switches::PASS_CREDENTIALS));
        theirs.incoming.tell_credentials(other.common.is_on(Switches::PASS_CREDENTIALS));
        // Both ends of the server have one name.
        *accepted.name.lock() = other.local_name();
        accepted.connection.set(theirs);
        self.connection.try_set(mine).map_err(|_| Errno::EISCONN)?;
        self.tell_early();
        listener.waiting.push_back(accepted);
        listener.wakers.wake_all();
        Ok(())
    }

    /// It is connected: who waited for that waits for its channels now.
    fn tell_early(&self) {
        let Some(connection) = self.connection.get() else { return };
        let early = core::mem::take(&mut *self.early.lock());
        connection.incoming.join_readers(&early);
        connection.outgoing.join_writers(early);
    }

    /// Says that the peer sent a message, if somebody asks and it has a name.
    fn name_peer(connection: &Connection, message: &mut Incoming) {
        if message.asks_who {
            let peer = connection.peer.lock().clone();
            message.from = (peer != UnixAddress::Unnamed).then(|| peer.into());
        }
    }
}

/// What goes with the bytes of `message`, whose control messages are taken.
///
/// # Errors
/// `ETOOMANYREFS`.
pub(super) fn parcel(
    domain: &Arc<Domain>,
    common: &Common,
    io: &Io<'_>,
    from: UnixAddress,
    message: &mut Outgoing<'_>,
) -> Result<Parcel, Errno> {
    let mut parcel = Parcel { from, ..Parcel::default() };
    if message.control.is_empty() && !common.is_on(Switches::PASS_CREDENTIALS) {
        return Ok(parcel);
    }
    for control in core::mem::take(&mut message.control) {
        match control {
            Control::Rights(files) => parcel.rights = Some(Rights::new(domain, files)?),
            Control::Credentials(who) => parcel.credentials = Some(who),
            Control::Other { .. } => {}
        }
    }
    if parcel.credentials.is_none() && common.is_on(Switches::PASS_CREDENTIALS) {
        parcel.credentials = Some(io.identity().real);
    }
    Ok(parcel)
}

/// The control messages that `parcel` was made of once more: nothing was sent.
pub(super) fn give_back(message: &mut Outgoing<'_>, parcel: Parcel) {
    message.control.extend(parcel.credentials.map(Control::Credentials));
    message.control.extend(parcel.rights.map(|rights| Control::Rights(rights.into_files())));
}

impl Socket for Stream {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        super::bind(&self.domain, self.kind(), &self.name, to, &Bound::Stream(Weak::clone(&self.me)))
    }

    fn listen(&self, io: &Io<'_>, backlog: u32) -> Result<(), Errno> {
        if self.connection.get().is_some() || self.local_name() == UnixAddress::Unnamed {
            return Err(Errno::EINVAL);
        }
        let mut listener = self.listener.lock();
        let (backlog, credentials) = (backlog as usize, io.identity().effective);
        match &mut *listener {
            Some(listener) => {
                (listener.backlog, listener.credentials) = (backlog, credentials);
                listener.wakers.wake_all();
            }
            None => {
                let (waiting, wakers) = (VecDeque::new(), WakerSet::new());
                let listener =
                    listener.insert(Listener { backlog, waiting, credentials, is_shut: false, wakers });
                listener.wakers.take_over(&mut self.early.lock());
            }
        }
        Ok(())
    }

    fn accept(&self, io: &Io<'_>) -> Result<Accepted, Errno> {
        let mut listener = self.listener.lock();
        let listener = listener.as_mut().ok_or(Errno::EINVAL)?;
        let Some(socket) = listener.waiting.pop_front() else {
            if listener.is_shut {
                return Err(Errno::EINVAL);
            }
            io.wait_for(&mut listener.wakers, PollEvents::all());
            return Err(Errno::EAGAIN);
        };
        // Somebody may wait for a place in the queue.
        listener.wakers.wake_all();
        let connection = socket.connection()?;
        connection.is_taken.store(true, Ordering::Relaxed);
        let peer = connection.peer.lock().clone().into();
        Ok(Accepted { file: socket, peer })
    }

    fn connect(&self, io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let other = self.domain.find_stream(self.kind(), to)?;
        if self.connection.get().is_some() {
            return Err(Errno::EISCONN);
        }
        if self.is_listening() {
            return Err(Errno::EINVAL);
        }
        self.connect_to(io, &other)
    }

    fn send(&self, io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let keeps_records = self.common.keeps_records();
        if message.to.is_some() && !keeps_records {
            return Err(if self.connection.get().is_some() { Errno::EISCONN } else { Errno::EOPNOTSUPP });
        }
        let connection = self.connection()?;
        let capacity = self.common.send_buffer();
        if keeps_records {
            connection.incoming.take_error().map_or(Ok(()), Err)?;
            if from.left() > capacity.saturating_sub(HEADROOM) {
                return Err(Errno::EMSGSIZE);
            }
        }
        // Who sent it is known: the peer of the one that receives.
        let mut parcel = parcel(&self.domain, &self.common, io, UnixAddress::Unnamed, message)?;
        let sent = if keeps_records {
            connection.outgoing.send_run(io, from, capacity, &mut parcel)
        } else {
            connection.outgoing.send_bytes(io, from, capacity, &mut parcel)
        };
        if sent.is_err() {
            give_back(message, parcel);
        }
        sent
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let keeps_records = self.common.keeps_records();
        let Some(connection) = self.connection.get() else {
            return Err(if keeps_records { Errno::ENOTCONN } else { Errno::EINVAL });
        };
        let count = if keeps_records {
            connection.incoming.receive_run(io, out, message)
        } else {
            connection.incoming.receive_bytes(io, out, message)
        }?;
        Self::name_peer(connection, message);
        Ok(count)
    }

    fn shutdown(&self, _io: &Io<'_>, how: Shutdown) -> Result<(), Errno> {
        if let Some(connection) = self.connection.get() {
            if how.reads() {
                connection.incoming.close();
            }
            if how.writes() {
                connection.outgoing.close();
            }
        }
        if let Some(listener) = &mut *self.listener.lock()
            && how.reads()
        {
            listener.is_shut = true;
            listener.wakers.wake_all();
        }
        Ok(())
    }

    fn local_address(&self) -> SocketAddress {
        self.local_name().into()
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let peer = self.connection()?.peer.lock();
        Ok(peer.clone().into())
    }

    fn is_listening(&self) -> bool {
        self.listener.lock().is_some()
    }

    fn take_error(&self) -> Option<Errno> {
        self.connection.get()?.incoming.take_error()
    }

    fn peer_credentials(&self) -> Ucred {
        let nobody = Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        let listening = || self.listener.lock().as_ref().map(|listener| listener.credentials);
        self.connection.get().map(|connection| connection.credentials).or_else(listening).unwrap_or(nobody)
    }

    fn unsent(&self) -> Result<u64, Errno> {
        if self.is_listening() {
            return Err(Errno::EINVAL);
        }
        Ok(self.connection.get().map_or(0, |end| end.outgoing.look_out(&Io::default()).bytes as u64))
    }

    fn option_changed(&self, option: SocketOption) {
        if option == SocketOption::PassCred
            && let Some(connection) = self.connection.get()
        {
            connection.incoming.tell_credentials(self.common.is_on(Switches::PASS_CREDENTIALS));
        }
    }

    fn set_option(&self, io: &Io<'_>, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        super::set_option(io, level, name, value)
    }

    fn option(&self, level: i32, name: i32) -> Result<alloc::vec::Vec<u8>, Errno> {
        super::option(level, name)
    }
}

impl File for Stream {
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
        let (readable, writable) = (PollEvents::IN | PollEvents::RDNORM, super::WRITABLE);
        if let Some(listener) = &mut *self.listener.lock() {
            io.watch(&mut listener.wakers);
            let mut events = PollEvents::empty();
            events.set(PollEvents::RDHUP, listener.is_shut);
            events.set(readable, listener.is_shut || !listener.waiting.is_empty());
            return events;
        }
        let Some(connection) = self.connection.get() else {
            let mut early = self.early.lock();
            if self.connection.get().is_none() {
                io.watch(&mut early);
                return writable | PollEvents::HUP;
            }
            drop(early);
            return self.readiness(io);
        };
        let (incoming, outgoing) = (connection.incoming.look_in(io), connection.outgoing.look_out(io));
        let mut events = PollEvents::empty();
        events.set(readable, incoming.is_waiting || incoming.is_closed);
        events.set(PollEvents::RDHUP, incoming.is_closed);
        events.set(PollEvents::HUP, incoming.is_closed && outgoing.is_closed);
        events.set(PollEvents::ERR, incoming.has_error);
        // A quarter must be left, so that who waits for room gets much of it (Linux `unix_writable`).
        events.set(
            writable,
            outgoing.bytes.saturating_mul(4) <= self.common.send_buffer() && !outgoing.is_full,
        );
        events
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        if self.is_listening() {
            return Err(Errno::EINVAL);
        }
        Ok(self.connection.get().map_or(0, |end| end.incoming.look_in(&Io::default()).bytes as u64))
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let me = Bound::Stream(Weak::clone(&self.me));
        self.domain.unbind(self.kind(), &self.name.lock(), &me);
        if let Some(connection) = self.connection.get() {
            let left_unread = connection.incoming.abandon();
            if left_unread || !connection.is_taken.load(Ordering::Relaxed) {
                connection.outgoing.fail(Errno::ECONNRESET);
            }
            connection.outgoing.close();
        }
        if let Some(listener) = self.listener.get_mut() {
            // Who waits for a place looks again, and finds nobody.
            listener.wakers.wake_all();
        }
    }
}
