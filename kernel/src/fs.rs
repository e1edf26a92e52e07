//! The program's files: the tree with everything bound in its place, the descriptors, the working directory.

mod executable;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::slice;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use abi::errno::Errno;
use abi::fs::{FileType, OpenFlags};
use abi::reg::Fd;
use abi::task::Resource;
use abi::time::Timespec;
use logic::boot::cmdline::{Options, Stdin};
use logic::file::input::Input;
use logic::file::io::SliceSink;
use logic::file::lock::Locks;
use logic::file::open::OpenFile;
use logic::file::stream::{ConsoleTerminal, Stream};
use logic::file::table::FdTable;
use logic::file::{File, Io};
use logic::fs::devfs;
use logic::fs::initrd;
use logic::fs::inode::{Caller, Home, Inode, Metadata, New};
use logic::fs::path::{Last, Walk};
use logic::fs::procfs;
use logic::fs::ramfs::{Node, Ramfs};
use logic::fs::special::HostStream;
use logic::limits::Limits;
use sync::Lock;

use crate::arch::paging::direct;
use crate::boot::BootInfo;
use crate::drivers::serial;
use crate::mm::frames;
use crate::mm::map::PageSource;
use crate::{console, rng, time};

/// Device number of the root file system.
const ROOT_DEVICE: u64 = 1;
/// Inode numbers of the host's streams, far from those of pipes.
const STREAM_NUMBERS: u64 = 1 << 32;

/// Everything about files that belongs to the process.
#[derive(Debug)]
pub struct Files {
    /// What `/` means.
    pub root: Arc<dyn Inode>,
    /// Open descriptors.
    pub table: Lock<FdTable>,
    /// The working directory.
    pub working_directory: Lock<Arc<dyn Inode>>,
    /// File mode creation mask.
    pub umask: AtomicU32,
    /// Locks of open files.
    pub locks: Arc<Lock<Locks>>,
    /// Where files without a name are made.
    pub memory: Arc<Node>,
    /// The program's own file.
    pub executable: Arc<dyn Inode>,
    next_pipe: AtomicU64,
}

impl Files {
    /// The open file that `fd` stands for.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get(&self, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        self.table.lock().get(fd).cloned()
    }

    /// The working directory.
    pub fn working_directory(&self) -> Arc<dyn Inode> {
        Arc::clone(&self.working_directory.lock())
    }

    /// A number for a new pipe.
    pub fn next_pipe(&self) -> u64 {
        self.next_pipe.fetch_add(1, Ordering::Relaxed)
    }

    /// Descriptors stay below `limit` from now on.
    pub fn set_open_file_limit(&self, limit: u64) {
        self.table.lock().set_limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }
}

/// Why the files could not be set up.
pub type MountError = Box<dyn core::fmt::Display>;

fn wall_time() -> Timespec {
    Timespec::from_ns(time::realtime())
}

/// Pages that files could still have, and all.
fn space() -> (u64, u64) {
    (frames::available(), frames::usage().1)
}

/// Builds the tree, `/proc` with what `facts` will tell: what Linux programs expect, then what the archive brings, and the program's file in its place.
///
/// # Errors
/// A malformed archive, or no memory.
pub fn mount(boot: &BootInfo, options: &Options, facts: &procfs::Source) -> Result<Files, MountError> {
    let root = Ramfs::new_root(ROOT_DEVICE, space, wall_time());
    if let Some((start, end)) = boot.initrd {
        initrd::unpack(&root, archive(start, end)).map_err(|error| Box::new(error) as MountError)?;
    }
    let files = lay_out(&root, options, facts).map_err(|errno| Box::new(errno) as MountError)?;
    Ok(files)
}

/// The archive that the boot protocol left in memory.
fn archive(start: u64, end: u64) -> &'static [u8] {
    #[expect(unsafe_code, reason = "the archive lies in memory that is not given out")]
    // SAFETY: mm::init kept the archive's frames out of what is given out and maps them; nobody writes to them.
    unsafe {
        slice::from_raw_parts(direct(start) as *const u8, (end - start) as usize)
    }
}

