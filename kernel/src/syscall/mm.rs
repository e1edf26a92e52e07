//! Memory: mmap(2), munmap(2), mprotect(2), mremap(2), madvise(2), brk(2), msync(2), mlock(2), membarrier(2).

use alloc::sync::Arc;

use abi::errno::Errno;
use abi::flags::Only as _;
use abi::mm::Sharing;
use abi::prelude::*;
use logic::mm::vma::{Access, PAGE};

use crate::arch::smp;
use crate::mm::map::{Discard, Place, Source};

use super::Ctx;
use super::context::AROUND;

/// Whole pages that hold `length` bytes; an overflow is more memory than there is.
fn pages(length: usize) -> Result<u64, Errno> {
    (length as u64).checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)
}

fn aligned(address: usize) -> Result<u64, Errno> {
    if (address as u64).is_multiple_of(PAGE) { Ok(address as u64) } else { Err(Errno::EINVAL) }
}

fn access(prot: Prot) -> Access {
    Access {
        read: prot.contains(Prot::READ),
        write: prot.contains(Prot::WRITE),
        execute: prot.contains(Prot::EXEC),
    }
}

/// mmap(2): anonymous memory and maps of files.
pub fn sys_mmap(
    cx: &Ctx<'_>,
    addr: UserPtr<u8>,
    len: usize,
    prot: Prot,
    flags: MapFlags,
    fd: Fd,
    offset: usize,
) -> Result<usize, Errno> {
    if !(offset as u64).is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let source = source(cx, flags, prot, fd, offset as u64)?;
    if len == 0 {
        return Err(Errno::EINVAL);
    }
    if flags.contains(MapFlags::HUGETLB) {
        return Err(Errno::ENOMEM);
    }
    let length = pages(len)?;
    let place = if flags.contains(MapFlags::FIXED_NOREPLACE) {
        Place::FixedNoReplace(aligned(addr.addr())?)
    } else if flags.contains(MapFlags::FIXED) {
        Place::Fixed(aligned(addr.addr())?)
    } else {
        Place::Hint(addr.addr() as u64)
    };
    let charged = prot.contains(Prot::WRITE)
        && !flags.intersects(MapFlags::NORESERVE | MapFlags::STACK)
        && !source.is_shared();
    let memory = cx.kernel().memory;
    let address = memory.map(place, length, access(prot), source, charged)?;
    if flags.contains(MapFlags::LOCKED) {
        memory.lock(address, length, true)?;
    }
    if flags.intersects(MapFlags::LOCKED | MapFlags::POPULATE) || memory.locks_new() {
        // What cannot be had now is found later, or reported then.
        let _ = memory.populate(address, length, false);
    }
    Ok(address as usize)
}

fn source(cx: &Ctx<'_>, flags: MapFlags, prot: Prot, fd: Fd, offset: u64) -> Result<Source, Errno> {
    let shared = flags.sharing()?;
    if flags.contains(MapFlags::ANONYMOUS) {
        // One address space: nobody else could see a shared map, so it is the same as a private one.
        return Ok(Source::Anonymous);
    }
    let (shared, writes) = (shared == Sharing::Shared, prot.contains(Prot::WRITE));
    let open = Arc::clone(&*cx.file(fd)?);
    crate::fs::map_file(&cx.process().files, open, offset, cx.kernel().memory, AROUND, shared, writes)
}

/// munmap(2)
pub fn sys_munmap(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize) -> Result<(), Errno> {
    let address = aligned(addr.addr())?;
    let length = pages(len).map_err(|_| Errno::EINVAL)?;
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    cx.kernel().memory.unmap(address, length)
}

/// mprotect(2)
pub fn sys_mprotect(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize, prot: Prot) -> Result<(), Errno> {
    let address = aligned(addr.addr())?;
    let length = pages(len)?;
    if length == 0 {
        return Ok(());
    }
    prot.known()?;
    cx.kernel().memory.protect(address, length, access(prot))
}

/// mremap(2)
pub fn sys_mremap(
    cx: &Ctx<'_>,
    addr: UserPtr<u8>,
    old_len: usize,
    new_len: usize,
    flags: MremapFlags,
    new_addr: UserPtr<u8>,
) -> Result<usize, Errno> {
    flags.known()?;
    let address = aligned(addr.addr())?;
    let (old_length, length) = (pages(old_len)?, pages(new_len)?);
    let may_move = flags.contains(MremapFlags::MAYMOVE);
    let fixed = flags.contains(MremapFlags::FIXED);
    if length == 0 || old_length == 0 || fixed && !may_move || flags.contains(MremapFlags::DONTUNMAP) {
        return Err(Errno::EINVAL);
    }
    let place = if fixed { Some(aligned(new_addr.addr())?) } else { None };
    cx.kernel().memory.remap(address, old_length, length, may_move, place).map(|address| address as usize)
}

