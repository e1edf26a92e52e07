//! What ioctl(2) is asked of interfaces: netdevice(7).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of a name with the zero at its end (`IFNAMSIZ`).
pub const NAME: usize = 16;

/// `struct ifreq`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(8))]
pub struct IfReq {
    /// The interface's name, with a zero at its end.
    pub ifr_name: [u8; NAME],
    /// A union of what the requests are about: an address, a number, flags.
    pub ifr_ifru: [u8; 24],
}

/// `struct ifconf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IfConf {
    /// Bytes of the room, and of what was written.
    pub ifc_len: i32,
    /// Padding.
    pub pad: i32,
    /// Where the room is, for [`IfReq`]s; none to ask how much is needed.
    pub ifc_buf: usize,
}
