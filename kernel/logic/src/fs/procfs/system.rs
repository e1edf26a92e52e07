//! `/proc` outside the process, `/proc/sys`, and the parts of `/sys` that programs read.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::{Facts, Source, fixed_link};
use crate::fs::synthetic::{Fixed, Make, directory, file};
use crate::mm::vma::MOST_AREAS;

/// `/proc/mounts`.
pub(super) const MOUNTS: &[u8] = b"tmpfs / tmpfs rw,relatime 0 0\ndevtmpfs /dev devtmpfs rw,nosuid,relatime 0 0\n\
    proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nsysfs /sys sysfs ro,nosuid,nodev,noexec,relatime 0 0\n";
/// `/proc/self/mountinfo`.
pub(super) const MOUNTINFO: &[u8] = b"1 0 0:1 / / rw,relatime - tmpfs tmpfs rw\n\
    2 1 0:5 / /dev rw,nosuid,relatime - devtmpfs devtmpfs rw\n\
    3 1 0:20 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n\
    4 1 0:21 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro\n";

const KIB: u64 = 1024;

/// `0-3`, or `0` for one CPU.
pub(super) fn cpu_list(cpus: usize) -> String {
    if cpus <= 1 { String::from("0") } else { format!("0-{}", cpus - 1) }
}

fn line(text: impl core::fmt::Display) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}

fn text(
    facts: &Source,
    name: &'static [u8],
    write: impl Fn(&dyn Facts) -> Vec<u8> + Clone + Send + Sync + 'static,
) -> (&'static [u8], Make) {
    let facts = Arc::clone(facts);
    file(name, move || write(&*facts))
}

/// The entries of `/proc` that are not about a process.
pub(super) fn entries(facts: &Source) -> Fixed {
    let sys = Arc::clone(facts);
    Fixed::new(vec![
        text(facts, b"cpuinfo", cpuinfo),
        text(facts, b"filesystems", |_| {
            b"nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\nnodev\tsysfs\nnodev\tpipefs\n".to_vec()
        }),
        text(facts, b"loadavg", |facts| {
            let threads = facts.threads();
            let running = threads.iter().filter(|thread| thread.state == 'R').count();
            line(format_args!("0.00 0.00 0.00 {running}/{} {}", threads.len(), facts.threads_created()))
        }),
        text(facts, b"meminfo", meminfo),
        fixed_link(b"mounts", b"self/mounts"),
        text(facts, b"stat", stat),
        directory(b"sys", move || proc_sys(&sys)),
        super::trigger::entry(facts),
        text(facts, b"uptime", |facts| {
            let (up, idle) = (
                facts.uptime_ns(),
                (facts.uptime_ns() * facts.cpus().len() as u64).saturating_sub(facts.cpu_time_ns()),
            );
            let shown = |ns: u64| format!("{}.{:02}", ns / 1_000_000_000, ns / 10_000_000 % 100);
            line(format_args!("{} {}", shown(up), shown(idle)))
        }),
        text(facts, b"version", |facts| {
            line(format_args!("Linux version {} (caracal) #1 SMP", facts.release()))
        }),
    ])
}

fn cpuinfo(facts: &dyn Facts) -> Vec<u8> {
    let mut text = String::new();
    let cpus = facts.cpus();
    for (number, cpu) in cpus.iter().enumerate() {
        let [family, model, stepping] = cpu.signature;
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "processor\t: {number}\nvendor_id\t: {}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {}\n\
             stepping\t: {stepping}\ncpu MHz\t\t: {}.{:03}\nphysical id\t: 0\nsiblings\t: {count}\ncore id\t\t: {number}\n\
             cpu cores\t: {count}\napicid\t\t: {number}\nfpu\t\t: yes\nflags\t\t: {}\n\n",
            String::from_utf8_lossy(&cpu.vendor),
            String::from_utf8_lossy(&cpu.model_name),
            cpu.khz / 1000,
            cpu.khz % 1000,
            cpu.flags.join(" "),
            count = cpus.len(),
        );
    }
    text.into_bytes()
}

fn meminfo(facts: &dyn Facts) -> Vec<u8> {
    let memory = facts.memory();
    let rows = [
        ("MemTotal", memory.total),
        ("MemFree", memory.free),
        ("MemAvailable", memory.available),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("Active", memory.resident),
        ("Inactive", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", memory.resident),
        ("Mapped", 0),
        ("Shmem", 0),
        ("CommitLimit", memory.total),
        ("Committed_AS", memory.committed),
    ];
    let mut text = String::new();
    for (name, bytes) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<15} {:>8} kB", format!("{name}:"), bytes / KIB);
    }
    text.push_str("Hugepagesize:       2048 kB\n");
    text.into_bytes()
}