fn lay_out(root: &Arc<Node>, options: &Options, facts: &procfs::Source) -> Result<Files, Errno> {
    for (name, permissions) in [
        (&b"dev"[..], 0o755),
        (b"etc", 0o755),
        (b"proc", 0o555),
        (b"root", 0o700),
        (b"run", 0o755),
        (b"sys", 0o555),
        (b"tmp", 0o1777),
        (b"var", 0o755),
    ] {
        directory(root, name, permissions)?;
    }
    for (path, text) in DEFAULT_FILES {
        default_file(root, path, text)?;
    }
    let executable = place_executable(root, options)?;
    let root: Arc<dyn Inode> = Arc::clone(root) as _;
    let streams = Streams::new(options);
    bind(&root, b"dev", |home| devfs::new(home, &streams.console, rng::fill, Vec::new()))?;
    bind(&root, b"proc", |home| procfs::new_proc(home, facts))?;
    bind(&root, b"sys", |home| procfs::new_sys(home, facts))?;
    let limit = Limits::default().get(Resource::Nofile).rlim_cur;
    let mut table = FdTable::new(usize::try_from(limit).unwrap_or(usize::MAX));
    streams.open(&root, &mut table)?;
    let caller = Caller::default();
    let walk = Walk { root: &root, caller: &caller };
    let working_directory = walk.resolve(&root, &options.cwd, Last::Follow).inspect_err(|_| {
        log::error!("the working directory {} is not there", options.cwd.escape_ascii());
    })?;
    Ok(Files {
        table: Lock::new(table),
        working_directory: Lock::new(working_directory),
        umask: AtomicU32::new(0o022),
        locks: Arc::new(Lock::new(Locks::new())),
        memory: Ramfs::new_root(ROOT_DEVICE + 1, space, wall_time()),
        executable,
        next_pipe: AtomicU64::new(1),
        root,
    })
}

