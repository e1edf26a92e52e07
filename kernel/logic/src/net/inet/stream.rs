//! TCP sockets (tcp(7)).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{Level, MsgFlags, Shutdown, SocketOption, TcpOption};
use sync::Lock;

use crate::file::io::{Sink, Source};
use crate::file::poll::WRITABLE;
use crate::file::wakers::WakerSet;
use crate::file::{File, Io};
use crate::net::address::SocketAddress;
use crate::net::options::{Common, Switches, bytes, first};
use crate::net::socket::{Accepted, Incoming, Outgoing, Socket, Target};

use super::connection::Connection;
use super::listener::Listener;
use super::name::{Naming, check_scope, destination, scope_of, scoped};
use super::ports::Claim;
use super::settings::Settings;
use super::stack::{Bound, Stack};

/// The option that a connection changes by itself (tcp(7)).
const QUICK_ACK: (i32, i32) = (Level::Tcp.raw(), TcpOption::QuickAck.raw());

/// A TCP socket.
#[derive(Debug)]
pub struct StreamSocket {
    common: Common,
    stack: Arc<Stack>,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    /// Its own port, if it has claimed one, and the address that came with it.
    bound: Option<(Bound, SocketAddr)>,
    is: Is,
    /// connect(2) has said that the connection is there.
    is_told: bool,
    /// Who waits for it while it is nothing yet.
    early: WakerSet,
}

/// What has become of it.
#[derive(Clone, Debug)]
enum Is {
    Fresh,
    Listening(Arc<Listener>),
    Connected(Connection),
}

impl State {
    /// It is nothing any more, as in the beginning; answers what it was.
    fn become_fresh(&mut self) -> Is {
        match &self.is {
            Is::Fresh => {}
            Is::Listening(listener) => listener.hand_over(&mut self.early),
            Is::Connected(connection) => connection.hand_over(&mut self.early),
        }
        core::mem::replace(&mut self.is, Is::Fresh)
    }
}

impl StreamSocket {
    /// A socket that is nowhere yet.
    pub fn new(common: Common, stack: Arc<Stack>) -> Self {
        let state = State {
            settings: Settings::default(),
            bound: None,
            is: Is::Fresh,
            is_told: false,
            early: WakerSet::new(),
        };
        Self { common, stack, state: Lock::new(state) }
    }

    fn is(&self) -> Is {
        self.state.lock().is.clone()
    }

    fn naming(&self) -> Naming {
        Naming::new(self.common.family, self.state.lock().settings.v6_only != 0)
    }

    /// The connection, if there is one.
    fn connection(&self) -> Option<Connection> {
        match &self.state.lock().is {
            Is::Connected(connection) => Some(connection.clone()),
            _ => None,
        }
    }

    /// Tells the connection what the options say of it.
    fn configure(&self, connection: &Connection) {
        let settings = self.state.lock().settings;
        let manner = settings.manner(connection.ends().1.is_ipv6(), self.common.is_on(Switches::KEEP_ALIVE));
        let buffers = [self.common.send_buffer(), self.common.receive_buffer()];
        connection.configure(&self.stack, &manner, buffers);
    }

    fn claim(&self, address: SocketAddr, v6_only: bool) -> Claim {
        Claim {
            address,
            v6_only,
            reuse_address: self.common.is_on(Switches::REUSE_ADDRESS),
            reuse_port: self.common.is_on(Switches::REUSE_PORT),
            listens: false,
        }
    }
}

impl Socket for StreamSocket {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let naming = self.naming();
        let address = naming.on_the_wire(to.address)?;
        check_scope(address)?;
        if !address.ip().is_unspecified() && !self.stack.is_local(address.ip()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let mut state = self.state.lock();
        if state.bound.is_some() || !matches!(state.is, Is::Fresh) {
            return Err(Errno::EINVAL);
        }
        let bound = self.stack.bind(self.claim(address, naming.v6_only))?;
        let address = scoped(address.ip(), bound.port(), scope_of(address));
        state.bound = Some((bound, address));
        Ok(())
    }