/// madvise(2): gives pages back, brings them in, or makes holes in files; what concerns other processes or swapping changes nothing.
pub fn sys_madvise(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize, advice: Advice) -> Result<(), Errno> {
    let address = aligned(addr.addr())?;
    let length = pages(len).map_err(|_| Errno::EINVAL)?;
    let memory = cx.kernel().memory;
    match advice {
        _ if length == 0 => Ok(()),
        Advice::DontNeed => memory.discard(address, length, Discard::Unlocked),
        Advice::DontNeedLocked => memory.discard(address, length, Discard::All),
        Advice::Free => memory.discard(address, length, Discard::Anonymous),
        Advice::Remove => memory.remove(address, length),
        Advice::PopulateRead => memory.populate(address, length, false),
        Advice::PopulateWrite => memory.populate(address, length, true),
        _ if memory.covers(address, length) => Ok(()),
        _ => Err(Errno::ENOMEM),
    }
}

/// brk(2): answers the break, moved or not.
pub fn sys_brk(cx: &Ctx<'_>, addr: UserPtr<u8>) -> Result<usize, Errno> {
    Ok(cx.kernel().memory.set_break(addr.addr() as u64) as usize)
}

/// msync(2): private maps have nothing to write back.
pub fn sys_msync(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize, flags: MsyncFlags) -> Result<(), Errno> {
    flags.known()?;
    if flags.contains(MsyncFlags::SYNC | MsyncFlags::ASYNC) {
        return Err(Errno::EINVAL);
    }
    mapped(cx, addr, len)
}

fn mapped(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize) -> Result<(), Errno> {
    let address = aligned(addr.addr())?;
    if cx.kernel().memory.covers(address, pages(len)?) { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// The whole pages that hold `len` bytes at `addr`: first address and length.
fn around(addr: UserPtr<u8>, len: usize) -> Result<(u64, u64), Errno> {
    let start = addr.addr() as u64 & !(PAGE - 1);
    let length = (addr.addr() as u64 - start).checked_add(len as u64).ok_or(Errno::EINVAL)?;
    let length = length.checked_next_multiple_of(PAGE).ok_or(Errno::EINVAL)?;
    Ok((start, length))
}

/// mlock(2)
pub fn sys_mlock(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize) -> Result<(), Errno> {
    sys_mlock2(cx, addr, len, Mlock2Flags::empty())
}

/// mlock2(2)
pub fn sys_mlock2(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize, flags: Mlock2Flags) -> Result<(), Errno> {
    flags.known()?;
    let (start, length) = around(addr, len)?;
    let memory = cx.kernel().memory;
    memory.lock(start, length, true)?;
    if flags.contains(Mlock2Flags::ONFAULT) {
        return Ok(());
    }
    memory.populate(start, length, false).map_err(|_| Errno::ENOMEM)
}

/// munlock(2)
pub fn sys_munlock(cx: &Ctx<'_>, addr: UserPtr<u8>, len: usize) -> Result<(), Errno> {
    let (start, length) = around(addr, len)?;
    cx.kernel().memory.lock(start, length, false)
}

/// mlockall(2)
pub fn sys_mlockall(cx: &Ctx<'_>, flags: MlockallFlags) -> Result<(), Errno> {
    flags.known()?;
    if flags.difference(MlockallFlags::ONFAULT).is_empty() {
        return Err(Errno::EINVAL);
    }
    let memory = cx.kernel().memory;
    memory.lock_new(flags.contains(MlockallFlags::FUTURE));
    if flags.contains(MlockallFlags::CURRENT) {
        memory.each_area(|area| {
            // Another thread may have unmapped it, and what may not be touched cannot be brought in: neither is an error (mlockall(2)).
            let length = area.end - area.start;
            let _ = memory.lock(area.start, length, true);
            if !flags.contains(MlockallFlags::ONFAULT) {
                let _ = memory.populate(area.start, length, false);
            }
        });
    }
    Ok(())
}

/// munlockall(2)
pub fn sys_munlockall(cx: &Ctx<'_>) -> Result<(), Errno> {
    let memory = cx.kernel().memory;
    memory.lock_new(false);
    memory.each_area(|area| {
        // Another thread may have unmapped it.
        let _ = memory.lock(area.start, area.end - area.start, false);
    });
    Ok(())
}

/// membarrier(2): an interrupt to every CPU, which each answers, is a barrier on all of them; so is stopping to idle.
pub fn sys_membarrier(
    _cx: &Ctx<'_>,
    command: MembarrierCommand,
    flags: u32,
    _cpu: i32,
) -> Result<u32, Errno> {
    use MembarrierCommand::{
        Global, GlobalExpedited, PrivateExpedited, Query, RegisterGlobalExpedited, RegisterPrivateExpedited,
    };
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let served =
        [Global, GlobalExpedited, RegisterGlobalExpedited, PrivateExpedited, RegisterPrivateExpedited];
    match command {
        Query => Ok(served.iter().fold(0, |mask, command| mask | command.raw().cast_unsigned())),
        Global | GlobalExpedited | PrivateExpedited => {
            smp::shootdown(smp::Change::Pages);
            Ok(0)
        }
        RegisterGlobalExpedited | RegisterPrivateExpedited => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}