/// Files that programs look for, unless the archive brings its own.
const DEFAULT_FILES: [(&[u8], &[u8]); 6] = [
    (
        b"etc/passwd",
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    (b"etc/group", b"root:x:0:\nnogroup:x:65534:\nnobody:x:65533:\n"),
    (b"etc/hosts", b"127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
    (b"etc/hostname", b"caracal\n"),
    (b"etc/resolv.conf", b"# No name server: the network is not up.\n"),
    (b"etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n"),
];

fn as_node(inode: Arc<dyn Inode>) -> Result<Arc<Node>, Errno> {
    (inode as Arc<dyn core::any::Any + Send + Sync>).downcast().map_err(|_| Errno::EBUSY)
}

/// The directory `name` in `parent`, made if it is not there.
fn directory(parent: &Arc<Node>, name: &[u8], permissions: u32) -> Result<Arc<Node>, Errno> {
    match parent.directory().ok_or(Errno::ENOTDIR)?.lookup(name) {
        Ok(inode) => as_node(inode),
        Err(_) => {
            let metadata =
                Metadata { modified: wall_time(), ..Metadata::new(0, 0, FileType::Directory, permissions) };
            parent.insert(name, New::Directory, &metadata, b"")
        }
    }
}

fn default_file(root: &Arc<Node>, path: &[u8], text: &'static [u8]) -> Result<(), Errno> {
    let (folder, name) = path.split_at(path.iter().position(|&byte| byte == b'/').unwrap_or(0));
    let folder = directory(root, folder, 0o755)?;
    let metadata = Metadata { modified: wall_time(), ..Metadata::new(0, 0, FileType::Regular, 0o644) };
    match folder.insert(&name[1..], New::Regular, &metadata, text) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Hangs another file system under `name` of the root, in place of an empty directory or beside what the archive brought.
fn bind<T: Inode>(
    root: &Arc<dyn Inode>,
    name: &[u8],
    make: impl FnOnce(Home) -> Arc<T>,
) -> Result<(), Errno> {
    let node = as_node(Arc::clone(root))?;
    let home = Home { directory: Arc::clone(root), name: Box::from(name) };
    node.directory().ok_or(Errno::ENOTDIR)?.remove_directory(name, wall_time())?;
    node.bind(name, make(home))
}

/// Puts the program's file where its first argument says (or into `/bin`), so that what programs find there is what runs.
fn place_executable(root: &Arc<Node>, options: &Options) -> Result<Arc<dyn Inode>, Errno> {
    let argument = options.argv.first().map_or(&b"program"[..], |name| name);
    let name =
        argument.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty()).unwrap_or(b"program");
    let folder = directory(root, b"bin", 0o755)?;
    let home = Home { directory: Arc::clone(&folder) as _, name: Box::from(name) };
    let file: Arc<dyn Inode> = Arc::new(executable::Executable::new(home, wall_time()));
    match folder.bind(name, Arc::clone(&file)) {
        Ok(()) | Err(Errno::EEXIST) => Ok(file),
        Err(errno) => Err(errno),
    }
}

/// The standard streams and the console.
struct Streams {
    console: Arc<dyn File>,
    streams: [Arc<Stream>; 3],
}

impl Streams {
    fn new(options: &Options) -> Self {
        let input = Arc::new(Input::new(options.stdin, Box::new(serial::resume)));
        if options.stdin != Stdin::None {
            let receiver = Arc::clone(&input);
            serial::set_receiver(Box::new(move |byte| receiver.receive(byte)));
        }
        let (columns, rows) = options.window;
        let terminal = Arc::new(ConsoleTerminal::new(columns, rows, Arc::clone(&input)));
        let is_terminal = |fd: usize| options.terminals[fd].then(|| Arc::clone(&terminal));
        let both =
            Stream::new(Some(Arc::clone(&input)), Some(console::write_output), Some(Arc::clone(&terminal)));
        let streams = [
            Arc::new(Stream::new(
                Some(input),
                options.terminals[0].then_some(console::write_output as fn(&[u8])),
                is_terminal(0),
            )),
            Arc::new(Stream::new(None, Some(console::write_output), is_terminal(1))),
            Arc::new(Stream::new(None, Some(console::write_error), is_terminal(2))),
        ];
        Self { console: Arc::new(both), streams }
    }

    /// Opens descriptors 0, 1 and 2.
    fn open(self, root: &Arc<dyn Inode>, table: &mut FdTable) -> Result<(), Errno> {
        let caller = Caller::default();
        let terminal = Walk { root, caller: &caller }.resolve(root, b"/dev/console", Last::Follow)?;
        for (number, stream) in (STREAM_NUMBERS..).zip(self.streams) {
            let is_terminal = stream.is_terminal();
            let reads = number == STREAM_NUMBERS;
            let file: Arc<dyn File> = stream;
            let inode = if is_terminal {
                Arc::clone(&terminal)
            } else {
                Arc::new(HostStream::new(Arc::clone(&file), number)) as _
            };
            let access = match (is_terminal, reads) {
                (true, _) => OpenFlags::RDWR,
                (false, true) => OpenFlags::empty(),
                (false, false) => OpenFlags::WRONLY,
            };
            table.insert(Arc::new(OpenFile::new(file, inode, access)), false, 0)?;
        }
        Ok(())
    }
}

/// A file as mmap(2) sees it.
#[derive(Debug)]
struct MappedFile(Arc<OpenFile>, Arc<dyn Inode>);

impl PageSource for MappedFile {
    fn fill(&self, offset: u64, page: &mut [u8; 4096]) -> Result<(), Errno> {
        if offset >= self.0.file.size() {
            return Err(Errno::ENXIO);
        }
        let mut sink = SliceSink::new(page);
        let io = Io { waker: None, now: wall_time() };
        self.0.file.read_at(&io, offset, &mut sink).map(|_| ())
    }

    fn name(&self) -> Vec<u8> {
        logic::fs::inode::path_of(&self.1, &self.0.inode).unwrap_or_else(|_| self.0.inode.description())
    }

    fn identity(&self) -> usize {
        Arc::as_ptr(&self.0.inode).addr()
    }
}

/// `open` as the source of a map. A shared map that may be written needs pages that the file and the map share, which is not there
/// yet: `ENODEV`, as from a file system without it (mmap(2)).
///
/// # Errors
/// `EACCES` when it is not open for reading, or not for the writing that a shared map wants; `ENODEV` for what is no regular file.
pub fn map_file(
    files: &Files,
    open: Arc<OpenFile>,
    shared: bool,
    write: bool,
) -> Result<Arc<dyn PageSource>, Errno> {
    open.check_read().map_err(|_| Errno::EACCES)?;
    if shared && write {
        open.check_write().map_err(|_| Errno::EACCES)?;
        return Err(Errno::ENODEV);
    }
    if open.inode.metadata().kind != FileType::Regular {
        return Err(Errno::ENODEV);
    }
    Ok(Arc::new(MappedFile(open, Arc::clone(&files.root))))
}
