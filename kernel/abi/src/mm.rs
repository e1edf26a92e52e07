//! Mapped memory: mmap(2), mprotect(2), mremap(2), madvise(2), mlockall(2), membarrier(2).
//!
//! Not here: page tables; [`Prot`] is what the program asks for, not what the hardware is told.

use crate::errno::Errno;
use crate::reg::{choice, from_reg_flags};

/// Bytes in a page.
pub const PAGE_SIZE: usize = 4096;

bitflags::bitflags! {
    /// Protection of pages; none means no access (`PROT_NONE`). mmap(2) ignores unknown bits, mprotect(2) does not.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Prot: u64 {
        /// `PROT_READ`.
        const READ = 0x1;
        /// `PROT_WRITE`.
        const WRITE = 0x2;
        /// `PROT_EXEC`.
        const EXEC = 0x4;
        /// `PROT_SEM`: may hold semaphores; always so.
        const SEM = 0x8;
        /// `PROT_GROWSDOWN`: change down to the start of a growing mapping.
        const GROWSDOWN = 0x0100_0000;
        /// `PROT_GROWSUP`: change up to the end of a growing mapping.
        const GROWSUP = 0x0200_0000;
    }
}

bitflags::bitflags! {
    /// Flags of mmap(2). The four lowest bits say who sees changes: see [`sharing`](Self::sharing).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MapFlags: u64 {
        /// `MAP_SHARED`.
        const SHARED = 0x1;
        /// `MAP_PRIVATE`.
        const PRIVATE = 0x2;
        /// `MAP_SHARED_VALIDATE`: shared, and unknown flags are `EOPNOTSUPP`.
        const SHARED_VALIDATE = 0x3;
        /// `MAP_FIXED`: here, whatever is there goes.
        const FIXED = 0x10;
        /// `MAP_ANONYMOUS`: zeros instead of a file.
        const ANONYMOUS = 0x20;
        /// `MAP_32BIT`: in the low 2 GiB.
        const LOW_32BIT = 0x40;
        /// `MAP_GROWSDOWN`: a stack that grows.
        const GROWSDOWN = 0x100;
        /// `MAP_DENYWRITE`: ignored.
        const DENYWRITE = 0x800;
        /// `MAP_EXECUTABLE`: ignored.
        const EXECUTABLE = 0x1000;
        /// `MAP_LOCKED`: never swapped.
        const LOCKED = 0x2000;
        /// `MAP_NORESERVE`: do not count it.
        const NORESERVE = 0x4000;
        /// `MAP_POPULATE`: with all pages at once.
        const POPULATE = 0x8000;
        /// `MAP_NONBLOCK`: only pages that are there.
        const NONBLOCK = 0x1_0000;
        /// `MAP_STACK`: it will be a stack; no effect.
        const STACK = 0x2_0000;
        /// `MAP_HUGETLB`: reserved huge pages.
        const HUGETLB = 0x4_0000;
        /// `MAP_SYNC`: for persistent memory.
        const SYNC = 0x8_0000;
        /// `MAP_FIXED_NOREPLACE`: here, or `EEXIST`.
        const FIXED_NOREPLACE = 0x10_0000;
        /// The bits that hold the logarithm of the huge page size.
        const HUGE_SIZE = 0x3f << 26;
    }
}

/// Who sees changes to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Everybody who maps the file, and the file.
    Shared,
    /// Nobody else.
    Private,
}

impl MapFlags {
    /// `MAP_TYPE`: the bits of the sharing.
    pub const TYPE: u64 = 0xf;

    /// Who sees changes. [`SHARED_VALIDATE`](Self::SHARED_VALIDATE) counts as shared.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if the bits say neither; [`Errno::EOPNOTSUPP`] if they ask for validation and a flag is
    /// unknown.
    pub fn sharing(self) -> Result<Sharing, Errno> {
        match self.bits() & Self::TYPE {
            1 => Ok(Sharing::Shared),
            2 => Ok(Sharing::Private),
            3 if Self::all().contains(self) => Ok(Sharing::Shared),
            3 => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }
}

bitflags::bitflags! {
    /// Flags of mremap(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MremapFlags: u64 {
        /// `MREMAP_MAYMOVE`: it may move.
        const MAYMOVE = 1;
        /// `MREMAP_FIXED`: it must move to the new address.
        const FIXED = 2;
        /// `MREMAP_DONTUNMAP`: zeros stay behind.
        const DONTUNMAP = 4;
    }
}

