//! The text is Linux's, and links lead where they say.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::errno::Errno;
use abi::reg::Fd;

use super::{Cpu, Facts, Map, Memory, Request, Source, Thread, new_proc, new_sys};
use crate::file::Io;
use crate::file::io::VecSink;
use crate::fs::inode::{Caller, Home, Inode};
use crate::fs::path::{Last, Walk};
use crate::fs::ramfs::Ramfs;
use crate::fs::synthetic::Target;

#[derive(Debug)]
struct Machine;

impl Facts for Machine {
    fn pid(&self) -> u32 {
        1
    }
    fn tid(&self) -> u32 {
        2
    }
    fn threads(&self) -> Vec<Thread> {
        let thread =
            |tid, name: &[u8]| Thread { tid, name: name.to_vec(), state: 'R', cpu_time_ns: 10_000_000 };
        vec![thread(1, b"main"), thread(2, b"worker")]
    }
    fn ids(&self) -> ([u32; 3], [u32; 3]) {
        ([0; 3], [0; 3])
    }
    fn command_line(&self) -> Vec<u8> {
        b"program\0-x\0".to_vec()
    }
    fn environment(&self) -> Vec<u8> {
        b"A=b\0".to_vec()
    }
    fn executable(&self) -> Result<Target, Errno> {
        Ok(Target { text: b"/bin/program".to_vec(), inode: None })
    }
    fn working_directory(&self) -> Result<Target, Errno> {
        Ok(Target { text: b"/".to_vec(), inode: None })
    }
    fn descriptors(&self) -> Vec<Fd> {
        vec![Fd(0), Fd(5)]
    }
    fn descriptor(&self, fd: Fd) -> Result<Target, Errno> {
        self.descriptor_state(fd).map(|_| Target { text: b"pipe:[1]".to_vec(), inode: None })
    }
    fn descriptor_state(&self, fd: Fd) -> Result<(u64, u32), Errno> {
        if self.descriptors().contains(&fd) { Ok((7, 0o2)) } else { Err(Errno::ENOENT) }
    }
    fn maps(&self) -> Vec<Map> {
        let name = b"/bin/program".to_vec();
        let access = [true, false, true];
        vec![Map { start: 0x20_0000, end: 0x20_1000, access, is_shared: false, offset: 0, name }]
    }
    fn memory(&self) -> Memory {
        Memory { total: 64 << 20, free: 32 << 20, ..Memory::default() }
    }
    fn limits(&self) -> Vec<(u64, u64)> {
        vec![(1024, u64::MAX); 16]
    }
    fn cpu_time_ns(&self) -> u64 {
        20_000_000
    }
    fn cpus(&self) -> Vec<Cpu> {
        let cpu = Cpu {
            vendor: b"V".to_vec(),
            model_name: b"M".to_vec(),
            signature: [6, 1, 2],
            khz: 2_500_123,
            flags: vec!["fpu"],
        };
        vec![cpu; 2]
    }
    fn uptime_ns(&self) -> u64 {
        1_230_000_000
    }
    fn boot_time(&self) -> u64 {
        99
    }
    fn threads_created(&self) -> u64 {
        2
    }
    fn host_name(&self) -> Vec<u8> {
        b"host".to_vec()
    }
    fn release(&self) -> &'static str {
        "6.1.0"
    }
    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0xab);
    }
    fn obey(&self, request: Request) {
        panic!("{request:?}");
    }
}

fn tree() -> Arc<dyn Inode> {
    let node = Ramfs::new_root(1, 0, || (1, 1), abi::time::Timespec::default());
    let root: Arc<dyn Inode> = Arc::clone(&node) as _;
    let facts: Source = Arc::new(Machine);
    let home = |name: &[u8]| Home { directory: Arc::clone(&root), name: Box::from(name) };
    node.bind(b"proc", new_proc(home(b"proc"), &facts)).unwrap();
    node.bind(b"sys", new_sys(home(b"sys"), &facts)).unwrap();
    root
}

fn text(root: &Arc<dyn Inode>, path: &str) -> Result<String, Errno> {
    let caller = Caller::default();
    let inode = Walk { root, caller: &caller }.resolve(root, path.as_bytes(), Last::Follow)?;
    let mut sink = VecSink::new(100_000);
    inode.open(abi::fs::OpenFlags::empty(), &Io::default())?.read_at(&Io::default(), 0, &mut sink)?;
    Ok(String::from_utf8(sink.bytes).unwrap())
}

