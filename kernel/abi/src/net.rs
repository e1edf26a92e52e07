//! Sockets as programs pass them: sendmsg(2) and the addresses of ip(7), ipv6(7), unix(7).
//!
//! Only what the calls' prototypes need today; socket options come with the network.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// `AF_UNSPEC`: no address family.
pub const AF_UNSPEC: u16 = 0;
/// `AF_UNIX`: on this machine, by path.
pub const AF_UNIX: u16 = 1;
/// `AF_INET`: IPv4.
pub const AF_INET: u16 = 2;
/// `AF_INET6`: IPv6.
pub const AF_INET6: u16 = 10;
/// `AF_NETLINK`: the kernel's own.
pub const AF_NETLINK: u16 = 16;

/// `SOCK_STREAM`: a stream of bytes.
pub const SOCK_STREAM: i32 = 1;
/// `SOCK_DGRAM`: datagrams.
pub const SOCK_DGRAM: i32 = 2;
/// `SOCK_RAW`: raw packets.
pub const SOCK_RAW: i32 = 3;
/// `SOCK_SEQPACKET`: a stream of packets.
pub const SOCK_SEQPACKET: i32 = 5;
/// `SOCK_NONBLOCK`: added to a type, never wait.
pub const SOCK_NONBLOCK: i32 = 0o4000;
/// `SOCK_CLOEXEC`: added to a type, close on execve(2).
pub const SOCK_CLOEXEC: i32 = 0o2000000;

/// `struct msghdr` of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MsgHdr {
    /// Address of a socket address, or zero.
    pub msg_name: usize,
    /// Its bytes.
    pub msg_namelen: u32,
    /// Always zero.
    pub pad0: u32,
    /// Address of the buffers: [`IoVec`](crate::io::IoVec).
    pub msg_iov: usize,
    /// How many buffers.
    pub msg_iovlen: usize,
    /// Address of control messages, or zero.
    pub msg_control: usize,
    /// Their bytes.
    pub msg_controllen: usize,
    /// What came to pass.
    pub msg_flags: u32,
    /// Always zero.
    pub pad1: u32,
}

/// `struct mmsghdr`: one message of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MMsgHdr {
    /// The message.
    pub msg_hdr: MsgHdr,
    /// Bytes sent or received.
    pub msg_len: u32,
    /// Always zero.
    pub pad0: u32,
}

/// `struct sockaddr_in`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrIn {
    /// [`AF_INET`].
    pub sin_family: u16,
    /// Port, most significant byte first.
    pub sin_port: [u8; 2],
    /// Address, most significant byte first.
    pub sin_addr: [u8; 4],
    /// Always zero.
    pub sin_zero: [u8; 8],
}

/// `struct sockaddr_in6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrIn6 {
    /// [`AF_INET6`].
    pub sin6_family: u16,
    /// Port, most significant byte first.
    pub sin6_port: [u8; 2],
    /// Flow label, most significant byte first.
    pub sin6_flowinfo: [u8; 4],
    /// Address, most significant byte first.
    pub sin6_addr: [u8; 16],
    /// Interface of link-local addresses.
    pub sin6_scope_id: u32,
}

/// `struct sockaddr_un`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrUn {
    /// [`AF_UNIX`].
    pub sun_family: u16,
    /// Path; a leading zero means an abstract name.
    pub sun_path: [u8; 108],
}

impl Default for SockaddrUn {
    /// All zero.
    fn default() -> Self {
        Self::new_zeroed()
    }
}