    fn listen(&self, _io: &Io<'_>, backlog: u32) -> Result<(), Errno> {
        let naming = self.naming();
        let mut state = self.state.lock();
        let State { bound, is, settings, early, .. } = &mut *state;
        match is {
            Is::Connected(_) => Err(Errno::EINVAL),
            Is::Listening(listener) => {
                listener.set_backlog(backlog);
                Ok(())
            }
            Is::Fresh => {
                if bound.is_none() {
                    let any = naming.nothing();
                    let claimed = self.stack.bind(self.claim(any, settings.v6_only != 0))?;
                    let address = SocketAddr::new(any.ip(), claimed.port());
                    *bound = Some((claimed, address));
                }
                let Some((claimed, address)) = bound else { return Err(Errno::EINVAL) };
                let listener = self.stack.listen(claimed, *address, settings.v6_only != 0, backlog)?;
                listener.take_over(early);
                *is = Is::Listening(listener);
                Ok(())
            }
        }
    }

    fn accept(&self, io: &Io<'_>) -> Result<Accepted, Errno> {
        let Is::Listening(listener) = self.is() else { return Err(Errno::EINVAL) };
        let connection = listener.accept(io)?;
        let settings = self.state.lock().settings;
        let peer = self.naming().told(connection.ends().1);
        let state = State {
            settings,
            bound: None,
            is: Is::Connected(connection.clone()),
            is_told: true,
            early: WakerSet::new(),
        };
        let socket =
            Self { common: self.common.inherited(), stack: Arc::clone(&self.stack), state: Lock::new(state) };
        socket.configure(&connection);
        Ok(Accepted { file: Arc::new(socket), peer })
    }

    /// Who does not wait is told later that it is there, however soon that is; who does asks at once.
    fn connect(&self, io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        if *to.address == SocketAddress::Unspecified {
            return self.disconnect();
        }
        let naming = self.naming();
        let remote = destination(naming.on_the_wire(to.address)?);
        check_scope(remote)?;
        if remote.ip().is_multicast() || self.stack.is_broadcast(remote.ip()) {
            return Err(Errno::ENETUNREACH);
        }
        let connection = {
            let mut state = self.state.lock();
            match &state.is {
                Is::Fresh => {}
                Is::Listening(_) => return Err(Errno::EISCONN),
                Is::Connected(_) if state.is_told => return Err(Errno::EISCONN),
                Is::Connected(_) => {
                    drop(state);
                    return self.connected(io).map_err(|errno| match errno {
                        Errno::EAGAIN => Errno::EALREADY,
                        errno => errno,
                    });
                }
            }
            if remote.port() == 0 {
                return Err(Errno::ECONNREFUSED);
            }
            let local = state.bound.as_ref().map_or(naming.nothing(), |(_, address)| *address);
            let connection = self.stack.connect(local, remote)?;
            connection.take_over(&mut state.early);
            (state.is, state.is_told) = (Is::Connected(connection.clone()), false);
            connection
        };
        self.configure(&connection);
        Err(Errno::EINPROGRESS)
    }

    fn connected(&self, io: &Io<'_>) -> Result<(), Errno> {
        let connection = self.connection().ok_or(Errno::ENOTCONN)?;
        let opened = connection.opened(io);
        match opened {
            Ok(()) => self.state.lock().is_told = true,
            Err(Errno::EAGAIN) => {}
            // It may be tried again.
            Err(_) => drop(self.state.lock().become_fresh()),
        }
        opened
    }

