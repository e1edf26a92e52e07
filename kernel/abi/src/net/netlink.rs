//! Messages between programs and the kernel's networking: netlink(7), rtnetlink(7).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `NETLINK_ROUTE`: links, addresses and routes.
pub const NETLINK_ROUTE: i32 = 0;
/// What headers and attributes begin at a multiple of (`NLMSG_ALIGNTO`, `RTA_ALIGNTO`).
pub const ALIGN: usize = 4;

/// `struct sockaddr_nl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrNl {
    /// [`Family::Netlink`](super::Family::Netlink).
    pub nl_family: u16,
    /// Always zero.
    pub nl_pad: u16,
    /// Port; 0 is the kernel.
    pub nl_pid: u32,
    /// Groups, a bit each.
    pub nl_groups: u32,
}

/// `struct nlmsghdr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NlMsgHdr {
    /// Bytes of the message with this header.
    pub nlmsg_len: u32,
    /// What it is: [`kind`].
    pub nlmsg_type: u16,
    /// [`flag`].
    pub nlmsg_flags: u16,
    /// What the program calls it.
    pub nlmsg_seq: u32,
    /// Port of who sent it.
    pub nlmsg_pid: u32,
}

/// What messages are.
pub mod kind {
    /// `NLMSG_ERROR`: an error, or that there is none.
    pub const ERROR: u16 = 2;
    /// `NLMSG_DONE`: the last of several.
    pub const DONE: u16 = 3;
    /// `NLMSG_MIN_TYPE`: those below are about messages.
    pub const FIRST: u16 = 16;
    /// `RTM_NEWLINK`.
    pub const NEW_LINK: u16 = 16;
    /// `RTM_GETLINK`.
    pub const GET_LINK: u16 = 18;
    /// `RTM_NEWADDR`.
    pub const NEW_ADDRESS: u16 = 20;
    /// `RTM_GETADDR`.
    pub const GET_ADDRESS: u16 = 22;
    /// `RTM_NEWROUTE`.
    pub const NEW_ROUTE: u16 = 24;
    /// `RTM_GETROUTE`.
    pub const GET_ROUTE: u16 = 26;
}

/// A message's flags.
pub mod flag {
    /// `NLM_F_REQUEST`: it asks for something.
    pub const REQUEST: u16 = 1;
    /// `NLM_F_MULTI`: one of several, the last of which is `NLMSG_DONE`.
    pub const MULTI: u16 = 2;
    /// `NLM_F_ACK`: success is to be told, too.
    pub const ACK: u16 = 4;
    /// `NLM_F_DUMP`: all there are.
    pub const DUMP: u16 = 0x300;
}

/// `struct ifinfomsg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IfInfoMsg {
    /// Address family.
    pub ifi_family: u8,
    /// Always zero.
    pub pad: u8,
    /// Kind of device: [`arphrd`].
    pub ifi_type: u16,
    /// Its number.
    pub ifi_index: i32,
    /// Flags of netdevice(7): [`iff`].
    pub ifi_flags: u32,
    /// Which of them changed.
    pub ifi_change: u32,
}

/// `struct ifaddrmsg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IfAddrMsg {
    /// Address family.
    pub ifa_family: u8,
    /// Bits that are the network's.
    pub ifa_prefixlen: u8,
    /// `IFA_F_*`.
    pub ifa_flags: u8,
    /// How far it reaches: [`scope`].
    pub ifa_scope: u8,
    /// The link's number.
    pub ifa_index: u32,
}

/// `struct rtmsg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RtMsg {
    /// Address family.
    pub rtm_family: u8,
    /// Bits of the destination.
    pub rtm_dst_len: u8,
    /// Bits of the source.
    pub rtm_src_len: u8,
    /// Type of service.
    pub rtm_tos: u8,
    /// Table: 254 is the main one.
    pub rtm_table: u8,
    /// Who made it.
    pub rtm_protocol: u8,
    /// How far it reaches: [`scope`].
    pub rtm_scope: u8,
    /// What it does: 1 leads to an address.
    pub rtm_type: u8,
    /// `RTM_F_*`.
    pub rtm_flags: u32,
}

/// `struct rtattr`: what stands in front of an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RtAttr {
    /// Bytes of it with this.
    pub rta_len: u16,
    /// What it is.
    pub rta_type: u16,
}

/// Attributes of links.
pub mod ifla {
    /// `IFLA_ADDRESS`: its Ethernet address.
    pub const ADDRESS: u16 = 1;
    /// `IFLA_BROADCAST`: that of all.
    pub const BROADCAST: u16 = 2;
    /// `IFLA_IFNAME`.
    pub const IFNAME: u16 = 3;
    /// `IFLA_MTU`.
    pub const MTU: u16 = 4;
    /// `IFLA_OPERSTATE`: RFC 2863.
    pub const OPERSTATE: u16 = 16;
}

/// Attributes of addresses.
pub mod ifa {
    /// `IFA_ADDRESS`.
    pub const ADDRESS: u16 = 1;
    /// `IFA_LOCAL`: the link's own.
    pub const LOCAL: u16 = 2;
    /// `IFA_LABEL`: the link's name.
    pub const LABEL: u16 = 3;
    /// `IFA_BROADCAST`.
    pub const BROADCAST: u16 = 4;
}

/// Attributes of routes.
pub mod rta {
    /// `RTA_DST`.
    pub const DST: u16 = 1;
    /// `RTA_OIF`: the link's number.
    pub const OIF: u16 = 4;
    /// `RTA_GATEWAY`.
    pub const GATEWAY: u16 = 5;
    /// `RTA_PREFSRC`: the address that packets come from.
    pub const PREFSRC: u16 = 7;
    /// `RTA_TABLE`.
    pub const TABLE: u16 = 15;
}

/// Kinds of devices (`ARPHRD_*`).
pub mod arphrd {
    /// `ARPHRD_ETHER`.
    pub const ETHER: u16 = 1;
    /// `ARPHRD_LOOPBACK`.
    pub const LOOPBACK: u16 = 772;
}

/// A link's flags (netdevice(7)).
pub mod iff {
    /// `IFF_UP`.
    pub const UP: u32 = 1;
    /// `IFF_BROADCAST`.
    pub const BROADCAST: u32 = 2;
    /// `IFF_LOOPBACK`.
    pub const LOOPBACK: u32 = 8;
    /// `IFF_RUNNING`.
    pub const RUNNING: u32 = 0x40;
    /// `IFF_MULTICAST`.
    pub const MULTICAST: u32 = 0x1000;
    /// `IFF_LOWER_UP`: its cable is in.
    pub const LOWER_UP: u32 = 0x10000;
}

/// How far addresses and routes reach.
pub mod scope {
    /// `RT_SCOPE_UNIVERSE`.
    pub const UNIVERSE: u8 = 0;
    /// `RT_SCOPE_LINK`.
    pub const LINK: u8 = 253;
    /// `RT_SCOPE_HOST`.
    pub const HOST: u8 = 254;
}
