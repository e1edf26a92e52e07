//! Messages as they lie in memory: sendmsg(2), recvmsg(2), cmsg(3), and what control messages hold.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::reg::choice;

/// Most descriptors in one control message (unix(7): `SCM_MAX_FD`).
pub const SCM_MAX_FD: usize = 253;

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
    /// What came to pass: [`MsgFlags`](super::MsgFlags).
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

/// `struct cmsghdr` of the kernel: a control message begins with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CmsgHdr {
    /// Bytes of the message, this header included.
    pub cmsg_len: usize,
    /// [`Level`](super::Level).
    pub cmsg_level: i32,
    /// What it is at this level.
    pub cmsg_type: i32,
}

impl CmsgHdr {
    /// Control messages start at multiples of this (`CMSG_ALIGN`).
    pub const ALIGN: usize = size_of::<usize>();

    /// Bytes that a message with `data` bytes takes in its room (`CMSG_SPACE`).
    #[must_use]
    pub const fn space(data: usize) -> usize {
        (size_of::<Self>() + data).next_multiple_of(Self::ALIGN)
    }
}

choice! {
    /// Control messages of `SOL_SOCKET`.
    pub enum ScmType: i32, else EINVAL {
        /// `SCM_RIGHTS`: descriptors.
        Rights = 1,
        /// `SCM_CREDENTIALS`: who sends.
        Credentials = 2,
        /// `SCM_TIMESTAMP`: when it came, in microseconds.
        Timestamp = 29,
        /// `SCM_TIMESTAMPNS`: when it came, in nanoseconds.
        TimestampNs = 35,
        /// `SCM_TIMESTAMPING`: when it came, by more than one clock.
        Timestamping = 37,
    }
}

/// `struct ucred`: who somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ucred {
    /// Process ID.
    pub pid: i32,
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// `struct in_pktinfo`: where an IPv4 packet came in or goes out (`IP_PKTINFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InPktInfo {
    /// Interface.
    pub ipi_ifindex: i32,
    /// Local address, most significant byte first.
    pub ipi_spec_dst: [u8; 4],
    /// Address in the packet's header.
    pub ipi_addr: [u8; 4],
}

/// `struct ip_mreqn`: a group, and the interface by its address or number (`IP_ADD_MEMBERSHIP`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IpMreqn {
    /// The group, most significant byte first.
    pub imr_multiaddr: [u8; 4],
    /// The interface's address.
    pub imr_address: [u8; 4],
    /// The interface's number.
    pub imr_ifindex: i32,
}

/// `struct ipv6_mreq`: a group and the interface (`IPV6_ADD_MEMBERSHIP`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ipv6Mreq {
    /// The group, most significant byte first.
    pub ipv6mr_multiaddr: [u8; 16],
    /// The interface's number.
    pub ipv6mr_interface: u32,
}

/// `struct in6_pktinfo`: where an IPv6 packet came in or goes out (`IPV6_PKTINFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct In6PktInfo {
    /// Address in the packet's header.
    pub ipi6_addr: [u8; 16],
    /// Interface.
    pub ipi6_ifindex: u32,
}
