//! Resource limits and usage: getrlimit(2), prlimit(2), getrusage(2), times(2).

use abi::errno::Errno;
use abi::prelude::*;
use abi::task::CLOCK_TICKS;

use crate::task;

use super::super::Ctx;

const NS_PER_TICK: u64 = 1_000_000_000 / CLOCK_TICKS;

/// getrlimit(2)
pub fn sys_getrlimit(cx: &Ctx<'_>, resource: Resource, limit: UserPtr<RLimit>) -> Result<(), Errno> {
    let value = cx.process().limits.lock().get(resource);
    cx.write_struct(limit, &value)
}

/// setrlimit(2)
pub fn sys_setrlimit(cx: &Ctx<'_>, resource: Resource, limit: UserPtr<RLimit>) -> Result<(), Errno> {
    let value: RLimit = cx.read_struct(limit)?;
    set_limit(cx, resource, value)
}

fn set_limit(cx: &Ctx<'_>, resource: Resource, value: RLimit) -> Result<(), Errno> {
    let privileged = cx.process().credentials.lock().user.effective == 0;
    let queued_signals = {
        let mut limits = cx.process().limits.lock();
        limits.set(resource, value, privileged)?;
        limits.queued_signals()
    };
    match resource {
        Resource::Nofile => cx.process().set_open_file_limit(value.rlim_cur),
        Resource::Fsize => cx.process().set_file_size_limit(value.rlim_cur),
        // Kept where interrupts may look: they send signals too.
        Resource::Sigpending => cx.process().signals.lock().most_queued = queued_signals,
        _ => {}
    }
    Ok(())
}

/// prlimit(2), on the one process there is.
pub fn sys_prlimit64(
    cx: &Ctx<'_>,
    pid: Pid,
    resource: Late<Resource>,
    new: UserPtr<RLimit>,
    old: UserPtr<RLimit>,
) -> Result<(), Errno> {
    let resource = resource?;
    cx.check_pid(pid)?;
    let before = cx.process().limits.lock().get(resource);
    if let Some(new) = new.non_null() {
        let value = cx.read_struct(new)?;
        set_limit(cx, resource, value)?;
    }
    match old.non_null() {
        Some(old) => cx.write_struct(old, &before),
        None => Ok(()),
    }
}

/// getrusage(2): CPU time, all of it the program's; other counts are zero.
pub fn sys_getrusage(cx: &Ctx<'_>, who: RUsageWho, usage: UserPtr<RUsage>) -> Result<(), Errno> {
    let cpu_ns = match who {
        RUsageWho::Process => cx.process().cpu_time(),
        RUsageWho::Thread => task::cpu_time(cx.task()),
        RUsageWho::Children => 0,
    };
    let resident_kib = match who {
        RUsageWho::Children => 0,
        _ => cx.kernel().memory.peak_resident_pages() * 4,
    };
    let answer = RUsage {
        ru_utime: Timeval {
            tv_sec: (cpu_ns / 1_000_000_000).cast_signed(),
            tv_usec: (cpu_ns % 1_000_000_000 / 1000).cast_signed(),
        },
        ru_maxrss: resident_kib.cast_signed(),
        ..RUsage::default()
    };
    cx.write_struct(usage, &answer)
}

/// times(2): ticks of 10 ms; answers the ticks since boot.
pub fn sys_times(cx: &Ctx<'_>, buf: UserPtr<Tms>) -> Result<u64, Errno> {
    if let Some(buf) = buf.non_null() {
        let ticks = (cx.process().cpu_time() / NS_PER_TICK).cast_signed();
        cx.write_struct(buf, &Tms { tms_utime: ticks, ..Tms::default() })?;
    }
    Ok(cx.now() / NS_PER_TICK)
}
