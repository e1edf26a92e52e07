//! Sockets as programs name them: families, types, flags of socket(2), send(2), recv(2) and shutdown(2).
//!
//! * [`address`] – socket addresses of ip(7), ipv6(7), unix(7).
//! * [`interface`] – what ioctl(2) tells of interfaces.
//! * [`message`] – what sendmsg(2) and recvmsg(2) are given.
//! * [`netlink`] – messages about links, addresses and routes.
//! * [`option`] – levels, names and values of setsockopt(2).

pub mod address;
pub mod interface;
pub mod message;
pub mod netlink;
pub mod option;

use crate::errno::Errno;
use crate::reg::{FromReg, choice, from_reg_flags};

pub use address::{SockaddrIn, SockaddrIn6, SockaddrStorage, SockaddrUn};
pub use message::{CmsgHdr, In6PktInfo, InPktInfo, IpMreqn, Ipv6Mreq, MMsgHdr, MsgHdr, ScmType, Ucred};
pub use option::{IpOption, Ipv6Option, Level, Linger, SocketOption, TcpOption, UdpOption};

/// Longest queue of connections that listen(2) can ask for (`/proc/sys/net/core/somaxconn`).
pub const SOMAXCONN: u32 = 4096;

choice! {
    /// Address families, the domains of socket(2), as far as programs ask for them.
    pub enum Family: i32, else EAFNOSUPPORT {
        /// `AF_UNSPEC`: none.
        Unspecified = 0,
        /// `AF_UNIX`: on this machine, by path.
        Unix = 1,
        /// `AF_INET`: IPv4.
        Inet = 2,
        /// `AF_INET6`: IPv6.
        Inet6 = 10,
        /// `AF_NETLINK`: the kernel's own.
        Netlink = 16,
        /// `AF_PACKET`: frames as they are on the wire.
        Packet = 17,
        /// `AF_VSOCK`: between a machine and its host.
        Vsock = 40,
    }
}

choice! {
    /// What a socket carries.
    pub enum SocketType: i32, else ESOCKTNOSUPPORT {
        /// `SOCK_STREAM`: a stream of bytes.
        Stream = 1,
        /// `SOCK_DGRAM`: datagrams.
        Datagram = 2,
        /// `SOCK_RAW`: raw packets.
        Raw = 3,
        /// `SOCK_RDM`: datagrams that arrive, in any order.
        Reliable = 4,
        /// `SOCK_SEQPACKET`: a stream of packets.
        SeqPacket = 5,
        /// `SOCK_DCCP`: datagrams with congestion control.
        Dccp = 6,
    }
}

bitflags::bitflags! {
    /// What may be added to a type, and the flags of accept4(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SocketFlags: u32 {
        /// `SOCK_NONBLOCK`: never wait.
        const NONBLOCK = 0o4000;
        /// `SOCK_CLOEXEC`: close on execve(2).
        const CLOEXEC = 0o2000000;
    }
}

/// A type with the flags that may be added to it: the second argument of socket(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeAndFlags {
    /// The type's number: what it means is asked after the family.
    pub number: i32,
    /// The flags.
    pub flags: SocketFlags,
}

impl TypeAndFlags {
    /// The bits of the type (`SOCK_TYPE_MASK`).
    const TYPE: u32 = 0xf;
    /// One more than the largest number that a type ever had (`SOCK_MAX`).
    const NUMBERS: i32 = 11;

    /// The type.
    ///
    /// # Errors
    /// `EINVAL` for a number that cannot be one; `ESOCKTNOSUPPORT` for one that is none today.
    pub fn socket_type(self) -> Result<SocketType, Errno> {
        if self.number < Self::NUMBERS { self.number.try_into() } else { Err(Errno::EINVAL) }
    }
}

impl FromReg for TypeAndFlags {
    /// `EINVAL` for flags that are not there.
    fn from_reg(word: u64) -> Result<Self, Errno> {
        let word = u32::from_reg(word)?;
        let flags = SocketFlags::from_bits(word & !Self::TYPE).ok_or(Errno::EINVAL)?;
        Ok(Self { number: (word & Self::TYPE).cast_signed(), flags })
    }
}

bitflags::bitflags! {
    /// Flags of send(2) and recv(2), and what `msg_flags` says of a message.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MsgFlags: u32 {
        /// `MSG_OOB`: urgent data.
        const OOB = 0x1;
        /// `MSG_PEEK`: leave it in the queue.
        const PEEK = 0x2;
        /// `MSG_DONTROUTE`: no gateway.
        const DONTROUTE = 0x4;
        /// `MSG_CTRUNC`: control messages did not fit.
        const CTRUNC = 0x8;
        /// `MSG_TRUNC`: the datagram did not fit; asked for, its real length is the answer.
        const TRUNC = 0x20;
        /// `MSG_DONTWAIT`: `EAGAIN` instead of waiting, this time.
        const DONTWAIT = 0x40;
        /// `MSG_EOR`: the record ends here.
        const EOR = 0x80;
        /// `MSG_WAITALL`: wait until everything is there.
        const WAITALL = 0x100;
        /// `MSG_CONFIRM`: the neighbour is alive.
        const CONFIRM = 0x800;
        /// `MSG_ERRQUEUE`: from the queue of errors.
        const ERRQUEUE = 0x2000;
        /// `MSG_NOSIGNAL`: `EPIPE` without SIGPIPE.
        const NOSIGNAL = 0x4000;
        /// `MSG_MORE`: more comes at once.
        const MORE = 0x8000;
        /// `MSG_WAITFORONE`: of recvmmsg(2): wait for the first message only.
        const WAITFORONE = 0x1_0000;
        /// `MSG_ZEROCOPY`: use the program's pages.
        const ZEROCOPY = 0x400_0000;
        /// `MSG_FASTOPEN`: send with the SYN.
        const FASTOPEN = 0x2000_0000;
        /// `MSG_CMSG_CLOEXEC`: descriptors that come are closed on execve(2).
        const CMSG_CLOEXEC = 0x4000_0000;
    }
}

from_reg_flags! {
    reject SocketFlags;
    // Linux passes over the ones it does not know.
    retain MsgFlags;
}

choice! {
    /// Which half of a connection shutdown(2) ends.
    pub enum Shutdown: i32, else EINVAL {
        /// `SHUT_RD`: nothing is received any more.
        Read = 0,
        /// `SHUT_WR`: nothing is sent any more.
        Write = 1,
        /// `SHUT_RDWR`: neither.
        Both = 2,
    }
}

impl Shutdown {
    /// Whether receiving ends.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Both)
    }

    /// Whether sending ends.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Both)
    }
}

#[cfg(test)]
mod tests;
