//! The machine: uname(2), sysinfo(2), getrandom(2).

use abi::errno::Errno;
use abi::flags::Only as _;
use abi::prelude::*;
use abi::time::NS_PER_SEC;

use crate::mm::frames;
use crate::system::RELEASE;
use crate::{net, rng};

use super::Ctx;

/// uname(2)
pub fn sys_uname(cx: &Ctx<'_>, name: UserPtr<Utsname>) -> Result<(), Errno> {
    let answer = Utsname {
        sysname: Utsname::field("Linux"),
        nodename: Utsname::field(&net::host_name(&cx.kernel().options)),
        release: Utsname::field(RELEASE),
        version: Utsname::field(concat!("#1 Caracal ", env!("CARGO_PKG_VERSION"))),
        machine: Utsname::field("x86_64"),
        domainname: Utsname::field("(none)"),
    };
    cx.write_struct(name, &answer)
}

/// sysinfo(2)
pub fn sys_sysinfo(cx: &Ctx<'_>, info: UserPtr<Sysinfo>) -> Result<(), Errno> {
    let (free, total) = frames::usage();
    let answer = Sysinfo {
        uptime: (cx.now() / NS_PER_SEC).cast_signed(),
        totalram: total * 4096,
        freeram: free * 4096,
        procs: u16::try_from(cx.process().thread_ids().len()).unwrap_or(u16::MAX),
        mem_unit: 1,
        ..Sysinfo::default()
    };
    cx.write_struct(info, &answer)
}

/// getrandom(2): never short, never waits; both kinds are the same here.
pub fn sys_getrandom(
    cx: &Ctx<'_>,
    buf: UserPtr<u8>,
    count: usize,
    flags: GetrandomFlags,
) -> Result<usize, Errno> {
    const MOST: usize = i32::MAX as usize;
    const STEP: usize = 256;
    flags.known()?;
    if flags.contains(GetrandomFlags::RANDOM | GetrandomFlags::INSECURE) {
        return Err(Errno::EINVAL);
    }
    let count = count.min(MOST);
    let mut bytes = [0u8; STEP];
    let mut done = 0;
    while done < count {
        let part = &mut bytes[..STEP.min(count - done)];
        rng::fill(part);
        match cx.write_bytes(buf.byte_offset(done)?, part) {
            Ok(()) => done += part.len(),
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}
