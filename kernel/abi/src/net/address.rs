//! Socket addresses as they lie in memory: ip(7), ipv6(7), unix(7).

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// Bytes of the address family that every address starts with.
pub const FAMILY_BYTES: usize = 2;
/// Bytes of a `struct sockaddr_in6` of RFC 2133, which has no scope; Linux still takes it.
pub const SOCKADDR_IN6_LEAST: usize = 24;

/// `struct sockaddr_in`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SockaddrIn {
    /// [`Family::Inet`](super::Family::Inet).
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
    /// [`Family::Inet6`](super::Family::Inet6).
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
    /// [`Family::Unix`](super::Family::Unix).
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

/// `struct sockaddr_storage`: room for every address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(8))]
pub struct SockaddrStorage {
    /// The family.
    pub ss_family: u16,
    /// The rest.
    pub data: [u8; 126],
}

impl Default for SockaddrStorage {
    /// All zero.
    fn default() -> Self {
        Self::new_zeroed()
    }
}
