//! UDP sockets (udp(7)).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::{MsgFlags, Shutdown, SocketOption};
use sync::Lock;

use crate::file::io::{Sink, Source};
use crate::file::poll::WRITABLE;
use crate::file::{File, Io};
use crate::net::address::SocketAddress;
use crate::net::options::{Common, Switches};
use crate::net::socket::{Incoming, Outgoing, Socket, Target};

use super::name::{Naming, destination};
use super::ports::Claim;
use super::settings::Settings;
use super::stack::{OpenEndpoint, Stack};

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
    /// Its end, once it has a port.
    open: Option<Arc<OpenEndpoint>>,
    is_write_shut: bool,
}

impl DatagramSocket {
    /// A socket that is nowhere yet.
    pub fn new(common: Common, stack: Arc<Stack>) -> Self {
        let state = State { settings: Settings::default(), open: None, is_write_shut: false };
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

impl Socket for DatagramSocket {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let address = self.naming().on_the_wire(to.address)?;
        if !address.ip().is_unspecified() && !self.stack.is_local(address.ip()) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.open_at(address, true).map(|_| ())
    }

    fn connect(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let naming = self.naming();
        if *to.address == SocketAddress::Unspecified {
            return self.open().map_or(Ok(()), |open| open.connect(None));
        }
        let remote = destination(naming.on_the_wire(to.address)?);
        self.stack.source_for(remote.ip())?;
        self.open_at(naming.nothing(), false)?.connect(Some(remote))
    }

    fn send(&self, _io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let (naming, hop_limit, open) = {
            let state = self.state.lock();
            if state.is_write_shut {
                return Err(Errno::EPIPE);
            }
            (self.naming_in(&state), state.settings.hop_limit, state.open.clone())
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
        let open = open.map_or_else(|| self.open_at(naming.nothing(), false), Ok)?;
        open.send(remote, u8::try_from(hop_limit).unwrap_or(u8::MAX), from)
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let (open, naming) = self.opened()?;
        let peek = message.flags.contains(MsgFlags::PEEK);
        let taken = open.endpoint().receive(io, peek, |first| {
            let count = first.bytes.len().min(out.room());
            out.put(&first.bytes[..count])?;
            message.from = message.asks_who.then(|| naming.told(first.from));
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
        self.state.lock().settings.set((family, protocol), (level, name), value)
    }

    fn option(&self, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
        let Common { family, protocol, .. } = self.common;
        self.state.lock().settings.get((family, protocol), (level, name))
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
