//! `/proc/<pid>` and `/proc/<pid>/task/<tid>`.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write as _;

use abi::errno::Errno;
use abi::reg::Fd;
use abi::task::CLOCK_TICKS;

use super::{Source, Subject, Thread, number, parse};
use crate::fs::inode::Inode;
use crate::fs::synthetic::{Fixed, Listing, Made, MadeDirectory, MadeFile, MadeLink, Table};

const PAGE: u64 = 4096;
const KIB: u64 = 1024;

/// The directory of the process (`name` is its main thread's ID) or, found by name only, of another thread (proc(5)).
pub(super) fn directory(
    parent: &Arc<MadeDirectory>,
    name: &[u8],
    subject: &Subject,
) -> Result<Arc<dyn Inode>, Errno> {
    let tid = parse(name).ok_or(Errno::ENOENT)?;
    let is_there = tid == subject.facts.pid() || is_thread(&subject.facts, tid);
    is_there.then(|| of_thread(parent, name, subject, tid, PROCESS)).ok_or(Errno::ENOENT)
}

fn is_thread(facts: &Source, tid: u32) -> bool {
    facts.threads().iter().any(|thread| thread.tid == tid)
}

fn of_thread(
    parent: &Arc<MadeDirectory>,
    name: &[u8],
    subject: &Subject,
    tid: u32,
    table: Table<Subject>,
) -> Arc<dyn Inode> {
    parent.inner(name, Box::new(Fixed::new(table, Subject { tid, ..subject.clone() })))
}

/// The threads.
#[derive(Debug)]
struct Tasks(Subject);

impl Listing for Tasks {
    fn names(&self) -> Vec<Vec<u8>> {
        self.0.facts.threads().iter().map(|thread| number(thread.tid)).collect()
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        let tid = parse(name).filter(|&tid| is_thread(&self.0.facts, tid)).ok_or(Errno::ENOENT)?;
        Ok(of_thread(directory, name, &self.0, tid, THREAD))
    }
}

/// What is in the directory of a process.
const PROCESS: Table<Subject> = &[
    (b"cgroup", Made::Text("0::/\n")),
    (b"cmdline", Made::File(|of| of.facts.command_line())),
    (b"comm", Made::File(|of| [&*find(&of.facts, of.tid).name, b"\n"].concat())),
    (b"cwd", Made::Leads(|of| of.facts.working_directory())),
    (b"environ", Made::File(|of| of.facts.environment())),
    (b"exe", Made::Leads(|of| of.facts.executable())),
    (b"fd", Made::Listed(|of| Box::new(Descriptors(Arc::clone(&of.facts))))),
    (b"fdinfo", Made::Listed(|of| Box::new(DescriptorStates(Arc::clone(&of.facts))))),
    (b"limits", Made::File(|of| limits(&of.facts))),
    (b"maps", Made::File(|of| maps(&of.facts))),
    (b"mountinfo", Made::Text(super::system::MOUNTINFO)),
    (b"mounts", Made::Text(super::system::MOUNTS)),
    (b"oom_score", Made::Text("0\n")),
    (b"root", Made::Link(b"/")),
    (b"stat", Made::File(|of| stat(&of.facts, of.tid))),
    (b"statm", Made::File(|of| statm(&of.facts))),
    (b"status", Made::File(|of| status(&of.facts, of.tid))),
    (b"task", Made::Listed(|of| Box::new(Tasks(of.clone())))),
];

/// What is in the directory of a thread: the same without `task`.
const THREAD: Table<Subject> = PROCESS.split_at(PROCESS.len() - 1).0;

fn find(facts: &Source, tid: u32) -> Thread {
    let gone = Thread { tid, name: Vec::new(), state: 'X', cpu_time_ns: 0 };
    facts.threads().into_iter().find(|thread| thread.tid == tid).unwrap_or(gone)
}

/// Open descriptors, as links to what they stand for.
#[derive(Debug)]
struct Descriptors(Source);

fn fd_names(facts: &Source) -> Vec<Vec<u8>> {
    facts.descriptors().iter().map(|fd| format!("{fd}").into_bytes()).collect()
}

fn fd_of(facts: &Source, name: &[u8]) -> Result<Fd, Errno> {
    let fd = parse(name).and_then(|number| i32::try_from(number).ok()).map(Fd).ok_or(Errno::ENOENT)?;
    facts.descriptor_state(fd).map(|_| fd)
}

impl Listing for Descriptors {
    fn names(&self) -> Vec<Vec<u8>> {
        fd_names(&self.0)
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        let (facts, fd) = (Arc::clone(&self.0), fd_of(&self.0, name)?);
        Ok(MadeLink::inode(directory, name, Box::new(move || facts.descriptor(fd))))
    }
}

/// Positions and flags of open descriptors.
#[derive(Debug)]
struct DescriptorStates(Source);

impl Listing for DescriptorStates {
    fn names(&self) -> Vec<Vec<u8>> {
        fd_names(&self.0)
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        let (position, flags) = self.0.descriptor_state(fd_of(&self.0, name)?)?;
        let text = format!("pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t1\n").into_bytes();
        Ok(MadeFile::inode(directory, name, Box::new(move || text.clone())))
    }
}