fn stat(facts: &dyn Facts) -> Vec<u8> {
    const NS_PER_TICK: u64 = 10_000_000;
    let cpus = facts.cpus().len();
    let user = facts.cpu_time_ns() / NS_PER_TICK;
    let idle = (facts.uptime_ns() / NS_PER_TICK * cpus as u64).saturating_sub(user);
    let mut text = format!("cpu  {user} 0 0 {idle} 0 0 0 0 0 0\n");
    for cpu in 0..cpus as u64 {
        // Which CPU ran what is not kept: the shares are equal.
        let share = |total: u64| total / cpus as u64;
        let _ = writeln!(text, "cpu{cpu} {} 0 0 {} 0 0 0 0 0 0", share(user), share(idle));
    }
    let running = facts.threads().iter().filter(|thread| thread.state == 'R').count();
    let _ = writeln!(
        text,
        "intr 0\nctxt 0\nbtime {}\nprocesses {}\nprocs_running {running}\nprocs_blocked 0",
        facts.boot_time(),
        facts.threads_created()
    );
    text.into_bytes()
}

fn uuid(facts: &dyn Facts) -> String {
    let mut bytes = [0; 16];
    facts.fill_random(&mut bytes);
    // RFC 9562: version 4, variant 10.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}

fn proc_sys(facts: &Source) -> Fixed {
    let (kernel, boot_id) = (Arc::clone(facts), uuid(&**facts));
    Fixed::new(vec![
        directory(b"fs", || {
            Fixed::new(vec![
                file(b"file-max", || line(u64::MAX >> 1)),
                file(b"nr_open", || line(1_048_576)),
                file(b"pipe-max-size", || line(crate::file::pipe::MOST_CAPACITY)),
            ])
        }),
        directory(b"kernel", move || {
            let (facts, boot_id) = (Arc::clone(&kernel), boot_id.clone());
            let random = Arc::clone(&kernel);
            Fixed::new(vec![
                text(&facts, b"hostname", |facts| [&*facts.host_name(), b"\n"].concat()),
                file(b"ngroups_max", || line(65_536)),
                text(&facts, b"osrelease", |facts| line(facts.release())),
                file(b"ostype", || line("Linux")),
                file(b"pid_max", || line(4_194_304)),
                directory(b"random", move || {
                    let boot_id = boot_id.clone();
                    Fixed::new(vec![
                        file(b"boot_id", move || line(&boot_id)),
                        file(b"entropy_avail", || line(256)),
                        text(&random, b"uuid", |facts| line(uuid(facts))),
                    ])
                }),
                file(b"threads-max", || line(4_194_304)),
            ])
        }),
        directory(b"net", || {
            Fixed::new(vec![directory(b"core", || Fixed::new(vec![file(b"somaxconn", || line(4096))]))])
        }),
        directory(b"vm", || {
            Fixed::new(vec![
                file(b"max_map_count", || line(MOST_AREAS)),
                file(b"overcommit_memory", || line(2)),
            ])
        }),
    ])
}

/// The entries of `/sys`.
pub(super) fn sys_entries(facts: &Source) -> Fixed {
    let facts = Arc::clone(facts);
    let cpu = move || {
        let list = move |facts: &dyn Facts| line(cpu_list(facts.cpus().len()));
        Fixed::new(vec![
            text(&facts, b"online", list),
            text(&facts, b"possible", list),
            text(&facts, b"present", list),
        ])
    };
    let system = move || {
        let cpu = cpu.clone();
        Fixed::new(vec![directory(b"cpu", cpu)])
    };
    let devices = move || {
        let system = system.clone();
        Fixed::new(vec![directory(b"system", system)])
    };
    let kernel = || {
        Fixed::new(vec![directory(b"mm", || {
            Fixed::new(vec![directory(b"transparent_hugepage", || {
                Fixed::new(vec![
                    file(b"enabled", || line("[always] madvise never")),
                    file(b"hpage_pmd_size", || line(2_097_152)),
                ])
            })])
        })])
    };
    Fixed::new(vec![directory(b"devices", devices), directory(b"kernel", kernel)])
}