#[test]
fn texts_are_linuxs() {
    let root = tree();
    let is = |path: &str, expected: &str| assert_eq!(text(&root, path).as_deref(), Ok(expected), "{path}");
    is("/proc/self/cmdline", "program\0-x\0");
    is("/proc/thread-self/comm", "worker\n");
    is("/proc/self/cgroup", "0::/\n");
    is("/proc/uptime", "1.23 2.44\n");
    is("/proc/sys/kernel/osrelease", "6.1.0\n");
    is("/proc/sys/kernel/random/uuid", "abababab-abab-4bab-abab-abababababab\n");
    is("/sys/devices/system/cpu/online", "0-1\n");
    is("/proc/self/fdinfo/5", "pos:\t7\nflags:\t02\nmnt_id:\t1\n");
    let maps = text(&root, "/proc/self/maps").unwrap();
    assert_eq!(maps, alloc::format!("{:<73}/bin/program\n", "00200000-00201000 r-xp 00000000 00:00 0 "));
    assert!(
        text(&root, "/proc/meminfo")
            .unwrap()
            .starts_with("MemTotal:          65536 kB\nMemFree:           32768 kB\n")
    );
    assert_eq!(text(&root, "/proc/self/stat").unwrap().split(' ').count(), 52);
    assert_eq!(text(&root, "/proc/cpuinfo").unwrap().matches("processor\t: ").count(), 2);
    assert!(text(&root, "/proc/self/status").unwrap().contains("Threads:\t2\n"));
}

#[test]
fn names_and_links() {
    let root = tree();
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    let link = |path: &str| walk.resolve(&root, path.as_bytes(), Last::NoFollow)?.read_link();
    assert_eq!(link("/proc/self"), Ok(b"1".to_vec()));
    assert_eq!(link("/proc/thread-self"), Ok(b"1/task/2".to_vec()));
    assert_eq!(link("/proc/self/fd/5"), Ok(b"pipe:[1]".to_vec()));
    assert_eq!(link("/proc/self/fd/4"), Err(Errno::ENOENT));
    assert_eq!(text(&root, "/proc/7/comm"), Err(Errno::ENOENT));
    assert_eq!(text(&root, "/proc/01/comm"), Err(Errno::ENOENT));
    let task = walk.resolve(&root, b"/proc/self/task", Last::Follow).unwrap();
    let mut names = Vec::new();
    task.directory().unwrap().entries(0, &mut |entry| {
        names.push(entry.name.to_vec());
        true
    });
    assert_eq!(names, [&b"."[..], b"..", b"1", b"2"]);
    assert!(crate::fs::inode::is_same(&walk.resolve(&root, b"/proc/..", Last::Follow).unwrap(), &root));
}

/// Writes `keys` to the trigger of a tree of its own.
fn press(keys: &[u8]) -> Result<usize, Errno> {
    let (root, caller) = (tree(), Caller::default());
    let inode = Walk { root: &root, caller: &caller }.resolve(&root, b"/proc/sysrq-trigger", Last::Follow)?;
    let file = inode.open(abi::fs::OpenFlags::WRONLY, &Io::default())?;
    file.write_at(&Io::default(), 0, &mut crate::file::io::SliceSource(keys))
}

#[test]
fn unknown_keys_do_nothing() {
    assert_eq!(press(b""), Ok(0));
    assert_eq!(press(b"\n"), Ok(1));
    // Only the first byte is a key.
    assert_eq!(press(b"xcbo"), Ok(4));
    assert_eq!(text(&tree(), "/proc/sysrq-trigger"), Err(Errno::EIO));
}

#[test]
#[should_panic(expected = "Crash")]
fn a_key_asks_for_a_crash() {
    let _ = press(b"c\n");
}

#[test]
fn keys_and_requests() {
    let known = [(b'c', Request::Crash), (b'b', Request::Reset), (b'o', Request::PowerOff)];
    for key in 0..=u8::MAX {
        let expected = known.iter().find(|(known, _)| *known == key).map(|&(_, request)| request);
        assert_eq!(Request::of(key), expected);
    }
}