    fn send(&self, io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.write_at(io, 0, from)
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EINVAL);
        }
        let peek = message.flags.contains(MsgFlags::PEEK);
        self.connection().ok_or(Errno::ENOTCONN)?.read(&self.stack, io, out, peek)
    }

    fn shutdown(&self, _io: &Io<'_>, how: Shutdown) -> Result<(), Errno> {
        match self.is() {
            Is::Fresh => Err(Errno::ENOTCONN),
            Is::Listening(listener) => {
                if how != Shutdown::Write {
                    self.stack.close_listener(&listener);
                    self.state.lock().become_fresh();
                }
                Ok(())
            }
            Is::Connected(connection) => connection.shut(&self.stack, how),
        }
    }

    fn local_address(&self) -> SocketAddress {
        let naming = self.naming();
        let state = self.state.lock();
        naming.told(match (&state.is, &state.bound) {
            (Is::Connected(connection), _) => connection.ends().0,
            (_, Some((_, address))) => *address,
            _ => naming.nothing(),
        })
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let connection = self.connection().ok_or(Errno::ENOTCONN)?;
        if connection.is_there() { Ok(self.naming().told(connection.ends().1)) } else { Err(Errno::ENOTCONN) }
    }

    fn is_listening(&self) -> bool {
        matches!(self.is(), Is::Listening(_))
    }

    fn take_error(&self) -> Option<Errno> {
        self.connection()?.take_error()
    }

    fn unsent(&self) -> Result<u64, Errno> {
        match self.is() {
            Is::Fresh => Ok(0),
            Is::Listening(_) => Err(Errno::EINVAL),
            Is::Connected(connection) => Ok(connection.unsent() as u64),
        }
    }

    fn option_changed(&self, option: SocketOption) {
        if matches!(option, SocketOption::KeepAlive | SocketOption::SendBuffer | SocketOption::ReceiveBuffer)
            && let Some(connection) = self.connection()
        {
            self.configure(&connection);
        }
    }

    fn set_option(&self, _io: &Io<'_>, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let Common { family, protocol, .. } = self.common;
        self.state.lock().settings.set((family, protocol), (level, name), value)?;
        if let Some(connection) = self.connection() {
            self.configure(&connection);
            if (level, name) == QUICK_ACK {
                connection.set_quick_ack(&self.stack, first::<i32>(value)? != 0);
            }
        }
        Ok(())
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let Common { family, protocol, .. } = self.common;
        if (level, name) == QUICK_ACK
            && let Some(is_on) = self.connection().as_ref().and_then(Connection::quick_ack)
        {
            return Ok(bytes(&i32::from(is_on)));
        }
        self.state.lock().settings.get((family, protocol), (level, name))
    }
}

impl StreamSocket {
    /// Gives the connection up (connect(2), `AF_UNSPEC`).
    fn disconnect(&self) -> Result<(), Errno> {
        match self.state.lock().become_fresh() {
            Is::Fresh => {}
            Is::Listening(listener) => self.stack.close_listener(&listener),
            Is::Connected(connection) => connection.abort(&self.stack),
        }
        Ok(())
    }
}

impl File for StreamSocket {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.connection().ok_or(Errno::ENOTCONN)?.read(&self.stack, io, out, false)
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.connection().ok_or(Errno::EPIPE)?.write(&self.stack, io, from)
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        let State { is, early, .. } = &mut *state;
        match is {
            Is::Fresh => {
                io.watch(early);
                WRITABLE | PollEvents::HUP
            }
            Is::Listening(listener) => listener.readiness(io),
            Is::Connected(connection) => connection.readiness(io),
        }
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        match self.is() {
            Is::Fresh => Ok(0),
            Is::Listening(_) => Err(Errno::EINVAL),
            Is::Connected(connection) => Ok(connection.readable() as u64),
        }
    }
}

impl Drop for StreamSocket {
    fn drop(&mut self) {
        match self.is() {
            Is::Fresh => {}
            Is::Listening(listener) => self.stack.close_listener(&listener),
            Is::Connected(connection) => {
                let at_once = self.common.linger() == Some(0);
                connection.release(&self.stack, at_once);
            }
        }
    }
}
