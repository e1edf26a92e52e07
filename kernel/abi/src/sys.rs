//! The system as a whole: uname(2), sysinfo(2), getrandom(2), and the auxiliary vector of getauxval(3).
//!
//! Not here: what the answers are.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use crate::reg::from_reg_flags;

/// Bytes of a field of [`Utsname`], terminating zero included.
pub const UTSNAME_LEN: usize = 65;

/// `struct new_utsname`: zero-terminated strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Utsname {
    /// Name of the kernel.
    pub sysname: [u8; UTSNAME_LEN],
    /// Name of the machine in the network.
    pub nodename: [u8; UTSNAME_LEN],
    /// Release of the kernel.
    pub release: [u8; UTSNAME_LEN],
    /// Version of the kernel.
    pub version: [u8; UTSNAME_LEN],
    /// Kind of machine.
    pub machine: [u8; UTSNAME_LEN],
    /// NIS domain name.
    pub domainname: [u8; UTSNAME_LEN],
}

impl Default for Utsname {
    /// Six empty strings.
    fn default() -> Self {
        Self::new_zeroed()
    }
}

impl Utsname {
    /// A string as a field: cut to 64 bytes, filled with zeros.
    #[must_use]
    pub fn field(text: &str) -> [u8; UTSNAME_LEN] {
        let mut field = [0; UTSNAME_LEN];
        for (to, from) in field.iter_mut().take(UTSNAME_LEN - 1).zip(text.bytes()) {
            *to = from;
        }
        field
    }
}

/// `struct sysinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sysinfo {
    /// Seconds since boot.
    pub uptime: i64,
    /// Load of 1, 5, 15 minutes in units of 1/65,536.
    pub loads: [u64; 3],
    /// Usable memory, in units of `mem_unit`.
    pub totalram: u64,
    /// Free memory.
    pub freeram: u64,
    /// Shared memory.
    pub sharedram: u64,
    /// Memory of buffers.
    pub bufferram: u64,
    /// Swap space.
    pub totalswap: u64,
    /// Free swap space.
    pub freeswap: u64,
    /// Threads.
    pub procs: u16,
    /// Always zero.
    pub pad0: [u16; 3],
    /// High memory, of 32-bit machines only.
    pub totalhigh: u64,
    /// Free high memory.
    pub freehigh: u64,
    /// Bytes of one unit.
    pub mem_unit: u32,
    /// Always zero.
    pub pad1: u32,
}

bitflags::bitflags! {
    /// Flags of getrandom(2); `RANDOM` with `INSECURE` is `EINVAL` too.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct GetrandomFlags: u32 {
        /// `GRND_NONBLOCK`: `EAGAIN` instead of waiting for entropy.
        const NONBLOCK = 1;
        /// `GRND_RANDOM`: as /dev/random.
        const RANDOM = 2;
        /// `GRND_INSECURE`: never wait, even without entropy.
        const INSECURE = 4;
    }
}

from_reg_flags! {
    reject GetrandomFlags;
}

/// One entry of the auxiliary vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AuxEntry {
    /// What it is: one of [`aux`].
    pub a_type: u64,
    /// A number or an address.
    pub a_val: u64,
}

/// Types of entries of the auxiliary vector.
pub mod aux {
    /// End of the vector.
    pub const AT_NULL: u64 = 0;
    /// Address of the program headers.
    pub const AT_PHDR: u64 = 3;
    /// Bytes of one program header.
    pub const AT_PHENT: u64 = 4;
    /// Number of program headers.
    pub const AT_PHNUM: u64 = 5;
    /// Bytes of a page.
    pub const AT_PAGESZ: u64 = 6;
    /// Address of the dynamic linker.
    pub const AT_BASE: u64 = 7;
    /// Flags, always zero.
    pub const AT_FLAGS: u64 = 8;
    /// Address of the program's entry.
    pub const AT_ENTRY: u64 = 9;
    /// Real user id.
    pub const AT_UID: u64 = 11;
    /// Effective user id.
    pub const AT_EUID: u64 = 12;
    /// Real group id.
    pub const AT_GID: u64 = 13;
    /// Effective group id.
    pub const AT_EGID: u64 = 14;
    /// Address of the name of the machine.
    pub const AT_PLATFORM: u64 = 15;
    /// What the CPU can do: cpuid leaf 1, edx.
    pub const AT_HWCAP: u64 = 16;
    /// Ticks in a second of times(2).
    pub const AT_CLKTCK: u64 = 17;
    /// Should it distrust its environment?
    pub const AT_SECURE: u64 = 23;
    /// Address of 16 random bytes.
    pub const AT_RANDOM: u64 = 25;
    /// What else the CPU can do.
    pub const AT_HWCAP2: u64 = 26;
    /// Address of the path of the program.
    pub const AT_EXECFN: u64 = 31;
    /// Address of the vDSO.
    pub const AT_SYSINFO_EHDR: u64 = 33;
    /// Smallest alternate signal stack, in bytes.
    pub const AT_MINSIGSTKSZ: u64 = 51;
}
