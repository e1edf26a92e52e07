//! User and group IDs: getuid(2), setuid(2), getgroups(2) and their family.
//!
//! The machine belongs to the program, which starts as root. IDs can be given up as on Linux; files check nobody (root owns the
//! machine), but programs that drop privileges see what they expect.

use abi::errno::Errno;
use abi::prelude::*;
use logic::credentials::Credentials;

use super::super::Ctx;

/// Most supplementary groups (`NGROUPS_MAX`).
const MOST_GROUPS: usize = 65_536;

fn read<R>(cx: &Ctx<'_>, pick: impl FnOnce(&Credentials) -> R) -> R {
    pick(&cx.process().credentials.lock())
}

/// getuid(2)
pub fn sys_getuid(cx: &Ctx<'_>) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.user.real))
}

/// geteuid(2)
pub fn sys_geteuid(cx: &Ctx<'_>) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.user.effective))
}

/// getgid(2)
pub fn sys_getgid(cx: &Ctx<'_>) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.group.real))
}

/// getegid(2)
pub fn sys_getegid(cx: &Ctx<'_>) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.group.effective))
}

/// setuid(2): root sets all three, others may go to their real or saved ID.
pub fn sys_setuid(cx: &Ctx<'_>, uid: Uid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.user.set(uid.0, privileged)
}

/// setgid(2)
pub fn sys_setgid(cx: &Ctx<'_>, gid: Gid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.group.set(gid.0, privileged)
}

/// setreuid(2)
pub fn sys_setreuid(cx: &Ctx<'_>, ruid: Uid, euid: Uid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.user.set_real_effective(ruid.0, euid.0, privileged)
}

/// setregid(2)
pub fn sys_setregid(cx: &Ctx<'_>, rgid: Gid, egid: Gid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.group.set_real_effective(rgid.0, egid.0, privileged)
}

/// setresuid(2)
pub fn sys_setresuid(cx: &Ctx<'_>, ruid: Uid, euid: Uid, suid: Uid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.user.set_all([ruid.0, euid.0, suid.0], privileged)
}

/// setresgid(2)
pub fn sys_setresgid(cx: &Ctx<'_>, rgid: Gid, egid: Gid, sgid: Gid) -> Result<(), Errno> {
    let mut credentials = cx.process().credentials.lock();
    let privileged = credentials.user.effective == 0;
    credentials.group.set_all([rgid.0, egid.0, sgid.0], privileged)
}

/// getresuid(2)
pub fn sys_getresuid(
    cx: &Ctx<'_>,
    ruid: UserPtr<u32>,
    euid: UserPtr<u32>,
    suid: UserPtr<u32>,
) -> Result<(), Errno> {
    let user = read(cx, |c| c.user);
    cx.write_struct(ruid, &user.real)?;
    cx.write_struct(euid, &user.effective)?;
    cx.write_struct(suid, &user.saved)
}

/// getresgid(2)
pub fn sys_getresgid(
    cx: &Ctx<'_>,
    rgid: UserPtr<u32>,
    egid: UserPtr<u32>,
    sgid: UserPtr<u32>,
) -> Result<(), Errno> {
    let group = read(cx, |c| c.group);
    cx.write_struct(rgid, &group.real)?;
    cx.write_struct(egid, &group.effective)?;
    cx.write_struct(sgid, &group.saved)
}

/// setfsuid(2): answers the previous ID; files check the effective one, so nothing else changes.
pub fn sys_setfsuid(cx: &Ctx<'_>, _uid: Uid) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.user.effective))
}

/// setfsgid(2)
pub fn sys_setfsgid(cx: &Ctx<'_>, _gid: Gid) -> Result<u32, Errno> {
    Ok(read(cx, |c| c.group.effective))
}

/// getgroups(2)
pub fn sys_getgroups(cx: &Ctx<'_>, count: i32, list: UserPtr<u32>) -> Result<usize, Errno> {
    let groups = read(cx, |c| c.supplementary.clone());
    let room = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    if room == 0 {
        return Ok(groups.len());
    }
    if room < groups.len() {
        return Err(Errno::EINVAL);
    }
    for (index, group) in groups.iter().enumerate() {
        cx.write_struct(list.offset(index)?, group)?;
    }
    Ok(groups.len())
}

/// setgroups(2)
pub fn sys_setgroups(cx: &Ctx<'_>, count: i32, list: UserPtr<u32>) -> Result<(), Errno> {
    if read(cx, |c| c.user.effective) != 0 {
        return Err(Errno::EPERM);
    }
    let count = usize::try_from(count).ok().filter(|&count| count <= MOST_GROUPS).ok_or(Errno::EINVAL)?;
    let groups = (0..count).map(|index| cx.read_struct(list.offset(index)?)).collect::<Result<_, Errno>>()?;
    cx.process().credentials.lock().supplementary = groups;
    Ok(())
}

/// getpgrp(2): the process leads its group.
pub fn sys_getpgrp(_cx: &Ctx<'_>) -> Result<u32, Errno> {
    Ok(crate::process::PID)
}

/// getpgid(2)
pub fn sys_getpgid(cx: &Ctx<'_>, pid: Pid) -> Result<u32, Errno> {
    cx.check_pid(pid).map(|()| crate::process::PID)
}

/// getsid(2)
pub fn sys_getsid(cx: &Ctx<'_>, pid: Pid) -> Result<u32, Errno> {
    cx.check_pid(pid).map(|()| crate::process::PID)
}

/// setsid(2): the process already leads its group.
pub fn sys_setsid(_cx: &Ctx<'_>) -> Result<u32, Errno> {
    Err(Errno::EPERM)
}
