//! What `/proc` and `/sys` tell, gathered when somebody reads.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::arch::x86_64::{__cpuid, __cpuid_count};

use abi::errno::Errno;
use abi::reg::Fd;
use abi::task::Resource;
use logic::boot::cmdline::Options;
use logic::file::Io;
use logic::fs::inode::{Inode, path_of};
use logic::fs::procfs::{self, Cpu, Facts, Map, Memory, Request, Thread};
use logic::fs::synthetic::Target;
use logic::mm::frames::FRAME;
use logic::net::inet::resolver;

use crate::arch::{smp, tsc};
use crate::kernel::Kernel;
use crate::mm::frames;
use crate::mm::map::Source;
use crate::process::PID;
use crate::{end, image, net, rng, system, task, time};

/// The facts about this machine; the program is the one `options` name.
pub fn source(options: &Options) -> procfs::Source {
    let joined = |words: &[Vec<u8>]| words.iter().flat_map(|word| word.iter().copied().chain([0])).collect();
    Arc::new(Machine { command_line: joined(&options.argv), environment: joined(&options.env) })
}

/// What `/etc/resolv.conf` tells. Who asks is about to need the network.
///
/// # Errors
/// `EAGAIN` while that is not known; `ENOMEM`.
pub fn resolver(io: &Io<'_>) -> Result<Vec<u8>, Errno> {
    let kernel = Kernel::get();
    let stack = net::stack(kernel.memory, &kernel.options)?;
    resolver::configuration(stack, &kernel.options.network.name_servers, io)
}

/// This machine.
#[derive(Debug)]
struct Machine {
    command_line: Vec<u8>,
    environment: Vec<u8>,
}

fn leads_to(inode: &Arc<dyn Inode>) -> Target {
    let tree = Kernel::get().process.files.tree();
    let text = tree.and_then(|tree| path_of(&tree.root, inode)).unwrap_or_else(|_| inode.description());
    Target { text, inode: Some(Arc::clone(inode)) }
}

impl Facts for Machine {
    fn pid(&self) -> u32 {
        PID
    }

    fn tid(&self) -> u32 {
        task::current().tid
    }

    fn threads(&self) -> Vec<Thread> {
        let process = &Kernel::get().process;
        let describe = |task: Arc<task::Task>| {
            let name = *task.name.lock();
            let length = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
            let state = if task.is_parked() { 'S' } else { 'R' };
            Thread { tid: task.tid, name: name[..length].to_vec(), state, cpu_time_ns: task::cpu_time(&task) }
        };
        process.thread_ids().into_iter().filter_map(|tid| process.thread(tid)).map(describe).collect()
    }

    fn ids(&self) -> ([u32; 3], [u32; 3]) {
        let credentials = Kernel::get().process.credentials.lock();
        let three = |ids: &logic::credentials::Ids| [ids.real, ids.effective, ids.saved];
        (three(&credentials.user), three(&credentials.group))
    }

    fn command_line(&self) -> Vec<u8> {
        self.command_line.clone()
    }

    fn environment(&self) -> Vec<u8> {
        self.environment.clone()
    }

    fn executable(&self) -> Result<Target, Errno> {
        Ok(leads_to(&Kernel::get().process.files.tree()?.executable))
    }

    fn working_directory(&self) -> Result<Target, Errno> {
        Ok(leads_to(&Kernel::get().process.files.working_directory()?))
    }

    fn descriptors(&self) -> Vec<Fd> {
        Kernel::get().process.files.table.lock().descriptors()
    }

    fn descriptor(&self, fd: Fd) -> Result<Target, Errno> {
        let open = Kernel::get().process.files.get(fd).map_err(|_| Errno::ENOENT)?;
        Ok(leads_to(&open.inode))
    }

    fn descriptor_state(&self, fd: Fd) -> Result<(u64, u32), Errno> {
        let open = Kernel::get().process.files.get(fd).map_err(|_| Errno::ENOENT)?;
        Ok((open.position(), open.flags().bits()))
    }

    fn maps(&self) -> Vec<Map> {
        let kernel = Kernel::get();
        let executable = self.executable().map_or_else(|_| Vec::new(), |target| target.text);
        let segment = |(start, end, flags): (u64, u64, u32)| Map {
            start: start & !(FRAME - 1),
            end: end.next_multiple_of(FRAME),
            access: [true, flags & image::WRITE != 0, flags & image::EXECUTE != 0],
            is_shared: false,
            offset: 0,
            name: executable.clone(),
        };
        let mut maps: Vec<Map> = image::segments().map(segment).collect();
        let heap = kernel.memory.break_range();
        kernel.memory.each_area(|area| {
            let (offset, name) = match &area.backing {
                Source::Anonymous if (heap.0..heap.1).contains(&area.start) => (0, b"[heap]".to_vec()),
                Source::Anonymous => (0, Vec::new()),
                Source::File { file, offset } => (*offset, file.name()),
            };
            let access = [area.access.read, area.access.write, area.access.execute];
            let is_shared = area.backing.is_shared();
            maps.push(Map { start: area.start, end: area.end, access, is_shared, offset, name });
        });
        maps
    }