/// The names and units of `/proc/<pid>/limits`, in the order of the resource numbers.
const LIMITS: [(&str, &str); 16] = [
    ("Max cpu time", "seconds"),
    ("Max file size", "bytes"),
    ("Max data size", "bytes"),
    ("Max stack size", "bytes"),
    ("Max core file size", "bytes"),
    ("Max resident set", "bytes"),
    ("Max processes", "processes"),
    ("Max open files", "files"),
    ("Max locked memory", "bytes"),
    ("Max address space", "bytes"),
    ("Max file locks", "locks"),
    ("Max pending signals", "signals"),
    ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""),
    ("Max realtime priority", ""),
    ("Max realtime timeout", "us"),
];

fn limits(facts: &Source) -> Vec<u8> {
    let mut text = format!("{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    let shown = |value: u64| if value == u64::MAX { String::from("unlimited") } else { format!("{value}") };
    for ((name, unit), (soft, hard)) in LIMITS.iter().zip(facts.limits()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<25} {:<20} {:<20} {unit:<10}", shown(soft), shown(hard));
    }
    text.into_bytes()
}

fn maps(facts: &Source) -> Vec<u8> {
    let mut text = Vec::new();
    for map in facts.maps() {
        let letter = |on: bool, letter: char| if on { letter } else { '-' };
        let [read, write, execute] = map.access;
        let access = [letter(read, 'r'), letter(write, 'w'), letter(execute, 'x')];
        let sharing = if map.is_shared { 's' } else { 'p' };
        let line = format!(
            "{:08x}-{:08x} {}{}{}{sharing} {:08x} 00:00 0 ",
            map.start, map.end, access[0], access[1], access[2], map.offset
        );
        text.extend_from_slice(line.as_bytes());
        if !map.name.is_empty() {
            text.resize(text.len() + 73_usize.saturating_sub(line.len()), b' ');
            text.extend_from_slice(&map.name);
        }
        text.push(b'\n');
    }
    text
}

fn ticks(ns: u64) -> u64 {
    ns / (1_000_000_000 / CLOCK_TICKS)
}

fn stat(facts: &Source, tid: u32) -> Vec<u8> {
    let (thread, memory, count) = (find(facts, tid), facts.memory(), facts.threads().len());
    let cpu_time = if tid == facts.pid() { facts.cpu_time_ns() } else { thread.cpu_time_ns };
    let name = String::from_utf8_lossy(&thread.name).into_owned();
    // Fields 1 to 24 of proc(5); the rest are zero, as for a process whose addresses are not shown.
    let mut text = format!(
        "{tid} ({name}) {} 0 {pid} {pid} 0 -1 0 0 0 0 0 {} 0 0 0 20 0 {count} 0 0 {} {}",
        thread.state,
        ticks(cpu_time),
        memory.mapped,
        memory.resident / PAGE,
        pid = facts.pid(),
    );
    for _ in 25..=52 {
        text.push_str(" 0");
    }
    text.push('\n');
    text.into_bytes()
}

fn statm(facts: &Source) -> Vec<u8> {
    let memory = facts.memory();
    let pages = memory.mapped / PAGE;
    format!("{pages} {} 0 0 0 {pages} 0\n", memory.resident / PAGE).into_bytes()
}

fn status(facts: &Source, tid: u32) -> Vec<u8> {
    let (thread, memory, count) = (find(facts, tid), facts.memory(), facts.threads().len());
    let ([uid, euid, suid], [gid, egid, sgid]) = facts.ids();
    let state = if thread.state == 'R' { "R (running)" } else { "S (sleeping)" };
    let cpus = facts.cpus().len();
    let mask = if cpus >= 64 { u64::MAX } else { (1 << cpus) - 1 };
    format!(
        "Name:\t{}\nUmask:\t0022\nState:\t{state}\nTgid:\t{pid}\nNgid:\t0\nPid:\t{tid}\nPPid:\t0\nTracerPid:\t0\n\
         Uid:\t{uid}\t{euid}\t{suid}\t{euid}\nGid:\t{gid}\t{egid}\t{sgid}\t{egid}\nFDSize:\t{}\nGroups:\t\n\
         VmPeak:\t{mapped:>8} kB\nVmSize:\t{mapped:>8} kB\nVmLck:\t{:>8} kB\nVmHWM:\t{:>8} kB\nVmRSS:\t{:>8} kB\n\
         VmData:\t{mapped:>8} kB\nVmSwap:\t{:>8} kB\nThreads:\t{count}\nSeccomp:\t0\n\
         Cpus_allowed:\t{mask:x}\nCpus_allowed_list:\t{}\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
        String::from_utf8_lossy(&thread.name),
        facts.descriptors().len().next_multiple_of(64),
        memory.locked / KIB,
        memory.peak_resident / KIB,
        memory.resident / KIB,
        0,
        super::system::cpu_list(cpus),
        pid = facts.pid(),
        mapped = memory.mapped / KIB,
    )
    .into_bytes()
}
