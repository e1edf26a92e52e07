//! The options that every socket has, in one table (socket(7)), and what a socket is.
//!
//! They are kept here without a lock: each is a word of its own. A socket that must act on one hears of it
//! ([`Socket::option_changed`]), and is asked about those that stand in no table ([`Socket::set_option`]).

use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use abi::errno::Errno;
use abi::net::{Family, Level, Linger, SocketOption, SocketType};
use abi::time::Timeval;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::socket::Socket;
use crate::file::Io;

/// Most bytes that a program can ask a buffer to have (`/proc/sys/net/core/wmem_max`): half of what it comes to be.
pub const MOST_BUFFER: u32 = 212_992;
/// What a buffer has unless it is said otherwise (`/proc/sys/net/core/wmem_default`).
pub const BUFFER: u32 = 212_992;
/// Least of a send buffer (`SOCK_MIN_SNDBUF`).
const LEAST_SEND_BUFFER: u32 = 4608;
/// Least of a receive buffer (`SOCK_MIN_RCVBUF`).
const LEAST_RECEIVE_BUFFER: u32 = 2304;
/// A timeout that never comes.
const FOREVER: u64 = u64::MAX;

bitflags::bitflags! {
    /// Options that are on or off.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Switches: u32 {
        /// `SO_DEBUG`.
        const DEBUG = 1 << 0;
        /// `SO_REUSEADDR`: an address that is going away may be bound to.
        const REUSE_ADDRESS = 1 << 1;
        /// `SO_REUSEPORT`: an address may be shared.
        const REUSE_PORT = 1 << 2;
        /// `SO_DONTROUTE`: no gateway.
        const DONT_ROUTE = 1 << 3;
        /// `SO_BROADCAST`: may send to everybody.
        const BROADCAST = 1 << 4;
        /// `SO_KEEPALIVE`: an idle peer is asked whether it is there.
        const KEEP_ALIVE = 1 << 5;
        /// `SO_OOBINLINE`: urgent data stays in its place.
        const OOB_INLINE = 1 << 6;
        /// `SO_PASSCRED`: messages tell who sent them.
        const PASS_CREDENTIALS = 1 << 7;
    }
}

/// Which option is which switch.
const SWITCHES: [(SocketOption, Switches); 8] = [
    (SocketOption::Debug, Switches::DEBUG),
    (SocketOption::ReuseAddr, Switches::REUSE_ADDRESS),
    (SocketOption::ReusePort, Switches::REUSE_PORT),
    (SocketOption::DontRoute, Switches::DONT_ROUTE),
    (SocketOption::Broadcast, Switches::BROADCAST),
    (SocketOption::KeepAlive, Switches::KEEP_ALIVE),
    (SocketOption::OobInline, Switches::OOB_INLINE),
    (SocketOption::PassCred, Switches::PASS_CREDENTIALS),
];

fn switch_of(option: SocketOption) -> Option<Switches> {
    SWITCHES.iter().find(|(of, _)| *of == option).map(|&(_, switch)| switch)
}

/// What a socket is, and its options of `SOL_SOCKET`.
#[derive(Debug)]
pub struct Common {
    /// Its family.
    pub family: Family,
    /// What it carries.
    pub kind: SocketType,
    /// The protocol within the family; 0 where there is but one.
    pub protocol: i32,
    switches: AtomicU32,
    send_buffer: AtomicU32,
    receive_buffer: AtomicU32,
    send_timeout: AtomicU64,
    receive_timeout: AtomicU64,
    receive_low: AtomicI32,
    /// Seconds and one; 0 is off.
    linger: AtomicU64,
    priority: AtomicI32,
    mark: AtomicU32,
}

/// How long an operation may wait, in nanoseconds; `None` is as long as it takes.
pub type Patience = Option<u64>;

fn patience(word: &AtomicU64) -> Patience {
    Some(word.load(Ordering::Relaxed)).filter(|&ns| ns != FOREVER)
}

impl Common {
    /// A socket's, with buffers of these many bytes (as `SO_SNDBUF` and `SO_RCVBUF` will tell).
    pub fn new(family: Family, kind: SocketType, protocol: i32, [send, receive]: [u32; 2]) -> Self {
        Self {
            family,
            kind,
            protocol,
            switches: AtomicU32::new(0),
            send_buffer: AtomicU32::new(send),
            receive_buffer: AtomicU32::new(receive),
            send_timeout: AtomicU64::new(FOREVER),
            receive_timeout: AtomicU64::new(FOREVER),
            receive_low: AtomicI32::new(1),
            linger: AtomicU64::new(0),
            priority: AtomicI32::new(0),
            mark: AtomicU32::new(0),
        }
    }

    /// Sets `switch` as it is in `other`.
    pub fn copy_switch(&self, other: &Self, switch: Switches) {
        self.turn(switch, other.is_on(switch));
    }