    fn memory(&self) -> Memory {
        let memory = Kernel::get().memory;
        let (free, total) = frames::usage();
        let (resident, peak) = memory.resident_pages();
        Memory {
            total: total * FRAME,
            free: free * FRAME,
            locked: memory.locked_pages() * FRAME,
            available: frames::available() * FRAME,
            mapped: memory.mapped_pages() * FRAME,
            resident: resident * FRAME,
            peak_resident: peak * FRAME,
            committed: memory.charged_pages() * FRAME,
        }
    }

    fn limits(&self) -> Vec<(u64, u64)> {
        let limits = Kernel::get().process.limits.lock();
        Resource::all()
            .map(|resource| limits.get(resource))
            .map(|limit| (limit.rlim_cur, limit.rlim_max))
            .collect()
    }

    fn cpu_time_ns(&self) -> u64 {
        Kernel::get().process.cpu_time()
    }

    fn cpus(&self) -> Vec<Cpu> {
        (0..smp::online()).map(|_| this_cpu()).collect()
    }

    fn uptime_ns(&self) -> u64 {
        time::now()
    }

    fn boot_time(&self) -> u64 {
        (time::realtime() - time::now()) / 1_000_000_000
    }

    fn threads_created(&self) -> u64 {
        task::created()
    }

    fn host_name(&self) -> Vec<u8> {
        net::host_name(&Kernel::get().options).into_bytes()
    }

    fn release(&self) -> &'static str {
        system::RELEASE
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rng::fill(bytes);
    }

    fn obey(&self, request: Request) {
        match request {
            Request::Crash => panic!("asked for through /proc/sysrq-trigger"),
            Request::Reset => end::reset(),
            Request::PowerOff => end::exit(0),
        }
    }
}

/// Feature names of Linux's cpuinfo: leaf 1 edx, leaf 1 ecx, leaf 7 ebx, with their bits.
const FEATURES: [(u32, u8, u32, &str); 24] = [
    (1, 3, 0, "fpu"),
    (1, 3, 4, "tsc"),
    (1, 3, 8, "cx8"),
    (1, 3, 15, "cmov"),
    (1, 3, 23, "mmx"),
    (1, 3, 24, "fxsr"),
    (1, 3, 25, "sse"),
    (1, 3, 26, "sse2"),
    (1, 2, 0, "pni"),
    (1, 2, 1, "pclmulqdq"),
    (1, 2, 9, "ssse3"),
    (1, 2, 12, "fma"),
    (1, 2, 13, "cx16"),
    (1, 2, 19, "sse4_1"),
    (1, 2, 20, "sse4_2"),
    (1, 2, 22, "movbe"),
    (1, 2, 23, "popcnt"),
    (1, 2, 25, "aes"),
    (1, 2, 26, "xsave"),
    (1, 2, 28, "avx"),
    (1, 2, 30, "rdrand"),
    (7, 1, 3, "bmi1"),
    (7, 1, 5, "avx2"),
    (7, 1, 8, "bmi2"),
];

/// What CPUID says; all CPUs of a guest are alike.
fn this_cpu() -> Cpu {
    let text = |words: &[u32]| -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).filter(|&byte| byte != 0).collect()
    };
    let first = __cpuid(0);
    let one = __cpuid(1);
    let seven = if first.eax >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
    let has_brand = __cpuid(0x8000_0000).eax >= 0x8000_0004;
    let brand: Vec<u32> = if has_brand {
        (0x8000_0002..=0x8000_0004)
            .map(__cpuid)
            .flat_map(|leaf| [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx])
            .collect()
    } else {
        Vec::new()
    };
    let word = |leaf: u32, register: u8| match (leaf, register) {
        (1, 3) => one.edx,
        (1, _) => one.ecx,
        _ => seven,
    };
    let flags = FEATURES.iter().filter(|&&(leaf, register, bit, _)| word(leaf, register) & (1 << bit) != 0);
    let base_family = (one.eax >> 8) & 15;
    let family = base_family + if base_family == 15 { (one.eax >> 20) & 0xff } else { 0 };
    let model = (one.eax >> 4) & 15 | if matches!(base_family, 6 | 15) { (one.eax >> 12) & 0xf0 } else { 0 };
    Cpu {
        vendor: text(&[first.ebx, first.edx, first.ecx]),
        model_name: text(&brand),
        signature: [family, model, one.eax & 15],
        khz: tsc::frequency().unwrap_or_else(time::cycles_per_second) / 1000,
        flags: flags.map(|&(_, _, _, name)| name).collect(),
    }
}
