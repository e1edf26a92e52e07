//! `AF_NETLINK`, of the family `NETLINK_ROUTE`: programs ask which links, addresses and routes there are (rtnetlink(7)). getifaddrs(3) does.
//!
//! ```text
//!  send ─▶ requests ([`message`]) ─▶ answers, made at once ([`dump`]) ─▶ the queue ─▶ receive
//! ```
//! Nothing can be changed, and nobody is told of what changes by itself: groups cannot be joined.

mod dump;
mod message;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::io::PollEvents;
use abi::net::netlink::{NETLINK_ROUTE, flag, kind};
use abi::net::{Family, MsgFlags, Shutdown, SocketType};
use sync::Lock;

use super::address::SocketAddress;
use super::inet::stack::Stack;
use super::options::{BUFFER, Common};
use super::socket::{Incoming, Outgoing, Socket, Target};
use crate::file::io::{Sink, Source};
use crate::file::poll::{READABLE, WRITABLE};
use crate::file::wakers::WakerSet;
use crate::file::{File, Io};
use message::{Answers, Request};

/// A new socket of the process `process`.
///
/// # Errors
/// `ESOCKTNOSUPPORT`; `EPROTONOSUPPORT` for all but `NETLINK_ROUTE`.
pub fn new_socket(
    stack: &Arc<Stack>,
    kind: SocketType,
    protocol: i32,
    process: u32,
) -> Result<Arc<dyn File>, Errno> {
    if !matches!(kind, SocketType::Raw | SocketType::Datagram) {
        return Err(Errno::ESOCKTNOSUPPORT);
    }
    if protocol != NETLINK_ROUTE {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let common = Common::new(Family::Netlink, kind, protocol, [BUFFER; 2]);
    Ok(Arc::new(NetlinkSocket { common, stack: Arc::clone(stack), process, state: Lock::default() }))
}

/// A socket.
#[derive(Debug)]
struct NetlinkSocket {
    common: Common,
    stack: Arc<Stack>,
    /// The port it gets when it does not say (netlink(7)).
    process: u32,
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Its port, once it has one.
    port: Option<u32>,
    is_connected: bool,
    /// Answers, each to be received by itself.
    waiting: VecDeque<Vec<u8>>,
    wakers: WakerSet,
}

impl NetlinkSocket {
    /// What a message asks for is answered.
    fn answer(&self, request: &Request<'_>, answers: &mut Answers) {
        if request.header.nlmsg_flags & flag::REQUEST == 0 || request.header.nlmsg_type < kind::FIRST {
            return;
        }
        let interfaces = self.stack.interfaces();
        if request.header.nlmsg_flags & flag::DUMP != 0 {
            match request.header.nlmsg_type {
                kind::GET_LINK => dump::links(&interfaces, answers),
                kind::GET_ADDRESS => dump::addresses(&interfaces, request.family(), answers),
                kind::GET_ROUTE => dump::routes(&interfaces, request.family(), answers),
                _ => return answers.error(request, Some(Errno::EOPNOTSUPP)),
            }
            return answers.done();
        }
        let result = match request.header.nlmsg_type {
            kind::GET_LINK => dump::link(&interfaces, request, answers),
            _ => Err(Errno::EOPNOTSUPP),
        };
        if result.is_err() || request.header.nlmsg_flags & flag::ACK != 0 {
            answers.error(request, result.err());
        }
    }
}

impl Socket for NetlinkSocket {
    fn common(&self) -> &Common {
        &self.common
    }

    fn bind(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let &SocketAddress::Netlink { port, groups } = to.address else { return Err(Errno::EINVAL) };
        if groups != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut state = self.state.lock();
        match state.port {
            Some(own) if own != port => Err(Errno::EINVAL),
            _ => {
                state.port = Some(if port == 0 { self.process } else { port });
                Ok(())
            }
        }
    }

    fn connect(&self, _io: &Io<'_>, to: Target<'_>) -> Result<(), Errno> {
        let mut state = self.state.lock();
        match *to.address {
            SocketAddress::Unspecified => state.is_connected = false,
            SocketAddress::Netlink { port: 0, groups: 0 } => {
                state.port = state.port.or(Some(self.process));
                state.is_connected = true;
            }
            // Nobody else is there.
            SocketAddress::Netlink { .. } => return Err(Errno::ECONNREFUSED),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn send(&self, _io: &Io<'_>, from: &mut dyn Source, message: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        match message.to.as_ref().map(|to| to.address) {
            None | Some(SocketAddress::Netlink { port: 0, groups: 0 }) => {}
            Some(SocketAddress::Netlink { .. }) => return Err(Errno::ECONNREFUSED),
            Some(_) => return Err(Errno::EINVAL),
        }
        let length = from.left();
        if length > self.common.send_buffer() {
            return Err(Errno::EMSGSIZE);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| Errno::ENOBUFS)?;
        bytes.resize(length, 0);
        from.take(&mut bytes)?;
        let port = *self.state.lock().port.get_or_insert(self.process);
        let mut answers = Answers::to(port);
        for request in message::requests(&bytes) {
            answers.begin(&request);
            self.answer(&request, &mut answers);
        }
        let answers = answers.into_datagrams();
        let mut state = self.state.lock();
        let more = state.waiting.iter().chain(&answers).map(Vec::len).sum::<usize>();
        if more > self.common.receive_buffer() {
            return Err(Errno::ENOBUFS);
        }
        if !answers.is_empty() {
            state.waiting.extend(answers);
            state.wakers.wake(READABLE);
        }
        Ok(length)
    }

    fn receive(&self, io: &Io<'_>, out: &mut dyn Sink, message: &mut Incoming) -> Result<usize, Errno> {
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut state = self.state.lock();
        let Some(first) = state.waiting.front() else {
            io.wait_for(&mut state.wakers, READABLE);
            return Err(Errno::EAGAIN);
        };
        let (whole, count) = (first.len(), first.len().min(out.room()));
        out.put(&first[..count])?;
        if !message.flags.contains(MsgFlags::PEEK) {
            state.waiting.pop_front();
        }
        message.from = message.asks_who.then_some(SocketAddress::Netlink { port: 0, groups: 0 });
        message.told.set(MsgFlags::TRUNC, count < whole);
        Ok(if message.flags.contains(MsgFlags::TRUNC) { whole } else { count })
    }

    fn shutdown(&self, _io: &Io<'_>, _how: Shutdown) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn local_address(&self) -> SocketAddress {
        SocketAddress::Netlink { port: self.state.lock().port.unwrap_or(0), groups: 0 }
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        // It is the kernel's whether it was connected or not (Linux `netlink_getname`).
        Ok(SocketAddress::Netlink { port: 0, groups: 0 })
    }
}

impl File for NetlinkSocket {
    fn read_at(&self, io: &Io<'_>, _offset: u64, out: &mut dyn Sink) -> Result<usize, Errno> {
        self.receive(io, out, &mut Incoming::default())
    }

    fn write_at(&self, io: &Io<'_>, _offset: u64, from: &mut dyn Source) -> Result<usize, Errno> {
        self.send(io, from, &mut Outgoing::default())
    }

    fn readiness(&self, io: &Io<'_>) -> PollEvents {
        let mut state = self.state.lock();
        io.watch(&mut state.wakers);
        if state.waiting.is_empty() { WRITABLE } else { WRITABLE | READABLE }
    }

    fn can_poll(&self) -> bool {
        true
    }

    fn socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn available(&self, _offset: u64) -> Result<u64, Errno> {
        Err(Errno::ENOTTY)
    }
}

#[cfg(test)]
mod tests;