    fn turn(&self, switch: Switches, on: bool) {
        if on {
            self.switches.fetch_or(switch.bits(), Ordering::Relaxed);
        } else {
            self.switches.fetch_and(!switch.bits(), Ordering::Relaxed);
        }
    }

    /// The same options once more: a connection begins with its listener's (accept(2)).
    #[must_use]
    pub fn inherited(&self) -> Self {
        fn copy(word: &AtomicU32) -> AtomicU32 {
            AtomicU32::new(word.load(Ordering::Relaxed))
        }
        fn copy_long(word: &AtomicU64) -> AtomicU64 {
            AtomicU64::new(word.load(Ordering::Relaxed))
        }
        Self {
            switches: copy(&self.switches),
            send_buffer: copy(&self.send_buffer),
            receive_buffer: copy(&self.receive_buffer),
            send_timeout: copy_long(&self.send_timeout),
            receive_timeout: copy_long(&self.receive_timeout),
            receive_low: AtomicI32::new(self.receive_low.load(Ordering::Relaxed)),
            linger: copy_long(&self.linger),
            priority: AtomicI32::new(self.priority.load(Ordering::Relaxed)),
            mark: copy(&self.mark),
            ..*self
        }
    }

    /// Whether all of `switches` are on.
    pub fn is_on(&self, switches: Switches) -> bool {
        Switches::from_bits_retain(self.switches.load(Ordering::Relaxed)).contains(switches)
    }

    /// Bytes that may wait to be sent (`SO_SNDBUF`).
    pub fn send_buffer(&self) -> usize {
        self.send_buffer.load(Ordering::Relaxed) as usize
    }

    /// Bytes that may wait to be read (`SO_RCVBUF`).
    pub fn receive_buffer(&self) -> usize {
        self.receive_buffer.load(Ordering::Relaxed) as usize
    }

    /// How long sending, and connecting, waits (`SO_SNDTIMEO`).
    pub fn send_patience(&self) -> Patience {
        patience(&self.send_timeout)
    }

    /// How long receiving, and accepting, waits (`SO_RCVTIMEO`).
    pub fn receive_patience(&self) -> Patience {
        patience(&self.receive_timeout)
    }

    /// Bytes below which a stream is not readable (`SO_RCVLOWAT`).
    pub fn receive_low(&self) -> usize {
        usize::try_from(self.receive_low.load(Ordering::Relaxed)).unwrap_or(1)
    }

    /// How many seconds closing waits for what has not been sent (`SO_LINGER`): 0 throws it away, `None` leaves it to be sent.
    pub fn linger(&self) -> Option<u32> {
        u32::try_from(self.linger.load(Ordering::Relaxed).checked_sub(1)?).ok()
    }

    /// Whether each send is a message of its own.
    pub fn keeps_records(&self) -> bool {
        self.kind != SocketType::Stream
    }

