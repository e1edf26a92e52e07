//! Scheduling attributes: sched_yield(2), sched_setaffinity(2), getpriority(2), sched(7).
//!
//! One policy, `SCHED_OTHER`; a nice value is a share of the CPU (`logic::task::run_queue`).

use core::sync::atomic::Ordering;

use abi::errno::Errno;
use abi::prelude::*;
use logic::task::run_queue::slice_ns;

use crate::arch::{cpu, smp};
use crate::task;

use super::super::Ctx;

/// Bytes of the kernel's CPU mask: 64 CPUs.
const MASK_BYTES: usize = 8;

/// sched_yield(2)
pub fn sys_sched_yield(cx: &Ctx<'_>) -> Result<(), Errno> {
    task::yield_now(cx.vectors_live());
    Ok(())
}

/// sched_setaffinity(2): CPUs that do not exist are ignored; none left is `EINVAL`.
pub fn sys_sched_setaffinity(cx: &Ctx<'_>, pid: Pid, len: u32, mask: UserPtr<u64>) -> Result<(), Errno> {
    let mut bytes = [0u8; MASK_BYTES];
    let given = (len as usize).min(MASK_BYTES);
    cx.read_bytes(mask.cast(), &mut bytes[..given])?;
    let wanted = u64::from_le_bytes(bytes) & smp::online_mask();
    if wanted == 0 {
        return Err(Errno::EINVAL);
    }
    let is_caller = cx.with_thread(Tid(pid.0), |task| {
        task.set_affinity(wanted);
        task.tid == cx.task().tid
    })?;
    if is_caller && wanted & (1 << cpu::id()) == 0 {
        task::yield_now(cx.vectors_live());
    }
    Ok(())
}

/// sched_getaffinity(2): answers the number of bytes written.
pub fn sys_sched_getaffinity(cx: &Ctx<'_>, pid: Pid, len: u32, mask: UserPtr<u64>) -> Result<usize, Errno> {
    let len = len as usize;
    if len < MASK_BYTES || !len.is_multiple_of(MASK_BYTES) {
        return Err(Errno::EINVAL);
    }
    let affinity = cx.with_thread(Tid(pid.0), task::Task::affinity)?;
    cx.write_struct(mask, &(affinity & smp::online_mask()))?;
    Ok(MASK_BYTES)
}

/// getpriority(2): 20 minus the nice value, as the system call (not the C function) answers.
pub fn sys_getpriority(cx: &Ctx<'_>, which: PriorityOf, who: i32) -> Result<i32, Errno> {
    let nice = match which {
        PriorityOf::Process => cx.with_thread(Tid(who), |task| task.nice.load(Ordering::Relaxed))?,
        _ => cx.task().nice.load(Ordering::Relaxed),
    };
    Ok(20 - nice)
}

/// setpriority(2)
pub fn sys_setpriority(cx: &Ctx<'_>, which: PriorityOf, who: i32, nice: i32) -> Result<(), Errno> {
    let nice = nice.clamp(-20, 19);
    match which {
        PriorityOf::Process => cx.with_thread(Tid(who), |task| task.nice.store(nice, Ordering::Relaxed)),
        _ => {
            cx.process().with_threads(|threads| {
                threads.iter().for_each(|task| task.nice.store(nice, Ordering::Relaxed));
            });
            Ok(())
        }
    }
}

/// sched_setparam(2)
pub fn sys_sched_setparam(cx: &Ctx<'_>, pid: Pid, param: UserPtr<SchedParam>) -> Result<(), Errno> {
    let param: SchedParam = cx.read_struct(param)?;
    cx.check_thread(Tid(pid.0))?;
    if param.sched_priority == 0 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// sched_getparam(2)
pub fn sys_sched_getparam(cx: &Ctx<'_>, pid: Pid, param: UserPtr<SchedParam>) -> Result<(), Errno> {
    cx.check_thread(Tid(pid.0))?;
    cx.write_struct(param, &SchedParam { sched_priority: 0 })
}

/// sched_setscheduler(2)
pub fn sys_sched_setscheduler(
    cx: &Ctx<'_>,
    pid: Pid,
    policy: SchedPolicy,
    param: UserPtr<SchedParam>,
) -> Result<(), Errno> {
    if *priorities(policy)?.end() > 0 {
        cx.check_thread(Tid(pid.0))?;
        return Err(Errno::EPERM);
    }
    sys_sched_setparam(cx, pid, param)
}

/// sched_getscheduler(2)
pub fn sys_sched_getscheduler(cx: &Ctx<'_>, pid: Pid) -> Result<usize, Errno> {
    cx.check_thread(Tid(pid.0)).map(|()| 0)
}

/// The span of priorities of a policy (sched(7)).
fn priorities(policy: SchedPolicy) -> Result<core::ops::RangeInclusive<usize>, Errno> {
    match policy {
        SchedPolicy::FIFO | SchedPolicy::RR => Ok(1..=99),
        SchedPolicy::OTHER | SchedPolicy::BATCH | SchedPolicy::IDLE | SchedPolicy::DEADLINE => Ok(0..=0),
        _ => Err(Errno::EINVAL),
    }
}

/// sched_get_priority_max(2)
pub fn sys_sched_get_priority_max(_cx: &Ctx<'_>, policy: SchedPolicy) -> Result<usize, Errno> {
    priorities(policy).map(|span| *span.end())
}

/// sched_get_priority_min(2)
pub fn sys_sched_get_priority_min(_cx: &Ctx<'_>, policy: SchedPolicy) -> Result<usize, Errno> {
    priorities(policy).map(|span| *span.start())
}

/// sched_rr_get_interval(2): how long the thread runs while others wait.
pub fn sys_sched_rr_get_interval(cx: &Ctx<'_>, pid: Pid, interval: UserPtr<Timespec>) -> Result<(), Errno> {
    let nice = cx.with_thread(Tid(pid.0), |task| task.nice.load(Ordering::Relaxed))?;
    cx.write_struct(interval, &Timespec { tv_sec: 0, tv_nsec: slice_ns(nice).cast_signed() })
}

/// getcpu(2)
pub fn sys_getcpu(
    cx: &Ctx<'_>,
    cpu_number: UserPtr<u32>,
    node: UserPtr<u32>,
    _cache: UserPtr<u8>,
) -> Result<(), Errno> {
    let id = u32::try_from(cpu::id()).unwrap_or(0);
    if !cpu_number.is_null() {
        cx.write_struct(cpu_number, &id)?;
    }
    if !node.is_null() {
        cx.write_struct(node, &0u32)?;
    }
    Ok(())
}
