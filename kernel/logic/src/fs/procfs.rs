//! `/proc` and `/sys` (proc(5), sysfs(5)): what std, allocators, back traces and thread pools read there, in Linux's formats.
//!
//! The facts come from the kernel through [`Facts`]; here they are laid out as text.

mod process;
mod system;
mod trigger;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use abi::errno::Errno;
use abi::fs::{PROC_SUPER_MAGIC, SYSFS_MAGIC};
use abi::reg::Fd;

use super::inode::{Home, Inode};
use super::synthetic::{Fixed, Kind, Listing, MadeDirectory, Target};
pub use trigger::Request;

/// Device number of `/proc`.
pub const PROC_DEVICE: u64 = 20;
/// Device number of `/sys`.
pub const SYS_DEVICE: u64 = 21;

/// A thread, for `/proc/self/task`.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its ID.
    pub tid: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// `R` while it runs or could, `S` while it waits.
    pub state: char,
    /// CPU time in nanoseconds.
    pub cpu_time_ns: u64,
}

/// An area of memory, for `/proc/self/maps`.
#[derive(Clone, Debug)]
pub struct Map {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// May be read, written, executed.
    pub access: [bool; 3],
    /// Changes are seen by the file and its other maps.
    pub is_shared: bool,
    /// Byte offset in the file.
    pub offset: u64,
    /// The file, `[heap]`, `[stack]`, or nothing.
    pub name: Vec<u8>,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// RAM.
    pub total: u64,
    /// RAM nobody uses.
    pub free: u64,
    /// Locked (mlock(2)).
    pub locked: u64,
    /// RAM the program could still have.
    pub available: u64,
    /// Address space of the program.
    pub mapped: u64,
    /// Program pages in RAM.
    pub resident: u64,
    /// The most there ever were.
    pub peak_resident: u64,
    /// Promised to the program.
    pub committed: u64,
}

/// A CPU, for `/proc/cpuinfo`.
#[derive(Clone, Debug)]
pub struct Cpu {
    /// Vendor string of CPUID.
    pub vendor: Vec<u8>,
    /// Brand string of CPUID.
    pub model_name: Vec<u8>,
    /// Family, model, stepping.
    pub signature: [u32; 3],
    /// Clock rate in kHz.
    pub khz: u64,
    /// Feature names.
    pub flags: Vec<&'static str>,
}

/// What the kernel knows about itself and the program.
pub trait Facts: Send + Sync + fmt::Debug + 'static {
    /// The process ID.
    fn pid(&self) -> u32;
    /// The calling thread's ID.
    fn tid(&self) -> u32;
    /// Live threads, by ID.
    fn threads(&self) -> Vec<Thread>;
    /// User IDs (real, effective, saved) and group IDs.
    fn ids(&self) -> ([u32; 3], [u32; 3]);
    /// Arguments, each ended by a zero.
    fn command_line(&self) -> Vec<u8>;
    /// Environment, each ended by a zero.
    fn environment(&self) -> Vec<u8>;
    /// The program's file.
    fn executable(&self) -> Result<Target, Errno>;
    /// The working directory.
    fn working_directory(&self) -> Result<Target, Errno>;
    /// Open descriptors.
    fn descriptors(&self) -> Vec<Fd>;
    /// What a descriptor leads to.
    ///
    /// # Errors
    /// `ENOENT` when it is not open.
    fn descriptor(&self, fd: Fd) -> Result<Target, Errno>;
    /// Position and flags of a descriptor.
    ///
    /// # Errors
    /// `ENOENT` when it is not open.
    fn descriptor_state(&self, fd: Fd) -> Result<(u64, u32), Errno>;
    /// Areas, by address.
    fn maps(&self) -> Vec<Map>;
    /// Memory.
    fn memory(&self) -> Memory;
    /// Soft and hard limit of each resource, in the order of getrlimit(2)'s numbers.
    fn limits(&self) -> Vec<(u64, u64)>;
    /// CPU time of the process in nanoseconds.
    fn cpu_time_ns(&self) -> u64;
    /// CPUs.
    fn cpus(&self) -> Vec<Cpu>;
    /// Nanoseconds since boot.
    fn uptime_ns(&self) -> u64;
    /// Seconds from 1970 to boot.
    fn boot_time(&self) -> u64;
    /// Threads started since boot.
    fn threads_created(&self) -> u64;
    /// Host name.
    fn host_name(&self) -> Vec<u8>;
    /// Release of the kernel as uname(2) says it.
    fn release(&self) -> &'static str;
    /// Random bytes.
    fn fill_random(&self, bytes: &mut [u8]);
    /// Does what `/proc/sysrq-trigger` was asked for; the machine does not go on after it.
    fn obey(&self, request: Request);
}

/// The facts, shared by all inodes.
pub type Source = Arc<dyn Facts>;

/// What an entry tells about.
#[derive(Clone, Debug)]
struct Subject {
    facts: Source,
    /// A thread. Where that makes no difference, the first.
    tid: u32,
    /// `/proc/sys/kernel/random/boot_id`.
    boot_id: Arc<str>,
}

/// `/proc`, at `home`.
pub fn new_proc(home: Home, facts: &Source) -> Arc<MadeDirectory> {
    let kind = Kind { device: PROC_DEVICE, magic: PROC_SUPER_MAGIC };
    MadeDirectory::new(kind, 1, Some(home), Box::new(Root(Subject::new(facts))))
}

/// `/sys`, at `home`.
pub fn new_sys(home: Home, facts: &Source) -> Arc<MadeDirectory> {
    let kind = Kind { device: SYS_DEVICE, magic: SYSFS_MAGIC };
    MadeDirectory::new(kind, 1, Some(home), Box::new(Fixed::new(system::SYS, Subject::new(facts))))
}

impl Subject {
    fn new(facts: &Source) -> Self {
        Self { facts: Arc::clone(facts), tid: facts.pid(), boot_id: system::uuid(&**facts).into() }
    }
}

/// The root of `/proc`: the process by its ID, `self`, `thread-self`, and facts about the system.
#[derive(Debug)]
struct Root(Subject);

impl Root {
    fn fixed(&self) -> Fixed<Subject> {
        Fixed::new(system::PROC, self.0.clone())
    }
}

impl Listing for Root {
    fn names(&self) -> Vec<Vec<u8>> {
        core::iter::once(number(self.0.facts.pid())).chain(self.fixed().names()).collect()
    }

    fn get(&self, name: &[u8], directory: &Arc<MadeDirectory>) -> Result<Arc<dyn Inode>, Errno> {
        if name.first().is_some_and(u8::is_ascii_digit) {
            process::directory(directory, name, &self.0)
        } else {
            self.fixed().get(name, directory)
        }
    }
}

fn number(value: u32) -> Vec<u8> {
    alloc::format!("{value}").into_bytes()
}

/// A decimal number without leading zeros.
fn parse(name: &[u8]) -> Option<u32> {
    let value: u32 = core::str::from_utf8(name).ok()?.parse().ok()?;
    (number(value) == name).then_some(value)
}

#[cfg(test)]
mod tests;
