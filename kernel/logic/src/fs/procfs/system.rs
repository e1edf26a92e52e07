//! `/proc` outside the process, `/proc/sys`, and the parts of `/sys` that programs read.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use abi::errno::Errno;

use super::{Facts, Subject};
use crate::fs::synthetic::{Made, Table, Target};
use crate::mm::vma::MOST_AREAS;

/// `/proc/mounts`.
pub(super) const MOUNTS: &str = "tmpfs / tmpfs rw,relatime 0 0\ndevtmpfs /dev devtmpfs rw,nosuid,relatime 0 0\n\
    proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nsysfs /sys sysfs ro,nosuid,nodev,noexec,relatime 0 0\n";
/// `/proc/self/mountinfo`.
pub(super) const MOUNTINFO: &str = "1 0 0:1 / / rw,relatime - tmpfs tmpfs rw\n\
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

/// The entries of `/proc`, but for the process by its ID.
pub(super) const PROC: Table<Subject> = &[
    (b"self", Made::Leads(|of| says(format!("{}", of.facts.pid())))),
    (b"thread-self", Made::Leads(|of| says(format!("{}/task/{}", of.facts.pid(), of.facts.tid())))),
    (b"cpuinfo", Made::File(|of| cpuinfo(&*of.facts))),
    (b"filesystems", Made::Text("nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\nnodev\tsysfs\nnodev\tpipefs\n")),
    (b"loadavg", Made::File(|of| load_average(&*of.facts))),
    (b"meminfo", Made::File(|of| meminfo(&*of.facts))),
    (b"mounts", Made::Link(b"self/mounts")),
    (b"stat", Made::File(|of| stat(&*of.facts))),
    (
        b"sys",
        Made::Directory(&[
            (
                b"fs",
                Made::Directory(&[
                    // 2^63 - 1, as Linux has it.
                    (b"file-max", Made::Text("9223372036854775807\n")),
                    (b"nr_open", Made::Text("1048576\n")),
                    (b"pipe-max-size", Made::File(|_| line(crate::file::pipe::MOST_CAPACITY))),
                ]),
            ),
            (
                b"kernel",
                Made::Directory(&[
                    (b"hostname", Made::File(|of| [&*of.facts.host_name(), b"\n"].concat())),
                    (b"ngroups_max", Made::Text("65536\n")),
                    (b"osrelease", Made::File(|of| line(of.facts.release()))),
                    (b"ostype", Made::Text("Linux\n")),
                    (b"pid_max", Made::Text("4194304\n")),
                    (
                        b"random",
                        Made::Directory(&[
                            (b"boot_id", Made::File(|of| line(&of.boot_id))),
                            (b"entropy_avail", Made::Text("256\n")),
                            (b"uuid", Made::File(|of| line(uuid(&*of.facts)))),
                        ]),
                    ),
                    (b"threads-max", Made::Text("4194304\n")),
                ]),
            ),
            (b"net", Made::Directory(&[(b"core", Made::Directory(&[(b"somaxconn", Made::Text("4096\n"))]))])),
            (
                b"vm",
                Made::Directory(&[
                    (b"max_map_count", Made::File(|_| line(MOST_AREAS))),
                    (b"overcommit_memory", Made::Text("2\n")),
                ]),
            ),
        ]),
    ),
    (b"sysrq-trigger", Made::Inode(super::trigger::inode)),
    (b"uptime", Made::File(|of| uptime(&*of.facts))),
    (
        b"version",
        Made::File(|of| line(format_args!("Linux version {} (caracal) #1 SMP", of.facts.release()))),
    ),
];

/// The entries of `/sys`.
pub(super) const SYS: Table<Subject> = &[
    (
        b"devices",
        Made::Directory(&[(
            b"system",
            Made::Directory(&[(
                b"cpu",
                Made::Directory(&[(b"online", CPUS), (b"possible", CPUS), (b"present", CPUS)]),
            )]),
        )]),
    ),
    (
        b"kernel",
        Made::Directory(&[(
            b"mm",
            Made::Directory(&[(
                b"transparent_hugepage",
                Made::Directory(&[
                    (b"enabled", Made::Text("[always] madvise never\n")),
                    (b"hpage_pmd_size", Made::Text("2097152\n")),
                ]),
            )]),
        )]),
    ),
];

/// The numbers of the CPUs.
const CPUS: Made<Subject> = Made::File(|of| line(cpu_list(of.facts.cpus().len())));

fn says(text: String) -> Result<Target, Errno> {
    Ok(Target { text: text.into_bytes(), inode: None })
}

fn load_average(facts: &dyn Facts) -> Vec<u8> {
    let threads = facts.threads();
    let running = threads.iter().filter(|thread| thread.state == 'R').count();
    line(format_args!("0.00 0.00 0.00 {running}/{} {}", threads.len(), facts.threads_created()))
}

fn uptime(facts: &dyn Facts) -> Vec<u8> {
    let up = facts.uptime_ns();
    let idle = (up * facts.cpus().len() as u64).saturating_sub(facts.cpu_time_ns());
    let shown = |ns: u64| format!("{}.{:02}", ns / 1_000_000_000, ns / 10_000_000 % 100);
    line(format_args!("{} {}", shown(up), shown(idle)))
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

/// A random identifier (RFC 9562).
pub(super) fn uuid(facts: &dyn Facts) -> String {
    let mut bytes = [0; 16];
    facts.fill_random(&mut bytes);
    // Version 4, variant 10.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}