bitflags::bitflags! {
    /// Flags of msync(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MsyncFlags: u32 {
        /// `MS_ASYNC`: soon.
        const ASYNC = 1;
        /// `MS_INVALIDATE`: other copies are stale.
        const INVALIDATE = 2;
        /// `MS_SYNC`: now.
        const SYNC = 4;
    }
}

bitflags::bitflags! {
    /// Flags of mlock2(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Mlock2Flags: u32 {
        /// `MLOCK_ONFAULT`: pages as they are touched.
        const ONFAULT = 1;
    }
}

bitflags::bitflags! {
    /// Flags of mlockall(2); none is `EINVAL`, as is `ONFAULT` alone.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MlockallFlags: u32 {
        /// `MCL_CURRENT`: what is mapped.
        const CURRENT = 1;
        /// `MCL_FUTURE`: what will be mapped.
        const FUTURE = 2;
        /// `MCL_ONFAULT`: pages as they are touched.
        const ONFAULT = 4;
    }
}

from_reg_flags! {
    // mmap ignores unknown bits; mprotect says `prot.known()?`.
    retain Prot;
    // Refused only on request: MapFlags::sharing.
    retain MapFlags;
    reject MremapFlags;
    reject MsyncFlags;
    reject Mlock2Flags;
    reject MlockallFlags;
}

choice! {
    /// Advice of madvise(2).
    pub enum Advice: i32, else EINVAL {
        /// `MADV_NORMAL`.
        Normal = 0,
        /// `MADV_RANDOM`.
        Random = 1,
        /// `MADV_SEQUENTIAL`.
        Sequential = 2,
        /// `MADV_WILLNEED`.
        WillNeed = 3,
        /// `MADV_DONTNEED`: give the pages back; private ones read as zeros.
        DontNeed = 4,
        /// `MADV_FREE`: the pages may be taken until written again.
        Free = 8,
        /// `MADV_REMOVE`: punch a hole into the shared object.
        Remove = 9,
        /// `MADV_DONTFORK`.
        DontFork = 10,
        /// `MADV_DOFORK`.
        DoFork = 11,
        /// `MADV_MERGEABLE`.
        Mergeable = 12,
        /// `MADV_UNMERGEABLE`.
        Unmergeable = 13,
        /// `MADV_HUGEPAGE`.
        HugePage = 14,
        /// `MADV_NOHUGEPAGE`.
        NoHugePage = 15,
        /// `MADV_DONTDUMP`.
        DontDump = 16,
        /// `MADV_DODUMP`.
        DoDump = 17,
        /// `MADV_WIPEONFORK`.
        WipeOnFork = 18,
        /// `MADV_KEEPONFORK`.
        KeepOnFork = 19,
        /// `MADV_COLD`.
        Cold = 20,
        /// `MADV_PAGEOUT`.
        PageOut = 21,
        /// `MADV_POPULATE_READ`: as if read.
        PopulateRead = 22,
        /// `MADV_POPULATE_WRITE`: as if written.
        PopulateWrite = 23,
        /// `MADV_DONTNEED_LOCKED`: as `DontNeed`, locked pages too.
        DontNeedLocked = 24,
        /// `MADV_COLLAPSE`: make huge pages now.
        Collapse = 25,
    }
}

choice! {
    /// Commands of membarrier(2).
    pub enum MembarrierCommand: i32, else EINVAL {
        /// `MEMBARRIER_CMD_QUERY`: which ones are there.
        Query = 0,
        /// `MEMBARRIER_CMD_GLOBAL`.
        Global = 1,
        /// `MEMBARRIER_CMD_GLOBAL_EXPEDITED`.
        GlobalExpedited = 2,
        /// `MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED`.
        RegisterGlobalExpedited = 4,
        /// `MEMBARRIER_CMD_PRIVATE_EXPEDITED`.
        PrivateExpedited = 8,
        /// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED`.
        RegisterPrivateExpedited = 16,
        /// `MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE`.
        PrivateExpeditedSyncCore = 32,
        /// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE`.
        RegisterPrivateExpeditedSyncCore = 64,
    }
}

#[cfg(test)]
mod tests;