    /// Sets `option`.
    fn set(&self, io: &Io<'_>, option: SocketOption, value: &[u8]) -> Result<(), Errno> {
        let number: i32 = first(value)?;
        if let Some(switch) = switch_of(option) {
            self.turn(switch, number != 0);
            return Ok(());
        }
        let privileged = io.identity().effective.uid == 0;
        let check = |allowed: bool| if allowed { Ok(()) } else { Err(Errno::EPERM) };
        // A negative size is a large one (socket(7), Linux `sock_set_rcvbuf`).
        let asked = number.cast_unsigned();
        let doubled =
            |asked: u32, least: u32| asked.min(i32::MAX.cast_unsigned() / 2).saturating_mul(2).max(least);
        match option {
            SocketOption::SendBuffer => {
                self.send_buffer.store(doubled(asked.min(MOST_BUFFER), LEAST_SEND_BUFFER), Ordering::Relaxed);
            }
            SocketOption::ReceiveBuffer => {
                let bytes = doubled(asked.min(MOST_BUFFER), LEAST_RECEIVE_BUFFER);
                self.receive_buffer.store(bytes, Ordering::Relaxed);
            }
            SocketOption::SendBufferForce => {
                check(privileged)?;
                self.send_buffer
                    .store(doubled(number.max(0).cast_unsigned(), LEAST_SEND_BUFFER), Ordering::Relaxed);
            }
            SocketOption::ReceiveBufferForce => {
                check(privileged)?;
                let bytes = doubled(number.max(0).cast_unsigned(), LEAST_RECEIVE_BUFFER);
                self.receive_buffer.store(bytes, Ordering::Relaxed);
            }
            SocketOption::SendTimeout => self.send_timeout.store(timeout(value)?, Ordering::Relaxed),
            SocketOption::ReceiveTimeout => self.receive_timeout.store(timeout(value)?, Ordering::Relaxed),
            SocketOption::ReceiveLowAt => {
                let bytes = if number < 0 { i32::MAX } else { number.max(1) };
                self.receive_low.store(bytes, Ordering::Relaxed);
            }
            SocketOption::Linger => {
                let linger: Linger = first(value)?;
                let seconds = u64::from(linger.l_linger.cast_unsigned());
                self.linger.store(if linger.l_onoff == 0 { 0 } else { seconds + 1 }, Ordering::Relaxed);
            }
            SocketOption::Priority => {
                check(privileged || (0..=6).contains(&number))?;
                self.priority.store(number, Ordering::Relaxed);
            }
            SocketOption::Mark => {
                check(privileged)?;
                self.mark.store(asked, Ordering::Relaxed);
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// The value of `option`.
    fn get(&self, option: SocketOption) -> Option<Vec<u8>> {
        if let Some(switch) = switch_of(option) {
            return Some(bytes(&i32::from(self.is_on(switch))));
        }
        Some(match option {
            SocketOption::Type => bytes(&self.kind.raw()),
            SocketOption::Domain => bytes(&self.family.raw()),
            SocketOption::Protocol => bytes(&self.protocol),
            SocketOption::SendBuffer => bytes(&self.send_buffer.load(Ordering::Relaxed)),
            SocketOption::ReceiveBuffer => bytes(&self.receive_buffer.load(Ordering::Relaxed)),
            SocketOption::SendTimeout => bytes(&Timeval::from_ns(self.send_patience().unwrap_or(0))),
            SocketOption::ReceiveTimeout => bytes(&Timeval::from_ns(self.receive_patience().unwrap_or(0))),
            SocketOption::ReceiveLowAt => bytes(&self.receive_low.load(Ordering::Relaxed)),
            SocketOption::SendLowAt => bytes(&1i32),
            SocketOption::Linger => bytes(&match self.linger() {
                Some(seconds) => Linger { l_onoff: 1, l_linger: seconds.cast_signed() },
                None => Linger::default(),
            }),
            SocketOption::Priority => bytes(&self.priority.load(Ordering::Relaxed)),
            SocketOption::Mark => bytes(&self.mark.load(Ordering::Relaxed)),
            _ => return None,
        })
    }
}

/// The value that `bytes` begin with.
///
/// # Errors
/// `EINVAL` when they are too few.
pub fn first<T: FromBytes>(bytes: &[u8]) -> Result<T, Errno> {
    T::read_from_prefix(bytes).map(|(value, _)| value).map_err(|_| Errno::EINVAL)
}

/// The bytes of a value.
pub fn bytes<T: IntoBytes + Immutable>(value: &T) -> Vec<u8> {
    value.as_bytes().to_vec()
}

/// A timeout as programs set it (Linux `sock_set_timeout`): none at all is none, a negative one has passed.
fn timeout(value: &[u8]) -> Result<u64, Errno> {
    let time: Timeval = first(value)?;
    if !(0..1_000_000).contains(&time.tv_usec) {
        return Err(Errno::EDOM);
    }
    match (u64::try_from(time.tv_sec), time.tv_usec.cast_unsigned()) {
        (Err(_), _) => Ok(0),
        (Ok(0), 0) => Ok(FOREVER),
        (Ok(seconds), micros) => Ok(seconds.saturating_mul(1_000_000_000).saturating_add(micros * 1000)),
    }
}

/// setsockopt(2) on `socket`.
///
/// # Errors
/// `ENOPROTOOPT`, `EINVAL`, `EDOM`, `EPERM`; the socket's.
pub fn set(socket: &dyn Socket, io: &Io<'_>, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
    let Some(option) = common_option(level, name) else { return socket.set_option(io, level, name, value) };
    match socket.common().set(io, option, value) {
        Err(Errno::ENOPROTOOPT) => socket.set_option(io, level, name, value),
        answer => answer.map(|()| socket.option_changed(option)),
    }
}

/// getsockopt(2) on `socket`: the whole value.
///
/// # Errors
/// `ENOPROTOOPT`; the socket's.
pub fn get(socket: &dyn Socket, level: i32, name: i32) -> Result<Vec<u8>, Errno> {
    let Some(option) = common_option(level, name) else { return socket.option(level, name) };
    match option {
        SocketOption::Error => Ok(bytes(&socket.take_error().map_or(0, Errno::raw))),
        SocketOption::AcceptConn => Ok(bytes(&i32::from(socket.is_listening()))),
        SocketOption::PeerCred => Ok(bytes(&socket.peer_credentials())),
        _ => socket.common().get(option).map_or_else(|| socket.option(level, name), Ok),
    }
}

/// The option of `SOL_SOCKET`, if it is one that has a name here.
fn common_option(level: i32, name: i32) -> Option<SocketOption> {
    (level == Level::Socket.raw()).then(|| SocketOption::try_from(name).ok()).flatten()
}

#[cfg(test)]
mod tests;
